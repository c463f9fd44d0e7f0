"""Backpropagation through time, a check of it by finite differences, and second derivatives."""

from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import tolerances
from service.engine.interruption import check_interruption
from service.engine.network.forward import (
    Network,
    final_outputs,
    forward_states,
    mean_squared_error,
    output_gradient,
)
from service.engine.types import Array, Weights


class BackwardPass(NamedTuple):
    """The gradients of one backward pass."""

    weight_gradient: Array  # (2,), of the cost with respect to w_in and w_rec
    state_gradients: Array  # (N, T + 1), of the cost with respect to the states


def backpropagate(
    inputs: Array,
    states: Array,
    output_gradient: Array,
    w_in: float,
    w_rec: float,
    network: Network,
) -> BackwardPass:
    """Backpropagate through time, from the outputs to the initial state.

    One step back multiplies the state gradient by f'(z_k) w_rec. The gradient of each weight
    sums, over all steps, the gradient at z_k times the factor of that weight in z_k: x_k for w_in
    and S_{k-1} for w_rec.

    Parameters
    ----------
    inputs : (N, T)
        The sequences.
    states : (N, T + 1)
        Return value of ``forward_states`` for the same inputs and weights.
    output_gradient : (N,)
        Derivative of the cost with respect to each output.
    w_in, w_rec
        The weights.
    network
        Activation and initial state.

    Returns
    -------
    BackwardPass
        Infinite or nan where it overflows.

    References
    ----------
    P. J. Werbos, Backpropagation through time: what it does and how to do it, Proceedings of the
    IEEE 78(10), 1990, pages 1550-1560.
    """
    n_samples, n_steps = inputs.shape
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        pre_activations = w_rec * states[:, :-1] + w_in * inputs
        slopes = network.f.derivative(pre_activations.T)
        # Time is the first axis, as in forward_states.
        state_gradients = np.empty((n_steps + 1, n_samples))
        state_gradients[-1] = output_gradient
        z_gradients = np.empty((n_steps, n_samples))
        for k in range(n_steps, 0, -1):
            check_interruption()
            z_gradients[k - 1] = state_gradients[k] * slopes[k - 1]
            state_gradients[k - 1] = z_gradients[k - 1] * w_rec
        weight_gradient = np.array(
            [np.sum(z_gradients * inputs.T), np.sum(z_gradients * states[:, :-1].T)]
        )
    return BackwardPass(weight_gradient, state_gradients.T)


def cost_and_gradient(
    inputs: Array, targets: Array, weights: Weights, network: Network
) -> tuple[float, Array]:
    """Return the cost and its weight gradient by one forward and one backward pass.

    Parameters
    ----------
    inputs : (N, T)
        The sequences.
    targets : (N,)
        The target of each sequence.
    weights
        w_in and w_rec.
    network
        Activation and initial state.

    Returns
    -------
    cost
        Mean squared error; inf if it overflows.
    weight_gradient : (2,)
        Derivatives with respect to w_in and w_rec; infinite or nan if they overflow.
    """
    states = forward_states(inputs, *weights, network)
    outputs = states[:, -1]
    gradient = output_gradient(outputs, targets)
    backward = backpropagate(inputs, states, gradient, *weights, network)
    return mean_squared_error(outputs, targets), backward.weight_gradient


class GradientCheck(NamedTuple):
    """Two computations of the same weight gradient, and their difference.

    The relative error is that of the larger of the two norms, or of the smallest gradient that the
    difference resolves if that is larger: at an optimum, both norms are rounding errors.
    """

    analytic: Array  # (2,), from backpropagation
    numeric: Array  # (2,), from central differences
    absolute_error: float  # |analytic - numeric|; nan where either is not finite
    relative_error: float


def check_gradient(
    inputs: Array, targets: Array, weights: Weights, network: Network, step: float | None = None
) -> GradientCheck:
    """Compare backpropagation with central differences of the cost.

    Parameters
    ----------
    inputs : (N, T)
        The sequences.
    targets : (N,)
        The target of each sequence.
    weights
        The point at which the gradient is computed.
    network
        Activation and initial state.
    step
        Half the distance between the two points of a difference, positive, in units of a
        weight. The default is 1e-4 / T: the cost is a polynomial of degree 2 (T - 1) in
        w_rec, or 2 T with an initial state, so longer sequences need smaller steps.

    Returns
    -------
    GradientCheck
        Both gradients and their absolute and relative differences.
    """
    h = step if step is not None else 1e-4 / inputs.shape[1]
    cost, analytic = cost_and_gradient(inputs, targets, weights, network)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        above = np.array(weights) + h * np.eye(2)
        below = np.array(weights) - h * np.eye(2)
        high, low = np.reshape(
            [
                mean_squared_error(final_outputs(inputs, w_in, w_rec, network), targets)
                for w_in, w_rec in [*above.tolist(), *below.tolist()]
            ],
            (2, 2),
        )
        # The distances between two points as float64 rounds them. They are 0, and the result
        # nan, if the step is too small for the weight.
        widths = np.sum(above - below, axis=1)
        changes = np.abs((high - cost) - (cost - low))  # of the slopes, from one side to the other
        resolved = np.fmax(tolerances.RESOLVED_COST_RTOL * np.fmax(high, low), changes)
        numeric = (high - low) / widths
        resolution = 2.0 * resolved / widths
        error = np.hypot(*(analytic - numeric))
        # hypot does not square: gradients above 1e154 would have an infinite norm otherwise.
        scale = max(np.hypot(*analytic), np.hypot(*numeric), np.hypot(*resolution))
        relative = np.divide(error, scale) if scale > 0.0 else error
    return GradientCheck(analytic, numeric, float(error), float(relative))


def curvatures(inputs: Array, targets: Array, w_in: Array, w_rec: Array, network: Network) -> Array:
    """Return the smallest and the largest curvature of the cost at many points.

    They are the eigenvalues of the Hessian with respect to w_in and w_rec. First and second
    derivatives of the states are propagated forward together with the states. Near a minimum,
    gradient descent diverges if the learning rate is above 2 / largest.

    Parameters
    ----------
    inputs : (N, T)
        The sequences.
    targets : (N,)
        The target of each sequence.
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
    u = w_in[:, None]
    w = w_rec[:, None]
    f = network.f
    state = np.full((w_in.size, len(targets)), network.initial_state)
    by_u, by_w, by_uu, by_uw, by_ww = np.zeros((5, *state.shape))
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for x in inputs.T:
            check_interruption()
            # Derivatives of the pre-activation z, then of the state f(z) by the chain rule.
            z = w * state + u * x
            z_uw = w * by_uw + by_u
            z_ww = w * by_ww + 2.0 * by_w
            by_u = w * by_u + x
            by_w = w * by_w + state
            slope = f.derivative(z)
            bend = f.second_derivative(z)
            by_uu = slope * (w * by_uu) + bend * by_u * by_u
            by_uw = slope * z_uw + bend * by_u * by_w
            by_ww = slope * z_ww + bend * by_w * by_w
            by_u = slope * by_u
            by_w = slope * by_w
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
