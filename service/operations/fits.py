"""Fit recurrences, delay by delay."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from service.engine.fit import Fit, Problem, find_delay_cost, fit
from service.engine.types import Array
from service.errors import Invalid, LimitExceeded
from service.figures.formats import PICTURE_FORMATS
from service.formats import CSV, write_csv
from service.operations.downloads import Download, resource_etag
from service.operations.job_types import Arrays, ComputationOutput, JobType, StepwiseComputation
from service.operations.limits import Limits
from service.operations.resolve import get_succeeded
from service.operations.work_estimates import fit_seconds
from service.schemas.fit_results import FitResource, FitResult
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize, ResolvedSeries
from service.schemas.series import StepSchema
from service.store import computations
from service.store.database import Database

MAX_INPUTS = 12
MAX_LOG10_POWER = 150.0  # of |w_rec|^T, whose square must not overflow
TABLE = ("sequence", "step", "target", "prediction", "low", "high", "residual")
PROFILE = {"w_rec": "profile_w_rec", "cost": "profile_cost"}  # columns, and names of the arrays


def complete(request: FitRequest, dataset: AnyDataset) -> FitRequest:
    """Return the request with the defaults that people expect for the kind of data."""
    is_series = isinstance(dataset, ResolvedSeries)
    step = StepSchema()
    if isinstance(dataset, ResolvedSeries):
        step = StepSchema(length=dataset.step.length, unit=dataset.step.unit)
    defaults = {"initial_state": "each" if is_series else 0.0, "offset": is_series, "step": step}
    missing = {name: value for name, value in defaults.items() if getattr(request, name) is None}
    return request.model_copy(update=missing)


def estimate(request: FitRequest, size: DatasetSize, limits: Limits) -> float:
    """Return the estimated seconds of a fit; raises Invalid if it is too large."""
    if size.n_inputs > MAX_INPUTS:
        detail = f"there are {size.n_inputs} inputs; the limit for a fit is {MAX_INPUTS}"
        raise LimitExceeded(detail, "/dataset")
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
    seconds = fit_seconds(size, n_fits, is_colored=request.noise == "ar1")
    limits.check_job(seconds, "/dataset")
    return seconds


def check(request: FitRequest, dataset: AnyDataset) -> None:
    """Raise Invalid if the data contradict the request."""
    series, options = dataset.series, request.to_options()
    problem = Problem.from_series(series, options, options.delay[0])
    if request.noise == "ar1":
        steps = sum(len(targets) for targets in series.targets)
        if len(series.targets) != 1 or series.n_targets != steps:
            raise Invalid("ar1 needs one sequence without missing targets", "/noise")
    if problem.n_targets < problem.n_unknowns:
        delay = max(options.delay)
        after, shorter = (" after the delay", ", or shorten the delay") if delay else ("", "")
        detail = (
            f"there are {problem.n_targets} targets{after} for {problem.n_unknowns} unknowns: "
            f"add data, fix initial_state or offset{shorter}"
        )
        raise Invalid(detail, "/delay" if delay else "/dataset")


class StepwiseFit(StepwiseComputation):
    """A fit in steps, one per delay. Its parts are their costs.

    The fit itself follows at the end, with the best delay.
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
            self.costs.append(find_delay_cost(self.dataset.series, self.options, delay))
        self.done += 1

    def state(self) -> Arrays:
        """Return the number of delays that are done."""
        return {"done": np.array([self.done])}

    def part(self) -> Arrays:
        """Return the costs found since the previous call."""
        costs, self.costs = self.costs, []
        return {"costs": np.array(costs)} if costs else {}

    def latest(self) -> dict[str, Any]:
        """Return nulls: a fit has no weights before its end."""
        return {"weights": None, "cost": None}

    def finish(self, parts: Sequence[Arrays]) -> ComputationOutput:
        """Return the fit with the best delay."""
        costs = [float(cost) for part in parts for cost in part["costs"]]
        result = fit(self.dataset.series, self.options, costs or None)
        return _output(self.request, self.dataset, result)


def _output(request: FitRequest, dataset: AnyDataset, result: Fit) -> ComputationOutput:
    columns = {name: result.table[name] for name in TABLE}
    columns |= dict(zip(PROFILE.values(), result.profile, strict=True))
    for name in ("sequence", "step"):
        columns[name] = columns[name].astype(np.int64)
    names, target = dataset.series.input_names, dataset.series.target_name
    response = FitResult.model_validate(_describe(request, names, result) | {"target": target})
    return ComputationOutput(response, columns, request.progress_total)


