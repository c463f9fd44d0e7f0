"""Gradient and cost at one pair of weights beyond float64.

Training may stay where float64 has no numbers for thousands of iterations, so what counts is
again the time of one evaluation: powers from a table, and few numbers, in plain Python, whose
exponents are kept apart. The functions made here are not for several threads at once.
"""

from collections.abc import Callable, Sequence
from math import frexp, inf, ldexp, log
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import FAR, LN2, STRIDE, SignedLog, stacked
from service.engine.types import Array

ScaledGradient = Callable[[float, float], tuple[SignedLog, SignedLog]]
ScaledSum = Callable[[float, float], tuple[float, float]]


class Number(NamedTuple):
    """The number mantissa * 2**exponent; a mantissa is 0, or its magnitude in [1/2, 1)."""

    mantissa: float
    exponent: int

    def times(self, other: "Number") -> "Number":
        """Multiply."""
        mantissa, shift = frexp(self.mantissa * other.mantissa)
        return Number(mantissa, self.exponent + other.exponent + shift)

    def plus(self, other: "Number") -> "Number":
        """Add."""
        if not self.mantissa or not other.mantissa:
            return self if self.mantissa else other
        scale = max(self.exponent, other.exponent)
        total = ldexp(self.mantissa, self.exponent - scale)
        mantissa, shift = frexp(total + ldexp(other.mantissa, other.exponent - scale))
        return Number(mantissa, scale + shift)

    def value(self) -> float:
        """Return float64: inf or 0 beyond its range, with the right sign."""
        if self.exponent > 1024:
            return inf if self.mantissa > 0.0 else -inf
        return ldexp(self.mantissa, max(self.exponent, -FAR))

    def signed_log(self) -> SignedLog:
        """Return the sign and the natural logarithm of the magnitude."""
        if not self.mantissa:
            return SignedLog(0.0, -inf)
        sign = 1.0 if self.mantissa > 0.0 else -1.0
        return SignedLog(sign, log(abs(self.mantissa)) + self.exponent * LN2)


def scaled_gradient(polynomials: Sequence[Array], scale: float) -> ScaledGradient:
    """Return the gradient of scale / 2 (a w_in² - 2 b w_in + c) as a function of (w_in, w_rec).

    Parameters
    ----------
    polynomials
        a, -b, half the derivative of a, that of -b, and half that of c, each as coefficients
        (D,) by rising power of w_rec.
    """
    evaluate = _evaluating(polynomials)
    fixed = Number(*frexp(scale))

    def gradient(w_in: float, w_rec: float) -> tuple[SignedLog, SignedLog]:
        a, minus_b, half_slope_a, minus_slope_b, half_slope_c = evaluate(w_rec)
        u = Number(*frexp(w_in))
        by_w_in = u.times(a).plus(minus_b)
        by_w_rec = u.times(u.times(half_slope_a).plus(minus_slope_b)).plus(half_slope_c)
        return by_w_in.times(fixed).signed_log(), by_w_rec.times(fixed).signed_log()

    return gradient


def scaled_sum(polynomials: Sequence[Array]) -> ScaledSum:
    """Return a w_in² + b w_in + c as a function of (w_in, w_rec): inf where it is beyond float64.

    With it comes the part of its terms' magnitudes that it makes up, which tells how many of its
    digits have been cancelled; 0 where none are left.

    Parameters
    ----------
    polynomials
        a, b and c as coefficients (D,) by rising power of w_rec.
    """
    evaluate = _evaluating(polynomials)
    evaluate_sizes = _evaluating([np.abs(each) for each in polynomials])

    def quadratic(w_in: float, coefficients: Sequence[Number]) -> Number:
        a, b, c = coefficients
        u = Number(*frexp(w_in))
        return u.times(u.times(a).plus(b)).plus(c)

    def scaled(w_in: float, w_rec: float) -> tuple[float, float]:
        total = quadratic(w_in, evaluate(w_rec))
        size = quadratic(abs(w_in), evaluate_sizes(abs(w_rec)))
        if not total.mantissa:
            return 0.0, 0.0
        part = ldexp(total.mantissa / size.mantissa, max(total.exponent - size.exponent, -FAR))
        return total.value(), part

    return scaled


def _evaluating(polynomials: Sequence[Array]) -> Callable[[float], list[Number]]:
    """Return what evaluates polynomials, each as coefficients (D,) by rising power of w.

    Beyond 1 a polynomial is one in 1 / w times its highest power, so nothing overflows; the
    powers that it lacks are left out at both ends, so its leading term is never lost.
    """
    used = [np.flatnonzero(each) for each in polynomials]
    ends = [(int(each[0]), int(each[-1])) if each.size else (0, 0) for each in used]
    trimmed = [each[i : j + 1] for each, (i, j) in zip(polynomials, ends, strict=True)]
    rising, falling = stacked(*trimmed), stacked(*(each[::-1] for each in trimmed))
    lowest, highest = zip(*ends, strict=True)
    factors, powers = np.empty((2, rising.shape[1]))
    values = np.empty(len(polynomials))

    def evaluate(w: float) -> list[Number]:
        inside = abs(w) <= 1.0
        factors.fill(w if inside else 1.0 / w)
        factors[0] = 1.0
        np.multiply.accumulate(factors, out=powers)
        np.dot(rising if inside else falling, powers, out=values)
        ends = lowest if inside else highest
        found = {power: _power(w, power) for power in set(ends)}
        return [
            Number(*frexp(value)).times(found[power])
            for value, power in zip(values.tolist(), ends, strict=True)
        ]

    return evaluate


def _power(w: float, power: int) -> Number:
    """Return w to a whole power that is not negative; ``extended_power`` for one number."""
    mantissa, exponent = frexp(w)
    strides, rest = divmod(power, STRIDE)
    stride, shift = frexp(mantissa**STRIDE)
    found, more = frexp(mantissa**rest * stride**strides)
    return Number(found, exponent * power + shift * strides + more)
