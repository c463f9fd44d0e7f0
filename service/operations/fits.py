"""Fit recurrences, delay by delay."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from service.engine.data import Series
from service.engine.fit import Fit, Problem, fit, solve
from service.engine.types import Array
from service.errors import Invalid, count
from service.figures.formats import PICTURE_FORMATS
from service.operations.downloads import Download, stored_table
from service.operations.job_types import Arrays, ComputationOutput, JobType, StepwiseComputation
from service.operations.limits import Limits
from service.operations.work_estimates import fit_seconds
from service.schemas.fit_results import FitResource, FitResult
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize, ResolvedSeries
from service.schemas.series import StepSchema
from service.store.database import Database
from service.store.rows import ComputationRow

MAX_LOG10_POWER = 150.0  # of |w_rec|^T, whose square must not overflow
PROFILE_ROWS = 300  # of a profile, about
TABLE = ("sequence", "step", "target", "prediction", "low", "high", "residual")
PROFILE = {"w_rec": "profile_w_rec", "cost": "profile_cost"}  # columns, and names of the arrays


def complete(request: FitRequest, dataset: AnyDataset) -> FitRequest:
    """Return the request with the defaults for its kind of data."""
    defaults: dict[str, Any] = {"initial_state": 0.0, "offset": False, "step": StepSchema()}
    if isinstance(dataset, ResolvedSeries):
        step = StepSchema(length=dataset.step.length, unit=dataset.step.unit)
        defaults = {"initial_state": "each", "offset": True, "step": step}
    missing = {name: value for name, value in defaults.items() if getattr(request, name) is None}
    return request.model_copy(update=missing)


def estimate(request: FitRequest, size: DatasetSize, limits: Limits) -> float:
    """Return the estimated seconds of a fit; raises Invalid if it is too large."""
    largest = max(abs(request.w_rec.low), abs(request.w_rec.high))
    if largest > 1.0 and size.n_steps * math.log10(largest) > MAX_LOG10_POWER:
        detail = (
            f"{largest:g} to the power of {size.n_steps} steps exceeds 1e{MAX_LOG10_POWER:g}: "
            "choose a smaller range"
        )
        raise Invalid(detail, "/w_rec")
    if request.initial_state == "each":
        instead = "fit a shared state instead"
        limits.check_json(3 * size.n_samples, "/initial_state", instead)
    if not request.keep:
        instead = "keep the fit, and read its table as CSV"
        limits.check_json(len(TABLE) * size.n_samples * size.n_steps, "/keep", instead)
    n_fits = request.progress_total + (request.progress_total > 1)
    seconds = fit_seconds(size, n_fits, request.range, is_colored=request.noise == "ar1")
    limits.check_job(seconds, "/dataset")
    return seconds


def check(request: FitRequest, dataset: AnyDataset) -> None:
    """Raise Invalid if the data contradict the request."""
    series, options = dataset.series, request.to_options()
    problem = Problem(series, options, options.delay[0])
    has_gaps = len(series.lengths) != 1 or series.n_targets != len(series.targets)
    if request.noise == "ar1" and has_gaps:
        need = "autocorrelated noise (ar1) needs one sequence without missing targets"
        raise Invalid(f"{need}; fit other data with white noise", "/noise")
    if problem.n_targets < problem.n_unknowns:
        delay = max(options.delay)
        after, shorter = (" after the delay", ", or shorten the delay") if delay else ("", "")
        given, unknowns = count(problem.n_targets, "target"), count(problem.n_unknowns, "unknown")
        detail = f"{given}{after} for {unknowns}: add data, fix initial_state or offset{shorter}"
        numbers = {"n_targets": problem.n_targets, "n_unknowns": problem.n_unknowns}
        raise Invalid(detail, "/delay" if delay else "/dataset", **numbers)


class StepwiseFit(StepwiseComputation):
    """A fit in steps, one per delay. Its parts are the costs of the delays.

    The last step is followed by the fit with the best delay.
    """

    def __init__(self, request: FitRequest, dataset: AnyDataset, state: Arrays) -> None:
        self.request, self.dataset = request, dataset
        self.options = request.to_options()
        self.done = int(state["done"][0]) if state else 0
        self.costs: list[float] = []

    @property
    def over(self) -> bool:  # type: ignore[override]
        """Whether the cost of every delay is known."""
        return self.done >= self.request.progress_total

    def step(self) -> None:
        """Find the cost of the next delay."""
        if self.request.progress_total > 1:
            delay = self.options.delay[0] + self.done
            self.costs.append(solve(self.dataset.series, self.options, delay).cost)
        self.done += 1

    def state(self) -> Arrays:
        """Return the number of delays done."""
        return {"done": np.array([self.done])}

    def part(self) -> Arrays:
        """Return the costs found since the previous call."""
        costs, self.costs = self.costs, []
        return {"costs": np.array(costs)} if costs else {}

    def latest(self) -> dict[str, Any]:
        """Return nulls: a fit has no weights before it is finished."""
        return {"weights": None, "cost": None}

    def finish(self, parts: Sequence[Arrays]) -> ComputationOutput:
        """Return the fit with the best delay."""
        costs = [float(cost) for part in parts for cost in part["costs"]]
        result = fit(self.dataset.series, self.options, costs or None)
        profile = dict(zip(PROFILE.values(), result.profile, strict=True))
        response = _describe(self.request, self.dataset.series, result)
        return ComputationOutput(response, result.table | profile, self.request.progress_total)


def _describe(request: FitRequest, series: Series, result: Fit) -> FitResult:
    """Return a fit as a response; most fields have the names that the engine uses."""
    parameters, low, high = result.parameters, request.w_rec.low, request.w_rec.high
    pieces = [
        {**piece._asdict(), "low_open": piece.low <= low, "high_open": piece.high >= high}
        for piece in result.intervals
    ]
    w_rec = {"value": result.w_rec, "standard_error": result.standard_error, "intervals": pieces}
    length = 1.0 if request.step is None else request.step.length
    w_in, gains = map(_estimates, (parameters.w_in, parameters.steady_state_gains))
    offset, states = parameters.offset, parameters.initial_states
    delays = enumerate(result.delay_costs, request.delays[0])
    return FitResult.model_validate(
        vars(result)
        | vars(result.quality)
        | {
            "w_rec": w_rec,
            "time_constant": _to_time(w_rec, length),
            "half_life": _to_time(w_rec, length * math.log(2.0)),
            "inputs": [
                {"name": name, "w_in": weight, "steady_state_gain": gain}
                for name, weight, gain in zip(series.input_names, w_in, gains, strict=True)
            ],
            "target": series.target_name,
            "sequence_names": series.sequence_names or None,
            "offset": None if offset is None else _estimates(offset[None])[0],
            "initial_states": None if states is None else _estimates(states),
            "delay": {
                "value": result.delay,
                "costs": [{"delay": delay, "cost": cost} for delay, cost in delays],
            },
            "log10_cost": math.log10(result.cost) if result.cost > 0.0 else None,
            "rmse": math.sqrt(result.cost),
            "residuals": result.quality,
        }
    )


def _estimates(rows: Array) -> list[dict[str, float]]:
    """Return rows of a value and the ends of its interval."""
    return [dict(zip(("value", "low", "high"), row, strict=True)) for row in rows.tolist()]


def _to_time(w_rec: dict[str, Any], unit: float) -> dict[str, Any]:
    """Return the estimate of the time -unit / log w_rec."""

    def time(w: float) -> float:
        if w <= 0.0:
            return 0.0
        return math.inf if w >= 1.0 else -unit / math.log(w)

    w, value, error = w_rec["value"], math.nan, math.nan
    if 0.0 < w < 1.0:
        value, error = time(w), w_rec["standard_error"] * unit / (w * math.log(w) ** 2)
    intervals = [
        {**piece, "low": time(piece["low"]), "high": time(piece["high"])}
        for piece in w_rec["intervals"]
        if piece["high"] > 0.0 and piece["low"] < 1.0
    ]
    return {"value": value, "standard_error": error, "intervals": intervals}


FIT = JobType(
    kind="fit",
    prefix="fit",
    path="/v1/fits",
    request_model=FitRequest,
    response_model=FitResource,
    files={
        **{suffix: f".{suffix}" for suffix in (*PICTURE_FORMATS, "csv")},
        **{f"profile_{suffix}": f"/profile.{suffix}" for suffix in (*PICTURE_FORMATS, "csv")},
    },
    arrays_field="arrays",
    words={},
    estimate=estimate,
    result_bytes=lambda _, size: 8 * len(TABLE) * size.n_samples * size.n_steps,
    begin=StepwiseFit,
    takes_series=True,
    complete=complete,
    check=check,
)


def fit_csv(row: ComputationRow, database: Database) -> Download:
    """Return the fit at every step as a CSV table."""
    columns, n_rows = {name: name for name in TABLE}, (row.result or {})["n_targets"]
    return stored_table(f"{FIT.path}/{row.id}.csv", row, columns, n_rows, database)


def profile_csv(row: ComputationRow, database: Database) -> Download:
    """Return the profile of a fit as a CSV table."""
    path = f"{FIT.path}/{row.id}/profile.csv"
    return stored_table(path, row, PROFILE, PROFILE_ROWS, database)
