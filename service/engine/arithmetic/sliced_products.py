"""Products of matrices to about 28 digits.

References
----------
K. Ozaki, T. Ogita, S. Oishi and S. M. Rump, Error-free transformations of matrix multiplication by
using fast routines of matrix multiplication and its applications, Numerical Algorithms 59, 2012.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic.decimals import DECIMAL, split_decimal, to_double_double
from service.engine.arithmetic.double_double import DoubleDouble
from service.engine.types import Array

ROWS: Final = 1 << 12  # rows whose products are summed without rounding
SLICE_BITS: Final = (52 - ROWS.bit_length()) // 2  # bits of a factor in such products
CHUNK: Final = 1 << 16  # coefficients processed together, which fit in the cache


def column_products(left: Array, right: Array) -> DoubleDouble:
    """Return the products of all pairs of columns, left.T @ right.

    Columns are scaled by powers of two to magnitudes up to 1.

    Parameters
    ----------
    left : (N, K)
        May be the first columns of ``right``, which are then cut into slices only once.
    right : (N, L)

    Returns
    -------
    products : (K, L)
        Their errors are near N * 1e-28 of the product of the largest numbers in the two columns.
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


def polynomial_values(rows: Array, powers: Sequence[Decimal]) -> tuple[DoubleDouble, int]:
    """Return the dot products of rows with powers of one number, divided by 2**exponent.

    Parameters
    ----------
    rows : (N, D)
    powers : (D,)

    Returns
    -------
    values : DoubleDouble of (N,)
        Their errors are near D * 1e-28 of the largest term in each row.
    exponent
        That of the largest power.
    """
    _, exponent = split_decimal(max(powers, key=Decimal.copy_abs))
    with localcontext(DECIMAL):
        high, low = to_double_double(powers, Decimal(2) ** -exponent)
    # The powers become mantissas of one size, and the coefficients get the sizes of the terms.
    mantissas, exponents = np.frexp(high)
    scale = np.where(mantissas == 0.0, 0.0, np.ldexp(1.0, exponents))
    factors = np.stack([mantissas, np.ldexp(low, -exponents)], axis=1)
    size = max(1, CHUNK // len(powers))
    chunks = (rows[start : start + size] * scale for start in range(0, len(rows), size))
    products = np.concatenate([column_products(chunk.T, factors) for chunk in chunks], axis=1)
    by_high, by_low = (DoubleDouble(*products[:, :, k]) for k in range(2))
    return by_high.plus(by_low), exponent


def _exponents(columns: Array) -> NDArray[np.int32]:
    """Return exponents of powers of two (K,) that columns (N, K) do not exceed."""
    largest = np.maximum(columns.max(axis=0), -columns.min(axis=0))
    exponents: NDArray[np.int32] = np.frexp(largest)[1]
    return exponents


def _slices(block: Array) -> list[Array]:
    """Cut magnitudes up to 1 into the first bits, the next bits and the rest, if they are not 0."""
    slices, rest = [], block
    for k in (1, 2):
        rounder = 1.5 * 2.0 ** (52 - k * SLICE_BITS)
        slices.append((rest + rounder) - rounder)
        rest = rest - slices[-1]
        if not rest.any():
            return slices
    return [*slices, rest]


def _sliced_products(left: list[Array], right: list[Array]) -> DoubleDouble:
    """Return the product of two sliced matrices; the products of first slices are exact."""
    pairs = [(left[0], each) for each in right] + [(each, right[0]) for each in left[1:]]
    if left[1:] and right[1:]:
        pairs.append((reduce(np.add, left[1:]), reduce(np.add, right[1:])))
    products = (DoubleDouble(one.T @ other, 0.0) for one, other in pairs)
    return reduce(DoubleDouble.plus, products)
