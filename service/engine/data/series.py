"""Series: sequences with several inputs, and a target at any of their steps."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from service.engine.data.dataset import Dataset
from service.engine.types import Array


class Step(NamedTuple):
    """The time from one step to the next.

    Attributes
    ----------
    length
        Above 0.
    unit
        Its unit, such as ``"hour"``.
    """

    length: float = 1.0
    unit: str = "step"


@dataclass(frozen=True, eq=False)
class Series:
    """Sequences whose lengths may differ, with q inputs and a target at every step.

    Attributes
    ----------
    inputs
        (T_i, q) per sequence.
    targets
        (T_i,) per sequence; nan where a target is missing.
    input_names
        The names of the q inputs.
    target_name
        The name of the target.
    step
        The time from one step to the next.
    """

    inputs: tuple[Array, ...]
    targets: tuple[Array, ...]
    input_names: tuple[str, ...] = ("input",)
    target_name: str = "target"
    step: Step = Step()

    @classmethod
    def from_dataset(cls, dataset: Dataset) -> "Series":
        """Return the series of a dataset with one target per sequence, which is its last.

        Parameters
        ----------
        dataset
            N sequences of T inputs, and N targets.

        Returns
        -------
        Series
            N sequences with one input, and no target but at the last step.
        """
        targets = np.full(dataset.inputs.shape, np.nan)
        targets[:, -1] = dataset.targets
        return cls(tuple(dataset.inputs[..., np.newaxis]), tuple(targets))

    @property
    def n_targets(self) -> int:
        """The number of targets that are not missing."""
        return sum(int(np.count_nonzero(~np.isnan(targets))) for targets in self.targets)
