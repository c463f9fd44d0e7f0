"""Costs that float64 cannot compute accurately.

The value of a polynomial carries a rounding error of about 1e-16 of its terms, so a cost far below
its terms has no digits left. Here the same polynomials are evaluated with moments and powers kept
to about 28 digits, and with exponents of any size: many in double-double, one in decimals.
"""

from collections.abc import Iterator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from functools import cached_property
from typing import Final, TypeVar

import numpy as np

from service.engine.arithmetic import (
    DoubleDouble,
    ExtendedArray,
    ExtendedDoubleDouble,
    double_powers,
    extended_powers,
)
from service.engine.data import split_sums
from service.engine.types import Array, Weights

CHUNK: Final = 1 << 15  # numbers in a table of powers
FEW: Final = 200  # values of w_rec times steps up to which decimals are as quick
SMALLEST: Final = 1e-120  # the product of two such numbers has all digits of a double-double
DECIMAL: Final = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])

Numbers = TypeVar("Numbers", DoubleDouble, ExtendedDoubleDouble)


class ExactCosts:
    """The sum over the sequences of squared errors, a w_in² - 2 b w_in + c.

    The error of a sum is near 1e-28 of its terms. See ``cost_polynomials`` for a, b and c, and
    ``compute_exact_moments`` for the moments (2, 4 T + 1).
    """

    def __init__(self, moments: Array, n_samples: int, initial_state: float) -> None:
        self._moments, self._n_samples, self._initial_state = moments, n_samples, initial_state

    def parabolas(self, w_rec: Array) -> Array:
        """Return the sums as functions of w_in, expanded about their lowest points.

        Parameters
        ----------
        w_rec : (M,)
            No power of them overflows.

        Returns
        -------
        parabolas : (4, M)
            The w_in of the lowest points, rounded to float64, and the coefficients of the sums as
            polynomials in w_in less that, by falling power. Their terms do not cancel.
        """
        n_steps = self._moments.shape[1] // 4
        if w_rec.size * n_steps <= FEW:
            return np.array([self._parabola_at(w) for w in w_rec.tolist()]).T
        if not self._are_terms_ordinary(w_rec):
            vertices, coefficients = self.extended_parabolas(w_rec)
            return np.vstack([vertices, coefficients.value()])
        parabolas = np.empty((4, len(w_rec)))
        for part in self._parts(len(w_rec)):
            powers = double_powers(w_rec[part], self._count)
            a, b, c = (_value(each, powers) for each in self._double_polynomials)
            with np.errstate(divide="ignore", invalid="ignore"):
                vertices = b.high / a.high
            vertex = DoubleDouble(np.where(np.isfinite(vertices), vertices, 0.0), 0.0)
            slope, lowest = _expand(a, b, c, vertex)
            parabolas[:, part] = vertex.high, a.high, slope.high, lowest.high
        return parabolas

    def extended_parabolas(self, w_rec: Array) -> tuple[Array, ExtendedArray]:
        """Return vertices (M,) and coefficients (3, M) of any size, for all finite w_rec (M,)."""
        vertices = np.zeros(len(w_rec))
        coefficients = ExtendedArray(*np.empty((2, 3, len(w_rec))))
        for part in self._parts(len(w_rec)):
            powers = extended_powers(w_rec[part], self._count)
            a, b, c = (_value(each, powers) for each in self._polynomials)
            vertices[part] = b.round().divided_by(a.round()).value()
            vertices[~np.isfinite(vertices)] = 0.0
            slope, lowest = _expand(a, b, c, ExtendedDoubleDouble.of(vertices[part]))
            for k, each in enumerate((a, slope, lowest)):
                coefficients.mantissa[k, part], coefficients.exponent[k, part] = each.round()
        return vertices, coefficients

    def _parts(self, n_weights: int) -> Iterator[slice]:
        """Yield slices of weights whose powers fit into a table."""
        size = max(1, CHUNK // self._count)
        return (slice(start, start + size) for start in range(0, n_weights, size))

    def _are_terms_ordinary(self, w_rec: Array) -> bool:
        """Return whether no term of a, b and c is so small that its last digits underflow."""
        smallest = float(np.abs(w_rec[w_rec != 0.0]).min(initial=1.0))
        coefficients = np.concatenate([each.high for each in self._double_polynomials])
        smallest_coefficient = np.abs(coefficients[coefficients != 0.0]).min(initial=1.0)
        return bool(smallest_coefficient > SMALLEST and smallest**self._count > SMALLEST)

    def sum_at(self, w_in: float, w_rec: float) -> Decimal:
        """Return the sum at one pair of finite weights, in a few microseconds for small T."""
        with localcontext(DECIMAL):
            a, b, c = self._decimal_coefficients(w_rec)
            u = Decimal(w_in)
            return (a * u - 2 * b) * u + c

    def excess(self, weights: Weights, reference: Weights) -> float:
        """Return the sum at finite weights less that at others."""
        with localcontext(DECIMAL):
            return float(self.sum_at(*weights) - self.sum_at(*reference))

    @cached_property
    def _polynomials(self) -> list[ExtendedDoubleDouble]:
        """The coefficients of a, b and c by rising power of w_rec, as in ``cost_polynomials``."""
        square, by_target, mean, target_square, target = (
            ExtendedDoubleDouble.of(*sums) for sums in split_sums(self._moments)
        )
        if self._initial_state == 0.0:
            return [square, by_target, target_square]
        n, s0 = map(ExtendedDoubleDouble.of, np.array([[self._n_samples], [-self._initial_state]]))
        gap = ExtendedDoubleDouble.of(np.zeros(len(mean.high) - 1))
        c = target_square, gap, target.times(s0).doubled(), gap, s0.times(s0).times(n)
        return [square, _concatenate(by_target, mean.times(s0)), _concatenate(*c)]

    @cached_property
    def _count(self) -> int:
        """The number of powers in the longest polynomial."""
        return max(len(each.high) for each in self._polynomials)

    @cached_property
    def _double_polynomials(self) -> list[DoubleDouble]:
        return [each.over(0) for each in self._polynomials]

    @cached_property
    def _decimal_polynomials(self) -> list[list[Decimal]]:
        with localcontext(DECIMAL):
            return [
                [Decimal(high) + Decimal(low) for high, low in np.transpose(each).tolist()]
                for each in self._double_polynomials
            ]

    def _parabola_at(self, w_rec: float) -> tuple[float, ...]:
        """Return the vertex and the coefficients at one w_rec."""
        with localcontext(DECIMAL):
            a, b, c = self._decimal_coefficients(w_rec)
            vertex = float(b / a) if a else 0.0
            slope = a * Decimal(vertex) - b
            lowest = Decimal(vertex) * (slope - b) + c
            return vertex, float(a), float(2 * slope), float(lowest)

    def _decimal_coefficients(self, w_rec: float) -> list[Decimal]:
        """Return a, b and c at one w_rec, in a decimal context."""
        w = +Decimal(w_rec)
        return [_horner(each, w) for each in self._decimal_polynomials]


def _value(coefficients: Numbers, powers: Numbers) -> Numbers:
    """Return the values (M,) of a polynomial (K,) at numbers with powers (K or more, M)."""
    count = len(coefficients.high)
    return coefficients.at((slice(None), None)).times(powers.at(slice(count))).sum()


def _expand(a: Numbers, b: Numbers, c: Numbers, vertex: Numbers) -> tuple[Numbers, Numbers]:
    """Return the slope of a u² - 2 b u + c at a vertex, 0 but for its rounding, and the value."""
    slope = a.times(vertex).plus(b.negative())
    return slope.doubled(), vertex.times(slope.plus(b.negative())).plus(c)


def _concatenate(*parts: ExtendedDoubleDouble) -> ExtendedDoubleDouble:
    return ExtendedDoubleDouble(*map(np.concatenate, zip(*parts, strict=True)))


def _horner(coefficients: list[Decimal], w: Decimal) -> Decimal:
    value = Decimal(0)
    for coefficient in reversed(coefficients):
        value = value.fma(w, coefficient)
    return value
