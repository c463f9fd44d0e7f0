"""The second moments of the data to about 28 digits.

Where float64 loses the digits of a cost to cancellation, the same polynomials keep enough of them
if their coefficients and the powers of w_rec have about 28.

References
----------
K. Ozaki, T. Ogita, S. Oishi and S. M. Rump, Error-free transformations of matrix multiplication by
using fast routines of matrix multiplication and its applications, Numerical Algorithms 59, 2012.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import DoubleDouble, quick_two_sum, two_sum
from service.engine.types import Array

ROWS = 1 << 12  # samples whose products are summed without rounding
SLICE_BITS = (52 - ROWS.bit_length()) // 2  # bits of a factor in such products
STRIP = 1 << 17  # numbers of products of columns held at once


class ExactMoments(NamedTuple):
    """The sums of ``Moments``, each as a ``DoubleDouble``.

    Polynomials are coefficients by rising power of w_rec.

    input_square_sum : (2 T - 1,) -- of p_i²
    input_target_sum : (T,) -- of p_i t_i
    input_sum : (T,) -- of p_i
    target_square_sum, target_sum : scalars -- of t_i² and t_i
    n_samples : N
    """

    input_square_sum: DoubleDouble
    input_target_sum: DoubleDouble
    input_sum: DoubleDouble
    target_square_sum: DoubleDouble
    target_sum: DoubleDouble
    n_samples: int

    @classmethod
    def from_arrays(cls, inputs: Array, targets: Array) -> "ExactMoments":
        """Compute the sums in one pass over the data.

        Sums of whole numbers are exact. The error of others is near 1e-27 of the largest terms.

        Parameters
        ----------
        inputs : (N, T)
        targets : (N,)
            Magnitudes from 1e-100 to 1e100, or 0.
        """
        n_samples = len(inputs)
        latest_first = inputs[:, ::-1]
        # Columns are scaled by powers of two to magnitudes up to 1.
        input_exponents = _exponents(latest_first)
        others = np.column_stack([np.ones(n_samples), targets])
        other_exponents = _exponents(others)
        square = _sum_of_squares(latest_first, input_exponents)
        by_input = _product(latest_first, others, input_exponents, other_exponents)
        among = _product(others, others, other_exponents, other_exponents)
        return cls(
            square,
            DoubleDouble(by_input.high[:, 1], by_input.low[:, 1]),
            DoubleDouble(by_input.high[:, 0], by_input.low[:, 0]),
            DoubleDouble(among.high[1, 1], among.low[1, 1]),
            DoubleDouble(among.high[0, 1], among.low[0, 1]),
            n_samples,
        )

    def to_array(self) -> Array:
        """Return the sums as one array (2, 4 T + 1): the high parts, then the low ones."""
        parts = zip(*self[:5], strict=True)
        return np.stack([np.concatenate([np.atleast_1d(each) for each in part]) for part in parts])

    @classmethod
    def from_array(cls, array: Array, n_samples: int) -> "ExactMoments":
        """Return the moments that ``to_array`` packed."""
        n_steps = array.shape[1] // 4
        ends = np.cumsum([2 * n_steps - 1, n_steps, n_steps, 1])
        square, by_target, mean, target_square, target = (
            DoubleDouble(*part) for part in np.split(array, ends, axis=1)
        )
        return cls(
            square,
            by_target,
            mean,
            DoubleDouble(target_square.high[0], target_square.low[0]),
            DoubleDouble(target.high[0], target.low[0]),
            n_samples,
        )


def _sum_of_squares(columns: Array, exponents: Array) -> DoubleDouble:
    """Return the sum of squares of the rows (N, T), taken as polynomials, (2 T - 1,).

    The coefficients are sums along the antidiagonals of the matrix of products of columns. It is
    symmetric, so each strip of rows begins at the diagonal and the rest of it counts twice.
    """
    n_steps = columns.shape[1]
    square = DoubleDouble(np.zeros(2 * n_steps - 1), np.zeros(2 * n_steps - 1))
    height = max(STRIP // n_steps, 64)
    for first in range(0, n_steps, height):
        left, right = slice(first, first + height), slice(first, None)
        products = _product(columns[:, left], columns[:, right], exponents[left], exponents[right])
        for part in products:
            part[:, height:] *= 2.0
        sums = _antidiagonal_sums(products)
        part = slice(2 * first, 2 * first + len(sums.high))
        total = DoubleDouble(square.high[part], square.low[part]).plus(sums)
        square.high[part], square.low[part] = total
    return square


def _exponents(columns: Array) -> Array:
    """Return the least powers of two (K,) that columns (N, K) do not exceed, as exponents."""
    largest = np.maximum(columns.max(axis=0), -columns.min(axis=0))
    exponents: Array = np.frexp(largest)[1]
    return exponents


def _product(
    left: Array, right: Array, left_exponents: Array, right_exponents: Array
) -> DoubleDouble:
    """Return left.T @ right for columns (N, K) and (N, L), (K, L)."""
    blocks = (slice(start, start + ROWS) for start in range(0, len(left), ROWS))
    total = reduce(
        DoubleDouble.plus,
        (
            _sliced_product(
                _slices(np.ldexp(left[rows], -left_exponents)),
                _slices(np.ldexp(right[rows], -right_exponents)),
            )
            for rows in blocks
        ),
    )
    scale = left_exponents[:, None] + right_exponents
    return DoubleDouble(np.ldexp(total.high, scale), np.ldexp(total.low, scale))


def _slices(block: Array) -> list[Array]:
    """Cut magnitudes up to 1 into parts of few bits and a remainder: one, two or three arrays."""
    slices, rest = [], block
    for k in (1, 2):
        rounder = 1.5 * 2.0 ** (52 - k * SLICE_BITS)
        slices.append((rest + rounder) - rounder)
        rest = rest - slices[-1]
        if not rest.any():
            return slices
    return [*slices, rest]


def _sliced_product(left: list[Array], right: list[Array]) -> DoubleDouble:
    """Return the product of two matrices cut into slices; the leading products are exact."""
    high, low = left[0].T @ right[0], np.zeros((left[0].shape[1], right[0].shape[1]))
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            if i + j == 1:
                high, error = two_sum(high, a.T @ b)
                low += error
            elif i + j > 1:
                low += a.T @ b
    return quick_two_sum(high, low)


def _antidiagonal_sums(products: DoubleDouble) -> DoubleDouble:
    """Return the sums along the antidiagonals of (K, L) matrices, (K + L - 1,).

    A matrix widened by K columns of zeros, read as if its rows were one number shorter, has its
    antidiagonals as columns.
    """
    rows, columns = products.high.shape
    shifted = []
    for matrix in products:
        widened = np.zeros((rows, columns + rows))
        widened[:, :columns] = matrix
        shifted.append(widened.reshape(-1)[:-rows].reshape(rows, columns + rows - 1))
    return DoubleDouble(*shifted).sum()
