"""Numbers with exponents of any size.

Mantissas and exponents are separate float64 numbers. Results equal those of float64 bit for bit
where float64 neither overflows nor underflows. Unlike logarithms, such numbers lose no digits over
ten thousand operations.
"""

from typing import Any, NamedTuple

import numpy as np

LN2 = 0.6931471805599453
LOG10_2 = 0.30102999566398120
# ln 2 in two parts; the first has so few digits that its product with an exponent is exact.
LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10

TINIEST = 5e-324  # stands for a number with a sign but no magnitude in float64
SMALL = 2.0**-1020  # smaller float64 results may have lost digits to underflow
FAR = 2200  # more than the number of exponents of float64, including subnormal numbers
LOWEST = -1.7e308  # replaces the exponent -inf in differences
BLOCK = 256  # the product of this number of factors above 1/4 does not underflow


class ExtendedArray(NamedTuple):
    """The numbers mantissa * 2**exponent, elementwise.

    A zero has mantissa 0 and exponent -inf.

    Attributes
    ----------
    mantissa
        float64 with magnitudes in [1/2, 1), or below where a product was not normalized.
    exponent
        float64; whole numbers, rounded above 2**53.
    """

    mantissa: Any
    exponent: Any

    @classmethod
    def from_floats(cls, values: Any, exponent: Any = 0.0) -> "ExtendedArray":
        """Return the numbers values * 2**exponent, normalized; the values must be finite."""
        mantissa, shift = np.frexp(values)
        return cls(mantissa, np.where(mantissa == 0.0, -np.inf, exponent + shift))

    @classmethod
    def exp(cls, log: Any) -> "ExtendedArray":
        """Return e**log for logarithms of any size; that of -inf is 0."""
        with np.errstate(over="ignore"):
            exponent = np.maximum(np.floor(log / LN2), LOWEST)
            rest = (log - exponent * LN2_HIGH) - exponent * LN2_LOW
        # The clip has an effect only on logarithms above 1e15, which have no fractional digits.
        mantissa = np.where(log == -np.inf, 0.0, np.exp(np.clip(rest, -1.0, 1.0)))
        return cls.from_floats(mantissa, exponent)

    def at(self, key: Any) -> "ExtendedArray":
        """Return the numbers at an index, or in a slice."""
        return ExtendedArray(self.mantissa[key], self.exponent[key])

    def times(self, other: "ExtendedArray") -> "ExtendedArray":
        """Multiply elementwise, broadcasting."""
        product = self.scaled(other)
        return ExtendedArray.from_floats(product.mantissa, product.exponent)

    def scaled(self, other: "ExtendedArray") -> "ExtendedArray":
        """Multiply elementwise, broadcasting, without normalizing.

        An exponent may become -inf: the sign of such a number is 0, whatever its mantissa.
        """
        with np.errstate(over="ignore"):
            return ExtendedArray(self.mantissa * other.mantissa, self.exponent + other.exponent)

    def divided_by(self, other: "ExtendedArray") -> "ExtendedArray":
        """Divide elementwise, broadcasting; the quotient is nan where the divisor is 0."""
        divisor = np.where(other.mantissa == 0.0, np.nan, other.mantissa)
        exponent = np.where(other.mantissa == 0.0, 0.0, other.exponent)
        return ExtendedArray.from_floats(self.mantissa / divisor, self.exponent - exponent)

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

    def value(self) -> Any:
        """Return float64: inf on overflow and 0 on underflow, with the right sign."""
        shift = np.clip(self.exponent, -FAR, FAR).astype(np.int64)
        with np.errstate(over="ignore"):
            return np.ldexp(self.mantissa, shift)

    def signed_value(self) -> Any:
        """Return the same as ``value``, but the smallest float with its sign on underflow."""
        value = self.value()
        return np.where(value == 0.0, TINIEST * self.sign(), value)

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
    """Return the cumulative products of a first number and factors.

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
        # A block begins with the last product of the block before.
        rows = slice(max(start - 1, 0), start + BLOCK)
        mantissa[rows], shift = np.frexp(np.cumprod(mantissa[rows], axis=0))
        exponent[rows] += shift
        exponent[rows.stop :] += shift[-1]
    return ExtendedArray(mantissa, exponent)
