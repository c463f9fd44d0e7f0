"""Numbers with about 30 digits: unevaluated sums of two floats ("double-double").

References
----------
T. J. Dekker, A floating-point technique for extending the available precision, Numerische
Mathematik 18, 1971. Y. Hida, X. S. Li and D. H. Bailey, Library for double-double and quad-double
arithmetic, 2007, whose function names are used here.
"""

from math import frexp, ldexp
from typing import Any, NamedTuple

import numpy as np

from service.engine.types import Array

CHUNK = 1 << 16  # numbers of the data in work at once, so few that caches hold them


class DoubleDouble(NamedTuple):
    """The numbers high + low, elementwise: floats, or arrays of one shape.

    ``low`` is at most half a unit in the last place of ``high``.
    """

    high: Any
    low: Any

    def times(self, other: "DoubleDouble") -> "DoubleDouble":
        """Multiply elementwise, broadcasting; the relative error is below 2**-102."""
        product, error = two_product(self.high, other.high)
        return quick_two_sum(product, error + (self.high * other.low + self.low * other.high))

    def plus(self, other: "DoubleDouble") -> "DoubleDouble":
        """Add elementwise, broadcasting; the error is below 2**-104 of the larger term."""
        total, error = two_sum(self.high, other.high)
        return quick_two_sum(total, error + (self.low + other.low))

    def at(self, key: Any) -> "DoubleDouble":
        """Return the numbers at an index, or in a slice."""
        return DoubleDouble(self.high[key], self.low[key])

    def doubled(self) -> "DoubleDouble":
        """Return the numbers times 2."""
        return DoubleDouble(2.0 * self.high, 2.0 * self.low)

    def negative(self) -> "DoubleDouble":
        """Return the numbers with the opposite sign."""
        return DoubleDouble(-self.high, -self.low)

    def sum(self) -> "DoubleDouble":
        """Add along the first axis, which must not be empty.

        Numbers cut to few bits of the largest one add up without rounding. The error of a sum of K
        numbers is below K**2 * 2**-104 of the largest one.
        """
        bits = 52 - len(self.high).bit_length()
        exponents = np.frexp(np.abs(self.high).max(axis=0))[1]
        rounder = np.ldexp(1.5, exponents + 52 - bits)
        coarse = (self.high + rounder) - rounder
        rest = ((self.high - coarse) + self.low).sum(axis=0)
        return two_sum(coarse.sum(axis=0), rest)


def quick_two_sum(large: Any, small: Any) -> DoubleDouble:
    """Return the sum and its exact error, where |large| >= |small|."""
    total = large + small
    return DoubleDouble(total, small - (total - large))


def two_sum(a: Any, b: Any) -> DoubleDouble:
    """Return the rounded sum and its exact error."""
    total = a + b
    part = total - a
    return DoubleDouble(total, (a - (total - part)) + (b - part))


def two_product(a: Any, b: Any) -> DoubleDouble:
    """Return the rounded product and its exact error.

    Parameters
    ----------
    a, b
        Factors with magnitudes below 1e150.

    Returns
    -------
    product, error
        Their sum is the exact product, unless the error underflows.

    References
    ----------
    T. J. Dekker, A floating-point technique for extending the available precision, Numerische
    Mathematik 18, 1971, pages 224-242.
    """
    (a_high, a_low), (b_high, b_low) = split(a), split(b)
    product = a * b
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return DoubleDouble(product, error)


def split(a: Any) -> tuple[Any, Any]:
    """Split into two numbers of at most 26 bits each."""
    scaled = 134217729.0 * a  # 2**27 + 1
    high = scaled - (scaled - a)
    return high, a - high


