"""The least-squares problem linearized at some weights, for the Levenberg-Marquardt method.

With r_i the error of sequence i and J_i its derivatives with respect to w_in and w_rec, a
Gauss-Newton step d minimizes the sum of (r_i + J_i d)², so it solves JᵀJ d = -Jᵀ r.
"""

from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import ExtendedArray, extended_powers
from service.engine.data import Factor
from service.engine.network import Network
from service.engine.types import Array


class NormalEquations(NamedTuple):
    """The equations of M pairs of weights, each divided by its diagonal element.

    With a step (d_in, d_rec) they are

        d_in + couplings[0] d_rec = steps[0]
        couplings[1] d_in + d_rec = steps[1]

    Divided in this way, they have the magnitude of weights rather than of costs.

    Attributes
    ----------
    steps : (2, M)
        The best steps of w_in alone and of w_rec alone. 0 where the outputs do not depend on the
        weight; not finite where float64 overflows.
    couplings : (2, M)
        Their product is the squared cosine of the angle between the columns of J.
    """

    steps: Array
    couplings: Array


def linear_normal_equations(
    factor: Factor, initial_state: float, w_in: Array, w_rec: Array
) -> NormalEquations:
    """Return the equations at finite weights for the identity activation.

    The error of a sequence is w_in p + s0 w_rec^T - t, with the polynomial p of its inputs. Its
    derivatives are p and w_in p' + T s0 w_rec^(T-1).

    Parameters
    ----------
    factor
        Of the data.
    initial_state
        S_0.
    w_in, w_rec : (M,)
        Finite.

    Returns
    -------
    NormalEquations
        Of M problems with two unknowns.
    """
    n_steps = factor.n_steps
    orders = np.arange(n_steps + 1)[:, None]
    powers = extended_powers(ExtendedArray.from_floats(w_rec), orders)
    # A common factor of all columns does not change the equations. This one prevents overflow.
    scale = np.maximum((powers[-1:] * n_steps * initial_state).exponent, 0.0)
    scale = np.maximum(scale, (powers[:-1] * w_in).exponent.max(axis=0))
    scale = np.maximum(scale, powers.exponent.max(axis=0))
    table = powers.relative_to(scale)
    slopes = orders[1:] * table[:-1]
    with np.errstate(all="ignore"):
        by_w_in = factor.inputs @ table[:-1]
        by_w_rec = w_in * (factor.inputs[:, 1:] @ slopes[:-1])
        state = initial_state * factor.ones[:, None]
        by_w_rec += state * slopes[-1]
        targets = factor.targets[:, None] * np.ldexp(1.0, -scale.astype(np.int64))
        residuals = w_in * by_w_in + state * table[-1] - targets
    return _divide(np.stack([by_w_in.T, by_w_rec.T]), residuals.T)


def network_normal_equations(
    inputs: Array, targets: Array, network: Network, w_in: Array, w_rec: Array
) -> NormalEquations:
    """Return the equations at finite weights by running the network.

    The derivatives of the states are propagated forward together with the states. With two weights
    this takes less time than a backward pass, and no state is stored.

    Parameters
    ----------
    inputs : (N, T)
        The sequences.
    targets : (N,)
        The target of each sequence.
    network
        The activation and the initial state.
    w_in, w_rec : (M,)
        Finite.

    Returns
    -------
    NormalEquations
        Of M problems with two unknowns.
    """
    u = w_in[:, None]
    w = w_rec[:, None]
    f = network.f
    state = np.full((w_in.size, len(targets)), network.initial_state)
    by_w_in = np.zeros_like(state)
    by_w_rec = np.zeros_like(state)
    with np.errstate(all="ignore"):
        for x in inputs.T:
            z = w * state + u * x
            slope = f.derivative(z)
            by_w_in = slope * (w * by_w_in + x)
            by_w_rec = slope * (w * by_w_rec + state)
            state = f.function(z)
        return _divide(np.stack([by_w_in, by_w_rec]), state - targets)


@np.errstate(all="ignore")
def _divide(jacobian: Array, residuals: Array) -> NormalEquations:
    """Return the equations for derivatives (2, M, m) of residuals (M, m)."""
    # Columns of J with magnitudes up to 1 have squares that neither overflow nor all underflow.
    sizes = np.abs(jacobian).max(axis=2)
    sizes[sizes == 0.0] = 1.0
    jacobian = jacobian / sizes[:, :, None]
    squares = np.einsum("kmn,kmn->km", jacobian, jacobian)
    is_flat = squares == 0.0
    squares[is_flat] = 1.0
    mixed = np.einsum("mn,mn->m", *jacobian)
    products = np.einsum("kmn,mn->km", jacobian, residuals)
    return NormalEquations(
        np.where(is_flat, 0.0, -products / squares) / sizes,
        np.where(is_flat, 0.0, mixed / squares) * sizes[::-1] / sizes,
    )
