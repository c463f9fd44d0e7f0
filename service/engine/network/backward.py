"""Backpropagation through time, and a check of it by finite differences."""

from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import tolerances
from service.engine.interruption import check_interruption
from service.engine.network.cost import mean_squared_error, output_gradient
from service.engine.network.forward import Network, final_outputs, forward_states, pre_activations
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
        slopes = network.f.derivative(pre_activations(inputs, states, w_in, w_rec).T)
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
    targets : (N,)
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
    targets : (N,)
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
    at, h = np.array(weights), step if step is not None else 1e-4 / inputs.shape[1]
    cost, analytic = cost_and_gradient(inputs, targets, weights, network)

    def difference(above: Array, below: Array) -> tuple[float, float]:
        """Return the slope between two points, and the smallest slope that it resolves."""
        high, low = (
            mean_squared_error(final_outputs(inputs, w_in, w_rec, network), targets)
            for w_in, w_rec in (above.tolist(), below.tolist())
        )
        # The distance between the two points as float64 rounds them. It is 0, and the result
        # nan, if the step is too small for the weight.
        width = np.sum(above - below)
        rounding = tolerances.RESOLVED_COST_RTOL * max(high, low)
        change = abs((high - cost) - (cost - low))  # of the slope, from one side to the other
        return np.divide(high - low, width), np.divide(2.0 * max(rounding, change), width)

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slopes = [difference(at + shift, at - shift) for shift in h * np.eye(2)]
        numeric, resolution = np.array(slopes).T
        error = np.hypot(*(analytic - numeric))
        # hypot does not square: gradients above 1e154 would have an infinite norm otherwise.
        scale = max(np.hypot(*analytic), np.hypot(*numeric), np.hypot(*resolution))
        relative = np.divide(error, scale) if scale > 0.0 else error
    return GradientCheck(analytic, numeric, float(error), float(relative))
