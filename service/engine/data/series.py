"""Series: sequences with several inputs, and a target at any of their steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data.dataset import Dataset
from service.engine.data.units import name_unit
from service.engine.types import Array


class Step(NamedTuple):
    """The time from one step to the next."""

    length: float = 1.0  # above 0
    unit: str = "step"  # such as "hour"


ONE_STEP: Final = Step()


def describe_step(step: Step) -> str:
    """Return the length of a step with its unit."""
    return f"{step.length:g} {name_unit(step.unit, plural=step.length != 1)}"


class Note(NamedTuple):
    """An observation or an assumption about the table that was read."""

    slug: str  # its kind
    sentence: str
    repairs: tuple[Mapping[str, Any], ...] = ()  # of the table, as alternatives: label and query
    is_open: bool = False  # answers can be wrong because of it
    line: int | None = None  # of the table


@dataclass(frozen=True, eq=False)
class Series:
    """N sequences with q inputs and a target at every step, concatenated in flat arrays.

    Their lengths may differ. S is the total number of steps.
    """

    inputs: Array  # (S, q)
    targets: Array  # (S,) nan for missing ones
    lengths: NDArray[np.int64]  # (N,) at least 1, with the sum S
    input_names: tuple[str, ...] = ("input",)
    target_name: str = "target"
    step: Step = ONE_STEP  # the time from one step to the next
    sequence_names: tuple[str, ...] = ()  # empty for sequences without names
    # Of the first steps: dates as text or numbers, only for display; empty if unknown.
    start_times: tuple[str | float, ...] = ()
    # Of the table that was read, only for display.
    repairs: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()  # that were proposed, such as "target sales"
    notes: tuple[Note, ...] = ()

    @classmethod
    def from_sequences(
        cls, inputs: Sequence[Array], targets: Sequence[Array], *columns: Any
    ) -> "Series":
        """Return a series of separate sequences.

        Parameters
        ----------
        inputs
            (T_i, q) per sequence.
        targets
            (T_i,) per sequence, nan for missing ones.
        columns
            The other fields, from ``input_names`` on.

        Returns
        -------
        Series
            With the concatenated sequences.
        """
        lengths = np.fromiter(map(len, targets), np.int64, len(targets))
        return cls(np.concatenate(inputs), np.concatenate(targets), lengths, *columns)

    @classmethod
    def from_dataset(cls, dataset: Dataset) -> "Series":
        """Return the series of a dataset with one target per sequence, at its last step.

        It has one input, and no other targets.
        """
        n_samples, n_steps = dataset.inputs.shape
        targets = np.full((n_samples, n_steps), np.nan)
        targets[:, -1] = dataset.targets
        inputs = dataset.inputs.reshape(-1, 1)
        return cls(inputs, targets.ravel(), np.full(n_samples, n_steps, np.int64))

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The indices (N + 1,) of the first steps of the sequences, then S."""
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def rows(self, sequence: int) -> slice:
        """Return the slice of a sequence in the arrays."""
        return slice(int(self.starts[sequence]), int(self.starts[sequence + 1]))

    def select(self, sequence: int) -> "Series":
        """Return one of the sequences, without its name."""
        rows = self.rows(sequence)
        return replace(
            self,
            inputs=self.inputs[rows],
            targets=self.targets[rows],
            lengths=self.lengths[[sequence]],
            sequence_names=(),
            start_times=self.start_times[sequence : sequence + 1],
        )

    @property
    def labels(self) -> list[str]:
        """The names of the sequences, or their positions from 0."""
        return [*self.sequence_names] or [*map(str, range(len(self.lengths)))]

    @property
    def n_targets(self) -> int:
        """The number of targets that are not missing."""
        return int(np.count_nonzero(~np.isnan(self.targets)))
