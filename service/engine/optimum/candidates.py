"""Candidates for the global minimum: local minima of the reduced cost that are low enough."""

from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.engine import profile
from service.engine.arithmetic import tolerances
from service.engine.data import Factor
from service.engine.optimum.reduced_cost import (
    ReducedCost,
    ReducedPoints,
    convert,
    snap_to_six_digits,
)
from service.engine.types import Array

# The near side and the far one.
Sides: TypeAlias = tuple[ReducedCost, ReducedCost]

ENDS: Final = (-1.0, 1.0)  # of each side
# Simple points, and their sides.
SIMPLE: Final = np.array([1.0, -1.0, 0.5, -0.5, 0.5, -0.5])
SIMPLE_IS_FAR: Final = np.array([False, False, False, False, True, True])
# Distances of points around a narrow minimum, in units of its width.
CLUSTER: Final = np.append(0.0, np.geomspace(0.1, 1e12, 53))


def find_candidates(sides: Sides) -> tuple[ReducedPoints, bool]:
    """Find minima of the reduced cost that may be global.

    Parameters
    ----------
    sides
        The reduced cost on the near side and on the far side.

    Returns
    -------
    candidates : (K,)
        One point of each minimum whose cost may be the lowest; none if no cost has digits.
    is_flat
        True if the reduced cost is constant. The candidates are then examples.
    """
    grids = [side.evaluate(side.make_grid()) for side in sides]
    grid = grids[0].concatenate(grids[1])
    reduced = sides[0]
    if _is_flat(reduced, grid):
        # The first example has the smallest rounding error.
        u = np.append(grids[0].w[np.argmin(grids[0].accuracy)], SIMPLE)
        return _evaluate(sides, u, np.append(False, SIMPLE_IS_FAR)), True
    lowest = np.fmin.reduce(grid.cost, initial=reduced.target_square)
    highest = lowest + tolerances.DEPTH_RTOL * (reduced.target_square - lowest)
    near, far = map(partial(_search, highest=highest), sides, grids)
    minima = _find_low_minima(reduced, _join(near, far))
    return _snap(sides, minima), False


def _evaluate(sides: Sides, u: Array, is_far: NDArray[np.bool_]) -> ReducedPoints:
    """Evaluate the reduced cost at points, the near ones first."""
    near, *far = (
        side.evaluate(u[is_far == side.is_far]) for side in sides if side.is_far in is_far
    )
    return near.concatenate(*far)


def _is_flat(reduced: ReducedCost, grid: ReducedPoints) -> bool:
    """Return True if the reduced cost is constant."""
    bound = 2.0 * grid.accuracy + tolerances.FLAT_ATOL * reduced.target_square
    highest = np.fmax.reduce(grid.cost - bound, initial=0.0)
    if not highest <= np.fmin.reduce(grid.cost + bound, initial=np.inf):
        return False
    # A large state can hide lower costs, unless all sequences have the same output.
    is_complete = reduced.initial_state == 0.0 or not np.isnan(grid.cost).any()
    return is_complete or has_equal_sequences(reduced.factor)


def _search(reduced: ReducedCost, grid: ReducedPoints, highest: float) -> ReducedPoints:
    """Search one side for all minima that may be as low as a bound.

    Return all evaluated points. The cost of those of the grid without a cost is infinite, so that
    they separate the minima on both sides.
    """
    has_cost = ~np.isnan(grid.cost)
    without_cost = replace(grid, cost=np.full(len(grid.w), np.inf))[~has_cost]
    if not has_cost.any():
        return without_cost
    points = _resolve_narrow_minima(reduced, grid)
    points = profile.search(reduced.evaluate, points, ENDS, highest).points
    return points if has_cost.all() else points.merge(without_cost)


