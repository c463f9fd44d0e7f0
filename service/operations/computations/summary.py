"""A fit in words: a level, a headline, sentences, and the interval to show.

The command line, the client, the pictures and the page print this text. No other module words a
fit, and only `shown_fit` decides how far it can be trusted.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from service.engine.fit import (
    FEW_TARGETS,
    RULES,
    TEXTS,
    Family,
    attach_unit,
    capitalize,
    format_p,
    format_ranges,
    format_time,
    format_value,
    format_weight,
    name_detected,
    split_unit,
)
from service.errors import count
from service.operations.computations.shown_fit import ShownFit
from service.schemas.base import encode
from service.schemas.fit_results import FitResult, FitSummary, ShownInterval, Topic
from service.schemas.fits import FitRequest

MEANS: Final = re.compile(r"means of \d+ rows")  # a repair that hides changes within a step
MAX_EFFECTS: Final = 4  # inputs whose effects are described
TARGETS_PER_UNKNOWN: Final = 10  # a rule of thumb of regression

Sentence: TypeAlias = tuple[Topic, str]


def summarize(request: FitRequest, result: FitResult) -> FitSummary:
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
        There are cautions other than `interval_open`, which the interval shows, and `levels_alike`.
    trusted
        All checks passed.

    No estimate is shown for the first three levels, nor while another range of w_rec is advised.

    Parameters
    ----------
    request
        The request with all defaults filled in.
    result
        The fit to describe, which is the one that was judged: white noise with fewer than 50
        targets is judged as ar1, because the checks seldom detect that there.

    Returns
    -------
    FitSummary
        Its sentences are in reading order: estimates, quality, verdict, findings.
    """
    fit = ShownFit(request, FitResult.model_validate_json(encode(result)))
    sentences = [*_describe_estimates(fit), *_describe_quality(fit), *_describe_findings(fit)]
    ends = [end for piece in fit.times or fit.pieces for end in piece]
    low, high = (ends[0], ends[-1]) if ends and fit.has_estimate else (None, None)
    return FitSummary(
        level=fit.level,
        headline=_describe_headline(fit),
        sentences=[text for _, text in sentences],
        topics=[topic for topic, _ in sentences],
        interval=ShownInterval(low=low, high=high, noise=fit.noise),
        w_rec=None if fit.is_several else fit.state.w_rec.value,
        time_constant=None if fit.is_several else fit.state.time_constant.value,
        gains=[each.steady_state_gain for each in fit.result.inputs],
    )


def count_needed(n_unknowns: int) -> int:
    """Return about how many targets a number of unknowns needs."""
    return max(FEW_TARGETS, TARGETS_PER_UNKNOWN * n_unknowns)


def _describe_headline(fit: ShownFit) -> str:
    """Return the result in one line, without an interval."""
    result = fit.result
    w_rec = fit.state.w_rec.value
    value = f"w_rec {format_weight(w_rec)}"
    if w_rec < 0.0 or w_rec >= 1.0:
        change = "alternate" if w_rec < 0.0 else "do not decay" if w_rec == 1.0 else "grow"
        value = f"Effects {change}: {value}"
    if fit.is_several:
        texts = [_describe_state(fit, each) for each in result.states]
        value = f"Time constants {' and '.join(texts)}"
    elif fit.is_given:
        time = fit.time and f"Time constant {format_time(fit.time, fit.step.unit)}"
        value = "Effects within one step" if w_rec == 0.0 else f"{time or value} (given)"
    elif fit.times and w_rec < 1.0:
        times = fit.times if fit.time is None else [(fit.time, fit.time)]
        value = f"Time constant {format_ranges(times, fit.step.unit)}"
    return fit.texts["headline"].format(
        value=value,
        subject="interval " if fit.is_small_change else "",
        n_targets=count(result.n_targets, "target"),
        needed=count_needed(result.n_targets - max(0, result.degrees_of_freedom)),
        inputs=" or ".join(split_unit(each.name)[0] for each in result.inputs),
        target=split_unit(result.target)[0],
        **name_detected(fit.detected),
    )


def _describe_state(fit: ShownFit, state: Any, *, has_interval: bool = False) -> str:
    """Return the time constant of one of several states or its interval, and its inputs."""
    time = state.time_constant.value
    text = f"(w_rec {format_weight(state.w_rec.value)})"
    if time is not None:
        text = format_time(time, fit.step.unit)
    if has_interval:
        pieces = [(each.low, each.high) for each in state.w_rec.intervals]
        ranges = [each for each in fit.to_times(pieces) if each != (None, None)]
        text = format_ranges(ranges, fit.step.unit, time) if ranges else text
    is_common = len({tuple(each.inputs) for each in fit.result.states}) == 1
    return text if is_common else f"{text} for {' and '.join(state.inputs)}"


