"""Numbers with about 30 digits: unevaluated sums of two floats ("double-double").

References
----------
T. J. Dekker, A floating-point technique for extending the available precision, Numerische
Mathematik 18, 1971. Y. Hida, X. S. Li and D. H. Bailey, Library for double-double and quad-double
arithmetic, 2007, whose function names are used here.
"""

from typing import Any, NamedTuple

import numpy as np

from service.engine.types import Array


class DoubleDouble(NamedTuple):
    """The numbers high + low, elementwise.

    Attributes
    ----------
    high
        Floats, or an array.
    low
        The same shape; at most half a unit in the last place of ``high``.
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

    def sums(self, groups: Array) -> "DoubleDouble":
        """Add up groups of rows.

        The leading bits of all numbers in a group add up without rounding. The error of a sum of K
        numbers is below K**2 * 2**-103 of the largest one.

        Parameters
        ----------
        groups : (G, K)
            1 where a row is in a group, otherwise 0.

        Returns
        -------
        sums : DoubleDouble of (G, M)
        """
        bounds = np.frexp(groups @ np.abs(self.high))[1]
        rounder = groups.T @ np.ldexp(3.0, bounds)
        coarse = (self.high + rounder) - rounder
        return two_sum(groups @ coarse, groups @ ((self.high - coarse) + self.low))


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
    """Return two numbers of at most 26 bits each, whose sum is a; see ``two_product``."""
    scaled = 134217729.0 * a  # 2**27 + 1
    high = scaled - (scaled - a)
    return high, a - high


def double_powers(w: Array, count: int) -> DoubleDouble:
    """Return the powers of numbers from 0 to count - 1.

    Each power is a product of two lower ones in float64. The rounding errors of all products are
    computed at once, to 16 digits. The relative error of power k is near k * 2**-104.

    Parameters
    ----------
    w : (M,)
        Numbers whose powers are between 1e-290 and 1e290, or 0.
    count
        At least 1.

    Returns
    -------
    powers : (count, M)
    """
    high, relative = np.zeros((2, count, len(w)))
    fill_powers(high, w)
    # The largest power of two below each power.
    factor = np.array([1 << (k - 1).bit_length() - 1 for k in range(2, count)], np.intp)
    product, error = two_product(high[np.arange(2, count) - factor], high[factor])
    relative[2:] = error / (product + (product == 0.0))
    for n in _powers_of_two(count):
        lower = relative[1 : min(n + 1, count - n)]
        relative[n + 1 : 2 * n + 1] += lower + (1.0 + lower) * relative[n]
    return DoubleDouble(high, high * relative)


def fill_powers(table: Array, w: Array) -> None:
    """Fill a table (D, M) with the powers 0 ... D - 1 of w (M,)."""
    table[0], table[1:2] = 1.0, w
    for n in _powers_of_two(len(table)):
        np.multiply(table[1 : min(n + 1, len(table) - n)], table[n], table[n + 1 : 2 * n + 1])


def _powers_of_two(count: int) -> list[int]:
    """Return 1, 2, 4 and so on up to count - 2."""
    return [1 << k for k in range(max(count - 2, 0).bit_length())]
