"""Arithmetic with more digits than float64, for residuals that are all cancellation.

Numbers are unevaluated sums of two floats ("double-double"). Sources: T. J. Dekker, A
floating-point technique for extending the available precision, 1971; K. Ozaki, T. Ogita,
S. Oishi and S. M. Rump, Error-free transformations of matrix multiplication, 2012.
"""

from math import frexp, ldexp
from typing import Any, NamedTuple

import numpy as np

from service.engine.types import Array

CHUNK = 1 << 18  # numbers of the data in work at once


class DoubleDouble(NamedTuple):
    """The number high + low, elementwise: floats, or arrays of one shape."""

    high: Any
    low: Any

    def times(self, other: "DoubleDouble") -> "DoubleDouble":
        """Multiply elementwise, broadcasting."""
        product, error = two_product(self.high, other.high)
        return quick_two_sum(product, error + (self.high * other.low + self.low * other.high))

    def plus(self, other: "DoubleDouble") -> "DoubleDouble":
        """Add elementwise, broadcasting."""
        total, error = two_sum(self.high, other.high)
        return quick_two_sum(total, error + (self.low + other.low))


def quick_two_sum(large: Any, small: Any) -> DoubleDouble:
    """Renormalise large + small, where small is the smaller one or its neighbour."""
    total = large + small
    return DoubleDouble(total, small - (total - large))


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return the rounded sum and its exact error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: Any, b: Any) -> tuple[Any, Any]:
    """Return the rounded product and its exact error; magnitudes below 1e150 each."""
    a_high, a_low = split(a)
    b_high, b_low = split(b)
    product = a * b
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return product, error


def split(a: Any) -> tuple[Any, Any]:
    """Split into two numbers of 26 bits each."""
    scaled = 134217729.0 * a
    high = scaled - (scaled - a)
    return high, a - high


def reciprocal(w: float) -> DoubleDouble:
    """Return 1 / w for |w| >= 1."""
    # The fraction alone, so that no product leaves the range of floats.
    mantissa, exponent = frexp(w)
    first = 1.0 / mantissa
    product, error = two_product(first, mantissa)
    second = ((1.0 - product) - error) / mantissa
    return DoubleDouble(ldexp(first, -exponent), ldexp(second, -exponent))


def scaled_power(w: float, power: int) -> tuple[DoubleDouble, int]:
    """Return w ** power as a fraction and a binary exponent, power >= 0."""
    if w == 0.0 and power > 0:
        return DoubleDouble(0.0, 0.0), 0
    result, exponent = DoubleDouble(1.0, 0.0), 0
    mantissa, step = frexp(w)
    square = DoubleDouble(mantissa, 0.0)
    while power:
        if power & 1:
            result, exponent = _normal(result.times(square), exponent + step)
        power >>= 1
        square, step = _normal(square.times(square), 2 * step)
    return result, exponent


def _normal(number: DoubleDouble, exponent: int) -> tuple[DoubleDouble, int]:
    """Move the power of two of a number into its exponent."""
    _, shift = frexp(number.high)
    return DoubleDouble(ldexp(number.high, -shift), ldexp(number.low, -shift)), exponent + shift


def powers(u: DoubleDouble, count: int) -> DoubleDouble:
    """Return u to the powers 0 ... count - 1, two arrays (count,)."""
    high, low = np.ones(1), np.zeros(1)
    step = u
    while len(high) < count:
        more = DoubleDouble(high, low).times(step)
        high, low = np.concatenate([high, more.high]), np.concatenate([low, more.low])
        step = step.times(step)
    return DoubleDouble(high[:count], low[:count])


def polynomial_values(rows: Array, table: DoubleDouble) -> DoubleDouble:
    """Return the rows' dot products with a table of powers.

    Both factors are cut in a coarse and a fine part, so that sums of products of coarse parts
    are exact; the rest is small, and so are its rounding errors.

    Parameters
    ----------
    rows : (N, D)
    table : (D,)
        Magnitudes up to 1.

    Returns
    -------
    DoubleDouble of (N,)
        With an error near 1e-22 of the largest input.
    """
    bits = (52 - len(table.high).bit_length()) // 2
    coarse_table = _coarse(table.high, bits)
    fine_table = (table.high - coarse_table) + table.low
    high, low = np.empty(len(rows)), np.empty(len(rows))
    size = max(1, CHUNK // rows.shape[1])
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        coarse = _coarse(rows[part], bits)
        fine = rows[part] - coarse
        high[part], low[part] = coarse @ coarse_table, coarse @ fine_table
        if fine.any():
            low[part] += fine @ table.high
    return quick_two_sum(high, low)


def _coarse(numbers: Array, bits: int) -> Array:
    """Round to so many bits of the largest magnitude."""
    largest = float(max(numbers.max(), -numbers.min()))
    rounder = ldexp(1.5, frexp(largest)[1] + 52 - bits)
    return (numbers + rounder) - rounder
