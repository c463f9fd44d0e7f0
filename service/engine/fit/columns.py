"""The order of the columns of linear problems."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Columns:
    """The places of columns in the last axis of an array.

    They are starts, inputs, the offset, the rest of the baseline, then the rest of the targets.
    Sources have the same order, with an impulse for the start and a constant for the offset, and
    without the rest of the targets.

    Attributes
    ----------
    n_starts, n_inputs, n_offsets, n_baselines
        The number of columns of each kind.
    """

    n_starts: int
    n_inputs: int
    n_offsets: int
    n_baselines: int = 0

    @property
    def n_unknowns(self) -> int:
        """The number of columns, each of which has a weight."""
        return self.n_starts + self.n_inputs + self.n_offsets + self.n_baselines

    @property
    def starts(self) -> slice:
        """The responses to the initial states."""
        return slice(0, self.n_starts)

    @property
    def inputs(self) -> slice:
        """The filtered inputs."""
        return slice(self.n_starts, self.n_starts + self.n_inputs)

    @property
    def offset(self) -> slice:
        """The filtered or plain constant; empty without an offset."""
        start = self.n_starts + self.n_inputs
        return slice(start, start + self.n_offsets)

    @property
    def levels(self) -> slice:
        """The offset, then the trend and the season."""
        return slice(self.n_starts + self.n_inputs, self.n_unknowns)

    @property
    def unknowns(self) -> slice:
        """All columns that have a weight."""
        return slice(0, self.n_unknowns)

    @property
    def rest(self) -> slice:
        """The targets minus what is given: the last column, whose weight is -1."""
        return slice(self.n_unknowns, self.n_unknowns + 1)

    def without_starts(self) -> Self:
        """Return the order after the columns of starts were removed."""
        return replace(self, n_starts=0)
