"""Forward pass with exponents of any size, for states outside the float64 range."""

from typing import Final

import numpy as np

from service.engine.arithmetic import EXPONENT_OF_ZERO, SAFE_MIN, ExtendedArray, concatenate
from service.engine.network.activations import Activation
from service.engine.network.forward import Network, run_steps
from service.engine.types import Array, Weights

# A shorter block saves less time than its checks take.
SHORTEST_BLOCK: Final = 8
# A term that underflows is less than the last digit of a larger sum.
LARGE_SUM: Final = 2.0**-900


def extended_states(x: Array, weights: Weights, network: Network) -> tuple[ExtendedArray, Array]:
    """Run the network with exponents of any size.

    Where float64 loses nothing to overflow or underflow, the states are those of
    ``forward_states``, bit for bit.

    Parameters
    ----------
    x : (T, N)
        The inputs, time along the rows; finite.
    weights
        Finite.
    network
        Activation function and initial state.

    Returns
    -------
    states : (T + 1, N)
        Row 0 is the initial state and row k the state after input k.
    z : (T, N)
        The pre-activations as float64. They are infinite where they overflow, and have their
        sign and the smallest magnitude where they underflow.
    """
    start = ExtendedArray.from_floats(np.full(x.shape[1], network.initial_state))
    z, states = _run(start, x, weights, network.f)
    return concatenate([start[None], states]), z


def _run(
    state: ExtendedArray, x: Array, weights: Weights, f: Activation
) -> tuple[Array, ExtendedArray]:
    """Run some steps in float64 if that loses no digits, otherwise in two halves or one by one.

    Parameters
    ----------
    state : (N,)
        The state before the first step.
    x : (B, N)
        The inputs.
    weights
        Finite.
    f
        Activation function.

    Returns
    -------
    z, states : (B, N)
        Pre-activation and state of each step; see ``extended_states``.
    """
    block = _run_in_float64(state, x, weights, f)
    if block:
        return block
    if len(x) < SHORTEST_BLOCK:
        return _run_single_steps(state, x, weights, f)
    z, states = _run(state, x[: len(x) // 2], weights, f)
    more_z, more_states = _run(states[-1], x[len(x) // 2 :], weights, f)
    return np.concatenate([z, more_z]), concatenate([states, more_states])


def _run_in_float64(
    state: ExtendedArray, x: Array, weights: Weights, f: Activation
) -> tuple[Array, ExtendedArray] | None:
    """Return the same as ``_run``, or None if float64 overflows or loses digits.

    If f is piecewise linear, each sequence is divided by its own power of two.
    """
    w_in, w_rec = ExtendedArray.from_floats(weights.w_in), weights.w_rec
    scale: Array = np.zeros(x.shape[1])
    if f.is_piecewise_linear:
        largest = w_in * np.abs(x).max(axis=0)
        scale = np.maximum(np.maximum(state.exponent, largest.exponent), EXPONENT_OF_ZERO)
    start = ExtendedArray(state.mantissa, state.exponent - scale).value()
    terms = ExtendedArray(w_in.mantissa * x, w_in.exponent - scale).value()
    states = run_steps(start, terms, w_rec, f.function)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        recurrent = w_rec * states[:-1]
        z = recurrent + terms
    small = (np.abs(recurrent) < SAFE_MIN) & (states[:-1] != 0.0) & (w_rec != 0.0)
    small |= (np.abs(terms) < SAFE_MIN) & (x != 0.0) & (weights.w_in != 0.0)
    lost = small & (np.abs(z) < LARGE_SUM) | ~np.isfinite(z)
    lost |= (np.abs(start) < SAFE_MIN) & (state.mantissa != 0.0)
    if lost.any():
        return None
    z_in_float64: Array = ExtendedArray(z, scale).value_keeping_sign()
    return z_in_float64, ExtendedArray.from_floats(states[1:], scale)


def _run_single_steps(
    state: ExtendedArray, x: Array, weights: Weights, f: Activation
) -> tuple[Array, ExtendedArray]:
    """Return the same as ``_run``, with an exponent per number."""
    w_in = ExtendedArray.from_floats(weights.w_in)
    z, states = [], []
    for inputs in x[:, None]:
        z.append(state * weights.w_rec + w_in * inputs)
        state = f.extended(z[-1])
        states.append(state)
    return concatenate(z).value_keeping_sign(), concatenate(states)
