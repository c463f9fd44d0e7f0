"""Costs that float64 cannot compute accurately.

The value of a polynomial carries a rounding error of about 1e-16 of its terms, so a cost far below
its terms has no digits left. Here the same polynomials are evaluated with moments and powers kept
to about 28 digits, and with exponents of any size: many in double-double, one in whole numbers.
"""

from functools import cached_property
from math import frexp
from typing import Final, NamedTuple

import numpy as np

from service.engine.arithmetic import (
    ExtendedDoubleDouble,
    ExtendedFloat,
    extended_powers,
    split,
    two_product,
)
from service.engine.data import ExactMoments
from service.engine.types import Array

CHUNK: Final = 1 << 15  # numbers in a table of powers
BITS: Final = 256  # of whole numbers: more than double-double has
ROOM: Final = 2 * BITS  # between two numbers of which the smaller one is no longer felt


class ExactCosts:
    """The sum over the sequences of squared errors, a w_in² - 2 b w_in + c.

    The error of a sum is near 1e-28 of its terms. See ``cost_polynomials`` for a, b and c.
    """

    def __init__(self, moments: ExactMoments, initial_state: float) -> None:
        self._moments, self._initial_state = moments, initial_state

    def sums(self, w_in: Array, w_rec: Array) -> ExtendedDoubleDouble:
        """Return the sums (ny, nx) at finite w_in (1 or ny, nx) and w_rec (ny,)."""
        size = max(1, CHUNK // (len(self._moments.input_square_sum.high) + 2))
        parts = []
        for start in range(0, len(w_rec), size):
            rows = slice(start, start + size)
            u = ExtendedDoubleDouble.of(w_in if len(w_in) == 1 else w_in[rows])
            a, b, c = (each.at((slice(None), None)) for each in self._coefficients(w_rec[rows]))
            parts.append(u.times(u.times(a).plus(_double(b).negative())).plus(c))
        return ExtendedDoubleDouble(*map(np.concatenate, zip(*parts, strict=True)))

    def sum_at(self, w_in: float, w_rec: float) -> "WholeNumber":
        """Return the sum at one pair of finite weights, in a few microseconds for small T."""
        square, by_target, mean, target_square, target = self._whole_moments
        u, w, s0 = (WholeNumber.from_float(each) for each in (w_in, w_rec, self._initial_state))
        a, b, (c,) = _whole_value(square, w), _whole_value(by_target, w), target_square
        if s0.mantissa:
            state = _whole_power(w, len(mean)).times(s0)
            b = b.plus(state.times(_whole_value(mean, w)).times_float(-1.0))
            n = float(self._moments.n_samples)
            c = c.plus(state.times(state.times_float(n).plus(target[0].times_float(-2.0))))
        return u.times(u.times(a).plus(b.times_float(-2.0))).plus(c)

    @cached_property
    def _extended_moments(self) -> list[ExtendedDoubleDouble]:
        return [
            ExtendedDoubleDouble.of(*map(np.atleast_1d, numbers)) for numbers in self._moments[:5]
        ]

    @cached_property
    def _whole_moments(self) -> "list[list[WholeNumber]]":
        return [
            [
                _whole_number(*number)
                for number in zip(*(np.atleast_1d(part).tolist() for part in numbers), strict=True)
            ]
            for numbers in self._moments[:5]
        ]

    def _coefficients(self, w_rec: Array) -> tuple[ExtendedDoubleDouble, ...]:
        """Return a, b and c at w_rec (M,), each (M,)."""
        square, by_target, mean, target_square, target = self._extended_moments
        n_steps, s0 = len(mean.high), self._initial_state
        powers = extended_powers(w_rec, max(len(square.high), n_steps + 1))
        halves = split(powers.high)
        a, b = (_value(each, powers, halves) for each in (square, by_target))
        if s0 == 0.0:
            return a, b, target_square
        state = powers.at(n_steps).times(ExtendedDoubleDouble.of(np.array([s0])))
        b = b.plus(state.times(_value(mean, powers, halves)).negative())
        n = ExtendedDoubleDouble.of(np.array([float(self._moments.n_samples)]))
        c = state.times(state.times(n).plus(_double(target).negative()))
        return a, b, c.plus(target_square)


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


class WholeNumber(NamedTuple):
    """The number mantissa * 2**exponent with an integer mantissa of at most ``BITS`` bits."""

    mantissa: int
    exponent: int

    @classmethod
    def from_float(cls, value: float) -> "WholeNumber":
        """Split a finite float exactly."""
        numerator, denominator = value.as_integer_ratio()
        return _rounded(numerator, 1 - denominator.bit_length())

    def times(self, other: "WholeNumber") -> "WholeNumber":
        """Multiply, and round down to ``BITS`` bits."""
        return _rounded(self.mantissa * other.mantissa, self.exponent + other.exponent)

    def times_float(self, factor: float) -> "WholeNumber":
        """Multiply by a finite float."""
        return self.times(WholeNumber.from_float(factor))

    def plus(self, other: "WholeNumber") -> "WholeNumber":
        """Add, and round down to ``BITS`` bits."""
        if not self.mantissa or not other.mantissa:
            return self if self.mantissa else other
        large, small = (self, other) if self.exponent >= other.exponent else (other, self)
        shift = large.exponent - small.exponent
        if shift > ROOM:
            return large
        return _rounded((large.mantissa << shift) + small.mantissa, small.exponent)

    def round(self) -> ExtendedFloat:
        """Return the number to the digits of float64."""
        excess = max(self.mantissa.bit_length() - 64, 0)
        fraction, shift = frexp(self.mantissa >> excess)
        return ExtendedFloat(fraction, self.exponent + excess + shift if fraction else 0)


def _whole_number(high: float, low: float) -> WholeNumber:
    number = WholeNumber.from_float(high)
    return number.plus(WholeNumber.from_float(low)) if low else number


def _rounded(mantissa: int, exponent: int) -> WholeNumber:
    excess = mantissa.bit_length() - BITS
    if excess > 0:
        return WholeNumber(mantissa >> excess, exponent + excess)
    return WholeNumber(mantissa, exponent)


def _whole_value(coefficients: list[WholeNumber], w: WholeNumber) -> WholeNumber:
    """Return the value of a polynomial by Horner's rule, written out for speed."""
    factor, step = w
    value, exponent = coefficients[-1]
    for coefficient, own in coefficients[-2::-1]:
        value *= factor
        exponent += step
        if value.bit_length() > ROOM:
            value, exponent = _rounded(value, exponent)
        shift = exponent - own
        if 0 <= shift <= ROOM:
            value, exponent = (value << shift) + coefficient, own
        elif -ROOM <= shift < 0:
            value += coefficient << -shift
        else:
            number = _rounded(value, exponent)
            value, exponent = number.plus(WholeNumber(coefficient, own))
    return _rounded(value, exponent)


def _whole_power(w: WholeNumber, power: int) -> WholeNumber:
    result = WholeNumber(1, 0)
    while power:
        if power & 1:
            result = result.times(w)
        w, power = w.times(w), power >> 1
    return result
