"""Properties of estimates and verdicts in addition to the fields of the API."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linear_rnn._models import Interval


class IntervalEnds:
    """An estimate whose confidence interval may have several pieces, with open ends."""

    value: float | None
    intervals: "list[Interval]"

    @property
    def pieces(self) -> "list[Interval]":
        """The pieces of the interval, in ascending order; ``intervals`` in the API."""
        return self.intervals

    @property
    def low(self) -> float | None:
        """The lowest end of all pieces; None if there is none, or if it is not finite."""
        return self.intervals[0].low if self.intervals else None

    @property
    def high(self) -> float | None:
        """The highest end of all pieces; None if there is none, or if it is not finite."""
        return self.intervals[-1].high if self.intervals else None


class Trust:
    """A verdict on a fit, which is false if its interval should not be trusted."""

    interval: bool

    def __bool__(self) -> bool:
        return self.interval
