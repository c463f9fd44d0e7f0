"""Properties of estimates and verdicts in addition to the fields of the API."""

from typing import Generic, Protocol, TypeVar


class Ends(Protocol):
    """A piece of an interval."""

    low: float | None
    high: float | None


P = TypeVar("P", bound=Ends)


class IntervalEnds(Generic[P]):
    """An estimate whose confidence interval may have several pieces, with open ends."""

    value: float | None
    intervals: list[P]

    @property
    def pieces(self) -> list[P]:
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
