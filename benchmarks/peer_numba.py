"""Numba: the gradient in compiled loops."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BLOCK = 512  # samples per block, so that their states fit into a core's first-level cache


def _compile(function: Any, *, parallel: bool) -> Any:
    return numba.njit(fastmath=True, parallel=parallel)(function)


def _loop(x: Array, t: Array, n_iterations: int) -> Array:
    """Train on inputs (T, N): adjacent samples use the vector instructions of a core."""
    n_steps, n_samples = x.shape
    n_blocks = (n_samples + BLOCK - 1) // BLOCK
    sums = np.zeros((n_blocks, 2))
    path = np.empty((n_iterations + 1, 2))
    weights, signs = np.array([-1.5, 2.0]), np.zeros(2)
    steps = np.full(2, 0.001)
    path[0] = weights
    for iteration in range(n_iterations):
        w_in, w_rec = weights[0], weights[1]
        for block in numba.prange(n_blocks):
            first = block * BLOCK
            size = min(BLOCK, n_samples - first)
            # The state for w_in = 1 and its derivative by w_rec, carried forward together.
            state, slope = np.zeros(size), np.zeros(size)
            for k in range(n_steps):
                row = x[k, first : first + size]
                for i in range(size):
                    slope[i] = w_rec * slope[i] + state[i]
                    state[i] = w_rec * state[i] + row[i]
            by_in = by_rec = 0.0
            for i in range(size):
                error = w_in * state[i] - t[first + i]
                by_in += error * state[i]
                by_rec += error * w_in * slope[i]
            sums[block, 0], sums[block, 1] = by_in, by_rec
        for j in range(2):
            total = 0.0
            for block in range(n_blocks):
                total += sums[block, j]
            sign = np.sign(2.0 * total / n_samples)
            steps[j] *= 1.2 if sign == signs[j] else 0.5
            signs[j] = sign
            weights[j] -= sign * steps[j]
        path[iteration + 1] = weights
    return path


_on_one = _compile(_loop, parallel=False)
_on_all = _compile(_loop, parallel=True)


def train(inputs: Array, targets: Array, n_iterations: int = 500) -> Array:
    """Train on one core; return the weights after every iteration."""
    return np.asarray(_on_one(np.ascontiguousarray(inputs.T), targets, n_iterations))


def train_on_all_cores(inputs: Array, targets: Array, n_iterations: int = 500) -> Array:
    """Train with the samples distributed over all cores."""
    return np.asarray(_on_all(np.ascontiguousarray(inputs.T), targets, n_iterations))
