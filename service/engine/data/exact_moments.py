"""The second moments of the data to about 28 digits.

Where float64 loses the digits of a cost to cancellation, the same polynomials keep enough of them
if their coefficients and the powers of w_rec have about 28.

References
----------
K. Ozaki, T. Ogita, S. Oishi and S. M. Rump, Error-free transformations of matrix multiplication by
using fast routines of matrix multiplication and its applications, Numerical Algorithms 59, 2012.
"""

from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import DoubleDouble
from service.engine.data.moments import Moments, column_strips, shift_rows
from service.engine.types import Array

ROWS: Final = 1 << 12  # sequences whose products are summed without rounding
LARGEST_EXACT: Final = 2**53  # float64 represents every whole number up to this magnitude
SLICE_BITS: Final = (52 - ROWS.bit_length()) // 2  # bits of a factor in such products


def compute_exact_moments(inputs: Array, targets: Array, moments: Moments) -> Array:
    """Return the moments to about 28 digits.

    Sums of whole numbers are exact. The error of others is near 1e-27 of the largest terms.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)
        Magnitudes from 1e-100 to 1e100, or 0.
    moments
        The moments as float64. They are the result if float64 adds them up exactly; otherwise the
        result takes another pass over the data.

    Returns
    -------
    sums : (2, 4 T + 1)
        Those of ``Moments.to_array`` as double-double numbers: the high parts, then the low ones.
    """
    if are_sums_exact(inputs, targets):
        sums = moments.to_array()
        return np.stack([sums, np.zeros_like(sums)])
    ones_and_targets = np.column_stack([np.ones(len(targets)), targets])
    by_others = _products(inputs, ones_and_targets).at(slice(None, None, -1))
    among_others = _products(ones_and_targets, ones_and_targets)
    parts = (
        _sum_of_squares(inputs).at(slice(None, None, -1)),
        by_others.at((slice(None), 1)),
        by_others.at((slice(None), 0)),
        among_others.at((1, slice(1, 2))),
        among_others.at((0, slice(1, 2))),
    )
    return np.concatenate(parts, axis=1)


def are_sums_exact(inputs: Array, targets: Array) -> bool:
    """Return whether float64 adds up the moments of inputs (N, T) and targets (N,) exactly.

    It does so for whole numbers, if no sum of magnitudes exceeds 2**53.
    """
    largest = 1.0
    for array in (inputs, targets):
        for start in range(0, len(array), ROWS):
            block = array[start : start + ROWS]
            if not np.array_equal(block, np.rint(block)):
                return False
            largest = max(largest, float(block.max()), -float(block.min()))
    return inputs.size * largest**2 <= LARGEST_EXACT


def _sum_of_squares(columns: Array) -> DoubleDouble:
    """Return the sum of the squares of rows (N, T) taken as polynomials, (2 T - 1,)."""
    n_steps = columns.shape[1]
    square = DoubleDouble(np.zeros(2 * n_steps - 1), np.zeros(2 * n_steps - 1))
    for first, height in column_strips(n_steps):
        strip = _products(columns[:, first : first + height], columns[:, first:])
        for part in strip:
            part[:, height:] *= 2.0
        sums = DoubleDouble(*map(shift_rows, strip)).sum()
        total = slice(2 * first, 2 * first + len(sums.high))
        square.high[total], square.low[total] = square.at(total).plus(sums)
    return square


def _products(left: Array, right: Array) -> DoubleDouble:
    """Return left.T @ right for columns (N, K) and (N, L), (K, L).

    Columns are scaled by powers of two to magnitudes up to 1. ``left`` may be the first columns of
    ``right``, which are then cut into slices only once.
    """
    shared = np.may_share_memory(left, right)
    left_exponents, right_exponents = _exponents(left), _exponents(right)
    left_scale, right_scale = np.ldexp(1.0, -left_exponents), np.ldexp(1.0, -right_exponents)

    def block_products(rows: slice) -> DoubleDouble:
        right_slices = _slices(right[rows] * right_scale)
        if shared:
            return _sliced_products(
                [each[:, : left.shape[1]] for each in right_slices], right_slices
            )
        return _sliced_products(_slices(left[rows] * left_scale), right_slices)

    blocks = (slice(start, start + ROWS) for start in range(0, len(left), ROWS))
    total = reduce(DoubleDouble.plus, map(block_products, blocks))
    scale = left_exponents[:, None] + right_exponents
    return DoubleDouble(np.ldexp(total.high, scale), np.ldexp(total.low, scale))


def _exponents(columns: Array) -> NDArray[np.int32]:
    """Return exponents of powers of two (K,) that columns (N, K) do not exceed."""
    largest = np.maximum(columns.max(axis=0), -columns.min(axis=0))
    exponents: NDArray[np.int32] = np.frexp(largest)[1]
    return exponents


def _slices(block: Array) -> list[Array]:
    """Cut magnitudes up to 1 into few bits, the next few bits and the rest; without empty parts."""
    slices, rest = [], block
    for k in (1, 2):
        rounder = 1.5 * 2.0 ** (52 - k * SLICE_BITS)
        slices.append((rest + rounder) - rounder)
        rest = rest - slices[-1]
        if not rest.any():
            return slices
    return [*slices, rest]


def _sliced_products(left: list[Array], right: list[Array]) -> DoubleDouble:
    """Return the product of two matrices cut into slices; the leading products are exact."""
    pairs = [(left[0], each) for each in right] + [(each, right[0]) for each in left[1:]]
    if left[1:] and right[1:]:
        pairs.append((reduce(np.add, left[1:]), reduce(np.add, right[1:])))
    products = (DoubleDouble(one.T @ other, 0.0) for one, other in pairs)
    return reduce(DoubleDouble.plus, products)
