"""Refinement of the grid on which the minima of the reduced cost are searched."""

import numpy as np
from numpy.typing import NDArray

from service.engine.optimum.variable_projection import Evaluations, ReducedCost

MAX_POINTS = 20_000  # the refinement stops here
# How much a cubic may miss a cost: this part of the depth of the best cost below the mean squared
# target, and more where a cost exceeds the mean squared target.
HARMLESS = 0.02
HARMLESS_ABOVE = 0.3
SMALLEST_RANGE = 1e-6  # the depth is taken to be at least this part of the mean squared target


def refine_grid(
    reduced: ReducedCost, start: Evaluations, narrow: Evaluations | None = None
) -> Evaluations:
    """Add points until the cost follows a cubic between neighbors.

    Parameters
    ----------
    start
        Points of both charts, sorted.
    narrow
        More points, around which the cost may change within less than a gap.

    Returns
    -------
    Evaluations
        All points, sorted. Gaps were halved wherever the cost in the middle differed from the
        cubic through values and slopes at both ends by more than is harmless.
    """
    best = float(np.nanmin(start.cost, initial=reduced.scale))
    start = start if narrow is None else start.merged(narrow)
    left, middle, right = start.at(slice(-2)), start.at(slice(1, -1)), start.at(slice(2, None))
    doubtful = _differs(left, middle, right, best, reduced.scale)
    if narrow is not None:
        doubtful |= np.isin(middle.u, narrow.u)
    doubtful &= left.chart == right.chart
    gaps = np.flatnonzero(np.append(doubtful, False) | np.append(False, doubtful))
    left, right = start.at(gaps), start.at(gaps + 1)
    found, count = [start], len(start.u)
    while len(left.u) and count <= MAX_POINTS:
        middle = reduced.evaluate(left.chart, 0.5 * (left.u + right.u))
        found.append(middle)
        count += len(middle.u)
        doubtful = _differs(left, middle, right, best, reduced.scale)
        left, middle, right = (each.at(doubtful) for each in (left, middle, right))
        left, right = left.joined(middle), middle.joined(right)
    return start.merged(*found[1:]) if len(found) > 1 else start


def _differs(
    left: Evaluations, middle: Evaluations, right: Evaluations, best: float, scale: float
) -> NDArray[np.bool_]:
    """Return where the cubic through both ends misses the middle by too much."""
    h = right.u - left.u
    t = (middle.u - left.u) / h
    rise, first, last = right.cost - left.cost, h * left.slope, h * right.slope
    bend = 3.0 * rise - 2.0 * first - last + t * (first + last - 2.0 * rise)
    cubic = left.cost + t * (first + t * bend)
    low = np.fmin(np.fmin(left.cost, right.cost), middle.cost)
    # Above the mean square target no minimum is global: a rough idea is enough there.
    near_best = HARMLESS * max(scale - best, SMALLEST_RANGE * scale)
    harmless = near_best + HARMLESS_ABOVE * np.maximum(low - scale, 0.0)
    doubtful = np.abs(cubic - middle.cost) > harmless + middle.noise
    # Two neighboring floats have no middle.
    found: NDArray[np.bool_] = doubtful & (middle.u > left.u) & (middle.u < right.u)
    return found
