"""The sentences of findings."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from service.engine.data import Step
from service.engine.fit.answer import Result
from service.engine.fit.judge import RULES, Alternative, Finding
from service.engine.fit.solve import estimate_parameters
from service.engine.fit.words.quantities import (
    format_time,
    format_value,
    name_detected,
    split_unit,
)
from service.engine.fit.words.states import describe_times, find_time
from service.engine.fit.words.texts import TEXTS
from service.errors import count

# Returns True if a fit with other values of some options may be recommended.
Accepts: TypeAlias = Callable[[Mapping[str, Any]], bool]


def accept_all(_: Mapping[str, Any]) -> bool:
    """Return True: every change may be recommended."""
    return True


class FindingTexts(NamedTuple):
    """A finding in words."""

    sentence: str
    advice: str  # the recommended action


class _Found(NamedTuple):
    """A finding of a fit."""

    finding: Finding
    result: Result
    accepts: Accepts


def _has_detected(found: _Found) -> bool:
    return bool(found.result.verdict.detected_inputs)


def _has_season(found: _Found) -> bool:
    return found.result.problem.options.season is not None


def _has_free_variance(found: _Found) -> bool:
    alternatives = found.result.verdict.alternatives
    widened = {each.reason for each in alternatives if "variance" in each.options}
    is_free = found.result.problem.options.variance == "free"
    return is_free or found.finding.slug in widened


def _is_colored(found: _Found) -> bool:
    return found.result.verdict.fit.judged.is_colored


def _lacks_cautious(found: _Found) -> bool:
    is_independent = found.result.problem.options.noise == "independent"
    return found.result.verdict.trust.cautious is None or is_independent


def _lacks_delay(found: _Found) -> bool:
    lag = found.finding.lag or 0
    return lag == found.result.problem.delay or not found.accepts({"delay": (lag, lag)})


def _has_inputs(found: _Found) -> bool:
    return len(found.result.problem.record.input_names) > 1


def _lacks_options(found: _Found) -> bool:
    offered = list_alternatives(found.result, found.accepts)
    return found.finding.slug not in {each.reason for each in offered}


def _is_weighted(found: _Found) -> bool:
    return found.result.problem.options.variance == "proportional"


# The endings of texts, such as `advice_with_season`. The first whose condition is true is used.
CONDITIONS: Final[Mapping[str, Callable[[_Found], bool]]] = {
    "with_detected": _has_detected,
    "with_season": _has_season,
    "with_free": _has_free_variance,
    "with_ar1": _is_colored,
    "without_cautious": _lacks_cautious,
    "without_delay": _lacks_delay,
    "with_inputs": _has_inputs,
    "without_options": _lacks_options,
    "with_weights": _is_weighted,
}


def list_alternatives(result: Result, accepts: Accepts) -> list[Alternative]:
    """Return the better fits that may be recommended, the best first."""
    return [other for other in result.verdict.alternatives if accepts(other.options)]


def describe_finding(
    finding: Finding, result: Result, step: Step, accepts: Accepts = accept_all
) -> FindingTexts:
    """Return the sentences of a finding, in which lags are times.

    Parameters
    ----------
    finding, result
        A finding of a fit.
    step
        The time from one step to the next.
    accepts
        Returns True for the options of fits that may be recommended.
    """
    trust = result.verdict.trust
    may_be_reason = "reason" in RULES[finding.slug].kinds
    kind = "reasons" if may_be_reason and finding.slug not in trust.cautions else "cautions"
    texts = TEXTS[kind][finding.slug]
    found = _Found(finding, result, accepts)
    words = _list_words(finding, result, step)
    parts = (_choose(part, texts, found) for part in FindingTexts._fields)
    return FindingTexts(*(part.format(**words) for part in parts))


def _choose(part: str, texts: Mapping[str, str], found: _Found) -> str:
    """Return the text of a part that suits the fit."""
    for ending, applies in CONDITIONS.items():
        special = texts.get(f"{part}_{ending}")
        if special is not None and applies(found):
            return special
    return texts[part]


def _list_words(finding: Finding, result: Result, step: Step) -> dict[str, Any]:
    """Return the words in the texts of a finding, by their names there."""

    def time(n_steps: int) -> str:
        return format_time(n_steps * step.length, step.unit)

    series = result.problem.record
    lag = finding.lag or 0
    shift = lag - result.problem.delay
    better = result.verdict.fit.structures[:1]
    return {
        **name_detected(result.verdict.detected_inputs),
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
        "now": describe_times(result.solution, step),
        "then": "".join(describe_times(result.find_shown(each), step) for each in better),
    }


def _describe_parts(result: Result, step: Step) -> str:
    """Return the time constants and gains before and after a change; empty without one."""
    names = result.problem.series.input_names
    clauses = []
    for part in result.verdict.fit.parts or ():
        gains = estimate_parameters(part).steady_state_gains.tolist()
        has_time = math.isfinite(find_time(part.w_rec, step.length))
        texts = [f"{'time constant ' if has_time else ''}{describe_times(part, step)}"]
        for name, (value, low, high) in zip(names, gains, strict=True):
            if math.isfinite(low) and math.isfinite(high):
                interval = f"{format_value(low)} to {format_value(high)}"
                texts.append(f"gain of {split_unit(name)[0]} {format_value(value)} ({interval})")
        clauses.append(", ".join(texts))
    return "Before it: {}; from it on: {}.".format(*clauses) if clauses else ""
