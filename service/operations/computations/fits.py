"""Fit recurrences, delay by delay."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

from service.engine.data import Series, Step
from service.engine.fit import Finding, FitProblem, Response, Result, Solution, Unsettled, fit
from service.engine.interruption import Record, recorded_by
from service.engine.types import Array
from service.errors import Invalid, count
from service.figures.formats import PICTURE_FORMATS
from service.operations.computations.job_types import (
    AfterStep,
    Arrays,
    ComputationOutput,
    JobType,
    StepwiseComputation,
)
from service.operations.computations.quantities import format_time, format_value, split_unit
from service.operations.computations.records import pack_results, unpack_results
from service.operations.computations.summary import count_needed, summarize
from service.operations.shared.limits import Limits, check_seconds
from service.operations.shared.work_estimates import fit_seconds
from service.schemas.fit_results import TEXTS, FitArrays, FitResource, FitResult, Interval
from service.schemas.fits import MAX_STATES, FitRange, FitRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize, ResolvedSeries
from service.schemas.series import StepSchema

MAX_LOG10_POWER = 150.0  # of |w_rec|^T, whose square must not overflow
COLUMNS = FitArrays.model_fields
PROFILE = {name.removeprefix("profile_"): name for name in COLUMNS if "profile_" in name}
SUFFIXES = (*PICTURE_FORMATS, "csv")  # of each file
TABLE = [name for name in COLUMNS if name not in PROFILE.values()]
# Fields of a response with the same names in a solution of the engine.
SAME = (
    *("cost", "innovation_sd", "r_squared", "aic", "bic", "n_targets", "degrees_of_freedom"),
    *("level", "minima", "at_limit"),
)


# The ends of one piece of an interval; each is open if it is the search limit.
Piece: TypeAlias = tuple[float, float, bool, bool]


def complete(request: FitRequest, dataset: AnyDataset) -> FitRequest:
    """Return the request with the defaults for its kind of data."""
    defaults: dict[str, Any] = {"initial_state": 0.0, "offset": False, "step": StepSchema()}
    if isinstance(dataset, ResolvedSeries):
        step = StepSchema(length=dataset.step.length, unit=dataset.step.unit)
        defaults = {"initial_state": "each", "offset": True, "step": step}
    missing = {name: value for name, value in defaults.items() if getattr(request, name) is None}
    if request.direct and {*dataset.series.input_names} <= {*request.direct}:  # a regression
        missing |= {"w_rec": FitRange(low=0.0, high=0.0)}
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
        limits.check_json(3 * size.n_samples, "/initial_state", "fit a shared state instead")
    if not request.keep:
        instead = "keep the fit, and read its table as CSV"
        limits.check_json(len(TABLE) * size.n_samples * size.n_steps, "/keep", instead)
    n_states = request.count_states(size.n_inputs)
    seconds = fit_seconds(request, size, request.n_searches, n_states)
    check_seconds(seconds, limits.max_job_seconds, "for a job", "/dataset")
    return seconds


def check(request: FitRequest, dataset: AnyDataset) -> None:
    """Raise Invalid if the data contradict the request."""
    series, options = dataset.series, request.to_options()
    curves = {f"/curves/{i}": name for i, name in enumerate(request.curves)}
    named = {f"/gains/{name}": name for name in request.gains} | curves
    named |= {f"/direct/{i}": name for i, name in enumerate(request.direct)}
    for pointer, name in named.items():
        if name not in series.input_names:
            known = ", ".join(series.input_names) or "none"
            raise Invalid(f"unknown input; the inputs are: {known}", pointer)
    for pointer, name in curves.items():
        if f"{name}²" in series.input_names or request.curves.count(name) > 1:
            raise Invalid(f"two inputs would be called {name}²", pointer)
    _check_time_constants(request, series)
    problem = FitProblem(series, options)
    if problem.n_targets < problem.n_unknowns:
        given, unknowns = count(problem.n_targets, "target"), count(problem.n_unknowns, "unknown")
        where, pointer, remedy = "", "/dataset", "add data, or fix initial_state or offset"
        if problem.skip > 0:
            where, pointer, remedy = " after the delay", "/delay", f"{remedy}, or shorten the delay"
        needed = count_needed(problem.n_unknowns)
        raise Invalid(
            f"{given}{where} for {unknowns}, about {needed} are needed: {remedy}",
            pointer,
            needed=needed,
            n_targets=problem.n_targets,
            n_unknowns=problem.n_unknowns,
        )
    if request.is_weighted and problem.has_both_signs:
        detail = "errors can only be proportional to values of one sign: choose constant or free"
        raise Invalid(detail, "/variance")


def _check_time_constants(request: FitRequest, series: Series) -> None:
    """Raise Invalid if several time constants do not suit the data or the other options."""
    groups = request.time_constants
    lasting = {*series.input_names} - {*request.direct}
    if groups == 1:
        return
    if isinstance(groups, list):
        for i, group in enumerate(groups):
            for k, name in enumerate(group):
                if name not in lasting:
                    known = ", ".join(sorted(lasting)) or "none"
                    detail = f"unknown input; the inputs with a memory are: {known}"
                    raise Invalid(detail, f"/time_constants/{i}/{k}")
        missing = lasting.difference(*groups)
        if missing:
            detail = f"no time constant for: {', '.join(sorted(missing))}"
            raise Invalid(f"{detail}; add a list, or name them in direct", "/time_constants")
    n_states = FitProblem(series, request.to_options()).n_states
    if n_states > MAX_STATES:
        detail = f"{n_states} inputs need a time constant each; the limit is {MAX_STATES}"
        raise Invalid(f"{detail}: group inputs, or name some in direct", "/time_constants")
    if n_states > 1 and request.initial_state not in {"shared", "each", 0.0}:
        detail = "with several time constants, a known initial state can only be 0"
        raise Invalid(f"{detail}: its parts in the states are unknown", "/initial_state")
    low, high = request.range
    if n_states > 1 and not -1.0 <= low < high <= 1.0:
        detail = "with several time constants, w_rec is searched in a range from -1 to 1"
        raise Invalid(detail, "/w_rec")


class StepwiseFit(StepwiseComputation):
    """A fit. It is repeated from the start, and its parts are the results of completed blocks.

    Its progress counts searches over w_rec, and stages of the verdict.
    """

    def __init__(
        self, request: FitRequest, dataset: AnyDataset, _: Arrays, parts: Sequence[Arrays]
    ) -> None:
        self.parts = [*parts]
        self.request, self.series = request, dataset.series
        self.done = 0
        self.results = dict(item for part in parts for item in unpack_results(part).items())
        self.n_taken = len(self.results)

    def _count(self) -> None:
        self.done += 1

    def _fit(self) -> Result:
        """Search the delays; raises Invalid if the model does not suit proportional errors."""
        try:
            return fit(self.series, self.request.to_options(), self._count)
        except Unsettled:
            detail = "the predicted values, to which errors are proportional, do not settle"
            raise Invalid(f"{detail}: choose constant or free", "/variance") from None

    def run(self, after_step: AfterStep) -> ComputationOutput:
        """Search the delays, and test the fit with the best one."""
        with recorded_by(Record(self.results, partial(after_step, self))):
            result = self._fit()
            for _ in result.compute():
                self._count()
            table = result.table | dict(zip(PROFILE.values(), result.profile_table, strict=True))
            described = _describe(self.request, self.series, result)
            summary = summarize(self.request, described)
            response = described.model_copy(update={"summary": summary})
        return ComputationOutput(response, table, self.request.progress_total)

    def take_part(self) -> Arrays:
        """Return the results of blocks since the previous call."""
        new = dict(islice(self.results.items(), self.n_taken, None))
        self.n_taken = len(self.results)
        return pack_results(new) if new else {}


def _describe(request: FitRequest, series: Series, result: Result) -> FitResult:
    """Return a fit as a response."""
    parameters, trust = result.parameters, result.trust
    is_given = result.problem.options.is_given
    step = Step() if request.step is None else request.step.to_step()
    states = _describe_states(result, step)
    first = states[0] if len(states) == 1 else {}
    starts = parameters.initial_states
    fields = {
        **{name: first.get(name) for name in ("w_rec", "time_constant", "half_life")},
        "states": states,
        "inputs": _describe_inputs(result, step),
        "target": series.target_name,
        "sequence_names": list(series.sequence_names) or None,
        "repairs": list(series.repairs) or None,
        "offset": None if parameters.offset is None else _estimate(parameters.offset),
        "trend": None if parameters.trend is None else _estimate(parameters.trend),
        "initial_states": None if starts is None else [_estimate(start) for start in starts],
        "delay": {"value": result.problem.delay, "costs": result.delays},
        "rho": result.solution.rho if result.solution.is_colored else None,
        "log10_cost": math.log10(result.solution.cost) if result.solution.cost > 0.0 else None,
        "rmse": math.sqrt(result.solution.cost),
        "unique": result.solution.is_unique,
        "identifiable": result.solution.is_identifiable,
        "effects": result.effect,
        "alternatives": [
            {"reason": other.reason, "options": _to_request(other.options)}
            | _describe_other(other.solution, step)
            for other in result.alternatives
        ],
        "trust": trust._asdict()
        | {"findings": [describe_finding(finding, result, step) for finding in trust.findings]}
        | ({"cautious": []} if is_given or len(states) > 1 else {}),
        "residuals": result.residuals,
    }
    same = {name: getattr(result.solution, name) for name in SAME}
    return FitResult.model_validate(same | fields)


def _describe_inputs(result: Result, step: Step) -> list[dict[str, Any]]:
    """Return the effects of the inputs, with those of the squares of curved ones."""
    names = result.problem.series.input_names
    columns = result.parameters.w_in, result.parameters.steady_state_gains, result.input_effects
    return [
        {"name": name, "w_in": _estimate(w_in), "steady_state_gain": _estimate(gain)}
        | {"effects": effect, "response": _describe_response(response, step)}
        for name, w_in, gain, effect, response in zip(
            names, *columns, result.responses, strict=True
        )
    ]


def _describe_response(response: Response, step: Step) -> dict[str, Any]:
    """Return the marks of a response, in units of the step."""
    peak = {"value": response.peak, "time": response.peak_time * step.length}
    return {
        "time_to_63_percent": response.time_to_63_percent * step.length,
        "time_to_95_percent": response.time_to_95_percent * step.length,
        "peak": None if math.isnan(response.peak) else peak,
    }


def _describe_states(result: Result, step: Step) -> list[dict[str, Any]]:
    """Return the states of a fit, the slowest first."""
    solution = result.solution
    range_low, range_high = result.problem.options.w_rec
    names = result.problem.series.input_names
    states = []
    for k in sorted(range(len(solution.poles)), key=lambda k: -solution.poles[k]):
        pieces = [
            (low, high, low <= range_low, high >= range_high)
            for low, high in solution.intervals_of_states[k]
            if range_low < range_high
        ]
        w_rec = solution.poles[k]
        error = solution.standard_errors[k]
        acts = {name: i for i, name in enumerate(names) if result.problem.acts[k, i]}
        weights = result.parameters.weights[k]
        states.append(
            {
                "inputs": [*acts],
                "w_rec": _describe_pieces(w_rec, error, pieces),
                "time_constant": _to_time(w_rec, error, pieces, step.length),
                "half_life": _to_time(w_rec, error, pieces, step.length * math.log(2.0)),
                "weights": {name: _estimate(weights[i]) for name, i in acts.items()},
            }
        )
    return states


def _describe_other(solution: Solution, step: Step) -> dict[str, Any]:
    """Return what an alternative finds."""
    times = [_find_time(w, step.length) for w in sorted(solution.poles, reverse=True)]
    is_single = len(times) == 1
    return {
        "w_rec": solution.w_rec if is_single else None,
        "time_constant": times[0] if is_single else None,
        "time_constants": times,
        "r_squared": solution.r_squared,
    }


def _list_times(solution: Solution, step: Step) -> str:
    """Return the time constants of a fit in words, the longest first, with their inputs."""
    problem = solution.problem
    names = problem.record.input_names
    is_common = bool((problem.acts == problem.acts[0]).all())
    texts = []
    for k in sorted(range(problem.n_states), key=lambda k: -solution.poles[k]):
        w_rec = solution.poles[k]
        time = _find_time(w_rec, step.length)
        text = f"w_rec {format_value(w_rec)}"
        if math.isfinite(time):
            text = format_time(time, step.unit)
        inputs = [split_unit(names[i])[0] for i in range(len(names)) if problem.acts[k, i]]
        texts.append(text if is_common else f"{text} for {' and '.join(inputs)}")
    return " and ".join(texts)


def _to_request(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of the engine as fields of a request."""
    fields = dict(options)
    if "delay" in fields:
        fields["delay"], _ = fields["delay"]
    if "w_rec" in fields:
        fields["w_rec"] = dict(zip(FitRange.model_fields, fields["w_rec"], strict=True))
    if "season" in fields:
        fields["season"], _ = fields["season"]
    return fields