def _describe_estimates(fit: ShownFit) -> Iterator[Sentence]:
    """Yield the interval, the half-life, the delay and the effects."""
    result = fit.result
    if not fit.has_estimate:
        yield "estimate", fit.texts["estimate"]
        return
    interval = _describe_interval(fit)
    if not fit.is_given:
        yield "estimate", f"{interval} with {100 * fit.request.confidence:g} % confidence."
    if fit.noise != fit.request.noise == "white":
        why = f"which fewer than {FEW_TARGETS} targets cannot rule out"
        yield "estimate", f"All estimates allow for autocorrelated noise, {why}."
    elif fit.noise == "ar1" and not fit.is_given:
        why = f"with a correlation of {format_value(result.rho)} from step to step"
        yield "estimate", f"The interval allows for autocorrelated noise, {why}."
    if not result.inputs and not fit.is_given:
        yield (
            "estimate",
            (
                "There are no inputs: the estimate describes the decay from the start, and not how "
                "long disturbances last."
            ),
        )
    if fit.time is not None and not fit.is_several:
        half_life = format_time(math.log(2.0) * fit.time, fit.step.unit)
        yield "estimate", f"Effects halve every {half_life}."
    if result.delay.value:
        delay = format_time(result.delay.value * fit.step.length, fit.step.unit)
        yield "estimate", f"Inputs take effect after {delay}."
    for sentence in [*_describe_responses(fit), *_describe_effects(result)]:
        yield "estimate", sentence


def _describe_interval(fit: ShownFit) -> str:
    """Return the interval of the time constant or of w_rec, or those of all states."""
    interval = f"w_rec {format_ranges(fit.pieces)}"
    if fit.is_several:
        texts = [_describe_state(fit, each, has_interval=True) for each in fit.result.states]
        interval = f"Time constants {' and '.join(texts)}"
    elif fit.times:
        interval = format_ranges(fit.times, fit.step.unit, fit.time)
        is_named = fit.state.w_rec.value < 1.0  # in the headline
        interval = capitalize(interval) if is_named else f"Time constant {interval}"
    return interval


def _describe_responses(fit: ShownFit) -> Iterator[str]:
    """Yield the times after which the effects on several states are reached."""
    for each in fit.result.inputs if fit.is_several else ():
        marks = each.response.time_to_63_percent, each.response.time_to_95_percent
        if None not in marks:
            times = [format_time(time, fit.step.unit) for time in marks]
            name, _ = split_unit(each.name)
            first, second = times
            yield f"63 % of the effect of {name} is reached after {first}, 95 % after {second}."


def _describe_effects(result: Any) -> Iterator[str]:
    """Yield the effects in the long run, or within a step if those have no limits."""
    detected = [each for each in result.inputs if each.effects is None or each.effects.visible]
    for field, scope in {"steady_state_gain": "In the long run", "w_in": "Within a step"}.items():
        own = [_describe_own_effects(each, result.target) for each in detected if each.gains]
        clauses = own or [
            _describe_effect(each.name, getattr(each, field), result.target) for each in detected
        ]
        clauses = [clause for clause in clauses if clause]
        if clauses:
            n_more = len(clauses) - MAX_EFFECTS
            clauses[MAX_EFFECTS:] = [f"and {count(n_more, 'more input')}"] if n_more > 0 else []
            yield f"{scope}, {'; '.join(clauses)}."
            break
    names = [split_unit(each.name)[0] for each in result.inputs if each not in detected]
    if names:
        text = TEXTS["effects"]["undetected" if detected else "inseparable"]
        yield text["sentence"].format(names=", ".join(names))


