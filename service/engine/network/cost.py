"""The cost: the mean squared error of the last states."""

from math import inf, isnan

import numpy as np

from service.engine.types import Array

# Between these a mean of squares has neither overflowed on the way nor lost digits to underflow.
SMALLEST, LARGEST = 1e-280, 1e300


def mean_squared_error(outputs: Array, targets: Array) -> float:
    """Return the mean of (outputs - targets)² over the samples.

    Parameters
    ----------
    outputs : (N,)
        inf or nan where a network has left the range of float64.
    targets : (N,)
        Finite; N is at least 1.

    Returns
    -------
    cost
        inf where it is beyond float64 or an output has no number; never nan.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        residuals = outputs - targets
        cost = float(np.mean(residuals**2))
        if SMALLEST < cost < LARGEST:
            return cost
        # Squares relative to the largest: these neither overflow nor all underflow.
        scale = float(np.max(np.abs(residuals)))
        if scale == 0.0:
            return 0.0
        cost = float(np.mean((residuals / scale) ** 2)) * scale * scale
    return inf if isnan(cost) else cost


def output_gradient(outputs: Array, targets: Array) -> Array:
    """Return the derivative of the cost by each output, 2 (outputs - targets) / N, as (N,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        # Divided by N / 2, which is the same to the last bit and cannot overflow on the way.
        gradient: Array = (outputs - targets) / (0.5 * len(targets))
    return gradient
