"""Fit recurrences, delay by delay."""

import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from service.engine.data import Series
from service.engine.fit import (
    Alternative,
    DelayCost,
    Effect,
    Finding,
    Problem,
    Result,
    fit,
    solve_delay,
)
from service.engine.types import Array
from service.errors import Invalid, count
from service.figures.formats import PICTURE_FORMATS
from service.operations.downloads import Download, stored_table
from service.operations.fit_times import add_times_of_steps
from service.operations.job_types import Arrays, ComputationOutput, JobType, StepwiseComputation
from service.operations.limits import Limits
from service.operations.work_estimates import fit_seconds
from service.schemas.fit_results import Alternative as AlternativeSchema
from service.schemas.fit_results import DelayCost as DelayCostSchema
from service.schemas.fit_results import (
    DelayEstimate,
    EffectReport,
    Estimate,
    FitArrays,
    FitResource,
    FitResult,
    InputEstimate,
    PiecewiseEstimate,
    TrustReport,
)
from service.schemas.fit_results import Finding as FindingSchema
from service.schemas.fit_results import Interval as IntervalSchema
from service.schemas.fit_results import Minimum as MinimumSchema
from service.schemas.fit_results import ResidualTests as ResidualTestsSchema
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize, ResolvedSeries
from service.schemas.series import StepSchema
from service.store.database import Database
from service.store.rows import ComputationRow

TEXTS = json.loads(Path(__file__).with_name("fit_texts.json").read_text("utf-8"))
MAX_LOG10_POWER = 150.0  # of |w_rec|^T, whose square must not overflow
PROFILE_ROWS = 300  # of a profile, about
_OF_PROFILE = "profile_"  # the names of its arrays begin with this
TABLE = [name for name in FitArrays.model_fields if not name.startswith(_OF_PROFILE)]
PROFILE = {  # columns, and names of the arrays
    name.removeprefix(_OF_PROFILE): name
    for name in FitArrays.model_fields
    if name.startswith(_OF_PROFILE)
}


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
    seconds = fit_seconds(size, n_fits, is_colored=request.noise == "ar1")
    limits.check_job(seconds, "/dataset")
    return seconds


def check(request: FitRequest, dataset: AnyDataset) -> None:
    """Raise Invalid if the data contradict the request."""
    series, options = dataset.series, request.to_options()
    for name in request.gains:
        if name not in series.input_names:
            known = ", ".join(series.input_names) or "none"
            raise Invalid(f"there is no such input; the inputs are: {known}", f"/gains/{name}")
    problem = Problem(series, options)
    if problem.n_targets < problem.n_unknowns:
        delay = max(options.delay)
        after, shorter = (" after the delay", ", or shorten the delay") if delay else ("", "")
        given, unknowns = count(problem.n_targets, "target"), count(problem.n_unknowns, "unknown")
        detail = f"{given}{after} for {unknowns}: add data, fix initial_state or offset{shorter}"
        raise Invalid(
            detail,
            "/delay" if delay else "/dataset",
            n_targets=problem.n_targets,
            n_unknowns=problem.n_unknowns,
        )


class StepwiseFit(StepwiseComputation):
    """A fit in steps, one per delay. Its parts are the costs of the delays.

    The last step is followed by the fit with the best delay.
    """

    def __init__(self, request: FitRequest, dataset: AnyDataset, state: Arrays) -> None:
        self.request, self.dataset = request, dataset
        self.options = request.to_options()
        self.done = int(state["done"][0]) if state else 0
        self.costs: list[DelayCost] = []

    @property
    def over(self) -> bool:  # type: ignore[override]
        """Whether the cost of every delay is known."""
        return self.done >= self.request.progress_total

    def step(self) -> None:
        """Find the cost of the next delay."""
        if self.request.progress_total > 1:
            delay = self.options.delay[0] + self.done
            self.costs.append(solve_delay(self.dataset.series, self.options, delay))
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
        rows = [row for part in parts for row in part["costs"].tolist()]
        costs = [DelayCost(int(delay), *values) for delay, *values in rows]
        result = fit(self.dataset.series, self.options, delays=costs)
        profile = dict(zip(PROFILE.values(), result.profile_table, strict=True))
        response = _describe(self.request, self.dataset.series, result)
        return ComputationOutput(response, result.table | profile, self.request.progress_total)


