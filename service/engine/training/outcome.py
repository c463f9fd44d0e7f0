"""How training ends."""

from enum import StrEnum
from typing import Self


class Outcome(StrEnum):
    """How training ended.

    `diverged`: a weight, or a number in the optimizer's state, is no longer finite. An overflow of
    the cost alone does not end a run.
    """

    code: int
    meaning: str

    def __new__(cls, name: str, code: int, meaning: str) -> Self:
        """Return a member that equals its name."""
        outcome = str.__new__(cls, name)
        outcome._value_, outcome.code, outcome.meaning = name, code, meaning
        return outcome

    TARGET_REACHED = "target_reached", 1, "The cost reached the target."
    ITERATIONS_EXHAUSTED = (
        "iterations_exhausted",
        0,
        "The iterations ended before the cost reached the target.",
    )
    DIVERGED = "diverged", 2, "A weight became infinite or NaN."
