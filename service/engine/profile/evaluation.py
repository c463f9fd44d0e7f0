"""A function of w_rec, evaluated at some points."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A function evaluated at W points.

    A subclass adds arrays (W, ...) with other results at the same points.

    Attributes
    ----------
    w : (W,)
        The points.
    cost : (W,)
        The values; any real numbers, nan where rounding leaves no digits.
    slope : (W,)
        The derivatives with respect to w.
    accuracy : (W,)
        Costs that differ by less count as equal.
    """

    w: Array
    cost: Array
    slope: Array
    accuracy: Array

    def __getitem__(self, where: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        return type(self)(*(array[where] for array in vars(self).values()))

    def concatenate(self, *others: Self) -> Self:
        """Return these points and those of others, in this order."""
        columns = zip(*(vars(part).values() for part in (self, *others)), strict=True)
        return type(self)(*map(np.concatenate, columns))

    def merge(self, *others: Self) -> Self:
        """Return these points and those of others, sorted by w, each w once."""
        merged = self.concatenate(*others)
        return merged[np.unique(merged.w, return_index=True)[1]]