class ExtendedDoubleDouble(NamedTuple):
    """The numbers (high + low) * 2**exponent, elementwise: arrays of one shape.

    ``high`` is 0 or its magnitude is in [1/2, 1); exponents are int64, ``ZERO`` for a zero.
    """

    high: Any
    low: Any
    exponent: Any

    @classmethod
    def of(cls, numbers: Any) -> "ExtendedDoubleDouble":
        """Take finite float64 apart."""
        mantissa, shift = np.frexp(numbers)
        exponents = np.where(mantissa == 0.0, ZERO, shift.astype(np.int64))
        return cls(mantissa, np.zeros_like(mantissa), exponents)

    def times(self, other: "ExtendedDoubleDouble") -> "ExtendedDoubleDouble":
        """Multiply elementwise, broadcasting."""
        high, low = DoubleDouble(*self[:2]).times(DoubleDouble(*other[:2]))
        # Products of mantissas are in [1/4, 1): much cheaper to normalize than by frexp.
        small = np.abs(high) < 0.5
        factor = 1.0 + small
        return ExtendedDoubleDouble(
            high * factor, low * factor, self.exponent + other.exponent - small
        )

    def at(self, key: Any) -> "ExtendedDoubleDouble":
        """Return the numbers at an index, or in a slice."""
        return ExtendedDoubleDouble(self.high[key], self.low[key], self.exponent[key])


ZERO = -(1 << 40)  # the exponent of 0: below all others, and sums of it do not overflow int64


def double_powers(w: Array, count: int) -> DoubleDouble:
    """Return the powers of numbers from 0 to count - 1, none of which comes near 1e±300.

    Parameters
    ----------
    w : (M,)
    count
        At least 1.

    Returns
    -------
    powers : (count, M)
    """
    table = DoubleDouble(np.ones((count, len(w))), np.zeros((count, len(w))))
    table.high[1:2] = w
    _fill_powers(table, count)
    return table


def extended_powers(w: Any, count: int) -> ExtendedDoubleDouble:
    """Return the powers of numbers of any size from 0 to count - 1.

    Parameters
    ----------
    w : (M,)
        Finite.
    count
        At least 1.

    Returns
    -------
    powers : (count, M)
    """
    shape = (count, len(w))
    high, low, exponent = np.full(shape, 0.5), np.zeros(shape), np.ones(shape, np.int64)
    table = ExtendedDoubleDouble(high, low, exponent)
    if count > 1:
        high[1], low[1], exponent[1] = ExtendedDoubleDouble.of(w)
    _fill_powers(table, count)
    return table


def _fill_powers(table: DoubleDouble | ExtendedDoubleDouble, count: int) -> None:
    """Complete a table of powers whose first two rows are known.

    The table doubles with each product, so that rounding errors grow with the logarithm of the
    power.
    """
    filled = 2
    while filled < count:
        n = min(filled - 1, count - filled)
        # The powers 1 to n times the last one, filled - 1.
        last: Any = table.at(filled - 1)
        for part, more in zip(table, table.at(slice(1, n + 1)).times(last), strict=True):
            part[filled : filled + n] = more
        filled += n


def polynomial_values(rows: Array, powers: ExtendedDoubleDouble) -> tuple[DoubleDouble, int]:
    """Return the dot products of rows with powers of one number, divided by 2**octaves.

    Both factors are cut into slices of so few bits that the products of the first slice of the rows
    with the first two of the powers sum up without rounding.

    Parameters
    ----------
    rows : (N, D)
    powers : (D,)

    Returns
    -------
    values : DoubleDouble of (N,)
        With an error near 1e-24 of the largest term in any row.
    octaves
        The largest exponent of the powers.
    """
    octaves = int(powers.exponent.max())
    scale = np.ldexp(1.0, np.maximum(powers.exponent - octaves, -1000))
    bits = 52 - len(scale).bit_length()
    first = _coarse(powers.high, bits // 3)
    second = _coarse(powers.high - first, bits // 3)
    third = ((powers.high - first) - second) + powers.low
    values = DoubleDouble(np.empty(len(rows)), np.empty(len(rows)))
    size = max(1, CHUNK // rows.shape[1])
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        block = rows[part] * scale
        coarse = _coarse(block, bits - bits // 3)
        block -= coarse
        high, error = two_sum(coarse @ first, coarse @ second)
        low = error + coarse @ third
        if block.any():
            low += block @ powers.high
        values.high[part], values.low[part] = quick_two_sum(high, low)
    return values, octaves


def _coarse(numbers: Array, bits: int) -> Array:
    """Round to so many bits of the largest magnitude."""
    largest = float(max(numbers.max(), -numbers.min()))
    rounder = ldexp(1.5, frexp(largest)[1] + 52 - bits)
    return (numbers + rounder) - rounder
