"""The curvature of the cost: the eigenvalues of its Hessian."""

import numpy as np

from service.engine.interruption import check_interruption
from service.engine.network.forward import Network
from service.engine.types import Array


def curvatures(inputs: Array, targets: Array, w_in: Array, w_rec: Array, network: Network) -> Array:
    """Return the smallest and the largest curvature of the cost at many points.

    They are the eigenvalues of the Hessian with respect to w_in and w_rec. First and second
    derivatives of the states are carried forward together with the states. Near a minimum, gradient
    descent moves away from it if the learning rate is above 2 / largest.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)
    w_in, w_rec : (M,)
        The points.
    network
        Activation and initial state.

    Returns
    -------
    curvatures : (M, 2)
        In increasing order, each with a rounding error of the larger one; nan for both where one of
        them or a second derivative overflows. The kink of a relu counts as part of its flat side.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, Efficient BackProp, in Neural networks: tricks of
    the trade, 1998, section 5.1, on the largest rate of gradient descent.
    """
    u, w, f = w_in[:, None], w_rec[:, None], network.f
    state = np.full((w_in.size, len(targets)), network.initial_state)
    by_u, by_w, by_uu, by_uw, by_ww = np.zeros((5, *state.shape))
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for x in inputs.T:
            check_interruption()
            # Derivatives of the pre-activation z, then of the state f(z) by the chain rule.
            z = w * state + u * x
            z_uw, z_ww = w * by_uw + by_u, w * by_ww + 2.0 * by_w
            by_u, by_w = w * by_u + x, w * by_w + state
            slope, bend = f.derivative(z), f.second_derivative(z)
            by_uu = slope * (w * by_uu) + bend * by_u * by_u
            by_uw = slope * z_uw + bend * by_u * by_w
            by_ww = slope * z_ww + bend * by_w * by_w
            by_u, by_w = slope * by_u, slope * by_w
            state = f.function(z)
        residuals = state - targets
        uu = 2.0 * np.mean(by_u * by_u + residuals * by_uu, axis=1)
        uw = 2.0 * np.mean(by_u * by_w + residuals * by_uw, axis=1)
        ww = 2.0 * np.mean(by_w * by_w + residuals * by_ww, axis=1)
    hessians = np.stack([uu, uw, uw, ww], axis=1).reshape(-1, 2, 2)
    eigenvalues = np.full((w_in.size, 2), np.nan)
    is_finite = np.isfinite(hessians).all(axis=(1, 2))
    eigenvalues[is_finite] = np.linalg.eigvalsh(hessians[is_finite])
    eigenvalues[np.isinf(eigenvalues).any(axis=1)] = np.nan
    return eigenvalues
