"""Numbers with exponents of any size: one type for arrays, one for scalars.

Mantissas are float64 and exponents are kept apart. Results equal those of float64 to the last bit
wherever float64 neither overflows nor underflows. Unlike logarithms, such numbers lose no digits
over ten thousand operations.
"""

from math import frexp, inf, ldexp, log, log10
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
    normalized; an exponent is whole (beyond 2**53 only nearly so). A zero has mantissa 0 and
    exponent -inf.
    """

    mantissa: Any
    exponent: Any

    @classmethod
    def from_floats(cls, values: Any, exponent: Any = 0.0) -> "ExtendedArray":
        """Normalize values * 2**exponent; the values must be finite."""
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
        return cls.from_floats(mantissa, exponent)

    def at(self, key: Any) -> "ExtendedArray":
        """Return the numbers at an index, or behind a slice."""
        return ExtendedArray(self.mantissa[key], self.exponent[key])

    def times(self, other: "ExtendedArray") -> "ExtendedArray":
        """Multiply elementwise, broadcasting."""
        product = self.scaled(other)
        return ExtendedArray.from_floats(product.mantissa, product.exponent)

    def scaled(self, other: "ExtendedArray") -> "ExtendedArray":
        """Multiply likewise, without normalizing.

        An exponent may become -inf: the sign of such a number is 0, whatever its mantissa.
        """
        with np.errstate(over="ignore"):
            return ExtendedArray(self.mantissa * other.mantissa, self.exponent + other.exponent)

    def plus(self, other: "ExtendedArray") -> "ExtendedArray":
        """Add elementwise, broadcasting."""
        scale = np.maximum(np.maximum(self.exponent, other.exponent), LOWEST)
        return ExtendedArray.from_floats(self.over(scale) + other.over(scale), scale)

    def sum(self, axis: int | None = None) -> "ExtendedArray":
        """Add along an axis, or all; the largest magnitude sets the scale."""
        scale = np.maximum(np.max(self.exponent, axis=axis, keepdims=True), LOWEST)
        return ExtendedArray.from_floats(
            np.sum(self.over(scale), axis=axis), np.squeeze(scale, axis)
        )

    def over(self, scale: Any) -> Any:
        """Return the numbers divided by 2**scale as float64; none may be above 2**scale."""
        return np.ldexp(self.mantissa, np.maximum(self.exponent - scale, -FAR).astype(np.int64))

    def item(self) -> "ExtendedFloat":
        """Return the only number."""
        exponent = float(self.exponent)
        return ExtendedFloat(float(self.mantissa), int(exponent) if exponent > -inf else 0)

    def value(self) -> Any:
        """Return float64: inf on overflow and 0 on underflow, with the right sign."""
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


class ExtendedFloat(NamedTuple):
    """The number mantissa * 2**exponent; a mantissa is 0, or its magnitude in [1/2, 1)."""

    mantissa: float
    exponent: int

    @classmethod
    def from_float(cls, value: float) -> "ExtendedFloat":
        """Take a finite float apart."""
        return cls(*frexp(value))

    def times(self, other: "ExtendedFloat") -> "ExtendedFloat":
        """Multiply."""
        mantissa, shift = frexp(self.mantissa * other.mantissa)
        return ExtendedFloat(mantissa, self.exponent + other.exponent + shift)

    def plus(self, other: "ExtendedFloat") -> "ExtendedFloat":
        """Add."""
        if not self.mantissa or not other.mantissa:
            return self if self.mantissa else other
        scale = max(self.exponent, other.exponent)
        total = ldexp(self.mantissa, self.exponent - scale)
        mantissa, shift = frexp(total + ldexp(other.mantissa, other.exponent - scale))
        return ExtendedFloat(mantissa, scale + shift)

    def value(self) -> float:
        """Return float64: inf on overflow and 0 on underflow, with the right sign."""
        if self.exponent > 1024:
            return inf if self.mantissa > 0.0 else -inf
        return ldexp(self.mantissa, max(self.exponent, -FAR))

    def sign(self) -> float:
        """Return -1.0, 0.0 or 1.0."""
        return float(self.mantissa > 0.0) - float(self.mantissa < 0.0)

    def log(self) -> float:
        """Return the natural logarithm of the magnitude, -inf for 0."""
        return log(abs(self.mantissa)) + self.exponent * LN2 if self.mantissa else -inf

    def log10(self) -> float:
        """Return the decimal logarithm of the magnitude, -inf for 0."""
        return log10(abs(self.mantissa)) + self.exponent * LOG10_2 if self.mantissa else -inf


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
        is outside the float64 range.
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
