"""Forward pass with exponents of any size, for states outside the float64 range."""

from collections.abc import Sequence
from math import log2
from typing import Final

import numpy as np

from service.engine.arithmetic import LOWEST, SMALL, ExtendedArray
from service.engine.network.activations import Elementwise
from service.engine.network.forward import Network, forward_states, pre_activations
from service.engine.types import Array, Weights

# The steps of a block share one exponent per sequence. A block is at most this long, and so short
# that the powers of w_rec in it stay between 2**-400 and 2**400: float64 then has more than 600
# binary orders of magnitude left for the ratios of states and inputs.
LONGEST_BLOCK: Final = 256
BLOCK_EXPONENT_RANGE: Final = 400.0
# A shorter block saves less than its checks cost.
SHORTEST_BLOCK: Final = 8
# An input term that underflows beside a recurrent term above this is below its last digit.
LARGE_RECURRENT_TERM: Final = 2.0**-900
# Stands for pre-activations nearer to 0, whose sign f' may depend on.
SMALLEST_Z_EXPONENT: Final = -1000.0


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
        sign and the magnitude 2**-1000 where they would underflow.
    """
    states = forward_states(x.T, *weights, network)
    z = pre_activations(x.T, states, *weights).T
    if _is_exact(x, states.T, z, weights, network):
        return ExtendedArray.from_floats(states.T), z
    return _run(x, weights, network)


def concatenate(parts: Sequence[ExtendedArray]) -> ExtendedArray:
    """Join arrays along their first axis."""
    return ExtendedArray(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def stack(parts: Sequence[ExtendedArray]) -> ExtendedArray:
    """Join arrays along a new first axis."""
    return ExtendedArray(*(np.stack(columns) for columns in zip(*parts, strict=True)))


def _is_exact(x: Array, states: Array, z: Array, weights: Weights, network: Network) -> bool:
    """Return whether float64 lost nothing to overflow or underflow in a forward pass."""
    if not (np.isfinite(z).all() and np.isfinite(states).all()):
        return False
    w_in, w_rec = map(abs, weights)
    smallest = [_smallest(states), _smallest(z)]
    if w_in:
        smallest.append(w_in * _smallest(x))
    if w_rec:
        smallest.append(w_rec * _smallest(states[:-1]))
    if min(smallest) < SMALL:
        return False
    # A state of 0 with z != 0 is exact where relu is inactive, and an underflow elsewhere.
    z_of_zeros = z[(states[1:] == 0.0) & (z != 0.0)]
    return bool(np.all(network.f.log_derivative(z_of_zeros) == -np.inf))


def _smallest(numbers: Array) -> float:
    """Return the smallest nonzero magnitude; inf if all numbers are 0."""
    magnitudes = np.abs(numbers)
    return float(np.min(magnitudes, initial=np.inf, where=magnitudes > 0.0))


def _run(x: Array, weights: Weights, network: Network) -> tuple[ExtendedArray, Array]:
    """Return states and pre-activations as ``extended_states`` does, without plain float64."""
    n_steps, n_samples = x.shape
    input_terms = ExtendedArray.from_floats(weights.w_in).times(ExtendedArray.from_floats(x))
    states = [ExtendedArray.from_floats(np.full((1, n_samples), network.initial_state))]
    z = []
    size = _block_size(weights.w_rec)
    # Scaling z scales f(z) only if f is piecewise linear, as the unbounded activations are.
    use_blocks = size >= SHORTEST_BLOCK and not network.f.bounded
    for start in range(0, n_steps, size):
        terms, state = input_terms.at(slice(start, start + size)), states[-1].at(-1)
        block = _run_block(state, terms, weights.w_rec, network.f.function) if use_blocks else None
        if block is None:
            block = _run_steps(state, terms, weights.w_rec, network)
        z.append(block[0])
        states.append(block[1])
    return concatenate(states), _to_float64(concatenate(z))


def _to_float64(z: ExtendedArray) -> Array:
    tiny = (z.exponent < SMALLEST_Z_EXPONENT) & (z.mantissa != 0.0)
    smallest = np.copysign(2.0**SMALLEST_Z_EXPONENT, z.mantissa)
    found: Array = np.where(tiny, smallest, z.value())
    return found


def _block_size(w_rec: float) -> int:
    """Return the number of steps after which |w_rec| has left the exponent range of a block."""
    exponent_per_step = abs(log2(abs(w_rec))) if w_rec else 0.0
    if exponent_per_step == 0.0:
        return LONGEST_BLOCK
    return max(1, min(LONGEST_BLOCK, int(BLOCK_EXPONENT_RANGE / exponent_per_step)))


def _run_block(
    state: ExtendedArray, input_terms: ExtendedArray, w_rec: float, f: Elementwise
) -> tuple[ExtendedArray, ExtendedArray] | None:
    """Run the steps of a block in float64, each sequence divided by its own power of two.

    Parameters
    ----------
    state : (N,)
        The state before the block.
    input_terms : (B, N)
        w_in x_k for the B steps of the block.
    w_rec
        Recurrent weight.
    f
        Piecewise linear activation function.

    Returns
    -------
    z, states : (B, N)
        Pre-activation and state of each step; None instead of both if float64 lost something.
    """
    scale = np.maximum(np.maximum(state.exponent, np.max(input_terms.exponent, axis=0)), LOWEST)
    scaled_terms = input_terms.over(scale)
    states, z = np.empty((len(scaled_terms) + 1, len(scale))), np.empty_like(scaled_terms)
    states[0] = state.over(scale)
    for k, terms in enumerate(scaled_terms):
        np.multiply(states[k], w_rec, out=z[k])
        z[k] += terms
        states[k + 1] = f(z[k])
    recurrent_terms = np.abs(w_rec * states[:-1])
    lost = (recurrent_terms < SMALL) & (states[:-1] != 0.0) & (w_rec != 0.0)
    lost |= (
        (np.abs(scaled_terms) < SMALL)
        & (input_terms.mantissa != 0.0)
        & (recurrent_terms < LARGE_RECURRENT_TERM)
    )
    if lost.any() or ((np.abs(states[0]) < SMALL) & (state.mantissa != 0.0)).any():
        return None
    return ExtendedArray.from_floats(z, scale), ExtendedArray.from_floats(states[1:], scale)


def _run_steps(
    state: ExtendedArray, input_terms: ExtendedArray, w_rec: float, network: Network
) -> tuple[ExtendedArray, ExtendedArray]:
    """Run the steps one by one, with an exponent per number; return z and states (B, N)."""
    mantissa, exponent = map(float, ExtendedArray.from_floats(w_rec))
    z, states = [], []
    for k in range(len(input_terms.mantissa)):
        # Not normalized here: the sum normalizes its result.
        recurrent_term = ExtendedArray(state.mantissa * mantissa, state.exponent + exponent)
        z.append(recurrent_term.plus(input_terms.at(k)))
        state = network.f.extended_function(z[-1])
        states.append(state)
    return stack(z), stack(states)
