"""Forward pass with exponents of any size, for states outside the float64 range."""

from collections.abc import Sequence
from math import log2
from typing import Final

import numpy as np

from service.engine.arithmetic import LOWEST, SMALL, ExtendedArray
from service.engine.network.forward import Network
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

# Pre-activations and states of some steps, each (B, N).
Steps = tuple[ExtendedArray, ExtendedArray]


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
    w_rec, n_samples = weights.w_rec, x.shape[1]
    terms = ExtendedArray.from_floats(weights.w_in).times(ExtendedArray.from_floats(x))
    initial = ExtendedArray.from_floats(np.full((1, n_samples), network.initial_state))
    whole = _run_in_float64(initial.at(0), terms, np.zeros(n_samples), w_rec, network)
    blocks = [whole] if whole else _run_blocks(initial.at(0), terms, w_rec, network)
    z, states = map(concatenate, zip(*blocks, strict=True))
    return concatenate([initial, states]), z.signed_value()


def concatenate(parts: Sequence[ExtendedArray]) -> ExtendedArray:
    """Join arrays along their first axis."""
    return ExtendedArray(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _run_blocks(
    state: ExtendedArray, terms: ExtendedArray, w_rec: float, network: Network
) -> list[Steps]:
    """Run all steps: in blocks with one exponent per sequence, or else one by one."""
    exponent_per_step = max(1.0, abs(log2(abs(w_rec)))) if w_rec else 1.0
    size = max(1, min(LONGEST_BLOCK, int(BLOCK_EXPONENT_RANGE / exponent_per_step)))
    blocks: list[Steps] = []
    # Scaling z scales f(z) only if f is piecewise linear, as the unbounded activations are.
    use_blocks = size >= SHORTEST_BLOCK and not network.f.bounded
    for start in range(0, len(terms.mantissa), size):
        part = terms.at(slice(start, start + size))
        scale = np.maximum(np.maximum(state.exponent, np.max(part.exponent, axis=0)), LOWEST)
        block = _run_in_float64(state, part, scale, w_rec, network) if use_blocks else None
        blocks.append(block or _run_steps(state, part, w_rec, network))
        state = blocks[-1][1].at(-1)
    return blocks


def _run_in_float64(
    state: ExtendedArray, terms: ExtendedArray, scale: Array, w_rec: float, network: Network
) -> Steps | None:
    """Run steps in float64, each sequence divided by a power of two.

    Parameters
    ----------
    state : (N,)
        The state before the steps.
    terms : (B, N)
        w_in x_k.
    scale : (N,)
        The exponents of the powers of two; 0 if f is not piecewise linear.
    w_rec
        Recurrent weight.
    network
        Activation function.

    Returns
    -------
    z, states : (B, N)
        Pre-activation and state of each step; None instead of both if float64 lost something to
        overflow or underflow.
    """
    f = network.f.function
    states, z = np.empty((len(terms.mantissa) + 1, len(scale))), np.empty_like(terms.mantissa)
    states[0] = state.over(scale)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        inputs = terms.over(scale)
        for k, each in enumerate(inputs):
            np.multiply(states[k], w_rec, out=z[k])
            z[k] += each
            states[k + 1] = f(z[k])
        recurrent = w_rec * states[:-1]
    small = (np.abs(recurrent) < SMALL) & (states[:-1] != 0.0) & (w_rec != 0.0)
    small |= (np.abs(inputs) < SMALL) & (terms.mantissa != 0.0)
    lost = small & (np.abs(z) < LARGE_SUM) | ~np.isfinite(z)
    if network.f.bounded:
        lost |= (np.abs(states[1:]) < SMALL) & (z != 0.0)
    if lost.any() or ((np.abs(states[0]) < SMALL) & (state.mantissa != 0.0)).any():
        return None
    return ExtendedArray.from_floats(z, scale), ExtendedArray.from_floats(states[1:], scale)


def _run_steps(state: ExtendedArray, terms: ExtendedArray, w_rec: float, network: Network) -> Steps:
    """Run the steps one by one, with an exponent per number; return z and states (B, N)."""
    factor = ExtendedArray.from_floats(w_rec)
    z, states = [], []
    for k in range(len(terms.mantissa)):
        z.append(state.scaled(factor).plus(terms.at(slice(k, k + 1))))
        state = network.f.extended(z[-1])
        states.append(state)
    return concatenate(z), concatenate(states)
