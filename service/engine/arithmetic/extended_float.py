"""Arithmetic with exponents of any size.

Mantissas are multiplied and added as float64 does it, exponents apart. So results are those of
float64, to the last bit, wherever float64 neither overflows nor underflows; and no logarithm
loses digits by being added ten thousand times.
"""

from typing import Any, NamedTuple

import numpy as np

LN2 = 0.6931471805599453
LOG10_2 = 0.30102999566398120
# ln 2 in two parts; the first has so few digits that its product with an exponent is exact.
LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10

SMALL = 2.0**-1020  # float64 results below may have lost digits to underflow
FAR = 2200  # more binary orders of magnitude than float64 has, subnormal numbers included
LOWEST = -1.7e308  # stands in for the exponent -inf where differences are taken
BLOCK = 256  # so many factors above 1/4 can be multiplied before their product underflows


class ExtendedArray(NamedTuple):
    """The numbers mantissa * 2**exponent, elementwise.

    Both are float64. A mantissa's magnitude is in [1/2, 1), or below where a product was not
    normalised; an exponent is whole (beyond 2**53 only nearly so). A zero has mantissa 0 and
    exponent -inf.
    """

    mantissa: Any
    exponent: Any

    @classmethod
    def of(cls, values: Any, exponent: Any = 0.0) -> "ExtendedArray":
        """Normalise values * 2**exponent; the values must be finite."""
        mantissa, shift = np.frexp(values)
        return cls(mantissa, np.where(mantissa == 0.0, -np.inf, exponent + shift))

    @classmethod
    def exp(cls, log: Any) -> "ExtendedArray":
        """Return e**log for logarithms of any size; that of -inf is 0."""
        with np.errstate(over="ignore"):
            exponent = np.maximum(np.floor(log / LN2), LOWEST)
            rest = (log - exponent * LN2_HIGH) - exponent * LN2_LOW
        # The clip matters only for logarithms beyond 1e15, which have no digits to lose.
        mantissa = np.where(log == -np.inf, 0.0, np.exp(np.clip(rest, -1.0, 1.0)))
        return cls.of(mantissa, exponent)

    def at(self, key: Any) -> "ExtendedArray":
        """Return the numbers at an index, or behind a slice."""
        return ExtendedArray(self.mantissa[key], self.exponent[key])

    def times(self, other: "ExtendedArray") -> "ExtendedArray":
        """Multiply elementwise, broadcasting."""
        product = self.scaled(other)
        return ExtendedArray.of(product.mantissa, product.exponent)

    def scaled(self, other: "ExtendedArray") -> "ExtendedArray":
        """Multiply likewise, without normalising.

        An exponent may become -inf: the sign of such a number is 0, whatever its mantissa.
        """
        with np.errstate(over="ignore"):
            return ExtendedArray(self.mantissa * other.mantissa, self.exponent + other.exponent)

    def plus(self, other: "ExtendedArray") -> "ExtendedArray":
        """Add elementwise, broadcasting."""
        scale = np.maximum(np.maximum(self.exponent, other.exponent), LOWEST)
        return ExtendedArray.of(self.over(scale) + other.over(scale), scale)

    def sum(self, axis: int | None = None) -> "ExtendedArray":
        """Add along an axis, or all; the largest magnitude sets the scale."""
        scale = np.maximum(np.max(self.exponent, axis=axis, keepdims=True), LOWEST)
        return ExtendedArray.of(np.sum(self.over(scale), axis=axis), np.squeeze(scale, axis))

    def over(self, scale: Any) -> Any:
        """Return the numbers divided by 2**scale as float64; none may be above 2**scale."""
        return np.ldexp(self.mantissa, np.maximum(self.exponent - scale, -FAR).astype(np.int64))

    def value(self) -> Any:
        """Return float64: inf or 0 beyond its range, with the right sign."""
        shift = np.clip(self.exponent, -FAR, FAR).astype(np.int64)
        with np.errstate(over="ignore"):
            return np.ldexp(self.mantissa, shift)

    def sign(self) -> Any:
        """Return -1.0, 0.0 or 1.0."""
        return np.where(self.exponent == -np.inf, 0.0, np.sign(self.mantissa))

    def log(self) -> Any:
        """Return the natural logarithms of the magnitudes, -inf for 0."""
        return self._log(np.log, LN2)

    def log10(self) -> Any:
        """Return the decimal logarithms of the magnitudes, -inf for 0."""
        return self._log(np.log10, LOG10_2)

    def _log(self, function: Any, of_two: float) -> Any:
        with np.errstate(divide="ignore"):
            return function(np.abs(self.mantissa)) + self.exponent * of_two


def running_products(first: ExtendedArray, factors: ExtendedArray) -> ExtendedArray:
    """Multiply one factor after the other onto the first number.

    Parameters
    ----------
    first : (N,)
    factors : (T, N)

    Returns
    -------
    products : (T + 1, N)
        Row k is the first number times the first k factors; its sign is 0 once even the exponent
        is beyond float64.
    """
    mantissa = np.concatenate([first.mantissa[None], factors.mantissa])
    with np.errstate(over="ignore"):
        exponent = np.cumsum(np.concatenate([first.exponent[None], factors.exponent]), axis=0)
    for start in range(0, len(mantissa), BLOCK):
        rows = slice(max(start - 1, 0), start + BLOCK)  # the last product goes on into the block
        mantissa[rows], shift = np.frexp(np.cumprod(mantissa[rows], axis=0))
        exponent[rows] += shift
        exponent[rows.stop :] += shift[-1]
    return ExtendedArray(mantissa, exponent)


class SignedLog(NamedTuple):
    """The numbers sign * exp(log), elementwise: floats or arrays of one shape.

    ``sign`` is -1.0, 0.0 or 1.0; where it is 0 the logarithm is -inf.
    """

    sign: Any
    log: Any

    @classmethod
    def of(cls, values: Any) -> "SignedLog":
        """Take finite floats apart."""
        return cls.from_wide(ExtendedArray.of(values))

    @classmethod
    def from_wide(cls, wide: ExtendedArray) -> "SignedLog":
        """Take the logarithms of numbers that keep an exponent of their own."""
        return cls(wide.sign()[()], wide.log()[()])

    def value(self) -> Any:
        """Return the numbers as float64: inf or 0 beyond its range, with the right sign."""
        with np.errstate(over="ignore"):
            return np.copysign(np.exp(self.log), self.sign)

    def log10(self) -> Any:
        """Return the decimal logarithms of the magnitudes, -inf for 0."""
        return self.log / np.log(10.0)

    def times(self, other: "SignedLog") -> "SignedLog":
        """Multiply elementwise, broadcasting."""
        return SignedLog(self.sign * other.sign, self.log + other.log)

    def sum(self, axis: int | None = None) -> "SignedLog":
        """Add along an axis, or all; the largest magnitude sets the scale."""
        scale = np.maximum(np.max(self.log, axis=axis, keepdims=True), -1e300)
        with np.errstate(divide="ignore"):
            total = np.sum(self.sign * np.exp(self.log - scale), axis=axis)
            log = np.log(np.abs(total)) + np.squeeze(scale, axis)
        return SignedLog(np.sign(total), log)
