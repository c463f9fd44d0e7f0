"""Activations: the function f, its derivative, and both outside the float64 range."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import ExtendedArray
from service.engine.types import Array

Elementwise = Callable[[Array], Array]


class Activation(NamedTuple):
    """An activation f of the pre-activation z, elementwise.

    ``log_derivative`` is ln f'(z), accurate where f'(z) itself underflows; -inf where it is 0.
    ``bounded`` tells whether |f| is at most 1. ``extended_function`` is f for numbers beyond
    float64.
    """

    name: str
    formula: str
    function: Elementwise
    derivative: Elementwise
    log_derivative: Elementwise
    bounded: bool
    extended_function: Callable[[ExtendedArray], ExtendedArray]


def _identity(z: Array) -> Array:
    return z


def _relu(z: Array) -> Array:
    return np.maximum(z, 0.0)


def _step(z: Array) -> Array:
    return (z > 0.0).astype(np.float64)


def _log_step(z: Array) -> Array:
    return np.where(z > 0.0, 0.0, -np.inf)


def _wide_relu(z: ExtendedArray) -> ExtendedArray:
    above = z.mantissa > 0.0
    return ExtendedArray(np.where(above, z.mantissa, 0.0), np.where(above, z.exponent, -np.inf))


def _tanh_derivative(z: Array) -> Array:
    # 1 - tanh² = 4 e^(-2|z|) / (1 + e^(-2|z|))², without the cancellation.
    with np.errstate(over="ignore"):
        e = np.exp(-2.0 * np.abs(z))
        slope: Array = 4.0 * e / (1.0 + e) ** 2
    return slope


def _tanh_log_derivative(z: Array) -> Array:
    z = np.abs(z)
    with np.errstate(over="ignore"):
        log: Array = 2.0 * (np.log(2.0) - z - np.log1p(np.exp(-2.0 * z)))
    return log


def _wide_tanh(z: ExtendedArray) -> ExtendedArray:
    # Its series begins z - z³/3: below 2**-30 the second term is beyond the digits of float64.
    near_zero = z.exponent < -30.0
    plain = ExtendedArray.of(np.tanh(z.value()))
    return ExtendedArray(
        np.where(near_zero, z.mantissa, plain.mantissa),
        np.where(near_zero, z.exponent, plain.exponent),
    )


def _sigmoid(z: Array) -> Array:
    # exp only of what is not positive, so that it cannot overflow.
    e = np.exp(-np.abs(z))
    return np.where(z >= 0.0, 1.0, e) / (1.0 + e)


def _sigmoid_derivative(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    slope: Array = e / (1.0 + e) ** 2
    return slope


def _sigmoid_log_derivative(z: Array) -> Array:
    z = np.abs(z)
    log: Array = -z - 2.0 * np.log1p(np.exp(-z))
    return log


def _wide_sigmoid(z: ExtendedArray) -> ExtendedArray:
    value = z.value()
    plain = ExtendedArray.of(_sigmoid(value))
    # Far below 0 it is e^z.
    far = value < -600.0
    exponential = ExtendedArray.exp(np.where(far, value, 0.0))
    return ExtendedArray(
        np.where(far, exponential.mantissa, plain.mantissa),
        np.where(far, exponential.exponent, plain.exponent),
    )


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation(
            "identity",
            "f(z) = z",
            _identity,
            np.ones_like,
            np.zeros_like,
            bounded=False,
            extended_function=lambda z: z,
        ),
        Activation(
            "tanh",
            "f(z) = tanh z",
            np.tanh,
            _tanh_derivative,
            _tanh_log_derivative,
            bounded=True,
            extended_function=_wide_tanh,
        ),
        Activation(
            "relu",
            "f(z) = max(z, 0), with slope 0 at z = 0",
            _relu,
            _step,
            _log_step,
            bounded=False,
            extended_function=_wide_relu,
        ),
        Activation(
            "sigmoid",
            "f(z) = 1 / (1 + exp(-z))",
            _sigmoid,
            _sigmoid_derivative,
            _sigmoid_log_derivative,
            bounded=True,
            extended_function=_wide_sigmoid,
        ),
    )
}
