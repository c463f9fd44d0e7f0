"""Forward pass of the network S_k = f(w_rec S_{k-1} + w_in x_k), and the cost of its outputs."""

from dataclasses import dataclass
from math import inf, isnan
from typing import Final

import numpy as np

from service.engine.arithmetic import UNDERFLOW
from service.engine.interruption import check_interruption
from service.engine.network.activations import ACTIVATIONS, Activation
from service.engine.types import Array

# Up to about this many sequences, a loop over Python floats is faster than calls of numpy.
FEW_SEQUENCES: Final = 30
LINEAR: Final = "identity"  # the activation of a linear network


@dataclass(frozen=True)
class Network:
    """The properties of the network that are not trained.

    Attributes
    ----------
    activation
        Name of the activation function, a key of ``ACTIVATIONS``.
    initial_state
        S_0, the same for every sequence; finite.
    """

    activation: str = LINEAR
    initial_state: float = 0.0

    @property
    def is_linear(self) -> bool:
        """True if the states are linear in the inputs, so that costs have a closed form."""
        return self.activation == LINEAR

    @property
    def f(self) -> Activation:
        """The activation function; KeyError if its name is unknown."""
        return ACTIVATIONS[self.activation]


def forward_states(inputs: Array, w_in: float, w_rec: float, network: Network) -> Array:
    """Run the network over its inputs and return all states.

    Parameters
    ----------
    inputs : (N, T)
        N sequences of T inputs, time along the columns.
    w_in, w_rec
        The weights.
    network
        Activation and initial state.

    Returns
    -------
    states : (N, T + 1)
        Column 0 is the initial state and column k the state after input k. The last column is
        the output. States that overflow are infinite or nan.

    Raises
    ------
    KeyError
        If the activation is unknown.
    """
    f = network.f.function
    states = np.empty((inputs.shape[1] + 1, len(inputs)))
    states[0] = network.initial_state
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        # With time along the rows, a step writes one contiguous row.
        input_terms = w_in * np.ascontiguousarray(inputs.T)
        for k, input_term in enumerate(input_terms):
            check_interruption()
            states[k + 1] = f(w_rec * states[k] + input_term)
    return states.T


def final_outputs(inputs: Array, w_in: float, w_rec: float, network: Network) -> Array:
    """Run the network over its inputs and return only the outputs.

    Parameters
    ----------
    inputs : (N, T)
        The sequences.
    w_in, w_rec
        The weights.
    network
        Activation and initial state.

    Returns
    -------
    outputs : (N,)
        Bit for bit the last column of ``forward_states``, without storing the other states.

    Raises
    ------
    KeyError
        If the activation is unknown.
    """
    check_interruption()
    if len(inputs) <= FEW_SEQUENCES and network.is_linear:
        return np.array([_final_output(row, w_in, w_rec, network) for row in inputs])
    f = network.f.function
    states = np.full(len(inputs), network.initial_state)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for x in np.ascontiguousarray(inputs.T):
            check_interruption()
            states = f(w_rec * states + w_in * x)
    return states


def _final_output(sequence: Array, w_in: float, w_rec: float, network: Network) -> float:
    state = network.initial_state
    for x in sequence.data:  # unlike a list of a million floats, it does not hold the GIL for long
        state = w_rec * state + w_in * x
    return state


def mean_squared_error(outputs: Array, targets: Array) -> float:
    """Return the mean of (outputs - targets)² over the sequences.

    Parameters
    ----------
    outputs : (N,)
        Infinite or nan where a network overflowed.
    targets : (N,)
        Finite; N is at least 1.

    Returns
    -------
    cost
        inf if it overflows or an output is not finite; never nan.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        residuals = outputs - targets
        cost = float(np.mean(residuals**2))
        if UNDERFLOW < cost < inf:
            return cost
        # Relative to the largest residual, no square overflows and not all of them underflow.
        scale = float(np.max(np.abs(residuals)))
        if scale == 0.0:
            return 0.0
        cost = float(np.mean((residuals / scale) ** 2)) * scale * scale
    return inf if isnan(cost) else cost


def output_gradient(outputs: Array, targets: Array) -> Array:
    """Return the derivative of the cost with respect to each output, 2 (outputs - targets) / N.

    Parameters
    ----------
    outputs, targets : (N,)
        The output and the target of each sequence.

    Returns
    -------
    gradient : (N,)
        The derivatives with respect to the outputs.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # Dividing by N / 2 gives the same bits as 2 / N and cannot overflow in between.
        return (outputs - targets) / (0.5 * len(targets))
