"""The recurrent network S_k = f(w_rec S_{k-1} + w_in x_k) and its activations f."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from service.engine.types import Array
from service.engine.wide import Wide

FEW = 200  # numbers for which numpy is not worth its calls

Elementwise = Callable[[Array], Array]


class Activation(NamedTuple):
    """An activation f of the pre-activation z, elementwise.

    ``log_derivative`` is ln f'(z), accurate where f'(z) itself underflows; -inf where it is 0.
    ``bounded`` tells whether |f| is at most 1. ``wide_function`` is f for numbers beyond
    float64.
    """

    name: str
    formula: str
    function: Elementwise
    derivative: Elementwise
    log_derivative: Elementwise
    bounded: bool
    wide_function: Callable[[Wide], Wide]


def _identity(z: Array) -> Array:
    return z


def _relu(z: Array) -> Array:
    return np.maximum(z, 0.0)


def _step(z: Array) -> Array:
    return (z > 0.0).astype(np.float64)


def _log_step(z: Array) -> Array:
    return np.where(z > 0.0, 0.0, -np.inf)


def _wide_relu(z: Wide) -> Wide:
    above = z.mantissa > 0.0
    return Wide(np.where(above, z.mantissa, 0.0), np.where(above, z.exponent, -np.inf))


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


def _wide_tanh(z: Wide) -> Wide:
    # Its series begins z - z³/3: below 2**-30 the second term is beyond the digits of float64.
    near_zero = z.exponent < -30.0
    plain = Wide.of(np.tanh(z.value()))
    return Wide(
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


def _wide_sigmoid(z: Wide) -> Wide:
    value = z.value()
    plain = Wide.of(_sigmoid(value))
    # Far below 0 it is e^z.
    far = value < -600.0
    exponential = Wide.exp(np.where(far, value, 0.0))
    return Wide(
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
            wide_function=lambda z: z,
        ),
        Activation(
            "tanh",
            "f(z) = tanh z",
            np.tanh,
            _tanh_derivative,
            _tanh_log_derivative,
            bounded=True,
            wide_function=_wide_tanh,
        ),
        Activation(
            "relu",
            "f(z) = max(z, 0), with slope 0 at z = 0",
            _relu,
            _step,
            _log_step,
            bounded=False,
            wide_function=_wide_relu,
        ),
        Activation(
            "sigmoid",
            "f(z) = 1 / (1 + exp(-z))",
            _sigmoid,
            _sigmoid_derivative,
            _sigmoid_log_derivative,
            bounded=True,
            wide_function=_wide_sigmoid,
        ),
    )
}


@dataclass(frozen=True)
class Network:
    """What is fixed about the network while its weights are trained."""

    activation: str = "identity"
    initial_state: float = 0.0

    @property
    def f(self) -> Activation:
        """The activation itself; KeyError for an unknown name."""
        return ACTIVATIONS[self.activation]


def pre_activations(inputs: Array, states: Array, w_in: float, w_rec: float) -> Array:
    """Return z (N, T): the column k - 1 holds w_rec S_{k-1} + w_in x_k."""
    with np.errstate(over="ignore", invalid="ignore"):
        z: Array = w_rec * states[:, :-1] + w_in * inputs
    return z


def forward_states(inputs: Array, w_in: float, w_rec: float, network: Network) -> Array:
    """Unfold the network over its inputs.

    Parameters
    ----------
    inputs : (N, T)

    Returns
    -------
    states : (N, T + 1)
        Column 0 is the initial state, column k the state after input k; the last one is
        the network's output. Beyond the range of float64 states are infinite or nan.
    """
    n_samples, n_steps = inputs.shape
    f = network.f.function
    # Time first: each step then reads and writes one contiguous row.
    states = np.empty((n_steps + 1, n_samples))
    states[0] = network.initial_state
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        driven = w_in * np.ascontiguousarray(inputs.T)
        for k in range(n_steps):
            states[k + 1] = f(w_rec * states[k] + driven[k])
    return states.T


def final_outputs(inputs: Array, w_in: float, w_rec: float, network: Network) -> Array:
    """Return only the last states (N,), the same numbers as those of ``forward_states``.

    Parameters
    ----------
    inputs : (N, T)
    """
    if inputs.size <= FEW and network.activation == "identity":
        # For so few numbers plain floats are faster than numpy's calls.
        return np.array([_final(row, w_in, w_rec, network) for row in inputs.tolist()])
    f = network.f.function
    state = np.full(len(inputs), network.initial_state)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for x in np.ascontiguousarray(inputs.T):
            state = f(w_rec * state + w_in * x)
    return state


def _final(row: list[float], w_in: float, w_rec: float, network: Network) -> float:
    state = network.initial_state
    for x in row:
        state = w_rec * state + w_in * x
    return state
