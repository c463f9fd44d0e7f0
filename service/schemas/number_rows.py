"""Rows of numbers in one array."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class InvalidElement(NamedTuple):
    """What is not a number in a list of numbers, or not a list of numbers in a list of rows.

    Attributes
    ----------
    at
        Its indices.
    value
        The element.
    """

    at: tuple[int, ...]
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class NumberRows:
    """Rows of numbers, whose lengths may differ.

    A million rows are two arrays instead of a million, whose deallocation alone takes 0.1 s.

    Attributes
    ----------
    numbers
        The numbers of all rows, one row after the other.
    lengths
        The length of each row, at least 1.
    n_steps
        The sum of the different lengths: the number of steps if rows of one length run together.
    """

    numbers: Array
    lengths: NDArray[np.intp]
    n_steps: int

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def matrix(self) -> Array | None:
        """The rows as an array (N, T), or None if their lengths differ."""
        if self.n_steps != self.lengths[0]:
            return None
        return self.numbers.reshape(len(self.lengths), self.n_steps)

    @property
    def starts(self) -> NDArray[np.intp]:
        """The index of the first number of each row."""
        return np.cumsum(self.lengths) - self.lengths


def make_rows(numbers: Array, lengths: NDArray[np.intp]) -> NumberRows:
    """Return rows of the given lengths; there is at least one row."""
    first = lengths[0]
    is_regular = len(lengths) == 1 or (lengths == first).all()
    n_steps = first if is_regular else np.unique(lengths).sum()
    return NumberRows(numbers, lengths, int(n_steps))
