"""Costs that float64 cannot compute accurately.

The value of a polynomial carries a rounding error of about 1e-16 of its terms, so a cost far below
its terms has no digits left. Here the same polynomials are evaluated with moments and powers kept
to about 28 digits. Many are evaluated in double-double numbers. A few, and those outside the
float64 range, are evaluated in decimals.
"""

from decimal import Decimal, localcontext
from functools import cached_property
from math import inf, isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import (
    DECIMAL,
    DoubleDouble,
    ExtendedArray,
    double_powers,
    split_decimal,
)
from service.engine.data import split_sums
from service.engine.types import Array, Weights

CHUNK: Final = 1 << 14  # numbers in a table of powers
MAX_DECIMAL_WORK: Final = 100  # up to this number of w_rec times steps, decimals are as fast
SMALLEST: Final = 1e-200  # the last digits of a larger double-double number do not underflow


class ExactCosts:
    """The sum over the sequences of squared errors, a w_in² - 2 b w_in + c.

    The error of a sum is near 1e-28 of its terms. See ``cost_polynomials`` for a, b and c.

    Parameters
    ----------
    moments : (2, 4 T + 1)
        The result of ``compute_exact_moments``.
    n_samples
        The number N of sequences.
    initial_state
        S_0.
    """

    def __init__(self, moments: Array, n_samples: int, initial_state: float) -> None:
        self._moments, self._n_samples, self._initial_state = moments, n_samples, initial_state

    def parabolas(self, w_rec: Array) -> Array:
        """Return the sums as functions of w_in, expanded about their lowest points.

        Parameters
        ----------
        w_rec : (M,)
            Their powers do not overflow.

        Returns
        -------
        parabolas : (4, M)
            The w_in of the lowest points, rounded to float64, and the coefficients of the sums as
            polynomials in w_in minus this vertex, by falling power. Their terms do not cancel.
        """
        n_steps = self._moments.shape[1] // 4
        if w_rec.size * n_steps <= MAX_DECIMAL_WORK:
            return self._decimal_parabolas(w_rec)
        ordinary = (np.abs(w_rec) > self._smallest_w_rec) | (w_rec == 0.0)
        parabolas = np.empty((4, len(w_rec)))
        if not ordinary.all():
            parabolas[:, ~ordinary] = self._decimal_parabolas(w_rec[~ordinary])
        rows = np.flatnonzero(ordinary)
        size = max(1, CHUNK // (2 * n_steps + 1))
        for part in (rows[start : start + size] for start in range(0, len(rows), size)):
            parabolas[:, part] = self._double_parabolas(w_rec[part])
        return parabolas

    def _double_parabolas(self, w_rec: Array) -> Array:
        """Return the same as ``parabolas``, for many weights without terms that may underflow."""
        coefficients, powers, groups = self._terms
        table = double_powers(w_rec, int(powers.max()) + 1)
        sums = coefficients.times(table.at(powers)).sums(groups)
        a, b = sums.high[:2]
        with np.errstate(divide="ignore", invalid="ignore"):
            vertex = b / a
        vertex = np.where(np.isfinite(vertex), vertex, 0.0)
        products = sums.at(slice(2)).times(DoubleDouble(-vertex, 0.0))
        # 0 except for the rounding of the vertex
        slope = -((products.high[0] + b) + (products.low[0] + sums.low[1]))
        rest = sums.at(2).plus(products.at(1))
        return np.array([vertex, a, 2.0 * slope, rest.high + vertex * slope + rest.low])

    def _decimal_parabolas(self, w_rec: Array) -> Array:
        """Return the same as ``parabolas``, for few weights or for terms that may underflow."""
        rows = (self._parabola_at(w) for w in w_rec.tolist())
        return np.array([[vertex, *map(float, each)] for vertex, each in rows]).T

    def extended_parabolas(self, w_rec: Array) -> tuple[Array, ExtendedArray]:
        """Return the same as ``parabolas`` where powers or coefficients may overflow.

        Parameters
        ----------
        w_rec : (M,)
            Finite.

        Returns
        -------
        vertices : (M,)
        coefficients : (3, M)
        """
        vertices, coefficients = zip(*map(self._parabola_at, w_rec.tolist()), strict=True)
        numbers = np.array([[split_decimal(number) for number in each] for each in coefficients])
        return np.array(vertices), ExtendedArray.from_floats(*numbers.T)

    def sum_at(self, w_in: float, w_rec: float) -> Decimal:
        """Return the sum at one pair of finite weights, in a few microseconds for small T."""
        with localcontext(DECIMAL):
            a, b, c = self._decimal_coefficients(w_rec)
            u = Decimal(w_in)
            return (a * u - 2 * b) * u + c

    def excess(self, weights: Weights, reference: Weights) -> float:
        """Return the difference of the sums at two pairs of finite weights."""
        with localcontext(DECIMAL):
            return float(self.sum_at(*weights) - self.sum_at(*reference))

    @cached_property
    def _polynomials(self) -> list[DoubleDouble]:
        """The coefficients of a, b and c by rising power of w_rec, as in ``cost_polynomials``."""
        square, by_target, input_sum, target_square, target = (
            DoubleDouble(*sums) for sums in split_sums(self._moments)
        )
        if self._initial_state == 0.0:
            return [square, by_target, target_square]
        n_steps, s0 = len(input_sum.high), DoubleDouble(-self._initial_state, 0.0)
        b = np.concatenate([by_target, input_sum.times(s0)], axis=1)
        c = np.zeros((2, 2 * n_steps + 1))
        c[:, [0]] = target_square
        c[:, [n_steps]] = 2.0 * np.array(target.times(s0))
        c[:, -1] = s0.times(s0).times(DoubleDouble(self._n_samples, 0.0))
        return [square, DoubleDouble(*b), DoubleDouble(*c)]

    @cached_property
    def _terms(self) -> tuple[DoubleDouble, NDArray[np.intp], Array]:
        """The coefficients (K, 1) of a, b and c, their powers (K,), and whose they are (3, K)."""
        lengths = [len(each.high) for each in self._polynomials]
        coefficients = np.concatenate(self._polynomials, axis=1)[:, :, None]
        powers = np.concatenate([np.arange(length) for length in lengths])
        return DoubleDouble(*coefficients), powers, np.repeat(np.eye(3), lengths, axis=1)

    @cached_property
    def _smallest_w_rec(self) -> float:
        """From this |w_rec| on, the first terms of a, b and c lose no digit to underflow."""
        smallest = [0.0]
        for each in self._polynomials:
            sizes = np.abs(each.high).tolist()  # Python is faster where there are few
            if any(sizes):
                power = next(k for k, size in enumerate(sizes) if size)
                ratio = SMALLEST * max(1.0, *sizes) / sizes[power]
                smallest.append(ratio ** (1.0 / power if power else inf))
        return max(smallest)

    @cached_property
    def _decimal_polynomials(self) -> list[list[Decimal]]:
        with localcontext(DECIMAL):
            return [
                [Decimal(high) + Decimal(low) for high, low in np.transpose(each).tolist()]
                for each in self._polynomials
            ]

    def _parabola_at(self, w_rec: float) -> tuple[float, tuple[Decimal, Decimal, Decimal]]:
        """Return the vertex and the coefficients at one w_rec."""
        with localcontext(DECIMAL):
            a, b, c = self._decimal_coefficients(w_rec)
            vertex = float(b / a) if a else 0.0
            vertex = vertex if isfinite(vertex) else 0.0
            u = Decimal(vertex)
            slope = a * u - b
            return vertex, (a, 2 * slope, u * (slope - b) + c)

    def _decimal_coefficients(self, w_rec: float) -> list[Decimal]:
        """Return a, b and c at one w_rec, in a decimal context."""
        w = +Decimal(w_rec)
        return [_horner(each, w) for each in self._decimal_polynomials]


def _horner(coefficients: list[Decimal], w: Decimal) -> Decimal:
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value.fma(w, coefficient)
    return value
