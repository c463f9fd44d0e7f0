"""The decisions about what is shown of a fit: its level, its interval and its time constant."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, Literal

from service.engine.data import Step
from service.engine.fit import RULES, TEXTS, Family, Range
from service.schemas.fit_results import Level
from service.schemas.fits import FitRequest

SMALL_CHANGE: Final = 0.05  # of the time constant; an alternative with less is no warning


class ShownFit:
    """A fit, with the decisions about what is shown of it."""

    def __init__(self, request: FitRequest, result: Any) -> None:
        self.request = request
        self.result = result  # null where a number is not finite
        self.trust = result.trust
        self.step = Step() if request.step is None else request.step.to_step()
        self.is_small = "too_few_to_tell" in self.trust.cautions
        self.is_given = request.w_rec.low == request.w_rec.high
        self.is_several = len(result.states or ()) > 1
        self.state = result.states[0] if self.is_several else result  # the slowest one

    @cached_property
    def level(self) -> Level:
        """The level, as `summarize` defines it."""
        is_identified = self.result.identifiable and self.result.degrees_of_freedom > 0
        if self.is_small and not is_identified:
            return "too_few"
        if "no_visible_effect" in self.trust.reasons and not self.detected:
            return "no_effect"
        if not is_identified:
            return "not_identified"
        if self.trust.reasons:
            return "rejected"
        is_harmless = all(RULES[slug].family & Family.HARMLESS for slug in self.trust.cautions)
        return "trusted" if is_harmless else "caution"

    @cached_property
    def texts(self) -> dict[str, str]:
        """The texts of the level."""
        name: str = self.level
        if self.level == "rejected" and "no_visible_effect" in self.trust.reasons:
            name = "detected_alone"
        elif self.level == "rejected" and "range_advised" in self.trust.reasons:
            name = "other_range"
        return TEXTS["levels"][name]

    @property
    def detected(self) -> list[str]:
        """The inputs whose effects are detected."""
        return [each.name for each in self.result.inputs if each.effects and each.effects.visible]

    @property
    def has_estimate(self) -> bool:
        """True if a time constant is shown."""
        return "estimate" not in self.texts

    @property
    def noise(self) -> Literal["white", "ar1"]:
        """The noise of the fit."""
        return "white" if self.result.rho is None else "ar1"

    @cached_property
    def pieces(self) -> list[Range]:
        """The interval of w_rec to show."""
        return [(each.low, each.high) for each in self.state.w_rec.intervals]

    @cached_property
    def times(self) -> list[Range]:
        """The same interval of the time constant, in units of the step.

        It is empty if w_rec is below 0, or if the interval contains all time constants.
        """
        times = self.to_times(self.pieces) if self.state.w_rec.value >= 0.0 else []
        return [] if (None, None) in times else times

    @property
    def time(self) -> float | None:
        """The time constant; None if it is undefined."""
        time: float | None = self.state.time_constant.value
        return time

    @property
    def is_small_change(self) -> bool:
        """True if the first alternative has nearly the same time constant."""
        now = self.state.time_constant.value if self.has_estimate else None
        then = [each.time_constant or math.inf for each in self.result.alternatives[:1]]
        return now is not None and any(abs(each - now) < SMALL_CHANGE * now for each in then)

    def to_times(self, pieces: Sequence[Any]) -> list[Range]:
        """Return pieces of w_rec as time constants, open where the search range ends them."""
        lowest = max(0.0, self.request.w_rec.low)
        highest = min(1.0, self.request.w_rec.high)
        times = [
            [-self.step.length / math.log(end) if lowest < end < highest else None for end in piece]
            for piece in pieces
            if piece[0] < 1.0 and piece[1] > 0.0
        ]
        return [(low, high) for low, high in times]
