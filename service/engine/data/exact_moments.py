"""The second moments of the data to about 28 digits.

Where float64 loses the digits of a cost to cancellation, the same polynomials keep enough of them
if their coefficients and the powers of w_rec have about 28.
"""

from typing import Final

import numpy as np

from service.engine.arithmetic import DoubleDouble, column_products
from service.engine.data.moments import Moments, column_strips, shift_rows
from service.engine.types import Array

CHUNK: Final = 1 << 12  # sequences that are tested together
LARGEST_EXACT: Final = 2**53  # float64 represents every whole number up to this magnitude
BACKWARD: Final = slice(None, None, -1)  # the last input is the coefficient of power 0


def compute_exact_moments(inputs: Array, targets: Array, moments: Moments) -> Array:
    """Return the moments to about 28 digits.

    Sums of whole numbers are exact. The error of others is near 1e-27 of the largest terms.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)
        Magnitudes from 1e-100 to 1e100, or 0.
    moments
        The moments as float64. They are the result if their sums are exact in float64. Otherwise
        this takes another pass over the data.

    Returns
    -------
    sums : (2, 4 T + 1)
        Those of ``Moments.to_array`` as double-double numbers: the high parts, then the low ones.
    """
    if are_sums_exact(inputs, targets):
        sums = moments.to_array()
        return np.stack([sums, np.zeros_like(sums)])
    others = np.column_stack([targets, np.ones(len(targets))])
    by_others, of_targets = column_products(others, inputs), column_products(others, others).at(0)
    by_power = _sum_of_squares(inputs), by_others.at(0), by_others.at(1)
    return np.concatenate([*(each.at(BACKWARD) for each in by_power), of_targets], axis=1)


def are_sums_exact(inputs: Array, targets: Array) -> bool:
    """Return whether float64 represents the moments, and all partial sums, exactly.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)

    Returns
    -------
    exact
        True for whole numbers if no sum of magnitudes exceeds 2**53.
    """
    largest = 1.0
    starts = range(0, len(inputs), CHUNK)
    for block in (each[start : start + CHUNK] for each in (inputs, targets) for start in starts):
        if not (block == np.rint(block)).all():
            return False
        largest = max(largest, float(np.abs(block).max()))
    return inputs.size * largest**2 <= LARGEST_EXACT


def _sum_of_squares(columns: Array) -> DoubleDouble:
    """Return the sum (2 T - 1,) of the squares of N polynomials, the rows of an array (N, T)."""
    square = DoubleDouble(*np.zeros((2, 2 * columns.shape[1] - 1)))
    for total, left, right in column_strips(columns):
        terms = DoubleDouble(*map(shift_rows, column_products(left, right)))
        sums = terms.sums(np.ones((1, len(terms.high)))).at(0)
        square.high[total], square.low[total] = square.at(total).plus(sums)
    return square
