"""Candidates for the global minimum: stationary points of the reduced cost that are low enough."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine import profile
from service.engine.arithmetic import tolerances
from service.engine.data import Factor
from service.engine.optimum.reduced_cost import SIDES, Points, ReducedCost, convert
from service.engine.types import Array

# Simple points, and the sides of one more near point and these.
SIMPLE: Final = np.array([1.0, -1.0, 0.5, -0.5, 0.5, -0.5])
SIMPLE_IS_FAR: Final = np.repeat(SIDES, [5, 2])
# Distances of points around a narrow minimum, in units of its width.
CLUSTER: Final = np.append(0.0, np.geomspace(0.1, 1e8, 37))


def find_candidates(reduced: ReducedCost) -> tuple[Points, bool]:
    """Find minima of the reduced cost that may be global, with finite costs.

    Returns
    -------
    candidates : (K,)
    is_flat
        Whether the reduced cost is the same everywhere. The candidates are then examples.
    """
    # The search has many points: fewer rows, if that is possible.
    few = ReducedCost(reduced.factor.compressed(), reduced.initial_state)
    grid = few.evaluate(*few.make_grid())
    known = _keep_known(grid, reduced.target_square)
    is_flat = _is_flat(reduced, grid, known)
    if is_flat:
        # The first example has the smallest rounding error.
        smallest = grid.w[np.argmin(np.where(grid.is_far, np.inf, grid.accuracy))]
        candidates = reduced.evaluate(np.append(smallest, SIMPLE), SIMPLE_IS_FAR)
    else:
        near_roots, near = _search(few, grid[~grid.is_far], known[~known.is_far])
        far_roots, far = _search(few, grid[grid.is_far], known[known.is_far])
        near_starts, far_starts = _find_starts(near.concatenate(far), reduced.target_square)
        near_starts = np.unique(np.append(near_roots, near_starts))
        far_starts = np.unique(np.append(far_roots, far_starts))
        is_far = np.repeat(SIDES, [len(near_starts), len(far_starts)])
        candidates = reduced.refine(np.append(near_starts, far_starts), is_far)
    is_used = np.isfinite(candidates.cost + candidates.accuracy)
    is_limit = candidates.at_root & (candidates.step == 0.0)
    if is_limit.any():
        # Points beside a limit would have a large w_in and nearly the same cost.
        w_rec = convert(candidates.w, candidates.is_far)[:, None]
        distances = np.abs(w_rec - w_rec[is_limit, 0])
        is_near = (w_rec == w_rec[is_limit, 0]) | (
            distances < tolerances.SAME_POINT_RTOL * abs(w_rec)
        )
        is_used &= is_limit | ~is_near.any(axis=1)
    return candidates[is_used], is_flat


def _keep_known(points: Points, target_square: float) -> Points:
    """Return the points at which rounding leaves digits of the cost."""
    limit = tolerances.MAX_NOISE * np.maximum(target_square, points.cost)
    return points[(points.accuracy < limit) & np.isfinite(points.cost + points.slope)]


def _is_flat(reduced: ReducedCost, grid: Points, known: Points) -> bool:
    """Return whether the reduced cost is the same everywhere."""
    bound = 2.0 * known.accuracy + tolerances.FLAT_ATOL * reduced.target_square
    if not np.max(known.cost - bound, initial=0.0) <= np.min(known.cost + bound, initial=np.inf):
        return False
    # A large state may hide lower costs, but not where all sequences have the same output.
    is_complete = reduced.initial_state == 0.0 or len(known.w) == len(grid.w)
    return is_complete or has_equal_sequences(reduced.factor)


def _search(reduced: ReducedCost, grid: Points, known: Points) -> tuple[Array, Points]:
    """Add points to the grid of one side until it shows all minima of the cost.

    Where the sum of p_i² has a minimum that is narrower than a gap of the grid, the direction of
    the vector of all p_i, and with it the cost, may change within that gap. Return the minima of
    this sum, which may be roots of all p_i, and all points with a known cost.
    """

    def evaluate(u: Array) -> Points:
        return reduced.evaluate(u, np.repeat(grid.is_far[:1], len(u)))

    def evaluate_known(u: Array) -> Points:
        return _keep_known(evaluate(u), reduced.target_square)

    gaps, low = _find_gaps(grid.power, grid.power_slope, grid.w)
    bend = np.diff(grid.power_slope)[gaps]
    narrow = low < 2.0 * np.diff(grid.w)[gaps] * bend
    gaps, bend = gaps[narrow], bend[narrow]
    roots = np.empty(0)
    if len(gaps):
        left, right = grid[gaps], grid[gaps + 1]
        roots = profile.find_roots(
            lambda u: evaluate(u).power_slope,
            (left.w, right.w),
            (left.power_slope, right.power_slope),
        )
        center = evaluate(roots)
        distances = np.sqrt(2.0 * center.power * (right.w - left.w) / bend) * CLUSTER[:, None]
        around = np.concatenate([roots - distances, roots + distances])
        around = np.unique(around[(around > left.w) & (around < right.w)])
        known = known.merge(evaluate_known(around))
    return roots, profile.refine(known, evaluate_known)


def _find_gaps(values: Array, slopes: Array, w: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the gaps in which a function has a minimum, by their left ends.

    Return also rough lower bounds of these minima, from the tangents at both ends.
    """
    gaps = np.flatnonzero((slopes[:-1] <= 0.0) & (slopes[1:] >= 0.0) & (w[:-1] < w[1:]))
    left, right = slopes[gaps], slopes[gaps + 1]
    t = left / (left - right)
    depth = (w[gaps + 1] - w[gaps]) * np.fmax(-left * t, right * (1.0 - t))
    return gaps, np.minimum(values[gaps], values[gaps + 1]) - depth