def _describe(request: FitRequest, series: Series, result: Result) -> FitResult:
    """Return a fit as a response."""
    parameters = result.parameters
    intervals = _describe_intervals(request, result)
    length = 1.0 if request.step is None else request.step.length
    offset, states = parameters.offset, parameters.initial_states
    level = result.level - result.criterion if result.is_colored else result.level
    return FitResult(
        w_rec=PiecewiseEstimate(
            value=result.w_rec, standard_error=result.standard_error, intervals=intervals
        ),
        time_constant=_to_time(result, intervals, length),
        half_life=_to_time(result, intervals, length * math.log(2.0)),
        inputs=_describe_inputs(series, result),
        target=series.target_name,
        sequence_names=list(series.sequence_names) or None,
        offset=None if offset is None else _estimate(offset),
        initial_states=None if states is None else [_estimate(state) for state in states],
        delay=DelayEstimate(
            value=result.problem.delay,
            costs=[DelayCostSchema(**delay._asdict()) for delay in result.delays],
        ),
        rho=result.rho if result.is_colored else None,
        cost=result.cost,
        log10_cost=math.log10(result.cost) if result.cost > 0.0 else None,
        level=level,
        rmse=math.sqrt(result.cost),
        innovation_sd=result.innovation_sd,
        r_squared=result.r_squared,
        aic=result.aic,
        bic=result.bic,
        n_targets=result.n_targets,
        degrees_of_freedom=result.degrees_of_freedom,
        minima=[MinimumSchema(**minimum._asdict()) for minimum in result.minima],
        unique=result.is_unique,
        identifiable=result.is_identifiable,
        at_limit=result.at_limit,
        residuals=ResidualTestsSchema(**result.residuals._asdict()),
        effects=_describe_effect(result.effect),
        alternatives=[_describe_alternative(other, length) for other in result.alternatives],
        trust=_describe_trust(result),
    )


def _describe_intervals(request: FitRequest, result: Result) -> list[IntervalSchema]:
    low, high = request.range
    return [
        IntervalSchema(
            low=interval.low,
            high=interval.high,
            low_open=interval.low <= low,
            high_open=interval.high >= high,
        )
        for interval in result.intervals
    ]


def _describe_inputs(series: Series, result: Result) -> list[InputEstimate]:
    parameters = result.parameters
    columns = parameters.w_in, parameters.steady_state_gains, result.input_effects
    return [
        InputEstimate(
            name=name,
            w_in=_estimate(w_in),
            steady_state_gain=_estimate(gain),
            effects=_describe_effect(effect),
        )
        for name, w_in, gain, effect in zip(series.input_names, *columns, strict=True)
    ]


def _describe_effect(effect: Effect | None) -> EffectReport | None:
    return None if effect is None else EffectReport(visible=effect.visible, p=effect.p)


def _describe_alternative(alternative: Alternative, length: float) -> AlternativeSchema:
    return AlternativeSchema(
        reason=alternative.reason,
        options=dict(alternative.options),
        w_rec=alternative.w_rec,
        time_constant=alternative.time_constant * length,
        r_squared=alternative.r_squared,
    )


def _describe_trust(result: Result) -> TrustReport:
    trust = result.trust
    return TrustReport.model_validate(
        {
            "interval": trust.interval,
            "reasons": trust.reasons,
            "cautions": trust.cautions,
            "findings": [describe_finding(finding, result) for finding in trust.findings],
            "cautious": trust.cautious and [interval._asdict() for interval in trust.cautious],
        }
    )


def describe_finding(finding: Finding, result: Result) -> FindingSchema:
    """Return a finding in sentences."""
    series, lag = result.problem.series, finding.lag or 0
    shift = lag - result.problem.delay
    fields = {
        **finding._asdict(),
        "lag": count(lag, "step"),
        "before": f"{count(lag, 'step')} before" if lag else "the same step",
        "shift": f"{count(abs(shift), 'step')} {'later' if shift > 0 else 'earlier'}",
        "inputs": " or ".join(series.input_names),
        "target": series.target_name,
        "n_targets": result.n_targets,
    }
    texts = {name: text.format(**fields) for name, text in TEXTS[finding.slug].items()}
    advice_with_ar1 = texts.pop("advice_with_ar1", texts["advice"])
    if result.is_colored:
        texts["advice"] = advice_with_ar1
    return FindingSchema(**finding._asdict(), **texts)


def _estimate(row: Array) -> Estimate:
    """Return a value and the ends of its interval."""
    value, low, high = row.tolist()
    return Estimate(value=value, low=low, high=high)


def _to_time(result: Result, of_w_rec: list[IntervalSchema], unit: float) -> PiecewiseEstimate:
    """Return the estimate of the time -unit / log w_rec."""

    def time(w: float) -> float:
        if w <= 0.0:
            return 0.0
        return math.inf if w >= 1.0 else -unit / math.log(w)

    w, value, error = result.w_rec, math.nan, math.nan
    if 0.0 < w < 1.0:
        value, error = time(w), result.standard_error * unit / (w * math.log(w) ** 2)
    intervals = [
        interval.model_copy(update={"low": time(low), "high": time(high)})
        for interval, (low, high) in zip(of_w_rec, result.intervals, strict=True)
        if high > 0.0 and low < 1.0
    ]
    return PiecewiseEstimate(value=value, standard_error=error, intervals=intervals)


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
    """Return the fit at every step as a CSV table, with times where the series has them."""
    columns, n_rows = {name: name for name in TABLE}, (row.result or {})["n_targets"]
    add_times = partial(add_times_of_steps, row, database)
    return stored_table(f"{FIT.path}/{row.id}.csv", row, columns, n_rows, database, add_times)


def profile_csv(row: ComputationRow, database: Database) -> Download:
    """Return the profile of a fit as a CSV table."""
    path = f"{FIT.path}/{row.id}/profile.csv"
    return stored_table(path, row, PROFILE, PROFILE_ROWS, database)
