"""The sizes of the errors, relative to their geometric mean."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from service.engine.fit import constants
from service.engine.fit.model.padding import PaddedSeries
from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class ErrorSizes:
    """Sizes of errors that are proportional to fitted values, or all equal.

    Attributes
    ----------
    fitted : (S,)
        The values at all steps of the data to which the errors are proportional. None for errors of
        one size.
    padded
        The data.
    """

    fitted: Array | None
    padded: PaddedSeries

    @cached_property
    def _fitted_at_targets(self) -> Array:
        """The magnitudes (n,) to which the errors are proportional; 1 for errors of one size."""
        padded = self.padded
        if self.fitted is None:
            return np.ones(padded.n_targets)
        return np.abs(self.fitted[padded.rows_in_use][padded.has_target[padded.is_step]])

    @cached_property
    def _least(self) -> float:
        """The magnitude that replaces smaller ones."""
        largest = float(np.max(self._fitted_at_targets, initial=0.0))
        return max(constants.LEAST_SIZE * largest, constants.TINY)

    @cached_property
    def usual(self) -> float:
        """The geometric mean of the fitted values at the targets; 1 for errors of one size."""
        return float(np.exp(np.mean(np.log(np.maximum(self._fitted_at_targets, self._least)))))

    def find(self, fitted: Array) -> Array:
        """Return the sizes of the errors of fitted values.

        Their geometric mean at the targets is 1.

        Parameters
        ----------
        fitted
            In the units of the data, of any shape.

        Returns
        -------
        sizes
            Of the same shape; 1 for errors of one size.
        """
        if self.fitted is None:
            return np.ones_like(fitted)
        return np.asarray(np.maximum(np.abs(fitted), self._least) / self.usual)

    @cached_property
    def of_steps(self) -> Array | None:
        """The sizes (N, T) at all steps, 1 in the padding; None if all are equal."""
        if self.fitted is None:
            return None
        sizes = np.ones(self.padded.is_step.shape)
        sizes[self.padded.is_step] = self.find(self.fitted[self.padded.rows_in_use])
        return sizes
