"""Several polynomials evaluated together, also with values outside the float64 range."""

from functools import cached_property

import numpy as np

from service.engine.arithmetic.extended import ExtendedArray, extended_powers
from service.engine.types import Array

BLOCK = 64  # coefficients that share a table of powers
CHUNK = 200_000  # numbers in such a table


class Polynomials:
    """K polynomials that are evaluated together at any number of points.

    Blocks are evaluated by a matrix product of coefficients and powers, and summed by Horner's
    rule. If w is not finite or a power overflows, all values are nan or infinite, also those of
    polynomials of lower degree.

    Parameters
    ----------
    *polynomials : (D_k,)
        The coefficients of each by rising power.
    """

    def __init__(self, *polynomials: Array) -> None:
        self._polynomials = polynomials

    @cached_property
    def _blocks(self) -> Array:
        """The coefficients, in rows of equal length; several rows per polynomial."""
        coefficients = stack_polynomials(*self._polynomials)
        count, length = coefficients.shape
        # At least one power of w, so that values are nan where w is not finite.
        size = min(max(length, 2), BLOCK)
        padded = np.zeros((count, length + -length % size))
        padded[:, :length] = coefficients
        return padded.reshape(-1, size)

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, w: Array) -> Array:
        """Return the values (K, M) at w (M,); inf or nan on overflow, without a warning."""
        count = self._blocks.shape[1]
        size = CHUNK // count
        if len(w) > size:
            starts = range(0, len(w), size)
            return np.concatenate([self(w[start : start + size]) for start in starts], axis=-1)
        powers = np.empty((count, len(w)))
        fill_powers(powers, w)
        values: Array = self._blocks @ powers
        n_blocks = len(values) // len(self._polynomials)
        if n_blocks == 1:
            return values
        values = values.reshape(len(self._polynomials), n_blocks, len(w))
        if len(w) == 1:  # the loop would take most of the time
            one: Array = values[..., 0] @ w ** (count * np.arange(n_blocks))
            return one[:, None]
        total = values[:, -1]
        step = w**count  # a product of powers would have a larger error
        for k in range(n_blocks - 2, -1, -1):
            total = total * step + values[:, k]
        return total


class ExtendedPolynomials:
    """K polynomials whose values may be outside the float64 range.

    For |w| > 1 a polynomial is evaluated in 1/w and multiplied by its highest power. Coefficients
    of 0 at both ends are omitted, so the leading term is never lost.

    Parameters
    ----------
    *polynomials : (D_k,)
        The coefficients of each by rising power.
    """

    def __init__(self, *polynomials: Array) -> None:
        self._polynomials = polynomials

    @cached_property
    def _ends(self) -> list[tuple[int, int]]:
        """The lowest and the highest power of each polynomial."""
        used = [np.flatnonzero(coefficients) for coefficients in self._polynomials]
        return [(int(powers[0]), int(powers[-1])) if powers.size else (0, 0) for powers in used]

    @cached_property
    def _rising_and_falling(self) -> Polynomials:
        """The polynomials without zeros at both ends, and those with reversed coefficients."""
        trimmed = [
            coefficients[low : high + 1]
            for coefficients, (low, high) in zip(self._polynomials, self._ends, strict=True)
        ]
        return Polynomials(*trimmed, *(coefficients[::-1] for coefficients in trimmed))

    def __call__(self, w: Array) -> ExtendedArray:
        """Return the values (K, M) at finite w (M,)."""
        inside = np.abs(w) <= 1.0
        inverted = np.where(inside, w, 1.0 / np.where(inside, 1.0, w))
        rising, falling = np.split(self._rising_and_falling(inverted), 2)
        # The omitted powers of w.
        lowest, highest = np.array(self._ends).T[:, :, None]
        power = np.where(inside, lowest, highest)
        left_out = extended_powers(ExtendedArray.from_floats(w), power)
        return left_out * np.where(inside, rising, falling)


def fill_powers(table: Array, w: Array) -> None:
    """Compute powers by repeated multiplication of whole blocks.

    Parameters
    ----------
    table : (D, M)
        Filled, in place, with the powers 0 ... D - 1.
    w : (M,)
        Any floats; powers that overflow are infinite.
    """
    table[0] = 1.0
    table[1:2] = w
    n = 1
    while n < len(table) - 1:
        np.multiply(table[1 : min(n + 1, len(table) - n)], table[n], table[n + 1 : 2 * n + 1])
        n *= 2


def differentiate(coefficients: Array) -> Array:
    """Return the coefficients of the derivative of a polynomial.

    Parameters
    ----------
    coefficients : (D,)
        By rising power; D is at least 1.

    Returns
    -------
    coefficients : (max(D - 1, 1),)
        By rising power; a constant has the derivative 0.
    """
    slope = coefficients[1:] * np.arange(1.0, len(coefficients))
    return slope if slope.size else np.zeros(1)


def stack_polynomials(*polynomials: Array) -> Array:
    """Return polynomials as rows of one matrix.

    Parameters
    ----------
    *polynomials : (D_k,)
        The coefficients of each of K polynomials by rising power.

    Returns
    -------
    rows : (K, max D_k)
        With zeros after the shorter ones.
    """
    rows = np.zeros((len(polynomials), max(map(len, polynomials))))
    for row, polynomial in zip(rows, polynomials, strict=True):
        row[: len(polynomial)] = polynomial
    return rows