def describe_finding(finding: Finding, result: Result, step: Step) -> dict[str, Any]:
    """Return a finding with its sentences, in which lags are times."""

    def time(n_steps: int) -> str:
        return format_time(n_steps * step.length, step.unit)

    series, lag = result.problem.record, finding.lag or 0
    shift = lag - result.problem.delay
    words = {
        **finding._asdict(),
        "lag": count(lag, "step"),
        "time": time(lag),
        "before": f"{time(lag)} earlier" if lag else "in the same step",
        "shift": f"{time(abs(shift))} {'later' if shift > 0 else 'earlier'}",
        "inputs": " or ".join(series.input_names),
        "target": series.target_name,
        "n_targets": result.solution.n_targets,
        "now": _list_times(result.solution, step),
        "then": "".join(_list_times(each.solution, step) for each in result.structures[:1]),
    }
    texts = (TEXTS["reasons"] | TEXTS["cautions"])[finding.slug]
    if finding.slug not in result.trust.cautions:
        texts = (TEXTS["cautions"] | TEXTS["reasons"])[finding.slug]
    advice = texts["advice"]
    if finding.slug not in [other.reason for other in result.alternatives]:
        advice = texts.get("advice_without_options", advice)
    if result.trust.cautious is None or result.problem.options.noise == "independent":
        advice = texts.get("advice_without_cautious", advice)
    if result.judged.is_colored:
        advice = texts.get("advice_with_ar1", advice)
    if result.problem.options.season is not None:
        advice = texts.get("advice_with_season", advice)
    sentence = texts["sentence"]
    if result.problem.options.variance == "proportional":
        sentence = texts.get("sentence_with_weights", sentence)
    sentences = {"sentence": sentence, "advice": advice}
    return finding._asdict() | {key: text.format(**words) for key, text in sentences.items()}