def _resolve_narrow_minima(reduced: ReducedCost, grid: ReducedPoints) -> ReducedPoints:
    """Add points around narrow minima of the sum of p_i², which may be roots of all p_i.

    Where this sum has a minimum that is narrower than a gap of the grid, the direction of the
    vector of all p_i, and with it the cost, may change within that gap.
    """
    is_valley = (grid.power_slope[:-1] <= 0.0) & (grid.power_slope[1:] >= 0.0)
    lower_end = np.minimum(grid.power[:-1], grid.power[1:])
    is_narrow = lower_end < 2.0 * np.diff(grid.w) * np.diff(grid.power_slope)
    gaps = np.flatnonzero(is_valley & is_narrow)
    if not len(gaps):
        return grid
    left = grid[gaps]
    right = grid[gaps + 1]
    roots = profile.find_bracketed_roots(
        lambda u: reduced.evaluate(u).power_slope,
        (left.w, right.w),
        (left.power_slope, right.power_slope),
    )
    curvature = (right.power_slope - left.power_slope) / (right.w - left.w)
    widths = np.sqrt(2.0 * reduced.evaluate(roots).power / curvature)
    distances = widths * CLUSTER[:, None]
    around = np.concatenate([roots - distances, roots + distances])
    around = np.unique(around[(around > left.w) & (around < right.w)])
    return grid.merge(reduced.evaluate(around))


def _join(near: ReducedPoints, far: ReducedPoints) -> ReducedPoints:
    """Return the points of both sides in their order around the projective line.

    They begin at the highest point, so that no minimum extends beyond the ends. The points with
    u = 1 and u = -1 belong to both sides, and are taken from the near one.
    """
    is_inside = np.abs(far.w) < 1.0
    line = near.concatenate(far)
    order = np.append(np.arange(len(near.w)), len(near.w) + np.flatnonzero(is_inside)[::-1])
    order = np.roll(order, -int(np.argmax(line.cost[order])))
    return line[order]


def _find_low_minima(reduced: ReducedCost, line: ReducedPoints) -> ReducedPoints:
    """Return one point of each minimum whose cost may be the lowest, the near ones first.

    0, infinity and roots of all p_i represent adjacent points with the same cost.
    """
    margin = reduced.equal_within(line.cost, line.accuracy)
    preferred = line.cost - np.where(line.w == 0.0, line.accuracy, 0.0)
    minima = profile.find_minima(replace(line, cost=preferred, accuracy=margin))
    minima = minima[np.isfinite(line.cost[minima])]
    highest = np.min(line.cost[minima] + margin[minima], initial=np.inf)
    minima = minima[line.cost[minima] - margin[minima] <= highest]
    return line[minima[np.argsort(line.is_far[minima], kind="stable")]]


def _snap(sides: Sides, points: ReducedPoints) -> ReducedPoints:
    """Move points to numbers of six digits unless that increases the cost.

    A w_rec that is a number of six digits up to rounding is probably that number.
    """
    w_rec = convert(points.w, points.is_far).tolist()
    snap = partial(snap_to_six_digits, tolerance=tolerances.ROUND_ROOT_RTOL)
    u = convert(np.array([*map(snap, w_rec)]), points.is_far)
    u[np.abs(u) < tolerances.ROUND_ROOT_RTOL] = 0.0
    u = np.where(points.at_root, points.w, u)
    if (u == points.w).all():
        return points
    simple = _evaluate(sides, u, points.is_far)
    is_simple = simple.cost <= points.cost + points.accuracy
    k = np.arange(len(u))
    return points.concatenate(simple)[np.where(is_simple, len(k) + k, k)]


def center_inputs(factor: Factor) -> Array:
    """Return the inputs (m, T) minus their means over the sequences."""
    centered: Array = factor.inputs - np.outer(
        factor.ones, factor.ones @ factor.inputs / factor.n_samples
    )
    return centered


def has_equal_sequences(factor: Factor) -> bool:
    """Return True if all sequences have the same inputs, up to rounding."""
    sizes = np.abs(factor.inputs).max(axis=0)
    spreads = np.abs(center_inputs(factor)).max(axis=0)
    return bool((spreads <= tolerances.RESIDUAL_RTOL * sizes).all())
