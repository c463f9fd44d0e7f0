"""Forward pass with exponents of any size, for states outside the float64 range."""

from collections.abc import Sequence
from math import log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import LOWEST, SMALL, ExtendedArray
from service.engine.network.activations import Activation
from service.engine.network.forward import Network, run_steps
from service.engine.types import Array, Weights

# The steps of a block share one exponent per sequence. A block is at most this long, and so short
# that the powers of w_rec in it stay between 2**-400 and 2**400: float64 then has more than 600
# binary orders of magnitude left for the ratios of states and inputs.
LONGEST_BLOCK: Final = 256
BLOCK_EXPONENT_RANGE: Final = 400.0
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
    start = np.full(x.shape[1], network.initial_state)
    with np.errstate(over="ignore", under="ignore"):
        input_terms = weights.w_in * x
    nonzero = (x != 0.0) & (weights.w_in != 0.0)
    whole = _run_in_float64(start, input_terms, nonzero, weights.w_rec, network.f)
    if whole:
        z, states = whole
        return ExtendedArray.from_floats(states), z
    return _run_blocks(start, x, weights, network)


def concatenate(parts: Sequence[ExtendedArray]) -> ExtendedArray:
    """Join arrays along their first axis."""
    return ExtendedArray(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _run_blocks(
    start: Array, x: Array, weights: Weights, network: Network
) -> tuple[ExtendedArray, Array]:
    """Run all steps: in blocks with one exponent per sequence, or else one by one."""
    w_rec, f = weights.w_rec, network.f
    input_terms = ExtendedArray.from_floats(weights.w_in).times(ExtendedArray.from_floats(x))
    exponent_per_step = max(1.0, abs(log2(abs(w_rec)))) if w_rec else 1.0
    size = max(1, min(LONGEST_BLOCK, int(BLOCK_EXPONENT_RANGE / exponent_per_step)))
    z, states = [], [ExtendedArray.from_floats(start[None])]
    for first in range(0, len(x), size):
        terms, state = input_terms.at(slice(first, first + size)), states[-1].at(-1)
        # Scaling z scales f(z) only if f is piecewise linear, as the unbounded activations are.
        use_block = size >= SHORTEST_BLOCK and not f.bounded
        block = _run_block(state, terms, w_rec, f) if use_block else None
        block_z, block_states = block or _run_single_steps(state, terms, w_rec, f)
        z.append(block_z)
        states.append(block_states)
    return concatenate(states), concatenate(z).signed_value()


def _run_block(
    state: ExtendedArray, terms: ExtendedArray, w_rec: float, f: Activation
) -> tuple[ExtendedArray, ExtendedArray] | None:
    """Run the steps of a block in float64, each sequence divided by its own power of two.

    Parameters
    ----------
    state : (N,)
        The state before the block.
    terms : (B, N)
        w_in x_k for the B steps of the block.
    w_rec
        Recurrent weight.
    f
        A piecewise linear activation function.

    Returns
    -------
    z, states : (B, N)
        Pre-activation and state of each step; None instead of both if float64 lost something.
    """
    scale = np.maximum(np.maximum(state.exponent, np.max(terms.exponent, axis=0)), LOWEST)
    start = state.over(scale)
    if ((np.abs(start) < SMALL) & (state.mantissa != 0.0)).any():
        return None
    block = _run_in_float64(start, terms.over(scale), terms.mantissa != 0.0, w_rec, f)
    if not block:
        return None
    z, states = block
    return ExtendedArray.from_floats(z, scale), ExtendedArray.from_floats(states[1:], scale)


def _run_in_float64(
    start: Array, input_terms: Array, nonzero: NDArray[np.bool_], w_rec: float, f: Activation
) -> tuple[Array, Array] | None:
    """Return z (B, N) and states (B + 1, N), or None if float64 overflows or loses digits.

    ``nonzero`` (B, N) is false for input terms that are 0 without an underflow.
    """
    states = run_steps(start, input_terms, w_rec, f.function)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        recurrent = w_rec * states[:-1]
        z = recurrent + input_terms
    small = (np.abs(recurrent) < SMALL) & (states[:-1] != 0.0) & (w_rec != 0.0)
    small |= (np.abs(input_terms) < SMALL) & nonzero
    lost = small & (np.abs(z) < LARGE_SUM) | ~np.isfinite(z)
    if f.bounded:
        lost |= (np.abs(states[1:]) < SMALL) & (z != 0.0)
    return None if lost.any() else (z, states)


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
