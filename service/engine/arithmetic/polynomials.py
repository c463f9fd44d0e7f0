"""Several polynomials at once, at any number of points; also with values of any size."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic.extended_float import ExtendedArray
from service.engine.types import Array

CHUNK = 200_000  # numbers held at once in a table of powers
BLOCK = 64  # powers computed with one product
STRIDE = 1000  # the lowest power of a mantissa in [1/2, 1) that is surely above 2**-1022


class Polynomials:
    """K polynomials, evaluated at any number of points in one go; not by several threads at once.

    Values are products of the matrix of coefficients and a table of powers.
    """

    def __init__(self, coefficients: Array) -> None:
        """Take coefficients (K, D) by rising power."""
        self._coefficients, self._sizes = coefficients, np.abs(coefficients)
        # A fresh table would cost more in page faults than its contents.
        self._scratch = np.empty(max(CHUNK, coefficients.shape[1]))

    def __call__(self, w: Array) -> Array:
        """Return the values (K, M) at w (M,); inf or nan on overflow, without a warning."""
        values = np.empty((len(self._coefficients), len(w)))
        with np.errstate(over="ignore", invalid="ignore"):
            for part, powers in self._powers(w):
                np.matmul(self._coefficients, powers, out=values[:, part])
        return values

    def evaluate_with_magnitudes(self, w: Array) -> tuple[Array, Array]:
        """Return the values (K, M), and what they would be were no term negative."""
        values, magnitudes = np.empty((2, len(self._coefficients), len(w)))
        with np.errstate(over="ignore", invalid="ignore"):
            for part, powers in self._powers(w):
                np.matmul(self._coefficients, powers, out=values[:, part])
                np.abs(powers, out=powers)
                np.matmul(self._sizes, powers, out=magnitudes[:, part])
        return values, magnitudes

    def _powers(self, w: Array) -> Iterator[tuple[slice, Array]]:
        """Yield slices of w and their powers (D, m); the next ones overwrite them."""
        count = self._coefficients.shape[1]
        size = max(1, CHUNK // count)
        for start in range(0, len(w), size):
            part = slice(start, start + size)
            x = w[part]
            table = self._scratch[: count * len(x)].reshape(count, len(x))
            _fill_powers(table, x)
            yield part, table


def _fill_powers(table: Array, w: Array) -> None:
    """Fill a table (D, M) with the powers 0 ... D - 1 of w (M,)."""
    table[0] = 1.0
    table[1:2] = w
    first, filled = table[:BLOCK], 2
    while filled < len(first):
        n = min(filled - 1, len(first) - filled)
        np.multiply(first[1 : n + 1], first[filled - 1], out=first[filled : filled + n])
        filled += n
    if len(table) > BLOCK:
        # Further products of products would add up their errors.
        step = w**BLOCK
        for start in range(BLOCK, len(table), BLOCK):
            block = table[start : start + BLOCK]
            np.multiply(table[start - BLOCK :][: len(block)], step, out=block)


class ExtendedPolynomials:
    """K polynomials whose values may be of any size.

    For |w| > 1 a polynomial is evaluated in 1/w, times its highest power. Powers with coefficients
    0 are left out at both ends, so the leading term is never lost.
    """

    def __init__(self, *polynomials: Array) -> None:
        """Take the coefficients of each, (D,) by rising power."""
        used = [np.flatnonzero(each) for each in polynomials]
        ends = [(each[0], each[-1]) if each.size else (0, 0) for each in used]
        self._lowest, self._highest = np.array(ends).T[:, :, None]
        trimmed = [each[i : j + 1] for each, (i, j) in zip(polynomials, ends, strict=True)]
        both = stack_polynomials(*trimmed, *(each[::-1] for each in trimmed))
        self._rising_and_falling = Polynomials(both)

    def __call__(self, w: Array) -> ExtendedArray:
        """Return the values (K, M) at finite w (M,)."""
        inside = np.abs(w) <= 1.0
        values = self._rising_and_falling(np.where(inside, w, 1.0 / np.where(inside, 1.0, w)))
        rising, falling = values.reshape(2, -1, len(w))
        power = extended_power(w, np.where(inside, self._lowest, self._highest))
        return ExtendedArray.from_floats(np.where(inside, rising, falling)).times(power)


def extended_power(w: Array, power: NDArray[np.int64]) -> ExtendedArray:
    """Return w to whole powers that are not negative, elementwise."""
    mantissa, exponent = np.frexp(w)
    strides, rest = np.divmod(power, STRIDE)
    stride, shift = np.frexp(mantissa**STRIDE)
    return ExtendedArray.from_floats(
        mantissa**rest * stride**strides, exponent * power + shift * strides
    )


def differentiate(coefficients: Array) -> Array:
    """Return the coefficients of the derivative.

    Parameters
    ----------
    coefficients : (D,)
        By rising power.

    Returns
    -------
    slope : (max(D - 1, 1),)
    """
    slope = coefficients[1:] * np.arange(1.0, len(coefficients))
    return slope if slope.size else np.zeros(1)


def stack_polynomials(*polynomials: Array) -> Array:
    """Return polynomials as rows of one array, with zeros after the shorter ones.

    Parameters
    ----------
    polynomials
        Coefficients of each, (D_k,) by rising power.

    Returns
    -------
    rows : (K, max D_k)
    """
    rows = np.zeros((len(polynomials), max(map(len, polynomials))))
    for row, polynomial in zip(rows, polynomials, strict=True):
        row[: len(polynomial)] = polynomial
    return rows
