"""The numbers of a dataset: their range, and their notation in tables."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.interruption import check_interruption
from service.engine.types import Array

# The magnitudes of the numbers of a dataset, except 0: no square or product overflows float64.
SMALLEST: Final = 1e-100
LARGEST: Final = 1e100
PIECE: Final = 1 << 18  # numbers checked at a time, which bounds the memory for masks


def pieces(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield views of a few rows at a time, and the index of the first row of each."""
    rows = max(1, PIECE * len(array) // max(1, array.size))
    for start in range(0, len(array), rows):
        check_interruption()
        yield start, array[start : start + rows]


def is_number(text: str) -> bool:
    """Return True if a text is a number, finite or not, with a decimal point or comma."""
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def in_range(numbers: Array) -> NDArray[np.bool_]:
    """Return True for each number that a dataset can contain."""
    sizes = np.abs(numbers)
    valid: NDArray[np.bool_] = (sizes <= LARGEST) & ((sizes >= SMALLEST) | (sizes == 0.0))
    return valid


def first_outside(numbers: Array) -> tuple[int, ...] | None:
    """Return the indices of the first number that a dataset cannot contain, or None."""
    for start, piece in pieces(numbers):
        valid = in_range(piece)
        if not valid.all():
            row, *others = map(int, np.unravel_index(int(np.argmin(valid)), valid.shape))
            return start + row, *others
    return None


def explain_out_of_range(number: float) -> str:
    """Return the reason why a dataset cannot contain a number."""
    if not np.isfinite(number):
        return "a number must be finite"
    return f"{number!r} must be 0 or have a magnitude from {SMALLEST:g} to {LARGEST:g}"
