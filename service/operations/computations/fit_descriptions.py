"""Fits as responses: estimates with their intervals, alternatives, and findings in sentences."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from service.engine.data import Series, Step
from service.engine.fit import (
    RULES,
    TEXTS,
    Alternative,
    Finding,
    Response,
    Result,
    Solution,
    estimate_parameters,
    format_time,
    format_value,
    name_detected,
    split_unit,
)
from service.engine.types import Array
from service.errors import count
from service.schemas.fit_estimates import Interval
from service.schemas.fit_results import FitResult
from service.schemas.fits import FitRange, FitRequest, SeasonFields, read_season

# Fields of a response with the same names in a solution of the engine.
SAME = (
    *("cost", "innovation_sd", "r_squared", "aic", "bic", "n_targets", "degrees_of_freedom"),
    *("level", "minima", "at_limit"),
)

# The ends of one piece of an interval; each is open if it is the search limit.
Piece: TypeAlias = tuple[float, float, bool, bool]

# Returns True if the service accepts a request with other values of some fields.
Accepts: TypeAlias = Callable[[Mapping[str, Any]], bool]


def _accept(_: Mapping[str, Any]) -> bool:
    return True


def describe_fit(
    request: FitRequest, series: Series, result: Result, accepts: Accepts = _accept
) -> FitResult:
    """Return a fit as a response.

    Parameters
    ----------
    request, series, result
        The fit.
    accepts
        Returns True if the service accepts the request with other fields: others are not advised.

    Returns
    -------
    FitResult
        Without a summary.
    """
    parameters = result.parameters
    step = Step() if request.step is None else request.step.to_step()
    states = _describe_states(result, step)
    first = states[0] if len(states) == 1 else {}
    starts = parameters.initial_states
    fields = {
        **{name: first.get(name) for name in ("w_rec", "time_constant", "half_life")},
        "states": states,
        "inputs": _describe_inputs(request, result, step),
        "target": series.target_name,
        "sequence_names": list(series.sequence_names) or None,
        "repairs": list(series.repairs) or None,
        "offset": None if parameters.offset is None else _estimate(parameters.offset),
        "offsets": _list_by_sequence(series, parameters.offsets),
        "groups": _describe_groups(result, has_verdict=request.verdict),
        "trend": None if parameters.trend is None else _estimate(parameters.trend),
        "initial_states": None if starts is None else [_estimate(start) for start in starts],
        "delay": {"value": result.problem.delay, "costs": result.delays},
        "rho": result.solution.rho if result.solution.is_colored else None,
        "log10_cost": math.log10(result.solution.cost) if result.solution.cost > 0.0 else None,
        "rmse": math.sqrt(result.solution.cost),
        "unique": result.solution.is_unique,
        "identifiable": result.solution.is_identifiable,
        "residuals": result.verdict.fit.residuals,
    }
    if request.verdict:
        fields |= _describe_verdict(result, step, accepts)
    same = {name: getattr(result.solution, name) for name in SAME}
    return FitResult.model_validate(same | fields)


def _list_by_sequence(series: Series, rows: Array | None) -> list[dict[str, Any]] | None:
    """Return the numbers (N, 3) of single sequences, if there are such."""
    if rows is None:
        return None
    pairs = zip(series.labels, rows, strict=True)
    return [{"sequence": name, **_estimate(row)} for name, row in pairs]


def _describe_groups(result: Result, *, has_verdict: bool) -> dict[str, Any] | None:
    """Return how much sequences differ, if each has its own offset."""
    groups = result.compare_groups(has_verdict=has_verdict)
    if groups is None:
        return None
    gains = {
        name: each._asdict() | {"mean": _estimate(np.array(each.mean))}
        for name, each in groups.gains.items()
    }
    return groups._asdict() | {"gains": gains}


def _describe_verdict(result: Result, step: Step, accepts: Accepts) -> dict[str, Any]:
    """Return the verdict: the effect, better fits and the trust in the interval."""
    verdict, trust = result.verdict, result.verdict.trust
    has_cautious = not result.problem.options.is_given and result.problem.unknowns.n_states == 1
    return {
        "effects": verdict.fit.effect,
        "alternatives": [
            {"reason": other.reason, "options": _to_request(other.options)}
            | _describe_other(_find_shown(other, result), step)
            for other in verdict.alternatives
            if accepts(_to_request(other.options))
        ],
        "trust": trust._asdict()
        | {"findings": [describe_finding(each, result, step, accepts) for each in trust.findings]}
        | ({} if has_cautious else {"cautious": []}),
    }


def _describe_inputs(request: FitRequest, result: Result, step: Step) -> list[dict[str, Any]]:
    """Return the effects of the inputs, with those of the squares of curved ones."""
    names = result.problem.series.input_names
    effects = result.verdict.fit.input_effects if request.verdict else [None] * len(names)
    columns = result.parameters.w_in, result.parameters.steady_state_gains, effects
    series = result.problem.record
    own = result.parameters.own_gains
    gains = (
        [None] * len(names) if own is None else [_list_by_sequence(series, each) for each in own]
    )
    return [
        {"name": name, "w_in": _estimate(w_in), "steady_state_gain": _estimate(gain)}
        | {"effects": effect, "response": _describe_response(response, step), "gains": of_sequences}
        for name, w_in, gain, effect, response, of_sequences in zip(
            names, *columns, result.responses, gains, strict=True
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
        acts = {name: i for i, name in enumerate(names) if result.problem.unknowns.acts[k, i]}
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


def _find_shown(other: Alternative, result: Result) -> Solution:
    """Return the fit of an alternative, with the noise of the result."""
    fit = result.verdict.fit
    return other.solution if result.solution is fit.solution else fit.follow(other).judged


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
    is_common = bool((problem.unknowns.acts == problem.unknowns.acts[0]).all())
    texts = []
    for k in sorted(range(problem.unknowns.n_states), key=lambda k: -solution.poles[k]):
        w_rec = solution.poles[k]
        time = _find_time(w_rec, step.length)
        text = f"w_rec {format_value(w_rec)}"
        if math.isfinite(time):
            text = format_time(time, step.unit)
        inputs = [split_unit(names[i])[0] for i in range(len(names)) if problem.unknowns.acts[k, i]]
        texts.append(text if is_common else f"{text} for {' and '.join(inputs)}")
    return " and ".join(texts)


def _describe_parts(result: Result, step: Step) -> str:
    """Return the time constants and gains before and after a change; empty without one."""
    names = result.problem.series.input_names
    clauses = []
    for part in result.verdict.fit.parts or ():
        gains = estimate_parameters(part).steady_state_gains.tolist()
        has_time = math.isfinite(_find_time(part.w_rec, step.length))
        texts = [f"{'time constant ' if has_time else ''}{_list_times(part, step)}"]
        for name, (value, low, high) in zip(names, gains, strict=True):
            if math.isfinite(low) and math.isfinite(high):
                interval = f"{format_value(low)} to {format_value(high)}"
                texts.append(f"gain of {split_unit(name)[0]} {format_value(value)} ({interval})")
        clauses.append(", ".join(texts))
    return "Before it: {}; from it on: {}.".format(*clauses) if clauses else ""


def _to_request(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of the engine as fields of a request."""
    fields = dict(options)
    if "delay" in fields:
        fields["delay"], _ = fields["delay"]
    if "w_rec" in fields:
        fields["w_rec"] = dict(zip(FitRange.model_fields, fields["w_rec"], strict=True))
    if fields.pop("own_gains", False):
        fields["gains"] = "each"
    if "season" in fields:
        season = dict(zip(SeasonFields.model_fields, fields["season"], strict=True))
        fields["season"] = read_season(season)
    return fields