def _describe_own_effects(each: Any, target: str) -> str:
    """Return the effects of an input in the sequence in the middle, and in all of them."""
    known = [gain for gain in each.gains if gain.value is not None]
    if not known:
        return ""
    known.sort(key=lambda gain: gain.value)
    middle = _describe_effect(each.name, known[(len(known) - 1) // 2], target)
    ends = " to ".join(format_value(gain.value) for gain in (known[0], known[-1]))
    return middle and f"{middle} in the median sequence, and by {ends} in all of them"


def _describe_effect(name: str, effect: Any, target: str) -> str:
    """Return the effect of one unit of an input; empty if a number is not finite."""
    if None in (effect.value, effect.low, effect.high):
        return ""
    cause, unit = split_unit(name)
    affected, target_unit = split_unit(target)
    size = attach_unit(format_value(effect.value), target_unit)
    amount = f"1 {unit}" if unit else "one unit"
    interval = f"{format_value(effect.low)} to {format_value(effect.high)}"
    return f"{amount} of {cause} changes {affected} by {size} ({interval})"


def _describe_quality(fit: ShownFit) -> Iterator[Sentence]:
    """Yield how well the fit describes the target, the level without inputs, and repairs."""
    result = fit.result
    target, unit = split_unit(result.target)
    size = attach_unit(format_value(result.rmse), unit)
    if fit.request.is_weighted and result.innovation_sd is not None:
        size = f"{format_value(100.0 * result.innovation_sd)} % of the predicted value"
    facts = [f"typical error {size}"]
    if fit.level != "no_effect" and (result.r_squared or 0.0) > 0.0:
        percent = format_value(math.floor(1000.0 * result.r_squared) / 10.0)
        facts.insert(0, f"explains {percent} % of the variance of {target}")
    if fit.has_estimate and not fit.is_several:
        facts.append(f"w_rec {format_weight(result.w_rec.value)}")
    facts.append(count(result.n_targets, "target"))
    yield "quality", f"{capitalize('; '.join(facts))}."
    if fit.has_estimate and result.offsets and abs(fit.state.w_rec.value) < 1.0:
        yield "quality", _describe_levels(result, target, unit)
    elif fit.has_estimate and _has_level(fit):
        settled = attach_unit(format_value(result.offset.value), unit)
        yield "quality", f"Without any input, {target} settles at {settled}."
    if result.repairs:
        yield "quality", f"The table was repaired: {'; '.join(result.repairs)}."
        if any(MEANS.fullmatch(repair) for repair in result.repairs):
            yield "quality", "Means of rows make time constants appear longer, by about a step."


def _describe_levels(result: Any, target: str, unit: str) -> str:
    """Return the range of the levels of sequences, and how much they differ."""
    levels = [each.value for each in result.offsets if each.value is not None]
    ends = f"{format_value(min(levels))} to {attach_unit(format_value(max(levels)), unit)}"
    text = f"Without any input, {count(len(levels), 'sequence')} settle at levels of {target} from"
    size = result.groups.level_sd
    if size is None:
        return f"{text} {ends}."
    deviation = f"standard deviation {attach_unit(format_value(size), unit)} without their errors"
    return f"{text} {ends} ({deviation}, {format_p(result.groups.level_p)})."


def _has_level(fit: ShownFit) -> bool:
    """Return True if the target settles without inputs, at a level that is known."""
    offset = fit.result.offset
    if not offset or abs(fit.state.w_rec.value) >= 1.0 or "rho_at_limit" in fit.trust.cautions:
        return False
    ends = (offset.low, offset.high) if fit.request.offset is True else ()
    return None not in (offset.value, *ends)


def _describe_findings(fit: ShownFit) -> Iterator[Sentence]:
    """Yield the verdict, then the other findings.

    An alternative is judged on its own, so that it replaces the other reasons and the findings in
    the residuals.
    """
    texts = {each.slug: f"{each.sentence} {each.advice}" for each in fit.trust.findings}
    shown = [slug for slug in texts if slug not in _hide_findings(fit)]
    verdict = fit.texts.get("verdict", "")
    harmless = Family.HARMLESS | Family.UNTESTED
    if fit.level == "caution" and all(RULES[slug].family & harmless for slug in fit.trust.cautions):
        verdict = fit.texts["verdict_untested"]
    for other in fit.result.alternatives[:1]:
        texts[other.reason] = f"{texts[other.reason]} {_describe_alternative(fit, other)}".strip()
    if shown and shown[0] in fit.trust.reasons:
        verdict = "" if fit.is_small_change else f"{verdict} {texts[shown.pop(0)]}".strip()
    if verdict:
        yield "verdict", verdict
    for slug in shown:
        yield "finding", texts[slug]


def _hide_findings(fit: ShownFit) -> set[str]:
    """Return the findings that other sentences state, or a cause or an alternative explains."""
    reasons = {*fit.trust.reasons}
    found = reasons | {*fit.trust.cautions}
    hidden = {"too_few_to_tell"} if fit.has_estimate else {"too_few_to_tell", "interval_open"}
    explains = {"oscillates"} & reasons or {each.reason for each in fit.result.alternatives[:1]}
    if explains:
        checks = {rule.slug for rule in RULES.values() if rule.check and rule.kind == "caution"}
        return hidden | checks | reasons - explains
    if fit.level in {"too_few", "no_effect"}:
        return {slug for slug in found if not RULES[slug].family & Family.DATA}
    return hidden


def _describe_alternative(fit: ShownFit, other: Any) -> str:
    """Return the result of an alternative, unless its reason states it or it has no effect."""
    if len(other.time_constants) > 1 or fit.level == "no_effect":
        return ""
    if other.time_constant is None:
        return f"With this, w_rec is {format_weight(other.w_rec)}."
    time = format_time(other.time_constant, fit.step.unit)
    if other.reason == "neighbors":
        pieces = [(span.low, span.high) for span in fit.trust.cautious]
        ranges = format_ranges(fit.to_times(pieces), fit.step.unit, other.time_constant)
        time += f" ({ranges})" if ranges != "anything" else ""
    return f"With this, the time constant is {time}."
