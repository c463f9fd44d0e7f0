"""Series: sequences with several inputs, and a target at any of their steps."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data.dataset import Dataset
from service.engine.types import Array


class Step(NamedTuple):
    """The time from one step to the next."""

    length: float = 1.0  # above 0
    unit: str = "step"  # such as "hour"


ONE_STEP: Final = Step()


@dataclass(frozen=True, eq=False)
class Series:
    """Sequences whose lengths may differ, with q inputs and a target at every step."""

    inputs: tuple[Array, ...]  # (T_i, q) per sequence
    targets: tuple[Array, ...]  # (T_i,) per sequence; nan where one is missing
    input_names: tuple[str, ...] = ("input",)
    target_name: str = "target"
    step: Step = ONE_STEP  # the time from one step to the next
    sequence_names: tuple[str, ...] = ()  # empty if the sequences have none

    @classmethod
    def from_dataset(cls, dataset: Dataset) -> "Series":
        """Return the series of a dataset with one target per sequence, which is its last.

        It has one input, and no target but at the last step.
        """
        targets = np.full(dataset.inputs.shape, np.nan)
        targets[:, -1] = dataset.targets
        return cls(tuple(dataset.inputs[..., np.newaxis]), tuple(targets))

    @classmethod
    def from_rows(
        cls,
        inputs: Array,
        targets: Array,
        lengths: NDArray[np.int64],
        input_names: tuple[str, ...],
        target_name: str = "target",
        step: Step = ONE_STEP,
        sequence_names: tuple[str, ...] = (),
    ) -> "Series":
        """Return a series whose sequences follow each other in two arrays, as views of these.

        Inputs are (N, q), targets (N,), nan where one is missing, and the lengths of the sequences
        (n,), at least 1 with the sum N.
        """
        ends = np.cumsum(lengths)[:-1]
        rows, observations = np.split(inputs, ends), np.split(targets, ends)
        names = input_names, target_name, step, sequence_names
        return cls(tuple(rows), tuple(observations), *names)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The lengths (n,) of the sequences."""
        return np.fromiter(map(len, self.targets), np.int64, len(self.targets))

    @property
    def n_targets(self) -> int:
        """The number of targets that are not missing."""
        return sum(int(np.count_nonzero(~np.isnan(targets))) for targets in self.targets)
