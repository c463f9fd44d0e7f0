"""The second moments of the data to about 28 digits.

Where float64 loses the digits of a cost to cancellation, the same polynomials keep enough of them
if their coefficients and the powers of w_rec have about 28.

References
----------
K. Ozaki, T. Ogita, S. Oishi and S. M. Rump, Error-free transformations of matrix multiplication by
using fast routines of matrix multiplication and its applications, Numerical Algorithms 59, 2012.
"""

from typing import Final, NamedTuple

import numpy as np

from service.engine.arithmetic import DoubleDouble, quick_two_sum, two_sum
from service.engine.types import Array

ROWS: Final = 1 << 12  # samples whose products are summed without rounding
SLICE_BITS: Final = (52 - ROWS.bit_length()) // 2  # bits of a factor in such products
STRIP: Final = 1 << 17  # numbers of products of columns held at once


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
        n_steps = inputs.shape[1]
        columns = _Columns(inputs, targets)
        square = _zeros(2 * n_steps - 1)
        by_others = _zeros((n_steps + 2, 2))
        height = max(STRIP // (n_steps + 2), 64)
        for first in range(0, n_steps + 2, height):
            products = columns.products(slice(first, first + height))
            last = slice(first, first + len(products.high))
            _add(by_others, last, DoubleDouble(*(part[:, -2:] for part in products)))
            # The matrix of products is symmetric: a strip begins at the diagonal, and what is right
            # of its square counts twice.
            among_inputs = [part[: n_steps - first, : n_steps - first] for part in products]
            if among_inputs[0].size:
                for part in among_inputs:
                    part[:, height:] *= 2.0
                sums = _antidiagonal_sums(*among_inputs)
                _add(square, slice(2 * first, 2 * first + len(sums.high)), sums)
        return cls(
            square,
            by_others.at((slice(n_steps), 1)),
            by_others.at((slice(n_steps), 0)),
            by_others.at((n_steps + 1, 1)),
            by_others.at((n_steps, 1)),
            len(inputs),
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
        return cls(square, by_target, mean, target_square.at(0), target.at(0), n_samples)


class _Columns:
    """The columns of the inputs, the last first, then ones, then the targets: (N, T + 2).

    Each is scaled by a power of two to magnitudes up to 1.
    """

    def __init__(self, inputs: Array, targets: Array) -> None:
        self._inputs, self._targets = inputs, targets
        largest = np.ones(inputs.shape[1] + 2)
        largest[:-2] = np.maximum(inputs.max(axis=0), -inputs.min(axis=0))[::-1]
        largest[-1] = np.abs(targets).max()
        self._exponents = np.frexp(largest)[1]

    def products(self, left: slice) -> DoubleDouble:
        """Return the sums over the samples of products of some columns and those from there on."""
        right = slice(left.start, None)
        total = None
        for start in range(0, len(self._inputs), ROWS):
            slices = _slices(self._block(slice(start, start + ROWS), right))
            height = left.stop - left.start
            sums = _sliced_product([each[:, :height] for each in slices], slices)
            total = sums if total is None else total.plus(sums)
        assert total is not None  # noqa: S101 - there is at least one sample
        scale = self._exponents[left, None] + self._exponents[right]
        return DoubleDouble(np.ldexp(total.high, scale), np.ldexp(total.low, scale))

    def _block(self, rows: slice, columns: slice) -> Array:
        inputs, targets = self._inputs[rows], self._targets[rows]
        block = np.empty((len(targets), len(self._exponents)))
        block[:, :-2], block[:, -2], block[:, -1] = inputs[:, ::-1], 1.0, targets
        scaled: Array = np.ldexp(block[:, columns], -self._exponents[columns])
        return scaled


def _slices(block: Array) -> list[Array]:
    """Cut magnitudes up to 1 into parts of few bits and a remainder: one to three arrays."""
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
    high = left[0].T @ right[0]
    low = np.zeros_like(high)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            if i + j == 1:
                high, error = two_sum(high, a.T @ b)
                low += error
            elif i + j > 1:
                low += a.T @ b
    return quick_two_sum(high, low)


def _antidiagonal_sums(high: Array, low: Array) -> DoubleDouble:
    """Return the sums along the antidiagonals of a matrix (K, L), (K + L - 1,).

    A matrix widened by K columns of zeros, read as if its rows were one number shorter, has its
    antidiagonals as columns.
    """
    rows, columns = high.shape
    widened = np.zeros((2, rows, columns + rows))
    widened[0, :, :columns], widened[1, :, :columns] = high, low
    high, low = widened.reshape(2, -1)[:, :-rows].reshape(2, rows, columns + rows - 1)
    return DoubleDouble(high, low).sum()


def _zeros(shape: int | tuple[int, int]) -> DoubleDouble:
    return DoubleDouble(np.zeros(shape), np.zeros(shape))


def _add(total: DoubleDouble, part: slice, sums: DoubleDouble) -> None:
    """Add sums to a part of a total, in place."""
    total.high[part], total.low[part] = total.at(part).plus(sums)