def describe_finding(
    finding: Finding, result: Result, step: Step, accepts: Accepts = _accept
) -> dict[str, Any]:
    """Return a finding with its sentences, in which lags are times."""

    def time(n_steps: int) -> str:
        return format_time(n_steps * step.length, step.unit)

    verdict, series, lag = result.verdict, result.problem.record, finding.lag or 0
    shift = lag - result.problem.delay
    detected = verdict.detected_inputs
    better = verdict.fit.structures[:1]
    words = {
        **name_detected(detected),
        **finding._asdict(),
        "lag": count(lag, "step"),
        "since": f"step {lag}",
        "changed": f"{'' if 'w_rec' in str(finding.part) else 'The '}{finding.part}",
        "parts": _describe_parts(result, step),
        "share": f"{100.0 * finding.value:.0f} %",
        "time": time(lag),
        "before": f"{time(lag)} earlier" if lag else "in the same step",
        "shift": f"{time(abs(shift))} {'later' if shift > 0 else 'earlier'}",
        "inputs": " or ".join(series.input_names),
        "target": series.target_name,
        "n_targets": result.solution.n_targets,
        "now": _list_times(result.solution, step),
        "then": "".join(_list_times(_find_shown(each, result), step) for each in better),
    }
    is_caution = finding.slug in verdict.trust.cautions
    may_be_reason = "reason" in RULES[finding.slug].kinds
    texts = TEXTS["reasons" if may_be_reason and not is_caution else "cautions"][finding.slug]
    sentence = texts["sentence"]
    if result.problem.options.variance == "proportional":
        sentence = texts.get("sentence_with_weights", sentence)
    if detected:
        sentence = texts.get("sentence_with_detected", sentence)
    sentences = {"sentence": sentence, "advice": _choose_advice(finding, texts, result, accepts)}
    return finding._asdict() | {key: text.format(**words) for key, text in sentences.items()}


def _choose_advice(
    finding: Finding, texts: Mapping[str, str], result: Result, accepts: Accepts
) -> str:
    """Return the advice of a finding that suits the fit."""
    lag, verdict = finding.lag or 0, result.verdict
    advice = texts["advice"]
    advised = {each.reason for each in verdict.alternatives if accepts(_to_request(each.options))}
    if finding.slug not in advised:
        advice = texts.get("advice_without_options", advice)
    if len(result.problem.record.input_names) > 1:
        advice = texts.get("advice_with_inputs", advice)
    if lag == result.problem.delay or not accepts({"delay": lag}):
        advice = texts.get("advice_without_delay", advice)
    if verdict.trust.cautious is None or result.problem.options.noise == "independent":
        advice = texts.get("advice_without_cautious", advice)
    if verdict.fit.judged.is_colored:
        advice = texts.get("advice_with_ar1", advice)
    widened = {each.reason for each in verdict.alternatives if "variance" in each.options}
    if result.problem.options.variance == "free" or finding.slug in widened:
        advice = texts.get("advice_with_free", advice)
    if result.problem.options.season is not None:
        advice = texts.get("advice_with_season", advice)
    if verdict.detected_inputs:
        advice = texts.get("advice_with_detected", advice)
    return advice


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
