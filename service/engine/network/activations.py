"""Activation functions and their derivatives, also outside the float64 range.

To add an activation, write its functions here and add an entry to ``ACTIVATIONS``; the request
schemas read that registry.
"""

from collections.abc import Callable
from math import log
from typing import Final, NamedTuple

import numpy as np

from service.engine.arithmetic import SMALL, ExtendedArray
from service.engine.types import Array

Elementwise = Callable[[Array], Array]

# tanh z = z - z³/3 + …: below 2**-30 the second term is less than half a unit in the last place.
TANH_LINEAR_EXPONENT: Final = -30.0
# sigmoid(z) = e^z / (1 + e^z): here the denominator rounds to 1, and e^z is a normal number.
SIGMOID_EXPONENTIAL_BELOW: Final = -600.0


class Saturation(NamedTuple):
    """The behavior of a bounded activation where float64 underflows.

    Attributes
    ----------
    log_derivative
        Natural logarithm of f', correct to the last digit where f' underflows.
    extended_function
        f for numbers outside the float64 range.
    """

    log_derivative: Elementwise
    extended_function: Callable[[ExtendedArray], ExtendedArray]


class Activation(NamedTuple):
    """An activation function f of the pre-activation z. All functions work elementwise.

    Attributes
    ----------
    function
        f for float64 arrays; accepts infinities.
    derivative
        f'; may underflow to 0.
    saturation
        Given if |f| is at most 1. Otherwise f is piecewise linear with f(c z) = c f(z) for c > 0,
        and f' does not underflow.
    """

    function: Elementwise
    derivative: Elementwise
    saturation: Saturation | None = None

    @property
    def bounded(self) -> bool:
        """Whether |f| is at most 1."""
        return self.saturation is not None

    def extended(self, z: ExtendedArray) -> ExtendedArray:
        """Return f for numbers outside the float64 range."""
        if self.saturation:
            return self.saturation.extended_function(z)
        return ExtendedArray.from_floats(self.function(z.mantissa), z.exponent)

    def slopes(self, z: Array) -> ExtendedArray:
        """Return f'(z), which may be outside the float64 range."""
        derivative = self.derivative(z)
        slopes = ExtendedArray.from_floats(derivative)
        small = derivative < SMALL
        if self.saturation and small.any():
            with np.errstate(over="ignore"):
                logs = self.saturation.log_derivative(z[small])
            slopes.mantissa[small], slopes.exponent[small] = ExtendedArray.exp(logs)
        return slopes


def _identity(z: Array) -> Array:
    return z


def _relu(z: Array) -> Array:
    return np.maximum(z, 0.0)


def _relu_derivative(z: Array) -> Array:
    # 0 at z = 0, as in PyTorch.
    return (z > 0.0).astype(np.float64)


def _tanh_derivative(z: Array) -> Array:
    # 1 - tanh² cancels.
    with np.errstate(over="ignore"):
        return 4.0 * _sigmoid_derivative(2.0 * z)


def _extended_tanh(z: ExtendedArray) -> ExtendedArray:
    small = z.exponent < TANH_LINEAR_EXPONENT
    numbers = ExtendedArray.from_floats(np.tanh(z.value()))
    numbers.mantissa[small], numbers.exponent[small] = z.at(small)
    return numbers


def _sigmoid(z: Array) -> Array:
    # The exponent is never positive, so exp cannot overflow.
    e = np.exp(-np.abs(z))
    return np.where(z >= 0.0, 1.0, e) / (1.0 + e)


def _sigmoid_derivative(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return e / (1.0 + e) ** 2


def _extended_sigmoid(z: ExtendedArray) -> ExtendedArray:
    value = z.value()
    small = value < SIGMOID_EXPONENTIAL_BELOW
    numbers = ExtendedArray.from_floats(_sigmoid(value))
    numbers.mantissa[small], numbers.exponent[small] = ExtendedArray.exp(value[small])
    return numbers


ACTIVATIONS: Final[dict[str, Activation]] = {
    "identity": Activation(_identity, np.ones_like),
    "tanh": Activation(
        np.tanh,
        _tanh_derivative,
        Saturation(lambda z: 2.0 * (log(2.0) - np.abs(z)), _extended_tanh),
    ),
    "relu": Activation(_relu, _relu_derivative),
    "sigmoid": Activation(
        _sigmoid, _sigmoid_derivative, Saturation(lambda z: -np.abs(z), _extended_sigmoid)
    ),
}
