"""The data of a fit as padded arrays, in their own units."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class PaddedSeries:
    """The sequences of a series as rows of arrays, without their first steps.

    Attributes
    ----------
    series
        The data: N sequences of at most T steps in use, with q inputs.
    delay
        The delay of the inputs in steps. Before the record, the inputs are 0.
    skip
        The number of steps that are excluded at the start of each sequence.
    """

    series: Series
    delay: int
    skip: int

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The number (N,) of steps of each sequence that are used."""
        return np.maximum(self.series.lengths - self.skip, 0)

    @cached_property
    def n_steps(self) -> int:
        """The largest number T of steps that are used; 1 if there are none."""
        return max(int(self.lengths.max(initial=0)), 1)

    @cached_property
    def is_step(self) -> NDArray[np.bool_]:
        """The mask (N, T) of the steps that are used; the others are padding."""
        return np.arange(self.n_steps) < self.lengths[:, None]

    def _find_rows(self) -> NDArray[np.int64]:
        """Return the row of the series (N, T) of each step."""
        steps = np.arange(self.n_steps)
        return self.series.starts[:-1, None] + self.skip + steps

    @property
    def rows_in_use(self) -> NDArray[np.int64]:
        """The rows (s,) of the series of all steps in use, sequence by sequence."""
        return self._find_rows()[self.is_step]

    @cached_property
    def targets(self) -> Array:
        """The targets (N, T); nan where there is none."""
        targets: Array = np.full(self.is_step.shape, np.nan)
        targets[self.is_step] = self.series.targets[self.rows_in_use]
        return targets

    @cached_property
    def inputs(self) -> Array:
        """The delayed inputs (N, T, q), padded with zeros."""
        is_recorded = self.is_step & (np.arange(self.n_steps) >= self.delay - self.skip)
        inputs = np.zeros((*self.is_step.shape, self.series.inputs.shape[1]))
        inputs[is_recorded] = self.series.inputs[self._find_rows()[is_recorded] - self.delay]
        return inputs

    @cached_property
    def has_target(self) -> NDArray[np.bool_]:
        """The mask (N, T) of the steps with a target."""
        return ~np.isnan(self.targets)

    @cached_property
    def n_targets(self) -> int:
        """The number of targets."""
        return int(self.has_target.sum())

    @cached_property
    def first_step(self) -> int:
        """The first step at which any sequence has a target."""
        return int(np.argmax(self.has_target.any(axis=0)))
