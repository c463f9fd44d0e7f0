"""Minima of a function between points at which it and its derivative are known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import EPSILON
from service.engine.optimum.point import Point
from service.engine.optimum.variable_projection import Evaluations
from service.engine.types import Array


def find_turns(u: Array, values: Array, slopes: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the gaps between points in which a function has a minimum.

    Parameters
    ----------
    u, values, slopes : (G,)
        Points of both charts, sorted, and the function with its derivative there.

    Returns
    -------
    gaps : (K,)
        Indices of their left ends.
    low : (K,)
        Rough lower bounds of the minima, from the tangents at both ends.
    """
    turns = (slopes[:-1] <= 0.0) & (slopes[1:] >= 0.0) & (u[:-1] < u[1:])
    gaps = np.flatnonzero(turns)
    left, right = slopes[gaps], slopes[gaps + 1]
    t = left / (left - right)
    depth = (u[gaps + 1] - u[gaps]) * np.maximum(-left * t, right * (1.0 - t))
    return gaps, np.minimum(values[gaps], values[gaps + 1]) - depth


def find_roots(
    slope: Callable[[Point], float], evaluations: Evaluations, gaps: NDArray[np.intp], slopes: Array
) -> list[Point]:
    """Return where a slope changes from negative to positive in each of some gaps.

    Parameters
    ----------
    slope
        The derivative with respect to u as a function of a point.
    evaluations
        The points (G,) between which the gaps are.
    gaps : (K,)
        Indices of their left ends.
    slopes : (G,)
        The values of ``slope`` at all points.

    Returns
    -------
    roots
        One point per gap: its left end if the slope there is not negative, or else its right end
        if the slope there is not positive.
    """
    return [_root(slope, evaluations.gap(j), *slopes[j : j + 2].tolist()) for j in gaps.tolist()]


def _root(
    slope: Callable[[Point], float], gap: tuple[int, float, float], at_a: float, at_b: float
) -> Point:
    """Return the root of a slope in the gap from a to b by the Illinois method.

    References
    ----------
    M. Dowell and P. Jarratt, "A modified regula falsi method for computing the root of an
    equation", BIT 11 (1971), 168-174.
    """
    chart, a, b = gap
    if at_a >= 0.0 or at_b <= 0.0:
        return Point(chart, a if at_a >= 0.0 else b)
    width = b - a
    for _ in range(100):
        step = at_b * (b - a) / (at_a - at_b)
        x = b + step
        at_x = slope(Point(chart, x))
        # Halving the slope at an end that is kept makes the next secant cross to its side.
        a, at_a = (b, at_b) if (at_x < 0.0) != (at_b < 0.0) else (a, 0.5 * at_a)
        b, at_b = x, at_x
        if at_x == 0.0 or abs(step) <= EPSILON * (1e-3 * width + 16.0 * abs(x)):
            break
    return Point(chart, b)
