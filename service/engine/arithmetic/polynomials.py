"""Several polynomials at once, at any number of points; also with values of any size."""

from functools import cached_property
from math import frexp, isqrt

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic.extended_float import ExtendedArray, ExtendedFloat
from service.engine.types import Array

CHUNK = 100_000  # numbers held at once for powers and partial results
SHORTEST = 20  # sections have so many coefficients at least, where there are so many
FEW = 4  # up to so many sections all powers are products
STRIDE = 1000  # the lowest power of a mantissa in [1/2, 1) that is surely above 2**-1022


class Polynomials:
    """K polynomials, evaluated at any number of points in one go.

    The coefficients are cut into sections of about the square root of their number. A matrix
    product makes of the powers of w² the even and the odd half of every section, and Horner's
    rule adds the sections up. That is quicker than Horner's rule alone, and rounding errors
    grow less than with a table of all powers.
    """

    def __init__(self, coefficients: Array) -> None:
        """Take coefficients (K, D) by rising power; it helps to have the longer ones first."""
        self._count, size = coefficients.shape
        n_sections = -(-size // max(SHORTEST, isqrt(2 * size)))
        self._half = -(-size // (2 * n_sections))
        width = 2 * self._half
        padded = np.zeros((self._count, n_sections * width))
        padded[:, :size] = coefficients
        # From the highest powers down, each section without the polynomials that end below it.
        sections, self._heights = [], []
        height = 0
        for section in np.split(padded, n_sections, axis=1)[::-1]:
            used = np.flatnonzero(section.any(axis=1))
            height = max(height, used[-1] + 1 if used.size else 0)
            sections.append(section[:height])
            self._heights.append(height)
        self._heights[-1], sections[-1] = self._count, padded[:, :width]
        every = np.concatenate(sections)
        self._rows = len(every)
        self.split = np.concatenate([every[:, ::2], every[:, 1::2]])
        one_sign = (self.split >= 0.0).all(axis=1) | (self.split <= 0.0).all(axis=1)
        self._sizes = None if one_sign.all() else np.abs(self.split)
        self._held = self._half + 1 + 2 * self._rows
        self._size = max(1, CHUNK // self._held)
        self._spare: list[Array] = []

    def __call__(self, w: Array) -> Array:
        """Return the values (K, M) at w (M,); inf or nan on overflow, without a warning."""
        return self._evaluated(w, magnitudes=False)[0]

    def evaluate_with_magnitudes(self, w: Array) -> tuple[Array, Array]:
        """Return the values (K, M), and what they would be were no term negative."""
        values, magnitudes = self._evaluated(w, magnitudes=True)
        return values, magnitudes

    def _evaluated(self, w: Array, *, magnitudes: bool) -> list[Array]:
        # A fresh table would cost more in page faults than its contents; threads never share one.
        table = self._spare.pop() if self._spare else np.empty(self._held * self._size)
        with np.errstate(over="ignore", invalid="ignore"):
            found = [
                self._chunk(w[start : start + self._size], table, magnitudes)
                for start in range(0, len(w), self._size)
            ]
        self._spare.append(table)
        if len(found) == 1:
            return found[0]
        empty = [np.empty((self._count, 0))] * (1 + magnitudes)
        return [np.concatenate(parts, axis=1) for parts in zip(empty, *found, strict=True)]

    def _chunk(self, w: Array, table: Array, magnitudes: bool) -> list[Array]:
        held = table[: self._held * len(w)].reshape(-1, len(w))
        powers, products = held[: self._half + 1], held[self._half + 1 :]
        even, odd = products[: self._rows], products[self._rows :]
        self._fill(powers, w)
        np.matmul(self.split, powers[:-1], out=products)
        odd *= w
        values = [self._add_up(even + odd, powers[-1])]
        if magnitudes:
            if self._sizes is not None:
                np.matmul(self._sizes, powers[:-1], out=products)
                odd *= w
            np.abs(products, out=products)
            values.append(self._add_up(even + odd, powers[-1]))
        return values

    def _fill(self, powers: Array, w: Array) -> None:
        """Fill (half a section + 1, M) with the even powers of w (M,), starting at 0."""
        powers[0] = 1.0
        square = np.multiply(w, w, out=powers[1])
        for k in range(2, self._half + (len(self._heights) > 1)):
            np.multiply(powers[k - 1], square, out=powers[k])
        if len(self._heights) > FEW:
            # Many steps would add up the error of the last power.
            powers[-1] = w ** (2 * self._half)

    def _add_up(self, parts: Array, step: Array) -> Array:
        """Return the values (K, M) of the sections' values, which are overwritten."""
        first, height = 0, self._heights[0]
        values = parts[:height]
        for longer in self._heights[1:]:
            first += height
            values *= step
            following = parts[first : first + longer]
            following[:height] += values
            values, height = following, longer
        return values


class ExtendedPolynomials:
    """K polynomials whose values may be of any size.

    For |w| > 1 a polynomial is evaluated in 1/w, times its highest power. Powers with coefficients
    0 are left out at both ends, so the leading term is never lost.
    """

    def __init__(self, *polynomials: Array) -> None:
        """Take the coefficients of each, (D,) by rising power."""
        used = [np.flatnonzero(each) for each in polynomials]
        ends = [(int(each[0]), int(each[-1])) if each.size else (0, 0) for each in used]
        self._lowest, self._highest = zip(*ends, strict=True)
        self._end_columns = np.array(ends).T[:, :, None]
        trimmed = [each[i : j + 1] for each, (i, j) in zip(polynomials, ends, strict=True)]
        self._rising = stack_polynomials(*trimmed)
        self._falling = stack_polynomials(*(each[::-1] for each in trimmed))

    @cached_property
    def _both(self) -> Polynomials:
        return Polynomials(np.concatenate([self._rising, self._falling]))

    def __call__(self, w: Array) -> ExtendedArray:
        """Return the values (K, M) at finite w (M,)."""
        inside = np.abs(w) <= 1.0
        values = self._both(np.where(inside, w, 1.0 / np.where(inside, 1.0, w)))
        rising, falling = values.reshape(2, len(self._lowest), len(w))
        power = extended_power(w, np.where(inside, *self._end_columns))
        return ExtendedArray.from_floats(np.where(inside, rising, falling)).times(power)

    def at(self, w: float) -> list[ExtendedFloat]:
        """Return the K values at one finite w, in a few microseconds."""
        inside = abs(w) <= 1.0
        table, ends = (self._rising, self._lowest) if inside else (self._falling, self._highest)
        powers = np.empty(table.shape[1])
        powers.fill(w if inside else 1.0 / w)
        powers[0] = 1.0
        np.multiply.accumulate(powers, out=powers)
        known = {power: _scalar_power(w, power) for power in set(ends)}
        return [
            ExtendedFloat(*frexp(value)).times(known[power])
            for value, power in zip(table.dot(powers).tolist(), ends, strict=True)
        ]


def _scalar_power(w: float, power: int) -> ExtendedFloat:
    """Return w to a whole power that is not negative."""
    mantissa, exponent = frexp(w)
    strides, rest = divmod(power, STRIDE)
    stride, shift = frexp(mantissa**STRIDE)
    result, more = frexp(mantissa**rest * stride**strides)
    return ExtendedFloat(result, exponent * power + shift * strides + more)


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
