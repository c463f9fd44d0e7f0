"""The recurrent network S_k = f(w_rec S_{k-1} + w_in x_k), run forward."""

from dataclasses import dataclass

import numpy as np

from service.engine.network.activations import ACTIVATIONS, Activation
from service.engine.types import Array

FEW = 200  # numbers for which numpy is not worth its calls


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