def _find_starts(points: Points, target_square: float) -> tuple[Array, Array]:
    """Return approximate minimizers on both sides whose cost may be the lowest.

    They are those of the cubics through values and slopes. 0, ±1 and the lowest point are more if
    their cost is the lowest: this point may be beside a minimum where the cost has no digits.

    References
    ----------
    J. Nocedal and S. J. Wright, Numerical optimization, 2nd edition (2006), equation 3.59.
    """
    u, cost, slope = points.w, points.cost, points.slope
    best = np.min(cost, initial=target_square)
    gaps, low = _find_gaps(cost, slope, u)
    gaps = gaps[low <= best + tolerances.DEPTH_RTOL * (target_square - best)]
    a, b, h = slope[gaps], slope[gaps + 1], u[gaps + 1] - u[gaps]
    middle = a + b - 3.0 * (cost[gaps + 1] - cost[gaps]) / h
    root = np.sqrt(middle**2 - a * b)
    minima = u[gaps + 1] - h * (b + root - middle) / (b - a + 2.0 * root)
    minima = np.where(np.isfinite(minima), minima, u[gaps])
    is_special = (u == 0.0) | (np.abs(u) == 1.0) | (cost == best)
    special = np.flatnonzero(is_special & (cost - points.accuracy <= best))
    starts, is_far = np.append(minima, u[special]), points.is_far[np.append(gaps, special)]
    # The other far points are also near ones.
    return starts[~is_far], starts[is_far & (np.abs(starts) < 1.0)]


def center_inputs(factor: Factor) -> Array:
    """Return the inputs (m, T) less their means over the sequences."""
    inputs, ones = factor.inputs, factor.ones
    centered: Array = inputs - np.outer(ones, ones @ inputs / factor.n_samples)
    return centered


def has_equal_sequences(factor: Factor) -> bool:
    """Return whether all sequences have the same inputs, up to rounding."""
    sizes, spreads = (np.abs(x).max(axis=0) for x in (factor.inputs, center_inputs(factor)))
    return bool((spreads <= tolerances.RESIDUAL_RTOL * sizes).all())
