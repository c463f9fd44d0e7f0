"""A fit in words: a level, a headline, sentences, and the interval to show.

The command line, the client, the pictures and the page print this text. No other module words a
fit, and only `shown_fit` decides how far it can be trusted.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from service.engine.data import Step
from service.engine.fit.answer import Result
from service.engine.fit.constants import FEW_TARGETS
from service.engine.fit.judge import RULES, Alternative, Family
from service.engine.fit.words.estimates import describe_estimates, describe_quality, describe_state
from service.engine.fit.words.findings import Accepts, accept_all
from service.engine.fit.words.quantities import (
    Range,
    format_ranges,
    format_time,
    format_weight,
    name_detected,
    split_unit,
)
from service.engine.fit.words.shown_fit import Level, ShownFit
from service.engine.fit.words.texts import Sentence
from service.engine.types import Array
from service.errors import count

TARGETS_PER_UNKNOWN: Final = 10  # a rule of thumb of regression

CHECK_FIRST: Final = "check the table first"


class Summary(NamedTuple):
    """A fit in words, and the numbers in them."""

    level: Level
    result: str  # in one line, without an interval
    doubts: list[str]  # about the result, in few words
    sentences: list[Sentence]  # in reading order
    interval: Range  # of the time constant, or of w_rec without one; open ends are None
    noise: Literal["white", "ar1"]  # with which all numbers were estimated
    w_rec: float  # nan with several time constants, as the time constant
    time_constant: float  # in units of the step; nan if it is undefined
    gains: Array  # (q, 3), the steady-state gains of the inputs, with their intervals

    @property
    def headline(self) -> str:
        """The result with the doubts."""
        return f"{self.result} ({'; '.join(self.doubts)})" if self.doubts else self.result

    def __str__(self) -> str:
        """Return the headline, and the sentences below it."""
        return "\n".join((self.headline, "", *(sentence for _, sentence in self.sentences)))


def summarize(
    result: Result, step: Step, accepts: Accepts = accept_all, notes: Sequence[str] = ()
) -> Summary:
    """Return a fit in words.

    The level is the first of these whose condition is true:

    too_few
        There are fewer than 50 targets, and no w_rec of the search range is excluded.
    no_effect
        `no_visible_effect` is a reason, and no single input is detected.
    not_identified
        No w_rec of the search range is excluded, or there are no degrees of freedom.
    rejected
        There is any other reason.
    caution
        There are notes, or cautions other than `interval_open`, which the interval shows, and
        `levels_alike`.
    trusted
        All checks passed.

    No estimate is shown for the first three levels, nor while another range of w_rec is advised.

    Parameters
    ----------
    result
        The fit. What is described is the one that was judged: white noise with fewer than 50
        targets is judged as ar1, because the checks seldom detect that there.
    step
        The time from one step to the next.
    accepts
        Returns True for the options of fits that may be recommended.
    notes
        What was noticed about the table, and is not confirmed.

    Returns
    -------
    Summary
        Its sentences are in reading order: the table, estimates, quality, verdict, findings.
    """
    fit = ShownFit(result, step, accepts, has_notes=bool(notes))
    sentences: list[Sentence] = [("table", f"About the table: {note}.") for note in notes]
    sentences += [*describe_estimates(fit), *describe_quality(fit), *_describe_findings(fit)]
    ends = [end for piece in fit.times or fit.state.pieces for end in piece]
    interval = (ends[0], ends[-1]) if ends and fit.has_estimate else (None, None)
    text, *doubts = _describe_headline(fit)
    return Summary(
        level=fit.level,
        result=text,
        doubts=[*doubts, *([CHECK_FIRST] if notes else [])],
        sentences=sentences,
        interval=interval,
        noise=fit.noise,
        w_rec=math.nan if fit.is_several else fit.state.w_rec,
        time_constant=math.nan if fit.is_several else fit.state.time,
        gains=fit.result.parameters.steady_state_gains,
    )


def count_needed(n_unknowns: int) -> int:
    """Return about how many targets a number of unknowns needs."""
    return max(FEW_TARGETS, TARGETS_PER_UNKNOWN * n_unknowns)


def _describe_headline(fit: ShownFit) -> list[str]:
    """Return the result in one line, without an interval, and a doubt about it, if there is one."""
    problem = fit.problem
    words = {
        **name_detected(fit.detected),
        "value": _describe_value(fit),
        "subject": "interval " if fit.is_small_change else "",
        "n_targets": count(fit.solution.n_targets, "target"),
        "needed": count_needed(fit.solution.n_targets - max(0, fit.solution.degrees_of_freedom)),
        "inputs": " or ".join(split_unit(name)[0] for name in problem.series.input_names),
        "target": split_unit(problem.record.target_name)[0],
    }
    parts = (fit.texts[name] for name in ("headline", "doubt") if name in fit.texts)
    return [text.format(**words) for text in parts]


def _describe_value(fit: ShownFit) -> str:
    """Return the time constant or w_rec, or the time constants of all states."""
    w_rec = fit.state.w_rec
    value = f"w_rec {format_weight(w_rec)}"
    if w_rec < 0.0 or w_rec >= 1.0:
        change = "alternate" if w_rec < 0.0 else "do not decay" if w_rec == 1.0 else "grow"
        value = f"Effects {change}: {value}"
    if fit.is_several:
        texts = [describe_state(fit, each) for each in fit.states]
        value = f"Time constants {' and '.join(texts)}"
    elif fit.is_given:
        time = fit.time and f"Time constant {format_time(fit.time, fit.step.unit)}"
        value = "Effects within one step" if w_rec == 0.0 else f"{time or value} (given)"
    elif fit.times and w_rec < 1.0:
        times = fit.times if fit.time is None else [(fit.time, fit.time)]
        value = f"Time constant {format_ranges(times, fit.step.unit)}"
    return value


def _describe_findings(fit: ShownFit) -> Iterator[Sentence]:
    """Yield the verdict, then the other findings.

    An alternative is judged on its own, so that it replaces the other reasons and the findings in
    the residuals.
    """
    texts = {slug: f"{each.sentence} {each.advice}" for slug, each in fit.findings.items()}
    shown = [slug for slug in texts if slug not in _hide_findings(fit)]
    verdict = fit.texts.get("verdict", "")
    harmless = Family.HARMLESS | Family.UNTESTED
    families = [rule.family for rule in fit.cautions]
    is_untested = any(family & Family.UNTESTED for family in families)
    if fit.level == "caution" and is_untested and all(family & harmless for family in families):
        verdict = fit.texts["verdict_untested"]
    for other in fit.alternatives[:1]:
        texts[other.reason] = f"{texts[other.reason]} {_describe_alternative(fit, other)}".strip()
    if shown and shown[0] in fit.trust.reasons:
        verdict = "" if fit.is_small_change else f"{verdict} {texts[shown.pop(0)]}".strip()
    if verdict:
        yield "verdict", verdict
    for slug in shown:
        yield "finding", texts[slug]


def _hide_findings(fit: ShownFit) -> set[str]:
    """Return the findings that other sentences state, or a cause or an alternative explains."""
    found = [*fit.reasons, *fit.cautions]
    kinds = {"never"} if fit.has_estimate else {"never", "with_estimate"}
    hidden = {rule.slug for rule in found if rule.shown in kinds}
    explains = {rule.slug for rule in fit.reasons if rule.explains}
    explains = explains or {each.reason for each in fit.alternatives[:1]}
    if explains:
        checks = {rule.slug for rule in RULES.values() if rule.check and rule.kind == "caution"}
        return hidden | checks | {*fit.trust.reasons} - explains
    if fit.level in {"too_few", "no_effect"}:
        return {rule.slug for rule in found if not rule.family & Family.DATA}
    return hidden


def _describe_alternative(fit: ShownFit, other: Alternative) -> str:
    """Return the result of an alternative, unless its reason states it or it has no effect."""
    if len(fit.better_times) > 1 or fit.level == "no_effect":
        return ""
    (value,) = fit.better_times
    if not math.isfinite(value):
        return f"With this, w_rec is {format_weight(fit.result.find_shown(other).w_rec)}."
    time = format_time(value, fit.step.unit)
    if RULES[other.reason].family & Family.NOISE:
        ranges = format_ranges(fit.to_times(fit.cautious), fit.step.unit, value)
        time += f" ({ranges})" if ranges != "anything" else ""
    return f"With this, the time constant is {time}."
