"""Several polynomials evaluated together, also with values outside the float64 range."""

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic.double_double import fill_powers
from service.engine.arithmetic.extended_float import ExtendedArray
from service.engine.arithmetic.tolerances import UNDERFLOW
from service.engine.types import Array

BLOCK = 64  # coefficients that share a table of powers
CHUNK = 200_000  # numbers in such a table
STRIDE = 1000  # a mantissa in [1/2, 1) to this power does not underflow


class Polynomials:
    """K polynomials that are evaluated together at any number of points.

    A matrix product of coefficients and powers evaluates blocks, and Horner's rule adds them up.
    Where w is not finite or a power overflows, all values are nan or infinite, also those of
    polynomials of lower degree.

    Parameters
    ----------
    *polynomials : (D_k,)
        The coefficients of each by rising power.
    """

    def __init__(self, *polynomials: Array) -> None:
        coefficients = stack_polynomials(*polynomials)
        count, length = coefficients.shape
        # At least one power of w, so that values are nan where w is not finite.
        size = min(max(length, 2), BLOCK)
        padded = np.zeros((count, length + -length % size))
        padded[:, :length] = coefficients
        self._n_blocks = padded.shape[1] // size
        sizes = np.abs(padded)
        self._signed_and_sizes = np.stack([padded, sizes]).reshape(2, -1, size)
        # A power that underflows may have a large factor.
        self._underflow = UNDERFLOW * sizes.sum(axis=1, keepdims=True)

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, w: Array) -> Array:
        """Return the values (K, M) at w (M,); inf or nan on overflow, without a warning."""
        values: Array = self._evaluate(self._signed_and_sizes[:1], w)[0]
        return values

    def evaluate_with_magnitudes(self, w: Array) -> Array:
        """Return the values, and bounds of the sums of their terms' magnitudes.

        The bounds contain what terms that underflow may have lost.
        The caller must suppress warnings of overflow.

        Parameters
        ----------
        w : (M,)

        Returns
        -------
        values_and_magnitudes : (2, K, M)
        """
        both = self._evaluate(self._signed_and_sizes, w)
        both[1] += self._underflow
        return both

    def _evaluate(self, blocks: Array, w: Array) -> Array:
        """Return the values (S, K, M) of blocks (S, K B, D / B), the second ones at |w|."""
        size = CHUNK // (len(blocks) * blocks.shape[2])
        if len(w) > size:
            starts = range(0, len(w), size)
            parts = [self._evaluate(blocks, w[start : start + size]) for start in starts]
            return np.concatenate(parts, axis=-1)
        kinds, _, count = blocks.shape
        powers = np.empty((kinds, count, len(w)))
        fill_powers(powers[0], w)
        np.abs(powers[0], out=powers[1:])
        values: Array = blocks @ powers
        if self._n_blocks == 1:
            return values
        values = values.reshape(kinds, -1, self._n_blocks, len(w))
        if len(w) == 1:  # the loop would take most of the time
            one: Array = values[..., 0] @ w ** (count * np.arange(self._n_blocks))
            return one[..., None]
        total, step = values[:, :, -1], w**count  # a product of powers would have a larger error
        for k in range(self._n_blocks - 2, -1, -1):
            total = total * step + values[:, :, k]
        return total


class ExtendedPolynomials:
    """K polynomials whose values may be outside the float64 range.

    For |w| > 1 a polynomial is evaluated in 1/w and multiplied by its highest power. Coefficients
    of 0 at both ends are left out, so the leading term is never lost.

    Parameters
    ----------
    *polynomials : (D_k,)
        The coefficients of each by rising power.
    """

    def __init__(self, *polynomials: Array) -> None:
        used = [np.flatnonzero(each) for each in polynomials]
        ends = [(each[0], each[-1]) if each.size else (0, 0) for each in used]
        self._lowest, self._highest = np.array(ends).T[:, :, None]
        trimmed = [each[i : j + 1] for each, (i, j) in zip(polynomials, ends, strict=True)]
        self._rising_and_falling = Polynomials(*trimmed, *(each[::-1] for each in trimmed))

    def __call__(self, w: Array) -> ExtendedArray:
        """Return the values (K, M) at finite w (M,)."""
        return self._scale(w, self._rising_and_falling(_invert_large(w)))

    def evaluate_with_magnitudes(self, w: Array) -> tuple[ExtendedArray, ExtendedArray]:
        """Return the values (K, M), and bounds (K, M) of the sums of their terms' magnitudes."""
        values, magnitudes = self._rising_and_falling.evaluate_with_magnitudes(_invert_large(w))
        return self._scale(w, values), self._scale(np.abs(w), magnitudes)

    def _scale(self, w: Array, values: Array) -> ExtendedArray:
        """Multiply values (2 K, M) by the powers that were left out, (K, M)."""
        inside = np.abs(w) <= 1.0
        rising, falling = values.reshape(2, -1, len(w))
        power = extended_power(w, np.where(inside, self._lowest, self._highest))
        return ExtendedArray.from_floats(np.where(inside, rising, falling)).times(power)


def _invert_large(w: Array) -> Array:
    inside = np.abs(w) <= 1.0
    inverted: Array = np.where(inside, w, 1.0 / np.where(inside, 1.0, w))
    return inverted


def extended_power(w: Array, power: NDArray[np.int64]) -> ExtendedArray:
    """Return powers of numbers, elementwise.

    Parameters
    ----------
    w : (M,)
        Finite.
    power : (K, M)
        Whole numbers that are not negative.

    Returns
    -------
    powers : (K, M)
    """
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
