"""Candidates for the global minimum: stationary points of the reduced cost that are low enough."""

from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine import profile
from service.engine.arithmetic import tolerances
from service.engine.data import Factor
from service.engine.optimum.refinement import Fit, fit, refine
from service.engine.optimum.side import Evaluation, Side, has_equal_sequences, make_sides
from service.engine.types import Array

SIMPLE_WEIGHTS: Final = (1.0, -1.0, 0.5, 2.0, -0.5, -2.0)
# Distances of points around a narrow minimum, in units of its width.
CLUSTER: Final = np.append(0.0, np.geomspace(0.1, 1e8, 37))


def find_candidates(factor: Factor, initial_state: float) -> tuple[list[Fit], bool]:
    """Find minima of the reduced cost that may be global, with finite costs.

    Neither inputs nor targets may be all 0. Return also whether the reduced cost is the same
    everywhere; the fits are then examples.
    """
    sides = make_sides(factor, initial_state)
    few = factor.compressed()
    reduced = sides if few is factor else make_sides(few, initial_state)
    grids = [side.evaluate(side.make_grid()) for side in reduced]
    if _is_flat(sides[0], grids):
        return _find_examples(sides, grids[0]), True
    at_roots: list[Fit] = []
    profiles = list[Evaluation]()
    for side, small, grid in zip(sides, reduced, grids, strict=True):
        roots, cluster = _find_narrow(small, grid)
        at_roots += [fit(side, u) for u in roots.tolist()]
        points = grid[~np.isnan(grid.cost)]
        if cluster:
            points = points.merge(*cluster)
        profiles.append(profile.refine(points, small.evaluate))
    limits = [each for each in at_roots if each.is_limit]
    fits: list[Fit] = []
    best = min(float(np.min(points.cost, initial=sides[0].target_square)) for points in profiles)
    minima = [_find_minima(points, best, sides[0].target_square) for points in profiles]
    _add_fits(sides, minima, limits, fits)
    highest = min([best, *(each.cost + each.accuracy for each in limits + fits)])
    _add_fits(sides, [_find_special(points, highest) for points in profiles], limits, fits)
    # Near a root p may have no digits, so that neither kind of candidate hides the other.
    fits += [refine(each.side, each.u) for each in at_roots if not each.is_limit]
    finite = [each for each in fits if isfinite(each.cost + each.term_scale)]
    return limits + [each for each in finite if not _is_near(each.side, each.u, limits)], False


def _add_fits(
    sides: tuple[Side, Side], starts: list[Array], limits: list[Fit], fits: list[Fit]
) -> None:
    """Add refined fits that start at points of both sides, and at none twice."""
    for side, points in zip(sides, starts, strict=True):
        for u in points.tolist():
            if not _is_near(side, u, limits + fits):
                fits.append(refine(side, u))


def _is_near(side: Side, u: float, fits: list[Fit]) -> bool:
    """Return whether a point is one of those of some fits, up to rounding."""
    w = side.to_w_rec(u)
    close = tolerances.SAME_POINT_RTOL * abs(w)
    return any(w == other.w_rec or abs(w - other.w_rec) < close for other in fits)


def _is_flat(side: Side, grids: list[Evaluation]) -> bool:
    """Return whether the reduced cost is the same everywhere."""
    cost = np.concatenate([grid.cost for grid in grids])
    noise = np.concatenate([grid.accuracy for grid in grids])
    bound = 2.0 * noise + tolerances.FLAT_ATOL * side.target_square
    if not np.fmax.reduce(cost - bound) <= np.fmin.reduce(cost + bound):
        return False
    # A large state may hide lower costs, but not where all sequences have the same output.
    is_known = side.initial_state == 0.0 or bool(np.isfinite(cost).all())
    return is_known or has_equal_sequences(side.factor)


def _find_examples(sides: tuple[Side, Side], grid: Evaluation) -> list[Fit]:
    """Return fits at simple numbers, and at the point with the smallest rounding error."""
    near, far = sides
    fits = [fit(far, 1.0 / w) if abs(w) > 1.0 else fit(near, w) for w in SIMPLE_WEIGHTS]
    inside = grid[np.abs(grid.w) <= 1.0]
    return [*fits, fit(near, float(inside.w[np.nanargmin(inside.accuracy)]))]


def _find_gaps(values: Array, slopes: Array, w: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the gaps in which a function has a minimum, by their left ends.

    Return also rough lower bounds of these minima, from the tangents at both ends.
    """
    gaps = np.flatnonzero((slopes[:-1] <= 0.0) & (slopes[1:] >= 0.0))
    left, right = slopes[gaps], slopes[gaps + 1]
    t = left / (left - right)
    depth = (w[gaps + 1] - w[gaps]) * np.fmax(-left * t, right * (1.0 - t))
    return gaps, np.minimum(values[gaps], values[gaps + 1]) - depth


def _find_narrow(side: Side, grid: Evaluation) -> tuple[Array, list[Evaluation]]:
    """Find where the sum of p_i² has a minimum that is narrower than a gap of the grid.

    There the direction of the vector of all p_i, and with it the cost, may change within a gap.
    Return the points where it may be 0, and evaluations around all of them.
    """
    gaps, low = _find_gaps(grid.power, grid.power_slope, grid.w)
    bend = np.diff(grid.power_slope)[gaps]
    narrow = low < 2.0 * np.diff(grid.w)[gaps] * bend
    gaps, bend = gaps[narrow], bend[narrow]
    if not len(gaps):
        return np.empty(0), []
    left, right = grid[gaps], grid[gaps + 1]
    u = profile.find_roots(
        lambda u: side.evaluate(u).power_slope,
        (left.w, right.w),
        (left.power_slope, right.power_slope),
    )
    center = side.evaluate(u)
    is_root = center.power <= tolerances.VANISHING_RTOL * center.size
    widths = np.sqrt(2.0 * center.power * (right.w - left.w) / bend)
    distances = widths * CLUSTER[:, None]
    points = np.concatenate([u - distances, u + distances])
    around = side.evaluate(np.unique(points[(points > left.w) & (points < right.w)]))
    return u[is_root], [around[~np.isnan(around.cost)]]


def _find_minima(points: Evaluation, best: float, target_square: float) -> Array:
    """Return approximate minimizers whose cost may be the lowest.

    They are those of the cubics through values and slopes.

    References
    ----------
    J. Nocedal and S. J. Wright, Numerical optimization, 2nd edition (2006), equation 3.59.
    """
    u, cost, slope = points.w, points.cost, points.slope
    gaps, low = _find_gaps(cost, slope, u)
    gaps = gaps[low <= best + tolerances.DEPTH_RTOL * max(target_square - best, 0.0)]
    a, b, h = slope[gaps], slope[gaps + 1], u[gaps + 1] - u[gaps]
    middle = a + b - 3.0 * (cost[gaps + 1] - cost[gaps]) / h
    root = np.sqrt(middle**2 - a * b)
    minima = u[gaps + 1] - h * (b + root - middle) / (b - a + 2.0 * root)
    return np.where(np.isfinite(minima), minima, u[gaps])


def _find_special(points: Evaluation, highest: float) -> Array:
    """Return 0, ±1 and the lowest point, where these may have the lowest cost.

    The lowest point may be beside a minimum where the cost has no digits.
    """
    size = np.abs(points.w)
    is_special = (
        (size == 0.0) | (size == 1.0) | (points.cost == np.min(points.cost, initial=np.inf))
    )
    special: Array = points.w[is_special & (points.cost - points.accuracy <= highest)]
    return special
