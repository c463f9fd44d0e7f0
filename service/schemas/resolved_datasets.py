"""Datasets and series whose arrays are read when first needed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np

from service.engine.data import Dataset, Note, Precomputed, Series, Step
from service.engine.network import Network
from service.engine.objective import Objective, make_objective
from service.engine.types import Array


class DatasetSize(NamedTuple):
    """Properties of a dataset that are available before its arrays are read."""

    n_samples: int  # N
    n_steps: int  # T, the length of the longest sequence
    is_precomputed: bool = False  # True if its moments, and its factor if that is small, are stored
    n_inputs: int = 1  # q, at each step
    is_series: bool = False  # True if every step may have a target


@dataclass(eq=False)
class ResolvedDataset:
    """A dataset with its stored reductions, both read when first needed."""

    dataset: Dataset
    read_precomputed: Callable[[], Precomputed | None] | None = None

    @classmethod
    def from_arrays(cls, inputs: Array, targets: Array) -> "ResolvedDataset":
        """Return a dataset for arrays that the caller passes.

        -0.0 is replaced by 0.0 in place, because both have the same id. A copy could double the
        memory in use.
        """
        for array in (inputs, targets):
            np.add(array, 0.0, out=array)
        return cls(Dataset.from_arrays(inputs, targets))

    @property
    def series(self) -> Series:
        """The dataset as a series, which has a target at the last step of each sequence."""
        return Series.from_dataset(self.dataset)

    @property
    def size(self) -> DatasetSize:
        """N and T, and True if the moments are stored."""
        known = self.read_precomputed is not None
        return DatasetSize(self.dataset.n_samples, self.dataset.n_steps, is_precomputed=known)

    @cached_property
    def precomputed(self) -> Precomputed | None:
        """The stored reductions of the dataset."""
        return None if self.read_precomputed is None else self.read_precomputed()

    def objective(self, network: Network) -> Objective:
        """Return the cost of a network over the dataset."""
        return make_objective(self.dataset, network, self.precomputed)


@dataclass(eq=False)
class ResolvedSeries:
    """A series, read when first needed. ``step`` is the time from one step to the next."""

    size: DatasetSize
    step: Step
    read: Callable[[], Series]
    notes: tuple[Note, ...] = ()  # about its table

    @classmethod
    def from_series(cls, series: Series) -> "ResolvedSeries":
        """Return a series in memory."""
        lengths = series.lengths
        size = DatasetSize(
            len(lengths), int(lengths.max()), n_inputs=len(series.input_names), is_series=True
        )
        return cls(size, series.step, lambda: series, series.notes)

    @cached_property
    def series(self) -> Series:
        """The series."""
        return self.read()


AnyDataset: TypeAlias = ResolvedDataset | ResolvedSeries
