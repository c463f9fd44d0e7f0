"""Points at which a function of w_rec is evaluated: the first ones, and roots between others."""

import math
from collections.abc import Callable

import numpy as np

from service.engine.arithmetic import EPSILON
from service.engine.types import Array

MAX_STEPS = 200  # a bisection of any interval of float64 numbers near 1 ends before


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


@np.errstate(all="ignore")  # interpolations that are not used
def find_bracketed_roots(
    function: Callable[[Array], Array],
    ends: tuple[Array, Array],
    at_ends: tuple[Array, Array],
    atol: Array | float = 0.0,
) -> Array:
    """Return one root in each of K intervals, by Chandrupatla's method.

    It interpolates by an inverse quadratic if that is safe, and otherwise bisects. An interval with
    a nan value is not searched further, and one of its points is returned.

    Parameters
    ----------
    function
        Returns the values (K,) at points (K,), one in each interval.
    ends
        The ends of the intervals, (K,) each.
    at_ends
        The values there, of different signs.
    atol
        The accuracy of the roots, or of each (K,), where it exceeds that of their last digits.

    Returns
    -------
    roots : (K,)
        One in each interval.

    References
    ----------
    T. R. Chandrupatla, "A new hybrid quadratic/bisection algorithm for finding the zero of a
    nonlinear function without using derivatives", Advances in Engineering Software 28 (1997),
    145-149.
    """
    a, b = ends  # b is the latest point, and a the other end
    at_a, at_b = at_ends
    t = np.full(len(a), 0.5)
    best = np.where(np.abs(at_b) <= np.abs(at_a), b, a)
    is_done = (at_a == 0.0) | (at_b == 0.0)
    for _ in range(MAX_STEPS):
        if is_done.all():
            break
        x = np.where(is_done, b, b + t * (a - b))
        at_x = at_b.copy()
        at_x[~is_done] = function(x[~is_done])
        stays = (at_x > 0.0) == (at_b > 0.0)
        c = np.where(stays, b, a)
        at_c = np.where(stays, at_b, at_a)
        a = np.where(stays, a, b)
        at_a = np.where(stays, at_a, at_b)
        b = x
        at_b = at_x
        best = np.where(np.abs(at_b) <= np.abs(at_a), b, a)
        resolution = np.maximum(2.0 * EPSILON * np.abs(best), atol) / np.abs(a - b)
        is_done |= ~(resolution < 0.5) | (at_b == 0.0) | np.isnan(at_b)
        xi = (b - a) / (c - a)
        phi = (at_b - at_a) / (at_c - at_a)
        is_safe = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
        inverse = at_b / (at_a - at_b) * (at_c / (at_a - at_c))
        inverse += (c - b) / (a - b) * (at_b / (at_c - at_b)) * (at_a / (at_c - at_a))
        t = np.where(is_safe, np.clip(inverse, resolution, 1.0 - resolution), 0.5)
    return best
