"""Costs that have lost their digits in float64.

The value of a polynomial carries a rounding error of about 1e-16 of its terms, so a cost far below
its terms has no digits left. Here the same polynomials are evaluated with moments and powers kept
to about 28 digits, and with exponents of any size.
"""

import numpy as np

from service.engine.arithmetic import ExtendedDoubleDouble, extended_powers, split, two_product
from service.engine.data import ExactMoments
from service.engine.types import Array

CHUNK = 1 << 15  # numbers in a table of powers


class ExactCosts:
    """The sum over the samples of squared errors, a w_in² - 2 b w_in + c.

    The error of a sum is near 1e-28 of its terms. See ``cost_polynomials`` for a, b and c.
    """

    def __init__(self, moments: ExactMoments, initial_state: float) -> None:
        self._moments, self._initial_state = moments, initial_state
        self._square, self._by_target, self._mean, self._target_square, self._target = (
            ExtendedDoubleDouble.of(*map(np.atleast_1d, numbers)) for numbers in moments[:5]
        )

    def sums(self, w_in: Array, w_rec: Array) -> ExtendedDoubleDouble:
        """Return the sums (ny, nx) at finite w_in (1 or ny, nx) and w_rec (ny,)."""
        size = max(1, CHUNK // (len(self._square.high) + 2))
        parts = []
        for start in range(0, len(w_rec), size):
            rows = slice(start, start + size)
            u = ExtendedDoubleDouble.of(w_in if len(w_in) == 1 else w_in[rows])
            a, b, c = (each.at((slice(None), None)) for each in self._coefficients(w_rec[rows]))
            parts.append(u.times(u.times(a).plus(_double(b).negative())).plus(c))
        return ExtendedDoubleDouble(*map(np.concatenate, zip(*parts, strict=True)))

    def _coefficients(self, w_rec: Array) -> tuple[ExtendedDoubleDouble, ...]:
        """Return a, b and c at w_rec (M,), each (M,)."""
        n_steps, s0 = len(self._mean.high), self._initial_state
        powers = extended_powers(w_rec, max(len(self._square.high), n_steps + 1))
        halves = split(powers.high)
        a, b = (_value(each, powers, halves) for each in (self._square, self._by_target))
        if s0 == 0.0:
            return a, b, self._target_square
        last = powers.at(n_steps)
        state = last.times(ExtendedDoubleDouble.of(np.array([s0])))
        b = b.plus(state.times(_value(self._mean, powers, halves)).negative())
        n = ExtendedDoubleDouble.of(np.array([float(self._moments.n_samples)]))
        c = state.times(state.times(n).plus(_double(self._target).negative()))
        return a, b, c.plus(self._target_square)


def _value(
    coefficients: ExtendedDoubleDouble, powers: ExtendedDoubleDouble, halves: tuple[Array, Array]
) -> ExtendedDoubleDouble:
    """Return the values (M,) of a polynomial (K,) at powers (K or more, M), split in ``halves``."""
    count = len(coefficients.high)
    high, low, exponent = coefficients.at((slice(None), None))
    power, power_low, power_exponent = powers.at(slice(count))
    product, error = two_product(high, power, split(high), [half[:count] for half in halves])
    error += high * power_low
    error += low * power
    return ExtendedDoubleDouble(product, error, exponent + power_exponent).sum()


def _double(numbers: ExtendedDoubleDouble) -> ExtendedDoubleDouble:
    return numbers._replace(exponent=numbers.exponent + 1)
