"""Minima of a function between points at which it and its derivative are known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import EPSILON
from service.engine.types import Array


def find_turns(u: Array, values: Array, slopes: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the gaps between sorted points (G,) in which a function has a minimum.

    They are given by their left ends. Return also rough lower bounds of these minima, from the
    tangents at both ends.
    """
    turns = (slopes[:-1] <= 0.0) & (slopes[1:] >= 0.0) & (u[:-1] < u[1:])
    gaps = np.flatnonzero(turns)
    left, right = slopes[gaps], slopes[gaps + 1]
    t = left / (left - right)
    depth = (u[gaps + 1] - u[gaps]) * np.maximum(-left * t, right * (1.0 - t))
    return gaps, np.minimum(values[gaps], values[gaps + 1]) - depth


def find_roots(
    slope: Callable[[Array], Array], ends: tuple[Array, Array], at_ends: tuple[Array, Array]
) -> Array:
    """Return where slopes change from negative to positive, in each of K gaps.

    A root is the left end if the slope there is not negative, or else the right end if the slope
    there is not positive.

    References
    ----------
    M. Dowell and P. Jarratt, "A modified regula falsi method for computing the root of an
    equation", BIT 11 (1971), 168-174, for the Illinois method.
    """
    (a, b), (at_a, at_b) = ends, at_ends
    width = b - a
    b, at_b = np.where(at_a >= 0.0, a, b), np.where(at_a >= 0.0, 0.0, np.maximum(at_b, 0.0))
    for _ in range(100):
        step = np.where(at_b == 0.0, 0.0, at_b * (b - a) / (at_a - at_b))
        if (np.abs(step) <= EPSILON * (1e-3 * width + 16.0 * np.abs(b))).all():
            break
        x = b + step
        # Where the slope has no digits (nan), the search ends; the refinement starts there.
        at_x = np.where(at_b == 0.0, 0.0, np.nan_to_num(slope(x)))
        # Halving the slope at an end that stays makes the next secant cross to its side.
        crosses = (at_x < 0.0) != (at_b < 0.0)
        a, at_a = np.where(crosses, b, a), np.where(crosses, at_b, 0.5 * at_a)
        b, at_b = x, at_x
    return b
