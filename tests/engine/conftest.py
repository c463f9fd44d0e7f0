"""Golden numbers, the network in fifty digits, and costs for the tests of the engine."""

from typing import Any, NamedTuple

import mpmath
import numpy as np
from numpy.typing import NDArray

from service.engine import optimum
from service.engine.arithmetic import ExtendedArray
from service.engine.data import Factor
from service.engine.objective import Objective
from service.engine.types import Array


def cost_at(objective: Objective, w_in: float, w_rec: float) -> float:
    """Return the cost at one pair of weights."""
    return float(objective.costs(np.array(w_in), np.array(w_rec)))


def extended_gradient(objective: Objective, w_in: float, w_rec: float) -> list[ExtendedArray]:
    """Return the derivatives of the cost at one pair of weights, with separate exponents."""
    both = objective.extended_gradients(np.array([w_in]), np.array([w_rec]))
    return [derivative[0] for derivative in both]


def find_optimum(inputs: Array, targets: Array, initial_state: float = 0.0) -> optimum.Optimum:
    """Return the optimum for inputs (N, T) and targets (N,)."""
    return optimum.find_optimum(Factor.from_arrays(inputs, targets), initial_state)


def exact_cost(
    inputs: NDArray[Any], targets: NDArray[Any], initial_state: float, w_in: float, w_rec: float
) -> Any:
    """Return the mean squared error in sixty digits, by running the network."""
    with mpmath.workdps(60):
        u, w, total = mpmath.mpf(w_in), mpmath.mpf(w_rec), mpmath.mpf(0)
        for row, target in zip(inputs.tolist(), targets.tolist(), strict=True):
            state = mpmath.mpf(initial_state)
            for x in row:
                state = state * w + u * x
            total += (state - target) ** 2
        return total / len(targets)


def reduced_cost(inputs: NDArray[Any], targets: NDArray[Any], w_rec: Any, s0: float = 0.0) -> Any:
    """Return the cost with the best w_in, in the arithmetic of w_rec."""
    number = type(w_rec)
    p, d = [], []
    for row, target in zip(inputs.tolist(), targets.tolist(), strict=True):
        value = number(0)
        for x in row:
            value = value * w_rec + number(x)
        p.append(value)
        d.append(number(target) - number(s0) * w_rec ** len(row))
    square, along = sum(x * x for x in p), sum(x * y for x, y in zip(p, d, strict=True))
    return (sum(y * y for y in d) - along * along / square) / len(d)


class ExactPass(NamedTuple):
    """A forward and a backward pass in fifty digits; the trace is summed over the samples."""

    outputs: list[Any]
    cost: Any
    trace: list[Any]
    by_w_in: Any
    by_w_rec: Any


def exact_step(activation: str, z: Any) -> tuple[Any, Any]:
    """Return f(z) and f'(z), each by a formula without cancellation."""
    if activation == "identity":
        return z, mpmath.mpf(1)
    if activation == "relu":
        return (z, mpmath.mpf(1)) if z > 0 else (mpmath.mpf(0), mpmath.mpf(0))
    if activation == "tanh":
        decay = mpmath.exp(-2 * abs(z))
        state = z if abs(z) < mpmath.mpf(10) ** -26 else mpmath.tanh(z)
        return state, 4 * decay / (1 + decay) ** 2
    decay = mpmath.exp(-abs(z))
    return (1 if z > 0 else decay) / (1 + decay), decay / (1 + decay) ** 2


def exact_pass(
    inputs: NDArray[Any],
    targets: NDArray[Any],
    weights: tuple[float, float],
    activation: str,
    initial_state: float,
) -> ExactPass:
    """Run the network forward and backward in fifty digits."""
    n_samples, n_steps = inputs.shape
    with mpmath.workdps(50):
        w_in, w_rec = map(mpmath.mpf, weights)
        outputs, trace = [], [mpmath.mpf(0)] * (n_steps + 1)
        cost = by_w_in = by_w_rec = mpmath.mpf(0)
        for x, target in zip(inputs.tolist(), targets.tolist(), strict=True):
            states, slopes = [mpmath.mpf(initial_state)], []
            for each in x:
                state, slope = exact_step(activation, w_rec * states[-1] + w_in * each)
                states.append(state)
                slopes.append(slope)
            outputs.append(states[-1])
            residual = states[-1] - target
            cost += residual**2 / n_samples
            gradient = 2 * residual / n_samples
            trace[-1] += gradient
            for k in reversed(range(n_steps)):
                z_gradient = gradient * slopes[k]
                by_w_in += z_gradient * x[k]
                by_w_rec += z_gradient * states[k]
                gradient = z_gradient * w_rec
                trace[k] += gradient
        return ExactPass(outputs, cost, trace, by_w_in, by_w_rec)


def sign_and_log10(number: Any) -> tuple[float, float]:
    """Split a number of fifty digits; the logarithm of 0 is -inf."""
    with mpmath.workdps(50):
        log = float(mpmath.log10(abs(number))) if number else float("-inf")
    return float(mpmath.sign(number)), log
