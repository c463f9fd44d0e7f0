"""Costs of many networks whose states may be outside the float64 range."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import ExtendedArray
from service.engine.network.forward import Network
from service.engine.types import Array

SPAN: Final = 2200  # more than the number of exponents of float64
NO_EXPONENT: Final = -(1 << 40)  # below all sums of exponents


@np.errstate(over="ignore", under="ignore")
def extended_costs(
    inputs: Array, targets: Array, w_in: Array, w_rec: Array, network: Network
) -> ExtendedArray:
    """Return the mean squared errors (M,) for states of any size.

    The states of one network share an exponent, because the largest residuals decide a mean.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)
        Finite, as inputs are.
    w_in, w_rec : (M,)
        Finite.
    network
        Activation function and initial state.

    Returns
    -------
    costs : (M,)
        Never negative; 0 only where all residuals are exactly 0, or below 1e-308 of the largest
        state.
    """
    outputs, exponents = _run(inputs, w_in, w_rec, network)
    largest, target_exponent = np.frexp(np.abs(targets).max())
    scale = np.maximum(exponents, target_exponent) if largest else exponents
    residuals = np.ldexp(outputs, (exponents - scale)[:, None])
    residuals -= np.ldexp(targets, -scale[:, None])
    shift = np.frexp(np.abs(residuals).max(axis=1))[1]
    np.ldexp(residuals, -shift[:, None], out=residuals)
    squares = np.einsum("mn,mn->m", residuals, residuals)
    return ExtendedArray.from_floats(squares / len(targets), 2.0 * (scale + shift))


def _run(
    inputs: Array, w_in: Array, w_rec: Array, network: Network
) -> tuple[Array, NDArray[np.int64]]:
    """Return the outputs (M, N) divided by powers of two, and the exponents of these (M,)."""
    f = network.f
    states = np.full((len(w_in), len(inputs)), network.initial_state)
    exponents = np.zeros(len(w_in), np.int64)
    for x in inputs.T:
        by_state, state_exponents = _split(w_rec, states)
        by_input, input_exponents = _split(w_in, x[None])
        state_exponents += exponents
        # A term that underflows beside the larger one does not count.
        scale = np.maximum(state_exponents, input_exponents)
        scale[scale < NO_EXPONENT // 2] = 0
        z = np.ldexp(by_state, np.maximum(state_exponents - scale, -SPAN))[:, None] * states
        z += np.ldexp(by_input, np.maximum(input_exponents - scale, -SPAN))[:, None] * x
        if f.is_piecewise_linear:
            states, exponents = f.function(z), scale
        else:
            states = f.function(np.ldexp(z, scale[:, None]))
    return states, exponents


def _split(weights: Array, factors: Array) -> tuple[Array, NDArray[np.int64]]:
    """Split weights (M,) so that their products with factors (M or 1, N) are at most 1.

    Returns
    -------
    mantissas : (M,)
    exponents : (M,)
        ``NO_EXPONENT`` where all products are 0.
    """
    mantissas, exponents = np.frexp(weights)
    largest, sizes = np.frexp(np.abs(factors).max(axis=1))
    is_zero = (mantissas == 0.0) | (largest == 0.0)
    mantissas = np.ldexp(mantissas, -sizes)
    return mantissas, np.where(is_zero, NO_EXPONENT, exponents.astype(np.int64) + sizes)
