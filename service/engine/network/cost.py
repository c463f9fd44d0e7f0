"""The cost: the mean squared error of the outputs."""

from math import inf, isnan

import numpy as np

from service.engine.arithmetic import UNDERFLOW
from service.engine.types import Array


def mean_squared_error(outputs: Array, targets: Array) -> float:
    """Return the mean of (outputs - targets)² over the sequences.

    Parameters
    ----------
    outputs : (N,)
        Infinite or nan where a network overflowed.
    targets : (N,)
        Finite; N is at least 1.

    Returns
    -------
    cost
        inf if it overflows or an output is not finite; never nan.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        residuals = outputs - targets
        cost = float(np.mean(residuals**2))
        if UNDERFLOW < cost < inf:
            return cost
        # Relative to the largest residual, no square overflows and not all of them underflow.
        scale = float(np.max(np.abs(residuals)))
        if scale == 0.0:
            return 0.0
        cost = float(np.mean((residuals / scale) ** 2)) * scale * scale
    return inf if isnan(cost) else cost


def output_gradient(outputs: Array, targets: Array) -> Array:
    """Return the derivative of the cost with respect to each output, 2 (outputs - targets) / N.

    Parameters
    ----------
    outputs, targets : (N,)

    Returns
    -------
    gradient : (N,)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # Dividing by N / 2 gives the same bits as 2 / N and cannot overflow in between.
        return (outputs - targets) / (0.5 * len(targets))
