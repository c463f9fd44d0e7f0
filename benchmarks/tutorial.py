"""The tutorial's implementation, as a peer: numpy loops over time, a Python loop over the grid.

Rewritten from the tutorial with the same operations in the same order.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def states(inputs: Array, w_in: float, w_rec: float) -> Array:
    """Return the states (N, T + 1) of the network."""
    unfolded = np.zeros((inputs.shape[0], inputs.shape[1] + 1))
    for k in range(inputs.shape[1]):
        unfolded[:, k + 1] = inputs[:, k] * w_in + unfolded[:, k] * w_rec
    return unfolded


def cost(outputs: Array, targets: Array) -> float:
    """Return the mean squared error."""
    return float(((targets - outputs) ** 2).sum() / len(targets))


def gradient(inputs: Array, targets: Array, w_in: float, w_rec: float) -> tuple[float, float]:
    """Return the weight gradient by backpropagation through time."""
    unfolded = states(inputs, w_in, w_rec)
    over_time = np.zeros_like(unfolded)
    over_time[:, -1] = 2.0 * (unfolded[:, -1] - targets) / len(targets)
    by_w_in = by_w_rec = 0.0
    for k in range(inputs.shape[1], 0, -1):
        by_w_in += np.sum(over_time[:, k] * inputs[:, k - 1])
        by_w_rec += np.sum(over_time[:, k] * unfolded[:, k - 1])
        over_time[:, k - 1] = over_time[:, k] * w_rec
    return by_w_in, by_w_rec


def train(inputs: Array, targets: Array, n_iterations: int = 500) -> Array:
    """Train with the tutorial's Rprop and return the weights after every iteration."""
    weights, steps, signs = [-1.5, 2.0], [0.001, 0.001], [0.0, 0.0]
    path = [tuple(weights)]
    for _ in range(n_iterations):
        new_signs = [float(np.sign(slope)) for slope in gradient(inputs, targets, *weights)]
        for i in range(2):
            steps[i] *= 1.2 if new_signs[i] == signs[i] else 0.5
        signs = new_signs
        for i in range(2):
            weights[i] -= new_signs[i] * steps[i]
        path.append(tuple(weights))
    return np.array(path)


def surface(inputs: Array, targets: Array, w_in: Array, w_rec: Array) -> Array:
    """Return the cost at every point of a grid: rows w_rec, columns w_in."""
    grid_in, grid_rec = np.meshgrid(w_in, w_rec)
    costs = np.zeros(grid_in.shape)
    for i in range(costs.shape[0]):
        for j in range(costs.shape[1]):
            outputs = states(inputs, grid_in[i, j], grid_rec[i, j])[:, -1]
            costs[i, j] = cost(outputs, targets)
    return costs
