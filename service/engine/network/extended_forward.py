"""Forward pass with exponents of any size, for states outside the float64 range."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from service.engine.arithmetic import LOWEST, SMALL, ExtendedArray
from service.engine.network.activations import Activation
from service.engine.network.forward import Network, run_steps
from service.engine.types import Array, Weights

# A shorter block saves less than its checks cost.
SHORTEST_BLOCK: Final = 8
# A term that underflows is below the last digit of a sum above this.
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
    terms = ExtendedArray.from_floats(weights.w_in).times(ExtendedArray.from_floats(x))
    z, states = _run(start, terms, weights.w_rec, network.f)
    return concatenate([start.at(None), states]), z.signed_value()


def concatenate(parts: Sequence[ExtendedArray]) -> ExtendedArray:
    """Join arrays along their first axis."""
    return ExtendedArray(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _run(
    state: ExtendedArray, terms: ExtendedArray, w_rec: float, f: Activation
) -> tuple[ExtendedArray, ExtendedArray]:
    """Run B steps as one block in float64, or as two where that loses digits, or one by one.

    Parameters
    ----------
    state : (N,)
        The state before the block.
    terms : (B, N)
        w_in x_k.
    w_rec
        Recurrent weight.
    f
        Activation function.

    Returns
    -------
    z, states : (B, N)
        Pre-activation and state of each step.
    """
    n_steps = len(terms.mantissa)
    block = _run_in_float64(state, terms, w_rec, f)
    if block:
        return block
    if n_steps < SHORTEST_BLOCK:
        return _run_single_steps(state, terms, w_rec, f)
    z, states = _run(state, terms.at(slice(n_steps // 2)), w_rec, f)
    more = _run(states.at(-1), terms.at(slice(n_steps // 2, None)), w_rec, f)
    return concatenate([z, more[0]]), concatenate([states, more[1]])


def _run_in_float64(
    state: ExtendedArray, terms: ExtendedArray, w_rec: float, f: Activation
) -> tuple[ExtendedArray, ExtendedArray] | None:
    """Return the same as ``_run``, or None if float64 overflows or loses digits.

    If f is piecewise linear, each sequence is divided by its own power of two.
    """
    largest = np.maximum(state.exponent, np.max(terms.exponent, axis=0))
    scale = np.zeros_like(largest) if f.bounded else np.maximum(largest, LOWEST)
    start, inputs = (
        ExtendedArray(each.mantissa, each.exponent - scale).value() for each in (state, terms)
    )
    states = run_steps(start, inputs, w_rec, f.function)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        recurrent = w_rec * states[:-1]
        z = recurrent + inputs
    small = (np.abs(recurrent) < SMALL) & (states[:-1] != 0.0) & (w_rec != 0.0)
    small |= (np.abs(inputs) < SMALL) & (terms.mantissa != 0.0)
    lost = small & (np.abs(z) < LARGE_SUM) | ~np.isfinite(z)
    lost |= (np.abs(start) < SMALL) & (state.mantissa != 0.0)
    if f.bounded:
        lost |= (np.abs(states[1:]) < SMALL) & (z != 0.0)
    if lost.any():
        return None
    return ExtendedArray.from_floats(z, scale), ExtendedArray.from_floats(states[1:], scale)


def _run_single_steps(
    state: ExtendedArray, terms: ExtendedArray, w_rec: float, f: Activation
) -> tuple[ExtendedArray, ExtendedArray]:
    """Run the steps one by one, with an exponent per number; return z and states (B, N)."""
    factor = ExtendedArray.from_floats(w_rec)
    z, states = [], []
    for k in range(len(terms.mantissa)):
        z.append(state.scaled(factor).plus(terms.at(slice(k, k + 1))))
        state = f.extended(z[-1])
        states.append(state)
    return concatenate(z), concatenate(states)