def _describe(request: FitRequest, names: Sequence[str], result: Fit) -> dict[str, Any]:
    """Return a fit in the shape of the response."""
    model, quality, parameters = result.model, result.quality, result.parameters
    pieces = [
        {
            "low": low,
            "high": high,
            "low_open": low <= request.w_rec.low,
            "high_open": high >= request.w_rec.high,
        }
        for low, high in model.intervals
    ]
    length = 1.0 if request.step is None else request.step.length
    states, low_delay = parameters.initial_states, request.delays[0]
    delays = enumerate(result.delay_costs, low_delay)
    widened = result.trust.widened
    return {
        "w_rec": {
            "value": model.w_rec,
            "standard_error": result.standard_error,
            "intervals": pieces,
        },
        "time_constant": _duration(result, pieces, length),
        "half_life": _duration(result, pieces, length * math.log(2.0)),
        "inputs": [
            {"name": name, "w_in": _estimate(w_in), "steady_state_gain": _estimate(gain)}
            for name, w_in, gain in zip(
                names, parameters.w_in, parameters.steady_state_gains, strict=True
            )
        ],
        "offset": None if parameters.offset is None else _estimate(parameters.offset),
        "initial_states": None if states is None else [_estimate(row) for row in states],
        "delay": {
            "value": model.delay,
            "costs": [{"delay": delay, "cost": cost} for delay, cost in delays],
        },
        "rho": model.rho,
        "cost": result.cost,
        "log10_cost": math.log10(result.cost) if result.cost > 0.0 else None,
        "level": result.level,
        "rmse": math.sqrt(result.cost),
        "r_squared": quality.r_squared,
        "aic": quality.aic,
        "bic": quality.bic,
        "n_targets": result.n_targets,
        "degrees_of_freedom": model.degrees_of_freedom,
        "minima": [{"w_rec": w_rec, "cost": cost} for w_rec, cost in result.minima],
        "unique": result.unique,
        "identifiable": result.identifiable,
        "at_limit": result.at_limit,
        "residuals": quality,
        "trust": {
            "interval": result.trust.interval,
            "reasons": result.trust.reasons,
            "widened": widened and [{"low": low, "high": high} for low, high in widened],
        },
    }


def _estimate(row: Array) -> dict[str, float]:
    value, low, high = row.tolist()
    return {"value": value, "low": low, "high": high}


def _duration(result: Fit, pieces: Sequence[dict[str, Any]], unit: float) -> dict[str, Any]:
    """Return a time that is a multiple of -1 / log w_rec."""

    def time(w_rec: float) -> float:
        if w_rec <= 0.0:
            return 0.0
        return math.inf if w_rec >= 1.0 else -unit / math.log(w_rec)

    w_rec = result.model.w_rec
    value, error = math.nan, math.nan
    if 0.0 < w_rec < 1.0:
        value = time(w_rec)
        error = result.standard_error * unit / (w_rec * math.log(w_rec) ** 2)
    intervals = [
        {**piece, "low": time(piece["low"]), "high": time(piece["high"])}
        for piece in pieces
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


def fit_csv(fit_id: str, database: Database) -> Download:
    """Return the fit at every step as a CSV table; raises NotFound or Conflict."""
    return _download(fit_id, ".csv", {name: name for name in TABLE}, database)


def profile_csv(fit_id: str, database: Database) -> Download:
    """Return the profile of a fit as a CSV table; raises NotFound or Conflict."""
    return _download(fit_id, "/profile.csv", PROFILE, database)


def _download(fit_id: str, file: str, columns: dict[str, str], database: Database) -> Download:
    row = get_succeeded("fit", fit_id, database)
    n_targets = (row.result or {})["n_targets"]
    seconds = len(columns) * CSV.writing_seconds * n_targets
    etag = resource_etag(f"{FIT.path}/{fit_id}{file}", fit_id)
    return Download(etag, seconds, partial(_write, fit_id, columns, database))


def _write(fit_id: str, columns: dict[str, str], database: Database, file: BinaryIO) -> None:
    streams = computations.open_streams(database, fit_id)
    write_csv({column: streams[name] for column, name in columns.items()}, file)
