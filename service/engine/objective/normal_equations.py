"""The least-squares problem linearized at some weights, for the Levenberg-Marquardt method.

With r_i the error of sequence i and J_i its derivatives with respect to w_in and w_rec, a
Gauss-Newton step d minimizes the sum of (r_i + J_i d)², so it solves JᵀJ d = -Jᵀ r.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import ExtendedPolynomials, Polynomials, differentiate
from service.engine.data import Moments, slope_square_sum
from service.engine.network import Network
from service.engine.types import Array


class NormalEquations(NamedTuple):
    """The equations of M pairs of weights, each divided by its diagonal element.

    With a step (d_in, d_rec) they are

        d_in + couplings[0] d_rec = steps[0]
        couplings[1] d_in + d_rec = steps[1]

    Divided in this way, they have the size of weights and not of costs.

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


def make_normal_equations(
    slopes: Sequence[Array], inputs: Array, moments: Moments, initial_state: float
) -> Callable[[Array, Array], NormalEquations]:
    """Return the normal equations as a function of finite w_in and w_rec (M,), for the identity.

    The error of a sequence is u p(w) + h(w) - t, for w_in = u, w_rec = w, the polynomial p of its
    inputs, and h = s0 w^T. Its derivatives are p and u p' + h', so JᵀJ consists of the sums of p²,
    p p', p'², h' p and h' p', and of h'². All but the sum of p'² follow from the moments. That sum
    takes another pass over the inputs.

    Parameters
    ----------
    slopes
        The polynomials of the gradient, as for ``make_scalar_gradient``.
    inputs : (N, T)
    moments
        Those of the data.
    initial_state
        s0.

    Returns
    -------
    normal_equations
        From w_in and w_rec (M,) the equations.
    """
    initial_slope = np.zeros(moments.n_steps)
    initial_slope[-1] = initial_state * moments.n_steps
    polynomials = (
        *slopes,
        slope_square_sum(inputs),
        np.convolve(initial_slope, moments.input_sum),
        np.convolve(initial_slope, differentiate(moments.input_sum)),
        moments.n_samples * np.convolve(initial_slope, initial_slope),
    )
    evaluate = Polynomials(*polynomials)
    evaluate_extended = ExtendedPolynomials(*polynomials)

    def normal_equations(w_in: Array, w_rec: Array) -> NormalEquations:
        sums = evaluate(w_rec)
        lost = np.flatnonzero(~np.isfinite(sums).all(axis=0))
        if lost.size:
            # A common factor of all sums does not change the equations.
            extended = evaluate_extended(w_rec[lost])
            sums[:, lost] = extended.over(extended.exponent.max(axis=0))
        a, minus_b, half_slope_a, minus_slope_b, half_slope_c = sums[:5]
        slope_square, initial, initial_by_slope, initial_square = sums[5:]
        with np.errstate(all="ignore"):
            slope = w_in * half_slope_a
            by_w_rec = w_in * (w_in * slope_square + 2.0 * initial_by_slope) + initial_square
            products = np.stack([w_in * a + minus_b, w_in * (slope + minus_slope_b) + half_slope_c])
            return _divide(np.stack([a, by_w_rec]), slope + initial, products)

    return normal_equations


def network_normal_equations(
    inputs: Array, targets: Array, network: Network, w_in: Array, w_rec: Array
) -> NormalEquations:
    """Return the equations for w_in and w_rec (M,) by running the network.

    The derivatives of the states are carried forward together with the states. With two weights
    this takes less time than a backward pass, and no state must be stored.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)
    network
        Activation function and initial state.
    w_in, w_rec : (M,)
        Finite.

    Returns
    -------
    NormalEquations
    """
    u, w, f = w_in[:, None], w_rec[:, None], network.f
    state = np.full((w_in.size, len(targets)), network.initial_state)
    by_w_in, by_w_rec = np.zeros_like(state), np.zeros_like(state)
    with np.errstate(all="ignore"):
        for x in inputs.T:
            z = w * state + u * x
            slope = f.derivative(z)
            by_w_in = slope * (w * by_w_in + x)
            by_w_rec = slope * (w * by_w_rec + state)
            state = f.function(z)
        jacobian = np.stack([by_w_in, by_w_rec])
        # Columns of J with magnitudes up to 1 have squares that neither overflow nor all underflow.
        sizes = np.abs(jacobian).max(axis=2)
        sizes[sizes == 0.0] = 1.0
        jacobian /= sizes[:, :, None]
        steps, couplings = _divide(
            squares=np.einsum("kmn,kmn->km", jacobian, jacobian),
            mixed=np.einsum("mn,mn->m", *jacobian),
            products=np.einsum("kmn,mn->km", jacobian, state - targets),
        )
        return NormalEquations(steps / sizes, couplings * sizes[::-1] / sizes)


def _divide(squares: Array, mixed: Array, products: Array) -> NormalEquations:
    """Divide the diagonal (2, M) and mixed elements (M,) of JᵀJ, and Jᵀ r (2, M)."""
    flat = squares <= 0.0
    squares = np.where(flat, 1.0, squares)
    return NormalEquations(
        np.where(flat, 0.0, -products / squares), np.where(flat, 0.0, mixed / squares)
    )
