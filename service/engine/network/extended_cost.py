"""Costs of many networks whose states may be outside the float64 range."""

import numpy as np

from service.engine.arithmetic import ExtendedArray
from service.engine.network.extended_forward import run_extended
from service.engine.network.forward import Network
from service.engine.types import Array


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

    Returns
    -------
    costs : (M,)
        Never negative; 0 only where all residuals are exactly 0, or below 1e-308 of the largest
        state.
    """
    for step in run_extended(inputs.T, w_in, w_rec, network, per_sequence=False):
        outputs, exponents = step.states, step.exponents
    largest, target_exponent = np.frexp(np.abs(targets).max())
    scale = np.maximum(exponents, target_exponent) if largest else exponents
    residuals = np.ldexp(outputs, exponents - scale) - np.ldexp(targets, -scale)
    shift = np.frexp(np.abs(residuals).max(axis=1, keepdims=True))[1]
    np.ldexp(residuals, -shift, out=residuals)
    squares = np.einsum("mn,mn->m", residuals, residuals)
    return ExtendedArray.from_floats(squares / len(targets), 2.0 * (scale + shift)[:, 0])
