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
from service.engine.data import ExactMoments
from service.engine.types import Array, Weights

CHUNK: Final = 1 << 15  # numbers in a table of powers
FEW: Final = 200  # values of w_rec times steps up to which decimals are as quick
SMALLEST: Final = 1e-120  # the product of two such numbers has all digits of a double-double
DECIMAL: Final = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])

Numbers = TypeVar("Numbers", DoubleDouble, ExtendedDoubleDouble)


class ExactCosts:
    """The sum over the sequences of squared errors, a w_in² - 2 b w_in + c.

    The error of a sum is near 1e-28 of its terms. See ``cost_polynomials`` for a, b and c.
    """

    def __init__(self, moments: ExactMoments, initial_state: float) -> None:
        self._moments, self._initial_state = moments, initial_state

    def parabolas(self, w_rec: Array) -> tuple[Array, Array]:
        """Return the sums as functions of w_in, expanded about their lowest points.

        Parameters
        ----------
        w_rec : (M,)
            No power of them overflows.

        Returns
        -------
        vertices : (M,)
            The w_in of the lowest points, rounded to float64.
        coefficients : (3, M)
            Those of the sums as polynomials in w_in - vertex, by falling power. They do not cancel.
        """
        if w_rec.size * len(self._moments.input_sum.high) <= FEW:
            rows = np.array([self._parabola_at(w) for w in w_rec.tolist()])
            return rows[:, 0], rows[:, 1:].T
        if self._initial_state == 0.0 and self._are_terms_ordinary(w_rec):
            return self._ordinary_parabolas(w_rec)
        vertices, coefficients = self.extended_parabolas(w_rec)
        return vertices, coefficients.value()

    def extended_parabolas(self, w_rec: Array) -> tuple[Array, ExtendedArray]:
        """Return the same for all finite w_rec, with coefficients of any size."""
        vertices = np.empty(len(w_rec))
        coefficients = ExtendedArray(*np.empty((2, 3, len(w_rec))))
        for part in self._parts(len(w_rec)):
            a, b, c = self._coefficients(w_rec[part])
            vertices[part] = b.round().divided_by(a.round()).value()
            vertices[~np.isfinite(vertices)] = 0.0
            vertex = ExtendedDoubleDouble.of(vertices[part])
            slope = a.times(vertex).plus(b.negative())  # 0 but for the rounding of the vertex
            lowest = vertex.times(slope.plus(b.negative())).plus(c)
            for k, each in enumerate((a, slope.doubled(), lowest)):
                coefficients.mantissa[k, part], coefficients.exponent[k, part] = each.round()
        return vertices, coefficients

    def _parts(self, n_weights: int) -> Iterator[slice]:
        """Yield slices of weights whose powers fit into a table."""
        size = max(1, CHUNK // (len(self._moments.input_square_sum.high) + 2))
        return (slice(start, start + size) for start in range(0, n_weights, size))

    def _are_terms_ordinary(self, w_rec: Array) -> bool:
        """Return whether no term of a and b is so small that its last digits underflow."""
        smallest = np.abs(w_rec[w_rec != 0.0]).min(initial=1.0)
        degree = len(self._moments.input_square_sum.high) - 1
        return self._smallest_moment > SMALLEST and smallest**degree > SMALLEST

    @cached_property
    def _smallest_moment(self) -> float:
        return min(
            float(np.abs(high[high != 0.0]).min(initial=1.0)) for high, _ in self._moments[:2]
        )

    def _ordinary_parabolas(self, w_rec: Array) -> tuple[Array, Array]:
        """Return the parabolas without exponents, which take most of the time."""
        vertices, coefficients = np.empty(len(w_rec)), np.empty((3, len(w_rec)))
        square, by_target, c = (
            self._moments.input_square_sum,
            self._moments.input_target_sum,
            self._moments.target_square_sum,
        )
        for part in self._parts(len(w_rec)):
            powers = double_powers(w_rec[part], len(square.high))
            a, b = _value(square, powers), _value(by_target, powers)
            with np.errstate(divide="ignore", invalid="ignore"):
                vertex = DoubleDouble(b.high / a.high, 0.0)
            vertex.high[~np.isfinite(vertex.high)] = 0.0
            slope = a.times(vertex).plus(b.negative())
            lowest = vertex.times(slope.plus(b.negative())).plus(c)
            vertices[part] = vertex.high
            coefficients[:, part] = a.high, 2.0 * slope.high, lowest.high
        return vertices, coefficients

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
    def _extended_moments(self) -> list[ExtendedDoubleDouble]:
        return [
            ExtendedDoubleDouble.of(*map(np.atleast_1d, numbers)) for numbers in self._moments[:5]
        ]

    @cached_property
    def _decimal_moments(self) -> list[list[Decimal]]:
        with localcontext(DECIMAL):
            return [
                [
                    Decimal(high) + Decimal(low)
                    for high, low in np.transpose(numbers).reshape(-1, 2).tolist()
                ]
                for numbers in self._moments[:5]
            ]

    def _parabola_at(self, w_rec: float) -> tuple[float, ...]:
        """Return the vertex and the coefficients at one w_rec."""
        with localcontext(DECIMAL):
            a, b, c = self._decimal_coefficients(w_rec)
            vertex = float(b / a) if a else 0.0
            slope = a * Decimal(vertex) - b
            lowest = Decimal(vertex) * (slope - b) + c
            return vertex, float(a), float(2 * slope), float(lowest)

    def _decimal_coefficients(self, w_rec: float) -> tuple[Decimal, Decimal, Decimal]:
        """Return a, b and c at one w_rec, in a decimal context."""
        square, by_target, mean, (target_square,), (target,) = self._decimal_moments
        w, s0 = +Decimal(w_rec), Decimal(self._initial_state)
        a, b, c = _horner(square, w), _horner(by_target, w), target_square
        if s0:
            state = s0 * w ** len(mean)
            b -= state * _horner(mean, w)
            c += state * (state * self._moments.n_samples - 2 * target)
        return a, b, c

    def _coefficients(self, w_rec: Array) -> tuple[ExtendedDoubleDouble, ...]:
        """Return a, b and c at w_rec (M,), each (M,)."""
        square, by_target, mean, target_square, target = self._extended_moments
        n_steps = len(mean.high)
        powers = extended_powers(w_rec, max(len(square.high), n_steps + 1))
        a, b = (_value(each, powers) for each in (square, by_target))
        if self._initial_state == 0.0:
            return a, b, target_square
        state = powers.at(n_steps).times(ExtendedDoubleDouble.of(self._initial_state))
        b = b.plus(state.times(_value(mean, powers)).negative())
        n = ExtendedDoubleDouble.of(float(self._moments.n_samples))
        c = state.times(state.times(n).plus(target.doubled().negative()))
        return a, b, c.plus(target_square)


def _value(coefficients: Numbers, powers: Numbers) -> Numbers:
    """Return the values (M,) of a polynomial (K,) at numbers with powers (K or more, M)."""
    count = len(coefficients.high)
    return coefficients.at((slice(None), None)).times(powers.at(slice(count))).sum()


def _horner(coefficients: list[Decimal], w: Decimal) -> Decimal:
    value = Decimal(0)
    for coefficient in reversed(coefficients):
        value = value * w + coefficient
    return value
