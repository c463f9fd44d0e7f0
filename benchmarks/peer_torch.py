"""PyTorch: gradients by autograd, by hand and by powers; the optimizer is the tutorial's Rprop."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]
Gradient = Callable[[float, float], tuple[float, float]]


def by_autograd(inputs: Array, targets: Array, n_iterations: int = 500) -> Array:
    """Train with gradients by autograd."""
    x, t = torch.from_numpy(inputs.T.copy()), torch.from_numpy(targets)
    weights = torch.tensor([-1.5, 2.0], dtype=torch.float64, requires_grad=True)
    steps, signs = torch.full((2,), 0.001, dtype=torch.float64), torch.zeros(2).double()
    up, down = torch.tensor([1.2, 0.5], dtype=torch.float64)
    path = [weights.detach().clone()]
    for _ in range(n_iterations):
        w_in, w_rec = weights
        state = torch.zeros_like(t)
        for row in x:
            state = w_rec * state + w_in * row
        (slope,) = torch.autograd.grad(torch.mean((state - t) ** 2), weights)
        with torch.no_grad():
            new_signs = torch.sign(slope)
            steps = steps * torch.where(new_signs == signs, up, down)
            signs = new_signs
            weights -= new_signs * steps
            path.append(weights.detach().clone())
    return np.asarray(torch.stack(path).numpy())


def by_hand(inputs: Array, targets: Array, n_iterations: int = 500) -> Array:
    """Train with hand-written backpropagation: states forward, one backward pass."""
    x, t = torch.from_numpy(inputs.T.copy()), torch.from_numpy(targets)
    n_steps, n_samples = x.shape
    states = torch.zeros(n_steps + 1, n_samples, dtype=torch.float64)
    back = torch.arange(n_steps - 1, -1, -1, dtype=torch.float64)

    def gradient(w_in: float, w_rec: float) -> tuple[float, float]:
        for k in range(n_steps):
            torch.add(x[k] * w_in, states[k], alpha=w_rec, out=states[k + 1])
        error = 2.0 * (states[-1] - t) / n_samples
        # The gradient with respect to S_k is w_rec^(T - k) times the output gradient.
        powers = w_rec**back
        return float(powers @ (x @ error)), float(powers @ (states[:-1] @ error))

    return _rprop(gradient, n_iterations)


def by_powers(inputs: Array, targets: Array, n_iterations: int = 500) -> Array:
    """Train without states: outputs and their slopes are products of inputs and powers of w_rec."""
    x, t = torch.from_numpy(inputs), torch.from_numpy(targets)
    n_samples, n_steps = x.shape
    back = torch.arange(n_steps - 1, -1, -1, dtype=torch.float64)
    less = torch.clamp(back - 1, min=0)

    def gradient(w_in: float, w_rec: float) -> tuple[float, float]:
        plain = x @ w_rec**back
        slope = x @ (back * w_rec**less)
        error = 2.0 * (w_in * plain - t) / n_samples
        return float(error @ plain), float(w_in * (error @ slope))

    return _rprop(gradient, n_iterations)


def _rprop(gradient: Gradient, n_iterations: int) -> Array:
    weights, steps, signs = [-1.5, 2.0], [0.001, 0.001], [0.0, 0.0]
    path = [tuple(weights)]
    with torch.no_grad():
        for _ in range(n_iterations):
            for i, slope in enumerate(gradient(*weights)):
                sign = float((slope > 0.0) - (slope < 0.0))
                steps[i] *= 1.2 if sign == signs[i] else 0.5
                signs[i] = sign
            weights = [w - sign * step for w, sign, step in zip(weights, signs, steps, strict=True)]
            path.append(tuple(weights))
    return np.array(path)
