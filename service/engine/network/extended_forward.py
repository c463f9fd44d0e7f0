"""The states of a network where float64 has no numbers left."""

from math import log2

import numpy as np

from service.engine.arithmetic import LOWEST, SMALL, ExtendedArray
from service.engine.network.activations import Elementwise
from service.engine.network.forward import Network, forward_states, pre_activations
from service.engine.types import Array, Weights

# Steps that share one exponent: so many that w_rec's powers stay within 2**-ROOM and 2**ROOM.
ROOM, LONGEST, SHORTEST = 400.0, 256, 8


def extended_states(x: Array, weights: Weights, network: Network) -> tuple[ExtendedArray, Array]:
    """Unfold the network with exponents of any size.

    Parameters
    ----------
    x : (T, N)
        The inputs, time first.

    Returns
    -------
    states : (T + 1, N)
    z : (T, N)
        The pre-activations as near as float64 comes: inf beyond its range, and never 0
        instead of a small number, whose sign may count.
    """
    states = forward_states(x.T, *weights, network)
    z = pre_activations(x.T, states, *weights).T
    if _nothing_lost(x, states.T, z, weights, network):
        return ExtendedArray.of(states.T), z
    return _unfold(x, weights, network)


def _nothing_lost(x: Array, states: Array, z: Array, weights: Weights, network: Network) -> bool:
    """Tell whether float64 lost nothing to overflow or underflow on the way."""
    if not (np.isfinite(z).all() and np.isfinite(states).all()):
        return False
    w_in, w_rec = map(abs, weights)
    kept = _smallest(states) >= SMALL and _smallest(z) >= SMALL
    kept = kept and (w_in == 0.0 or w_in * _smallest(x) >= SMALL)
    kept = kept and (w_rec == 0.0 or w_rec * _smallest(states[:-1]) >= SMALL)
    if not kept:
        return False
    # A state may be 0 although z is not: fine for a dead relu, an underflow with other slopes.
    lost = z[(states[1:] == 0.0) & (z != 0.0)]
    return bool(np.all(network.f.log_derivative(lost) == -np.inf))


def _smallest(numbers: Array) -> float:
    """Return the smallest magnitude that is not 0; inf if there is none."""
    magnitudes = np.abs(numbers)
    return float(np.min(magnitudes, initial=np.inf, where=magnitudes > 0.0))


def _unfold(x: Array, weights: Weights, network: Network) -> tuple[ExtendedArray, Array]:
    n_steps, n_samples = x.shape
    driven = ExtendedArray.of(weights.w_in).times(ExtendedArray.of(x))
    states = ExtendedArray(np.empty((n_steps + 1, n_samples)), np.empty((n_steps + 1, n_samples)))
    sums = ExtendedArray(np.empty(x.shape), np.empty(x.shape))
    states.mantissa[0], states.exponent[0] = ExtendedArray.of(
        np.full(n_samples, network.initial_state)
    )
    size = _block_size(weights.w_rec)
    for start in range(0, n_steps, size):
        rows = slice(start, min(start + size, n_steps))
        state, inflow = states.at(start), driven.at(rows)
        found = None
        # Scaling all of z scales f(z) only for f without bounds.
        if size >= SHORTEST and not network.f.bounded:
            found = _block(state, inflow, weights.w_rec, network.f.function)
        if found is None:
            found = _steps(state, inflow, weights.w_rec, network)
        sums.mantissa[rows], sums.exponent[rows] = found[0]
        after = slice(start + 1, rows.stop + 1)
        states.mantissa[after], states.exponent[after] = found[1]
    z = np.where(
        (sums.exponent < -1000.0) & (sums.mantissa != 0.0),
        np.copysign(2.0**-1000, sums.mantissa),
        sums.value(),
    )
    return states, z


def _block_size(w_rec: float) -> int:
    magnitude = abs(log2(abs(w_rec))) if w_rec else 0.0
    return min(LONGEST, int(ROOM / magnitude)) or 1 if magnitude else LONGEST


def _block(
    state: ExtendedArray, driven: ExtendedArray, w_rec: float, f: Elementwise
) -> tuple[ExtendedArray, ExtendedArray] | None:
    """Run some steps in float64, each sample divided by a power of two of its own.

    Returns z and the states after each step, or None where float64 would have lost something.
    """
    scale = np.maximum(np.maximum(state.exponent, np.max(driven.exponent, axis=0)), LOWEST)
    inflow = driven.over(scale)
    states, z = np.empty((len(inflow) + 1, len(scale))), np.empty_like(inflow)
    states[0] = state.over(scale)
    for k, each in enumerate(inflow):
        np.multiply(states[k], w_rec, out=z[k])
        z[k] += each
        states[k + 1] = f(z[k])
    carried = np.abs(w_rec * states[:-1])
    lost = (carried < SMALL) & (states[:-1] != 0.0) & (w_rec != 0.0)
    # An inflow too small to be kept is no loss beside a state that would not have felt it.
    lost |= (np.abs(inflow) < SMALL) & (driven.mantissa != 0.0) & (carried < 2.0**-900)
    if lost.any() or ((np.abs(states[0]) < SMALL) & (state.mantissa != 0.0)).any():
        return None
    return ExtendedArray.of(z, scale), ExtendedArray.of(states[1:], scale)


def _steps(
    state: ExtendedArray, driven: ExtendedArray, w_rec: float, network: Network
) -> tuple[ExtendedArray, ExtendedArray]:
    """Run steps one by one, with an exponent for each number; return as ``_block`` does."""
    mantissa, exponent = map(float, ExtendedArray.of(w_rec))
    sums, states = [], []
    for k in range(len(driven.mantissa)):
        # Not normalised: the sum does that.
        recurrent = ExtendedArray(state.mantissa * mantissa, state.exponent + exponent)
        sums.append(recurrent.plus(driven.at(k)))
        state = network.f.extended_function(sums[-1])
        states.append(state)
    return ExtendedArray(*map(np.array, zip(*sums, strict=True))), ExtendedArray(
        *map(np.array, zip(*states, strict=True))
    )
