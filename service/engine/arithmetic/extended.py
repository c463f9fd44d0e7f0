"""Numbers with exponents of any size.

Mantissas and exponents are separate float64 numbers. Results equal those of float64 bit for bit
unless float64 overflows or underflows. Unlike logarithms, such numbers do not lose digits in ten
thousand operations.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic.tolerances import (
    EXPONENT_OF_ZERO,
    EXPONENT_SPAN,
    LN2,
    LN2_HIGH,
    LN2_LOW,
    LOG10_2,
    MIN_SUBNORMAL,
)
from service.engine.types import Array

BLOCK = 256  # the product of this number of factors above 1/4 does not underflow
STRIDE = 1000  # a mantissa in [1/2, 1) to this power does not underflow


@dataclass(slots=True)
class ExtendedArray:
    """The numbers mantissa * 2**exponent, elementwise.

    The operators broadcast, and accept floats and float64 arrays as the other operand. A zero has
    mantissa 0 and exponent -inf.

    Attributes
    ----------
    mantissa
        float64 with magnitudes in [1/2, 1).
    exponent
        float64; whole numbers, rounded above 2**53.
    """

    mantissa: Any
    exponent: Any

    __array_ufunc__ = None  # so that numpy leaves `array * extended` to __rmul__

    @classmethod
    def from_floats(cls, values: Any, exponent: Any = 0.0) -> "ExtendedArray":
        """Return the numbers values * 2**exponent, normalized.

        Parameters
        ----------
        values : (...)
            Finite.
        exponent : (...)
            Whole numbers of any size, which broadcast with the values.

        Returns
        -------
        ExtendedArray : (...)
            The product of both, normalized.
        """
        mantissa, shift = np.frexp(values)
        with np.errstate(over="ignore"):
            return cls(mantissa, np.where(mantissa == 0.0, -np.inf, exponent + shift))

    @classmethod
    def exp(cls, log: Any) -> "ExtendedArray":
        """Return e**log.

        Parameters
        ----------
        log : (...)
            Logarithms of any size; that of 0 is -inf.

        Returns
        -------
        ExtendedArray : (...)
            Positive numbers, or 0.
        """
        with np.errstate(over="ignore"):
            exponent = np.maximum(np.floor(log / LN2), EXPONENT_OF_ZERO)
            rest = (log - exponent * LN2_HIGH) - exponent * LN2_LOW
        # The clip has an effect only on logarithms above 1e15, which have no fractional digits.
        mantissa = np.where(log == -np.inf, 0.0, np.exp(np.clip(rest, -1.0, 1.0)))
        return cls.from_floats(mantissa, exponent)

    def __getitem__(self, key: Any) -> "ExtendedArray":
        return ExtendedArray(self.mantissa[key], self.exponent[key])

    def __mul__(self, other: Any) -> "ExtendedArray":
        factor = _extend(other)
        with np.errstate(over="ignore"):
            exponent = self.exponent + factor.exponent
        return ExtendedArray.from_floats(self.mantissa * factor.mantissa, exponent)

    def __add__(self, other: Any) -> "ExtendedArray":
        term = _extend(other)
        scale = np.maximum(np.maximum(self.exponent, term.exponent), EXPONENT_OF_ZERO)
        total = self.relative_to(scale) + term.relative_to(scale)
        return ExtendedArray.from_floats(total, scale)

    def __neg__(self) -> "ExtendedArray":
        return ExtendedArray(-self.mantissa, self.exponent)

    def __sub__(self, other: Any) -> "ExtendedArray":
        return self.__add__(-_extend(other))

    def __rsub__(self, other: Any) -> "ExtendedArray":
        return self.__neg__().__add__(other)

    __radd__ = __add__
    __rmul__ = __mul__

    def sum(self, axis: int) -> "ExtendedArray":
        """Add along an axis; the largest magnitude sets the scale.

        Parameters
        ----------
        axis
            From 0 to the number of dimensions less 1.

        Returns
        -------
        ExtendedArray
            With this axis removed.
        """
        scale = np.maximum(np.max(self.exponent, axis=axis, keepdims=True), EXPONENT_OF_ZERO)
        total = np.sum(self.relative_to(scale), axis=axis)
        return ExtendedArray.from_floats(total, np.squeeze(scale, axis))

    def relative_to(self, scale: Any) -> Any:
        """Return the numbers divided by 2**scale as float64; none may be above 2**scale."""
        shift = np.maximum(self.exponent - scale, -EXPONENT_SPAN)
        return np.ldexp(self.mantissa, shift.astype(np.int64))

    def value(self) -> Any:
        """Return float64: inf on overflow and 0 on underflow, with the right sign."""
        shift = np.clip(self.exponent, -EXPONENT_SPAN, EXPONENT_SPAN).astype(np.int64)
        with np.errstate(over="ignore"):
            return np.ldexp(self.mantissa, shift)

    def value_keeping_sign(self) -> Any:
        """Return the same as ``value``, but the smallest float with its sign on underflow."""
        value = self.value()
        return np.where(value == 0.0, MIN_SUBNORMAL * self.sign(), value)

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


def _extend(other: Any) -> ExtendedArray:
    return other if isinstance(other, ExtendedArray) else ExtendedArray.from_floats(other)


def running_products(first: ExtendedArray, factors: ExtendedArray) -> ExtendedArray:
    """Return the cumulative products of first numbers and factors.

    Parameters
    ----------
    first : (N,)
        The value before the first step.
    factors : (T, N)
        The factors of each step.

    Returns
    -------
    ExtendedArray : (T + 1, N)
        Row k is the first number times the first k factors; its sign is 0 once even the exponent
        is outside the float64 range.
    """
    mantissa = np.concatenate([first.mantissa[None], factors.mantissa])
    with np.errstate(over="ignore"):
        exponent = np.cumsum(np.concatenate([first.exponent[None], factors.exponent]), axis=0)
    for start in range(0, len(mantissa), BLOCK):
        # A block begins with the last product of the previous block.
        rows = slice(max(start - 1, 0), start + BLOCK)
        mantissa[rows], shift = np.frexp(np.cumprod(mantissa[rows], axis=0))
        exponent[rows] += shift
        exponent[rows.stop :] += shift[-1]
    return ExtendedArray(mantissa, exponent)


def extended_powers(base: ExtendedArray, power: NDArray[np.int64]) -> ExtendedArray:
    """Return powers of numbers of any size.

    Parameters
    ----------
    base : (M,)
        The numbers to raise.
    power : (K, M) or (K, 1)
        Whole and not negative; 0 to the power 0 is 1.

    Returns
    -------
    ExtendedArray : (K, M)
        A row for each exponent.
    """
    strides, rest = np.divmod(power, STRIDE)
    stride, shift = np.frexp(base.mantissa**STRIDE)
    mantissa: Array = base.mantissa**rest * stride**strides
    exponent = np.where(power == 0, 0.0, base.exponent)
    return ExtendedArray.from_floats(mantissa, exponent * power + shift * strides)
