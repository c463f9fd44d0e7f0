"""The first points of a search."""

import math

import numpy as np

from service.engine.types import Array


def make_grid(n_steps: int, low: float, high: float, n_gaps: int = 48) -> Array:
    """Return points on [low, high], densest within 1/T of |w| = 1, where most minima are.

    The distances from |w| = 1 grow like sinh.

    Parameters
    ----------
    n_steps
        T, the length of the longest sequence; positive.
    low, high
        The ends of the range, which are among the points; low < high.
    n_gaps
        The number of gaps between 0 and 1; there are as many between 1 and infinity.

    Returns
    -------
    points : (W,)
        Sorted.

    References
    ----------
    M. Kac, "On the average number of real roots of a random algebraic equation", Bull. Amer. Math.
    Soc. 49 (1943), 314-320, for the density of the roots of random polynomials.
    """
    n = max(n_steps, 2)
    gaps = np.sinh(np.linspace(0.0, 1.0, n_gaps + 1) * math.asinh(n)) / n
    gaps[-1] = 1.0
    inside = 1.0 - gaps
    points = np.concatenate([inside, 1.0 / inside[:-1]])
    points = np.concatenate([-points, points, [low, high]])
    return np.unique(points[(points >= low) & (points <= high)] + 0.0)
