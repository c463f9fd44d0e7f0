"""The order of the columns of linear problems."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Columns:
    """The places of columns in the last axis of an array.

    They are the offset of each sequence, starts, inputs, the offset of all sequences, the rest of
    the baseline, then the rest of the targets, so that those of single sequences come first.
    Sources have the same order, with an impulse for the start and a constant for either offset
    after the inputs, and without the rest of the targets.

    Attributes
    ----------
    n_starts, n_inputs, n_offsets, n_baselines, n_own_offsets
        The number of columns of each kind.
    """

    n_starts: int
    n_inputs: int
    n_offsets: int
    n_baselines: int = 0
    n_own_offsets: int = 0

    @property
    def n_unknowns(self) -> int:
        """The number of columns, each of which has a weight."""
        kinds = (self.n_own_offsets, self.n_starts, self.n_inputs, self.n_offsets)
        return sum(kinds) + self.n_baselines

    @property
    def starts(self) -> slice:
        """The responses to the initial states."""
        return slice(self.n_own_offsets, self.n_own_offsets + self.n_starts)

    @property
    def inputs(self) -> slice:
        """The filtered inputs."""
        return slice(self.starts.stop, self.starts.stop + self.n_inputs)

    @property
    def offset(self) -> slice:
        """The filtered or plain constant; empty without an offset."""
        if self.n_own_offsets:
            return slice(0, self.n_own_offsets)
        return slice(self.inputs.stop, self.inputs.stop + self.n_offsets)

    @property
    def baselines(self) -> slice:
        """The trend and the season."""
        return slice(self.inputs.stop + self.n_offsets, self.n_unknowns)

    @property
    def levels(self) -> slice:
        """The offset of all sequences, then the trend and the season."""
        return slice(self.inputs.stop, self.n_unknowns)

    @property
    def unknowns(self) -> slice:
        """All columns that have a weight."""
        return slice(0, self.n_unknowns)

    @property
    def rest(self) -> slice:
        """The targets minus what is given: the last column, whose weight is -1."""
        return slice(self.n_unknowns, self.n_unknowns + 1)

    def without_own(self, *, has_own_starts: bool, has_own_gains: bool) -> Self:
        """Return the order after the columns of single sequences were removed."""
        return replace(
            self,
            n_own_offsets=0,
            n_starts=0 if has_own_starts else self.n_starts,
            n_inputs=0 if has_own_gains else self.n_inputs,
        )
