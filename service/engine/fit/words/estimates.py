"""The estimates of a fit in words, and how well it describes the target."""

import math
import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from service.engine.fit.constants import FEW_TARGETS
from service.engine.fit.words.effects import describe_effects
from service.engine.fit.words.quantities import (
    attach_unit,
    capitalize,
    format_p,
    format_ranges,
    format_time,
    format_value,
    format_weight,
    split_unit,
)
from service.engine.fit.words.shown_fit import ShownFit
from service.engine.fit.words.states import State
from service.engine.fit.words.texts import Sentence
from service.engine.types import Array
from service.errors import count

MEANS: Final = re.compile(r"means of \d+ rows")  # a repair that hides changes within a step


def describe_state(fit: ShownFit, state: State, *, has_interval: bool = False) -> str:
    """Return the time constant of one of several states or its interval, and its inputs."""
    is_defined = math.isfinite(state.time)
    text = f"(w_rec {format_weight(state.w_rec)})"
    if is_defined:
        text = format_time(state.time, fit.step.unit)
    if has_interval:
        ranges = [each for each in fit.to_times(state.pieces) if each != (None, None)]
        like = state.time if is_defined else None
        text = format_ranges(ranges, fit.step.unit, like) if ranges else text
    is_common = len({tuple(each.inputs) for each in fit.states}) == 1
    return text if is_common else f"{text} for {' and '.join(state.inputs)}"


def describe_estimates(fit: ShownFit) -> Iterator[Sentence]:
    """Yield the interval, the half-life, the delay and the effects."""
    if not fit.has_estimate:
        yield "estimate", fit.texts["estimate"]
        return
    interval = _describe_interval(fit)
    if not fit.is_given:
        yield "estimate", f"{interval} with {100 * fit.asked.confidence:g} % confidence."
    if fit.noise != fit.asked.noise == "white":
        why = f"which fewer than {FEW_TARGETS} targets cannot rule out"
        yield "estimate", f"All estimates allow for autocorrelated noise, {why}."
    elif fit.noise == "ar1" and not fit.is_given:
        why = f"with a correlation of {format_value(fit.solution.rho)} from step to step"
        yield "estimate", f"The interval allows for autocorrelated noise, {why}."
    if not fit.problem.series.input_names and not fit.is_given:
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
    if fit.problem.delay:
        delay = format_time(fit.problem.delay * fit.step.length, fit.step.unit)
        yield "estimate", f"Inputs take effect after {delay}."
    for sentence in [*_describe_responses(fit), *describe_effects(fit.result)]:
        yield "estimate", sentence


def _describe_interval(fit: ShownFit) -> str:
    """Return the interval of the time constant or of w_rec, or those of all states."""
    interval = f"w_rec {format_ranges(fit.state.pieces)}"
    if fit.is_several:
        texts = [describe_state(fit, each, has_interval=True) for each in fit.states]
        interval = f"Time constants {' and '.join(texts)}"
    elif fit.times:
        interval = format_ranges(fit.times, fit.step.unit, fit.time)
        is_named = fit.state.w_rec < 1.0  # in the headline
        interval = capitalize(interval) if is_named else f"Time constant {interval}"
    return interval


def _describe_responses(fit: ShownFit) -> Iterator[str]:
    """Yield the times after which the effects on several states are reached."""
    if not fit.is_several:
        return
    names = fit.problem.series.input_names
    for each, response in zip(names, fit.result.responses, strict=True):
        marks = response.time_to_63_percent, response.time_to_95_percent
        if all(map(math.isfinite, marks)):
            first, second = (format_time(n * fit.step.length, fit.step.unit) for n in marks)
            name, _ = split_unit(each)
            yield f"63 % of the effect of {name} is reached after {first}, 95 % after {second}."


def describe_quality(fit: ShownFit) -> Iterator[Sentence]:
    """Yield how well the fit describes the target, the level without inputs, and repairs."""
    solution = fit.solution
    record = fit.problem.record
    target, unit = split_unit(record.target_name)
    size = attach_unit(format_value(math.sqrt(solution.cost)), unit)
    if fit.asked.variance == "proportional" and math.isfinite(solution.innovation_sd):
        size = f"{format_value(100.0 * solution.innovation_sd)} % of the predicted value"
    facts = [f"typical error {size}"]
    if fit.level != "no_effect" and solution.r_squared > 0.0:
        percent = format_value(math.floor(1000.0 * solution.r_squared) / 10.0)
        facts.insert(0, f"explains {percent} % of the variance of {target}")
    if fit.has_estimate and not fit.is_several:
        facts.append(f"w_rec {format_weight(fit.state.w_rec)}")
    facts.append(count(solution.n_targets, "target"))
    yield "quality", f"{capitalize('; '.join(facts))}."
    offset = fit.result.parameters.offset
    offsets = fit.result.parameters.offsets
    if fit.has_estimate and offsets is not None and abs(fit.state.w_rec) < 1.0:
        yield "quality", _describe_levels(fit, offsets[:, 0], target, unit)
    elif fit.has_estimate and offset is not None and _has_level(fit, offset):
        settled = attach_unit(format_value(float(offset[0])), unit)
        yield "quality", f"Without any input, {target} settles at {settled}."
    if record.repairs:
        yield "quality", f"The table was repaired: {'; '.join(record.repairs)}."
        if any(MEANS.fullmatch(repair) for repair in record.repairs):
            yield "quality", "Means of rows make time constants appear longer, by about a step."


def _describe_levels(fit: ShownFit, offsets: Array, target: str, unit: str) -> str:
    """Return the range of the levels (N,) of sequences, and how much they differ."""
    levels = offsets[np.isfinite(offsets)].tolist()
    ends = f"{format_value(min(levels))} to {attach_unit(format_value(max(levels)), unit)}"
    text = f"Without any input, {count(len(levels), 'sequence')} settle at levels of {target} from"
    groups = fit.result.compare_groups(has_verdict=True)
    if groups is None or not math.isfinite(groups.level_sd):
        return f"{text} {ends}."
    size = attach_unit(format_value(groups.level_sd), unit)
    deviation = f"standard deviation {size} without their errors"
    return f"{text} {ends} ({deviation}, {format_p(groups.level_p)})."


def _has_level(fit: ShownFit, offset: Array) -> bool:
    """Return True if the target settles without inputs, at a level (3,) that is known."""
    if abs(fit.state.w_rec) >= 1.0 or any(rule.hides_level for rule in fit.cautions):
        return False
    return bool(np.isfinite(offset if fit.asked.offset is True else offset[0]).all())
