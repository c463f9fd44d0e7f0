"""Activation functions and their derivatives, also outside the float64 range.

To add an activation, write its functions here and add an entry to ``ACTIVATIONS``. The schemas and
the list on the page read that registry, and ``make openapi`` generates the client's type from the
schemas. Other code refers to activations for two reasons: the identity has separate exact methods,
and the page explains dead units (relu) and targets beyond the bounds (tanh and sigmoid).
"""

from collections.abc import Callable
from math import log
from typing import Final, NamedTuple

import numpy as np

from service.engine.arithmetic import SAFE_MIN, ExtendedArray
from service.engine.types import Array

Elementwise = Callable[[Array], Array]


class Activation(NamedTuple):
    """An activation function f of the pre-activation z. All functions work elementwise.

    Two kinds are supported: functions with f(c z) = c f(z) for c > 0, which are piecewise linear,
    and bounded functions, which have a second derivative, and a derivative that may underflow and
    requires a separate logarithm.

    Attributes
    ----------
    function
        f for float64 arrays; accepts infinities.
    derivative
        f'; may underflow to 0.
    second_derivative
        f''; 0 where it is not defined, and for all of a piecewise linear function.
    log_derivative
        Natural logarithm of f', correct to the last digit where f' underflows. None if f is
        piecewise linear.
    """

    function: Elementwise
    derivative: Elementwise
    second_derivative: Elementwise = np.zeros_like
    log_derivative: Elementwise | None = None

    @property
    def is_piecewise_linear(self) -> bool:
        """True if f(c z) = c f(z) for c > 0; otherwise f is bounded."""
        return self.log_derivative is None

    def slopes(self, z: Array) -> ExtendedArray:
        """Return f'(z) with exponents of any size.

        Parameters
        ----------
        z : (...)
            Pre-activations; infinite where they overflow.

        Returns
        -------
        ExtendedArray : (...)
            Where f' underflows, it is computed from its logarithm.
        """
        derivative = self.derivative(z)
        slopes = ExtendedArray.from_floats(derivative)
        small = derivative < SAFE_MIN
        if self.log_derivative and small.any():
            with np.errstate(over="ignore"):
                logs = ExtendedArray.exp(self.log_derivative(z[small]))
            slopes.mantissa[small] = logs.mantissa
            slopes.exponent[small] = logs.exponent
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


def _sigmoid(z: Array) -> Array:
    # The exponent is never positive, so exp cannot overflow.
    e = np.exp(-np.abs(z))
    return np.where(z >= 0.0, 1.0, e) / (1.0 + e)


def _sigmoid_derivative(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return e / (1.0 + e) ** 2


ACTIVATIONS: Final = {
    "identity": Activation(_identity, np.ones_like),
    "tanh": Activation(
        np.tanh,
        _tanh_derivative,
        lambda z: -2.0 * np.tanh(z) * _tanh_derivative(z),
        lambda z: 2.0 * (log(2.0) - np.abs(z)),
    ),
    "relu": Activation(_relu, _relu_derivative),
    "sigmoid": Activation(
        _sigmoid,
        _sigmoid_derivative,
        # 1 - 2 sigmoid(z) would cancel; it is -tanh(z / 2).
        lambda z: -np.tanh(0.5 * z) * _sigmoid_derivative(z),
        lambda z: -np.abs(z),
    ),
}
