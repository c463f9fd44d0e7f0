"""Forward pass with exponents of any size, for states outside the float64 range.

A power of two is divided out of the states at every step: one per sequence, where the states are
results of their own, or one per network, where only the largest states decide.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import ExtendedArray
from service.engine.network.forward import Network
from service.engine.types import Array

SPAN: Final = 2200  # more than the number of exponents of float64
MIN_EXPONENT: Final = -1000  # of factors
NO_EXPONENT: Final = -(1 << 40)  # of zeros: below all sums of exponents

Exponents = NDArray[np.int64]


class Step(NamedTuple):
    """One step of M networks: numbers divided by powers of two, and the exponents of these."""

    z: Array  # pre-activations (M, N)
    z_exponents: Exponents  # (M, N), or (M, 1) where the sequences share them
    states: Array  # after the step
    exponents: Exponents  # of the same shapes


@np.errstate(over="ignore", under="ignore")
def extended_states(
    x: Array, w_in: Array, w_rec: Array, network: Network
) -> tuple[ExtendedArray, Array]:
    """Run networks with exponents of any size, for finite inputs x (T, N) and weights (M,).

    Return the states (T + 1, M, N) and the pre-activations (T, M, N). Where float64 loses nothing
    to overflow or underflow, the states are those of ``forward_states``, bit for bit.
    Pre-activations are float64: infinite where they overflow, with their sign and the smallest
    magnitude where they underflow.
    """
    n_steps, n_samples = x.shape
    z, z_exponents = np.empty((2, n_steps, len(w_in), n_samples))
    states, exponents = np.zeros((2, n_steps + 1, len(w_in), n_samples))
    states[0] = network.initial_state
    for k, step in enumerate(run_extended(x, w_in, w_rec, network, per_sequence=True)):
        z[k], z_exponents[k], states[k + 1], exponents[k + 1] = step
    pre_activations = ExtendedArray.from_floats(z, z_exponents)
    return ExtendedArray.from_floats(states, exponents), pre_activations.value_keeping_sign()


def run_extended(
    x: Array, w_in: Array, w_rec: Array, network: Network, *, per_sequence: bool
) -> Iterator[Step]:
    """Run networks with finite weights w_in and w_rec (M,) on x (T, N), and yield their steps.

    With ``per_sequence``, each sequence has an exponent of its own. Otherwise states underflow that
    are smaller than 1e-308 of the largest one of their network. The caller must suppress the
    warnings.
    """
    f = network.f
    (u, u_exponents), (w, w_exponents) = map(np.frexp, (w_in[:, None], w_rec[:, None]))
    states = np.full((len(w_in), x.shape[1]), network.initial_state)
    exponents = np.zeros((len(w_in), 1), np.int64)
    for inputs in x[:, None]:
        by_state, by_input = w_exponents + exponents, u_exponents.astype(np.int64)
        # The exponent of the larger term. One that underflows beside it does not count.
        scale = np.maximum(
            by_state + _exponents(w, states, per_sequence),
            by_input + _exponents(u, inputs, per_sequence),
        )
        scale[scale < NO_EXPONENT // 2] = 0
        # Above the largest shift, the states or the inputs are 0.
        z = np.ldexp(w, np.clip(by_state - scale, -SPAN, -MIN_EXPONENT)) * states
        z += np.ldexp(u, np.clip(by_input - scale, -SPAN, -MIN_EXPONENT)) * inputs
        if f.is_piecewise_linear:
            states, exponents = f.function(z), scale
        else:
            states = f.function(np.ldexp(z, scale))
        yield Step(z, scale, states, exponents)


def _exponents(weights: Array, factors: Array, per_sequence: bool) -> Exponents:
    """Return exponents (M, N or 1) of powers of two that factors (M or 1, N) do not exceed.

    They are ``NO_EXPONENT`` where the products with weights (M, 1) are 0.
    """
    sizes = np.abs(factors)
    largest, exponents = np.frexp(sizes if per_sequence else sizes.max(axis=1, keepdims=True))
    # A power of two above that of the smallest normal number, so that its inverse is a number.
    exponents = np.maximum(exponents, MIN_EXPONENT).astype(np.int64)
    return np.where((weights == 0.0) | (largest == 0.0), NO_EXPONENT, exponents)
