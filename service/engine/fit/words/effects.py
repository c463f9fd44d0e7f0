"""The effects of inputs in words."""

from collections.abc import Iterator
from itertools import compress
from typing import Final

import numpy as np

from service.engine.fit.answer import Result
from service.engine.fit.words.quantities import attach_unit, format_value, split_unit
from service.engine.fit.words.texts import TEXTS
from service.engine.types import Array
from service.errors import count

MAX_EFFECTS: Final = 4  # inputs whose effects are described


def describe_effects(result: Result) -> Iterator[str]:
    """Yield the effects in the long run, or within a step if those have no limits."""
    names = result.problem.series.input_names
    target = result.problem.record.target_name
    is_detected = [effect is None or effect.visible for effect in result.verdict.fit.input_effects]
    gains = result.parameters.steady_state_gains
    for rows, scope in ((gains, "In the long run"), (result.parameters.w_in, "Within a step")):
        own = result.parameters.own_gains
        clauses = [
            _describe_effect(name, row, target)
            if own is None
            else _describe_own_effects(name, own[i], target)
            for i, (name, row) in enumerate(zip(names, rows, strict=True))
            if is_detected[i]
        ]
        clauses = [clause for clause in clauses if clause]
        if clauses:
            n_more = len(clauses) - MAX_EFFECTS
            clauses[MAX_EFFECTS:] = [f"and {count(n_more, 'more input')}"] if n_more > 0 else []
            yield f"{scope}, {'; '.join(clauses)}."
            break
    others = [split_unit(each)[0] for each in compress(names, [not each for each in is_detected])]
    if others:
        text = TEXTS["effects"]["undetected" if any(is_detected) else "inseparable"]
        yield text["sentence"].format(names=", ".join(others))


def _describe_own_effects(name: str, gains: Array, target: str) -> str:
    """Return the effects (N, 3) in the sequence in the middle, and in all of them."""
    known = gains[np.isfinite(gains[:, 0])]
    if not len(known):
        return ""
    known = known[np.argsort(known[:, 0], kind="stable")]
    middle = _describe_effect(name, known[(len(known) - 1) // 2], target)
    ends = " to ".join(format_value(gain) for gain in known[[0, -1], 0].tolist())
    return middle and f"{middle} in the median sequence, and by {ends} in all of them"


def _describe_effect(name: str, effect: Array, target: str) -> str:
    """Return the effect (3,) of one unit of an input; empty if a number is not finite."""
    if not np.isfinite(effect).all():
        return ""
    value, low, high = effect.tolist()
    cause, unit = split_unit(name)
    affected, target_unit = split_unit(target)
    size = attach_unit(format_value(value), target_unit)
    amount = f"1 {unit}" if unit else "one unit"
    interval = f"{format_value(low)} to {format_value(high)}"
    return f"{amount} of {cause} changes {affected} by {size} ({interval})"
