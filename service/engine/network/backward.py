"""Backpropagation through time, and a check of it by differences."""

from typing import NamedTuple

import numpy as np

from service.engine.network.cost import mean_squared_error, output_gradient
from service.engine.network.forward import Network, forward_states, pre_activations
from service.engine.types import Array, Weights


class BackwardPass(NamedTuple):
    """What one backward pass finds.

    weight_gradient : (2,) -- derivatives of the cost by w_in and w_rec.
    state_gradients : (N, T + 1) -- derivatives of the cost by the states of each sample.
    """

    weight_gradient: Array
    state_gradients: Array


def backward_through_time(
    inputs: Array,
    states: Array,
    output_gradient: Array,
    w_in: float,
    w_rec: float,
    network: Network,
) -> BackwardPass:
    """Carry the gradient from the outputs back to the initial state.

    Going back one step multiplies by f'(z_k) w_rec; on the way the gradient by each weight
    collects the gradient at z_k times what that weight multiplies: x_k or S_{k-1}.

    Parameters
    ----------
    inputs : (N, T)
    states : (N, T + 1)
        What ``forward_states`` returned for the same inputs and weights.
    output_gradient : (N,)
        Derivative of the cost by each last state.
    """
    n_samples, n_steps = inputs.shape
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        slopes = network.f.derivative(pre_activations(inputs, states, w_in, w_rec).T)
        gradients = np.empty((n_steps + 1, n_samples))
        gradients[-1] = output_gradient
        at_z = np.empty((n_steps, n_samples))
        for k in range(n_steps, 0, -1):
            at_z[k - 1] = gradients[k] * slopes[k - 1]
            gradients[k - 1] = at_z[k - 1] * w_rec
        weight_gradient = np.array(
            [np.sum(at_z * inputs.T), np.sum(at_z * states[:, :-1].T)],
        )
    return BackwardPass(weight_gradient, gradients.T)


def cost_and_gradient(
    inputs: Array, targets: Array, weights: Weights, network: Network
) -> tuple[float, Array]:
    """Return the cost and its weight gradient (2,) by one pass forward and one back."""
    states = forward_states(inputs, *weights, network)
    outputs = states[:, -1]
    slope = output_gradient(outputs, targets)
    backward = backward_through_time(inputs, states, slope, *weights, network)
    return mean_squared_error(outputs, targets), backward.weight_gradient


class GradientCheck(NamedTuple):
    """Two gradients by the weights, each (2,), and how far apart they are.

    ``relative_error`` is |analytic - numeric| over the larger of the two norms: 0 where both
    vanish, nan where either is not finite.
    """

    analytic: Array
    numeric: Array
    relative_error: float


def check_gradient(
    inputs: Array,
    targets: Array,
    weights: Weights,
    network: Network,
    step: float | None = None,
) -> GradientCheck:
    """Hold backpropagation against central differences of the cost.

    Parameters
    ----------
    step
        Half the distance of the two points of a difference, in units of a weight. By default
        1e-4 / T: the cost is a polynomial of degree 2 T in w_rec, so longer sequences need
        smaller steps.
    """
    h = step if step is not None else 1e-4 / inputs.shape[1]
    _, analytic = cost_and_gradient(inputs, targets, weights, network)

    def cost(w_in: float, w_rec: float) -> float:
        return mean_squared_error(forward_states(inputs, w_in, w_rec, network)[:, -1], targets)

    w_in, w_rec = weights
    # Divided by the distance that float64 really leaves between the two points; it leaves
    # none where the weight is too large for the step, and the answer there is nan.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rise = np.array(
            [
                cost(w_in + h, w_rec) - cost(w_in - h, w_rec),
                cost(w_in, w_rec + h) - cost(w_in, w_rec - h),
            ]
        )
        run = np.array([(w_in + h) - (w_in - h), (w_rec + h) - (w_rec - h)])
        numeric = rise / run
        # hypot, since norms square: gradients above 1e154 would have no error.
        norm = max(float(np.hypot(*analytic)), float(np.hypot(*numeric)))
        error = float(np.hypot(*(analytic - numeric)))
    return GradientCheck(analytic, numeric, error / norm if norm > 0.0 else error)
