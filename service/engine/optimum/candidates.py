"""Candidates for the global minimum: stationary points of the reduced cost that are low enough."""

from dataclasses import replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import tolerances
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import Fit, FitProblem, round_if_close
from service.engine.optimum.turning_points import find_roots, find_turns
from service.engine.optimum.variable_projection import (
    Evaluations,
    evaluate,
    evaluate_grid,
    evaluate_points,
)
from service.engine.types import Array

MAX_POINTS = 20_000  # the refinement stops here
SIMPLE_POINTS = [Point.at(w_rec) for w_rec in (1.0, -1.0, 0.5, 2.0, -0.5, -2.0)]


def find_minima(problem: FitProblem) -> tuple[list[Fit], bool]:
    """Find the minima of the reduced cost that may be global, with finite costs.

    Neither inputs nor targets may be all 0. Return also whether the reduced cost is the same
    everywhere; the fits are then examples.
    """
    reduced = replace(problem, factor=problem.factor.compressed())
    evaluations = evaluate_grid(reduced)
    if _is_flat(problem, evaluations):
        inside = evaluations.at(np.abs(evaluations.u) <= 1.0)
        points = SIMPLE_POINTS + inside.points(inside.noise == np.nanmin(inside.noise))[:1]
        return [*map(problem.fit, points), *_fits(problem, points, [])], True
    narrow = _power_minima(reduced, evaluations)
    vanishing = narrow.power <= tolerances.VANISHING_RTOL * narrow.size
    roots = narrow.points(vanishing)
    evaluations = _refine_grid(reduced, evaluations, narrow)
    limits = [fit for fit in map(problem.fit, roots) if fit.is_limit]
    excluded = [fit.point for fit in limits]
    # Near a root p may have no digits, so that neither kind of candidate hides the other.
    lowest = _fits(problem, _lowest_points(reduced, evaluations), excluded)
    return limits + _fits(problem, roots, excluded) + lowest, False


def _fits(problem: FitProblem, candidates: list[Point], limits: list[Point]) -> list[Fit]:
    """Return the minima near the candidates, computed from the data, that are not at a limit."""
    fits: list[Fit] = []
    for point in candidates:
        if not _is_near(point, limits + [fit.point for fit in fits]):
            fits += problem.minima(point)
    finite = [fit for fit in fits if isfinite(fit.cost + fit.term_scale)]
    return [fit for fit in finite if not _is_near(fit.point, limits)]


def _is_near(point: Point, others: list[Point]) -> bool:
    return any(
        other.distance(point) < tolerances.SAME_POINT_RTOL * abs(point.u) for other in others
    )


def _is_flat(problem: FitProblem, evaluations: Evaluations) -> bool:
    """Return whether the reduced cost is the same everywhere."""
    cost = evaluations.cost
    bound = 2.0 * evaluations.noise + tolerances.FLAT_ATOL * problem.target_square
    if not np.fmax.reduce(cost - bound) <= np.fmin.reduce(cost + bound):
        return False
    # A large state may hide lower costs, but not where all sequences have the same output.
    is_known = problem.initial_state == 0.0 or bool(np.isfinite(cost).all())
    return is_known or problem.has_equal_sequences


def _power_minima(problem: FitProblem, evaluations: Evaluations) -> Evaluations:
    """Return where the sum of p_i² has a minimum that is narrower than a gap of the grid.

    There the direction of the vector of all p_i, and with it the cost, may change within a gap.
    """
    slope = evaluations.power_slope
    gaps, low = find_turns(evaluations.u, evaluations.power, slope)
    h = np.diff(evaluations.u)[gaps]
    narrow = gaps[low < 2.0 * h * np.diff(slope)[gaps]]
    return _roots(problem, evaluations, narrow, "power_slope")


def _roots(
    problem: FitProblem, evaluations: Evaluations, gaps: NDArray[np.intp], slope: str
) -> Evaluations:
    """Return the points in some gaps where one of the slopes changes its sign."""
    left, right = evaluations.at(gaps), evaluations.at(gaps + 1)
    if not gaps.size:
        return left

    def slope_at(u: Array) -> Array:
        slopes: Array = getattr(evaluate(problem, left.chart, u), slope)
        return slopes

    at_ends = getattr(left, slope), getattr(right, slope)
    return evaluate(problem, left.chart, find_roots(slope_at, (left.u, right.u), at_ends))


