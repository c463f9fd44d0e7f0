"""The decisions about what is shown of a fit: its level, its interval and its time constant."""

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Final, Literal, TypeAlias

from service.engine.data import Step
from service.engine.fit.answer import Result
from service.engine.fit.constants import FEW_TARGETS
from service.engine.fit.judge import RULES, Alternative, Evidence, Family, Rule
from service.engine.fit.words.findings import (
    Accepts,
    FindingTexts,
    describe_finding,
    list_alternatives,
)
from service.engine.fit.words.quantities import Range
from service.engine.fit.words.states import Piece, State, find_time, list_states
from service.engine.fit.words.texts import TEXTS

Level: TypeAlias = Literal[
    "trusted", "caution", "rejected", "no_effect", "too_few", "not_identified"
]
SMALL_CHANGE: Final = 0.05  # of the time constant; an alternative with less is no warning


class ShownFit:
    """A fit, with the decisions about what is shown of it.

    Parameters
    ----------
    result
        The fit of the request.
    step
        The time from one step to the next.
    accepts
        Returns True for the options of fits that may be recommended.
    has_notes
        True if something about the table is not confirmed.
    """

    def __init__(self, result: Result, step: Step, accepts: Accepts, *, has_notes: bool) -> None:
        self.asked = result.problem.options
        self.result = result.shown
        self.step = step
        self.accepts = accepts
        self.has_notes = has_notes
        self.problem = self.result.problem
        self.solution = self.result.solution
        self.trust = result.verdict.trust
        self.states = list_states(self.solution, step)
        self.is_several = len(self.states) > 1
        self.is_given = self.asked.is_given

    @property
    def state(self) -> State:
        """The state that is shown, the slowest one."""
        return self.states[0]

    @cached_property
    def reasons(self) -> list[Rule[Evidence]]:
        """The rules of the reasons."""
        return [RULES[slug] for slug in self.trust.reasons]

    @cached_property
    def cautions(self) -> list[Rule[Evidence]]:
        """The rules of the cautions."""
        return [RULES[slug] for slug in self.trust.cautions]

    @property
    def levels(self) -> set[str]:
        """The levels of the reasons."""
        return {rule.level for rule in self.reasons}

    @cached_property
    def level(self) -> Level:
        """The level, as `summarize` defines it."""
        solution = self.solution
        is_identified = solution.is_identifiable and solution.degrees_of_freedom > 0
        if self.problem.n_targets < FEW_TARGETS and not is_identified:
            return "too_few"
        if "no_effect" in self.levels and not self.detected:
            return "no_effect"
        if not is_identified:
            return "not_identified"
        if self.trust.reasons:
            return "rejected"
        is_harmless = all(rule.family & Family.HARMLESS for rule in self.cautions)
        return "trusted" if is_harmless and not self.has_notes else "caution"

    @cached_property
    def texts(self) -> dict[str, str]:
        """The texts of the level."""
        name: str = self.level
        if self.level == "rejected" and "no_effect" in self.levels:
            name = "detected_alone"
        elif self.level == "rejected" and "other_range" in self.levels:
            name = "other_range"
        return TEXTS["levels"][name]

    @cached_property
    def detected(self) -> list[str]:
        """The inputs whose effects are detected."""
        return self.result.verdict.detected_inputs

    @property
    def has_estimate(self) -> bool:
        """True if a time constant is shown."""
        return "estimate" not in self.texts

    @property
    def noise(self) -> Literal["white", "ar1"]:
        """The noise of the fit."""
        return "ar1" if self.solution.is_colored else "white"

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """The better fits that may be recommended, the best first."""
        return list_alternatives(self.result, self.accepts)

    @cached_property
    def findings(self) -> dict[str, FindingTexts]:
        """The reasons, then the cautions, in words."""
        return {
            each.slug: describe_finding(each, self.result, self.step, self.accepts)
            for each in self.trust.findings
        }

    @cached_property
    def times(self) -> list[Range]:
        """The interval of the time constant to show, in units of the step.

        It is empty if w_rec is below 0, or if the interval contains all time constants.
        """
        times = self.to_times(self.state.pieces) if self.state.w_rec >= 0.0 else []
        return [] if (None, None) in times else times

    @property
    def time(self) -> float | None:
        """The time constant; None if it is undefined."""
        return self.state.time if math.isfinite(self.state.time) else None

    @property
    def cautious(self) -> Sequence[Piece]:
        """The pieces of the interval of w_rec with ar1 noise; none of several or given w_rec."""
        return (() if self.is_given or self.is_several else self.trust.cautious) or ()

    @cached_property
    def better_times(self) -> list[float]:
        """The time constants of the best alternative, the longest first; nan where undefined."""
        poles = [self.result.find_shown(each).poles for each in self.alternatives[:1]]
        return [find_time(w, self.step.length) for w in sorted(chain(*poles), reverse=True)]

    @property
    def is_small_change(self) -> bool:
        """True if the best alternative has nearly the same time constant."""
        if not self.has_estimate or self.time is None or len(self.better_times) != 1:
            return False
        (then,) = self.better_times
        return abs(then - self.time) < SMALL_CHANGE * self.time

    def to_times(self, pieces: Sequence[Piece]) -> list[Range]:
        """Return pieces of w_rec as time constants, open where the search range ends them."""
        range_low, range_high = self.asked.w_rec
        lowest = max(0.0, range_low)
        highest = min(1.0, range_high)
        times = [
            [find_time(end, self.step.length) if lowest < end < highest else None for end in piece]
            for piece in pieces
            if piece[0] < 1.0 and piece[1] > 0.0
        ]
        return [(low, high) for low, high in times]
