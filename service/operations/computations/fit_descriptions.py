"""Fits as responses: estimates with their intervals, alternatives, and findings in sentences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from service.engine.data import Series, Step
from service.engine.fit import (
    Accepts,
    Response,
    Result,
    Solution,
    Summary,
    accept_all,
    describe_finding,
    find_time,
    list_alternatives,
    list_inputs,
    sort_states,
)
from service.engine.types import Array
from service.schemas.fit_estimates import Estimate, Interval
from service.schemas.fit_results import FitResult, FitSummary, ShownInterval
from service.schemas.fits import FitRange, FitRequest, SeasonFields, read_season

# Fields of a response with the same names in a solution of the engine.
SAME = (
    *("cost", "innovation_sd", "r_squared", "aic", "bic", "n_targets", "degrees_of_freedom"),
    *("level", "minima", "at_limit"),
)

# The ends of one piece of an interval; each is open if it is the search limit.
Piece: TypeAlias = tuple[float, float, bool, bool]


def describe_fit(
    request: FitRequest, series: Series, result: Result, accepts: Accepts = accept_all
) -> FitResult:
    """Return a fit as a response.

    Parameters
    ----------
    request, series, result
        The fit.
    accepts
        Returns True for the options of fits that may be recommended.

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


def describe_summary(summary: Summary) -> FitSummary:
    """Return a fit in words as a part of the response."""
    low, high = summary.interval
    return FitSummary(
        level=summary.level,
        headline=summary.headline,
        sentences=[text for _, text in summary.sentences],
        topics=[topic for topic, _ in summary.sentences],
        interval=ShownInterval(low=low, high=high, noise=summary.noise),
        w_rec=summary.w_rec,
        time_constant=summary.time_constant,
        gains=[Estimate(**_estimate(row)) for row in summary.gains],
    )


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
            {"reason": other.reason, "options": to_request(other.options)}
            | _describe_other(result.find_shown(other), step)
            for other in list_alternatives(result, accepts)
        ],
        "trust": trust._asdict()
        | {
            "findings": [
                each._asdict() | describe_finding(each, result, step, accepts)._asdict()
                for each in trust.findings
            ]
        }
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
    for k in sort_states(solution):
        pieces = [
            (low, high, low <= range_low, high >= range_high)
            for low, high in solution.intervals_of_states[k]
            if range_low < range_high
        ]
        w_rec = solution.poles[k]
        error = solution.standard_errors[k]
        inputs = list_inputs(result.problem, k)
        weights = result.parameters.weights[k]
        states.append(
            {
                "inputs": inputs,
                "w_rec": _describe_pieces(w_rec, error, pieces),
                "time_constant": _to_time(w_rec, error, pieces, step.length),
                "half_life": _to_time(w_rec, error, pieces, step.length * math.log(2.0)),
                "weights": {name: _estimate(weights[names.index(name)]) for name in inputs},
            }
        )
    return states


def _describe_other(solution: Solution, step: Step) -> dict[str, Any]:
    """Return what an alternative finds."""
    times = [find_time(w, step.length) for w in sorted(solution.poles, reverse=True)]
    is_single = len(times) == 1
    return {
        "w_rec": solution.w_rec if is_single else None,
        "time_constant": times[0] if is_single else None,
        "time_constants": times,
        "r_squared": solution.r_squared,
    }


def to_request(options: Mapping[str, Any]) -> dict[str, Any]:
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


def _estimate(row: Array) -> dict[str, float]:
    """Return a value and the ends of its interval."""
    return dict(zip(("value", "low", "high"), row.tolist(), strict=True))


def _describe_pieces(value: float, error: float, pieces: Sequence[Piece]) -> dict[str, Any]:
    """Return a value, its standard error, and the pieces of its interval."""
    intervals = [dict(zip(Interval.model_fields, piece, strict=True)) for piece in pieces]
    return {"value": value, "standard_error": error, "intervals": intervals}


def _to_time(w: float, error: float, of_w_rec: Sequence[Piece], unit: float) -> dict[str, Any]:
    """Return the estimate of the time -unit / log w_rec, with the pieces and error of w_rec."""

    def time(w: float) -> float:
        if w <= 0.0:
            return 0.0
        return math.inf if w >= 1.0 else find_time(w, unit)

    value = find_time(w, unit)
    slope = value / (w * abs(math.log(w))) if 0.0 < w < 1.0 else math.nan
    pieces = [
        (time(low), time(high), low_open, high_open)
        for low, high, low_open, high_open in of_w_rec
        if high > 0.0 and low < 1.0
    ]
    return _describe_pieces(value, error * slope, pieces)