def _estimate(row: Array) -> dict[str, float]:
    """Return a value and the ends of its interval."""
    return dict(zip(("value", "low", "high"), row.tolist(), strict=True))


def _describe_pieces(value: float, error: float, pieces: Sequence[Piece]) -> dict[str, Any]:
    """Return a value, its standard error, and the pieces of its interval."""
    intervals = [dict(zip(Interval.model_fields, piece, strict=True)) for piece in pieces]
    return {"value": value, "standard_error": error, "intervals": intervals}


def _find_time(w: float, unit: float) -> float:
    """Return the time -unit / log w_rec; nan if it is undefined."""
    return -unit / math.log(w) if 0.0 < w < 1.0 else math.nan


def _to_time(w: float, error: float, of_w_rec: Sequence[Piece], unit: float) -> dict[str, Any]:
    """Return the estimate of the time -unit / log w_rec, with the pieces and error of w_rec."""

    def time(w: float) -> float:
        if w <= 0.0:
            return 0.0
        return math.inf if w >= 1.0 else _find_time(w, unit)

    value = _find_time(w, unit)
    slope = value / (w * abs(math.log(w))) if 0.0 < w < 1.0 else math.nan
    pieces = [
        (time(low), time(high), low_open, high_open)
        for low, high, low_open, high_open in of_w_rec
        if high > 0.0 and low < 1.0
    ]
    return _describe_pieces(value, error * slope, pieces)


FIT = JobType(
    kind="fit",
    prefix="fit",
    path="/v1/fits",
    request_model=FitRequest,
    response_model=FitResource,
    files={
        **{suffix: f".{suffix}" for suffix in SUFFIXES},
        **{
            f"{name}_{suffix}": f"/{name}.{suffix}"
            for name in ("profile", "response", "contributions")
            for suffix in SUFFIXES
        },
    },
    arrays_field="arrays",
    estimate=estimate,
    result_bytes=lambda _, size: 8 * len(TABLE) * size.n_samples * size.n_steps,
    begin=StepwiseFit,
    takes_series=True,
    complete=complete,
    check=check,
)