def _lowest_points(problem: FitProblem, evaluations: Evaluations) -> list[Point]:
    """Return stationary and special points whose cost may be the lowest."""
    best, scale = float(np.fmin.reduce(evaluations.cost)), problem.target_square
    gaps, low = find_turns(evaluations.u, evaluations.cost, evaluations.slope)
    highest = best + tolerances.DEPTH_RTOL * max(scale - best, 0.0)
    roots = _roots(problem, evaluations, gaps[low <= highest], "slope").points(slice(None))
    # A root that is a number of six digits up to rounding probably is that number.
    simple = [Point.at(round_if_close(root.w_rec, tolerances.ROUND_ROOT_RTOL)) for root in roots]
    stationary = evaluate_points(problem, simple)
    # The lowest point may be beside a minimum where the cost has no digits.
    size = np.abs(evaluations.u)
    special = (size == 0.0) | ((size == 1.0) & np.isfinite(evaluations.cost))
    special[np.flatnonzero((evaluations.cost == best) & (size <= 1.0))[:1]] = True
    highs = [points.cost + points.noise for points in (stationary, evaluations)]
    limit = float(np.fmin.reduce(np.concatenate(highs))) + tolerances.EQUAL_COST_RTOL * scale
    # Points without digits, where parts of the sums underflowed, remain: nan is not greater.
    sets = stationary, evaluations.at(np.flatnonzero(special))
    return [
        point for points in sets for point in points.points(~(points.cost - points.noise > limit))
    ]


def _refine_grid(problem: FitProblem, start: Evaluations, narrow: Evaluations) -> Evaluations:
    """Add points until the cost follows a cubic between neighbors.

    Gaps are halved until the cost in the middle follows the cubic through the values and slopes at
    both ends. ``narrow`` are more points, around which the cost may change within a gap.
    """
    scale = problem.target_square
    best = float(np.fmin.reduce(start.cost, initial=scale))
    # A point without digits would conceal a minimum beside it.
    start = start.merged(narrow.at(np.isfinite(narrow.cost)))
    left, middle, right = start.at(slice(-2)), start.at(slice(1, -1)), start.at(slice(2, None))
    doubtful = _differs(left, middle, right, best, scale) | np.isin(middle.u, narrow.u)
    doubtful &= left.chart == right.chart
    if not doubtful.any():
        return start
    gaps = np.flatnonzero(np.append(doubtful, False) | np.append(False, doubtful))
    left, right = start.at(gaps), start.at(gaps + 1)
    added: list[Evaluations] = []
    count = len(start.u)
    while len(left.u) and count <= MAX_POINTS:
        middle = evaluate(problem, left.chart, 0.5 * (left.u + right.u))
        added.append(middle)
        count += len(middle.u)
        doubtful = _differs(left, middle, right, best, scale)
        left, middle, right = (points.at(doubtful) for points in (left, middle, right))
        left, right = left.joined(middle), middle.joined(right)
    return start.merged(*added)


def _differs(
    left: Evaluations, middle: Evaluations, right: Evaluations, best: float, scale: float
) -> NDArray[np.bool_]:
    """Return where Hermite's cubic through both ends differs too much from the cost in the middle.

    The cubic is f_0 + t (m_0 + t (3 d - 2 m_0 - m_1 + t (m_0 + m_1 - 2 d))) at the part t of a gap,
    with values f, slopes m per gap, and d = f_1 - f_0. ``scale`` is the mean squared target.
    """
    h = right.u - left.u
    t = (middle.u - left.u) / h
    d, m_0, m_1 = right.cost - left.cost, h * left.slope, h * right.slope
    cubic = left.cost + t * (m_0 + t * (3.0 * d - 2.0 * m_0 - m_1 + t * (m_0 + m_1 - 2.0 * d)))
    low = np.fmin(np.fmin(left.cost, right.cost), middle.cost)
    # No minimum above the mean squared target is global, so accuracy is not needed there.
    depth, excess = max(scale - best, tolerances.MIN_DEPTH * scale), np.maximum(low - scale, 0.0)
    tolerance = (
        tolerances.CUBIC_DEPTH_RTOL * depth + tolerances.CUBIC_EXCESS_RTOL * excess + middle.noise
    )
    # Two neighboring floats have no middle.
    differs: NDArray[np.bool_] = (middle.u > left.u) & (middle.u < right.u)
    differs &= np.abs(cubic - middle.cost) > tolerance
    return differs
