"""Activation functions, their derivatives, and both outside the float64 range.

To add an activation, write its functions here and add an entry to ``ACTIVATIONS``; the request
schemas read that registry.
"""

from collections.abc import Callable
from math import log
from typing import Any, Final, NamedTuple

import numpy as np

from service.engine.arithmetic import ExtendedArray
from service.engine.types import Array

Elementwise = Callable[[Array], Array]

# tanh z = z - z³/3 + …: below 2**-30 the second term is less than half a unit in the last place.
TANH_LINEAR_EXPONENT: Final = -30.0
# sigmoid(z) = e^z / (1 + e^z): from here down the denominator rounds to 1, and e^z is still normal.
SIGMOID_EXPONENTIAL_BELOW: Final = -600.0


class Activation(NamedTuple):
    """An activation function f of the pre-activation z. All functions work elementwise.

    Attributes
    ----------
    function
        f for float64 arrays; accepts infinities.
    derivative
        f'; may underflow to 0.
    log_derivative
        Natural logarithm of f', accurate where f' underflows; -inf where f' is exactly 0.
    bounded
        Whether |f| is at most 1.
    extended_function
        f for numbers outside the float64 range.
    """

    function: Elementwise
    derivative: Elementwise
    log_derivative: Elementwise
    bounded: bool
    extended_function: Callable[[ExtendedArray], ExtendedArray]


def _identity(z: Any) -> Any:
    return z


def _relu(z: Array) -> Array:
    return np.maximum(z, 0.0)


def _relu_derivative(z: Array) -> Array:
    # 0 at z = 0, as in PyTorch.
    return (z > 0.0).astype(np.float64)


def _relu_log_derivative(z: Array) -> Array:
    return np.where(z > 0.0, 0.0, -np.inf)


def _extended_relu(z: ExtendedArray) -> ExtendedArray:
    return _select(z.mantissa > 0.0, z, ExtendedArray(0.0, -np.inf))


def _tanh_derivative(z: Array) -> Array:
    # 1 - tanh² cancels; 4 e^(-2|z|) / (1 + e^(-2|z|))² is the same without cancellation.
    with np.errstate(over="ignore"):
        e = np.exp(-2.0 * np.abs(z))
        return 4.0 * e / (1.0 + e) ** 2


def _tanh_log_derivative(z: Array) -> Array:
    z = np.abs(z)
    with np.errstate(over="ignore"):
        return 2.0 * (log(2.0) - z - np.log1p(np.exp(-2.0 * z)))


def _extended_tanh(z: ExtendedArray) -> ExtendedArray:
    return _select(
        z.exponent < TANH_LINEAR_EXPONENT, z, ExtendedArray.from_floats(np.tanh(z.value()))
    )


def _sigmoid(z: Array) -> Array:
    # The exponent is never positive, so exp cannot overflow.
    e = np.exp(-np.abs(z))
    return np.where(z >= 0.0, 1.0, e) / (1.0 + e)


def _sigmoid_derivative(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return e / (1.0 + e) ** 2


def _sigmoid_log_derivative(z: Array) -> Array:
    z = np.abs(z)
    return -z - 2.0 * np.log1p(np.exp(-z))


def _extended_sigmoid(z: ExtendedArray) -> ExtendedArray:
    value = z.value()
    exponential = value < SIGMOID_EXPONENTIAL_BELOW
    return _select(
        exponential,
        ExtendedArray.exp(np.where(exponential, value, 0.0)),
        ExtendedArray.from_floats(_sigmoid(value)),
    )


def _select(condition: Any, yes: ExtendedArray, no: ExtendedArray) -> ExtendedArray:
    """Return ``yes`` where the condition holds, else ``no``; all broadcast together."""
    return ExtendedArray(
        np.where(condition, yes.mantissa, no.mantissa),
        np.where(condition, yes.exponent, no.exponent),
    )


ACTIVATIONS: Final[dict[str, Activation]] = {
    "identity": Activation(
        function=_identity,
        derivative=np.ones_like,
        log_derivative=np.zeros_like,
        bounded=False,
        extended_function=_identity,
    ),
    "tanh": Activation(
        function=np.tanh,
        derivative=_tanh_derivative,
        log_derivative=_tanh_log_derivative,
        bounded=True,
        extended_function=_extended_tanh,
    ),
    "relu": Activation(
        function=_relu,
        derivative=_relu_derivative,
        log_derivative=_relu_log_derivative,
        bounded=False,
        extended_function=_extended_relu,
    ),
    "sigmoid": Activation(
        function=_sigmoid,
        derivative=_sigmoid_derivative,
        log_derivative=_sigmoid_log_derivative,
        bounded=True,
        extended_function=_extended_sigmoid,
    ),
}
