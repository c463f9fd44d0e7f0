"""Candidates for the global minimum: stationary points of the reduced cost that are low enough.

The search evaluates polynomials only, so its time does not depend on the number of sequences. The
data decide only near roots that all p_i share, where moments have too few digits.
"""

from math import isfinite

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Moments
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import Fit, FitProblem, round_if_close
from service.engine.optimum.tolerances import COST_RTOL
from service.engine.optimum.turning_points import find_roots, find_turns
from service.engine.optimum.variable_projection import Evaluations, ReducedCost

FLAT_ATOL = 1e-12  # costs that differ by less than this part of the mean squared target are equal
# A candidate closer to a minimum, relative to u, leads to the same one: moments with ten digits
# locate a minimum to half as many.
SAME_POINT = 1e-5
DEPTH = 0.1  # minima are rough: one so far above the best, relative to its depth, may be lower
SIMPLE_RTOL = 1e-11  # the accuracy of roots of slopes
MAX_POINTS = 20_000  # the refinement stops here
# How much a cubic may miss a cost: this part of the depth of the best cost below the mean squared
# target, and more where a cost exceeds the mean squared target.
HARMLESS = 0.02
HARMLESS_ABOVE = 0.3
SMALLEST_RANGE = 1e-6  # the depth is taken to be at least this part of the mean squared target
SIMPLE_POINTS = [Point.at(w_rec) for w_rec in (1.0, -1.0, 0.5, 2.0, -0.5, -2.0)]


def find_minima(problem: FitProblem, moments: Moments) -> tuple[list[Fit], bool]:
    """Find the minima of the reduced cost that may be global.

    Parameters
    ----------
    problem
        Inputs and targets that are not all 0.
    moments
        Those of the same data.

    Returns
    -------
    fits
        With finite costs.
    is_flat
        Whether the reduced cost is the same everywhere. Then the fits are examples.
    """
    reduced = ReducedCost.from_moments(problem, moments)
    evaluations = reduced.evaluate_grid()
    if _is_flat(problem, reduced, evaluations):
        inside = evaluations.at(np.abs(evaluations.u) <= 1.0)
        points = SIMPLE_POINTS + inside.points(inside.noise == np.nanmin(inside.noise))[:1]
        return [*map(problem.fit, points), *_fits(problem, points, [])], True
    narrow = _power_minima(reduced, evaluations)
    roots = [point for point in narrow if reduced.vanishes(point)]
    evaluations = _refine_grid(reduced, evaluations, narrow)
    limits = [fit for fit in map(problem.fit, roots) if fit.is_limit]
    candidates = _lowest_points(reduced, evaluations) + roots
    return limits + _fits(problem, candidates, [fit.point for fit in limits]), False


def _fits(problem: FitProblem, candidates: list[Point], limits: list[Point]) -> list[Fit]:
    """Return the minima near the candidates, computed from the data, that are not at a limit."""
    fits: list[Fit] = []
    for point in candidates:
        if not _is_near(point, limits + [fit.point for fit in fits]):
            fits += problem.minima(point)
    finite = [fit for fit in fits if isfinite(fit.cost + fit.magnitude)]
    return [fit for fit in finite if not _is_near(fit.point, limits)]


def _is_near(point: Point, others: list[Point]) -> bool:
    return any(each.distance(point) < SAME_POINT * abs(point.u) for each in others)


def _is_flat(problem: FitProblem, reduced: ReducedCost, evaluations: Evaluations) -> bool:
    """Return whether the reduced cost is the same everywhere."""
    cost, bound = evaluations.cost, 2.0 * evaluations.noise + FLAT_ATOL * reduced.target_square
    if not np.fmax.reduce(cost - bound) <= np.fmin.reduce(cost + bound):
        return False
    # A large state may hide lower costs, but not where all sequences have the same output.
    is_known = problem.initial_state == 0.0 or bool(np.isfinite(cost).all())
    return is_known or not np.ptp(problem.inputs, axis=0).any()


def _power_minima(reduced: ReducedCost, evaluations: Evaluations) -> list[Point]:
    """Return where the mean of p_i² has a minimum narrower than the gaps of the grid.

    There the direction of the p_i, and with it the cost, may turn within less than a gap.
    """
    a, slope, *_ = evaluations.values
    gaps, low = find_turns(evaluations.u, a, slope)
    h = np.diff(evaluations.u)[gaps]
    narrow = gaps[low < 2.0 * h * np.diff(slope)[gaps]]
    return find_roots(reduced.power_slope, evaluations, narrow, slope)


def _lowest_points(reduced: ReducedCost, evaluations: Evaluations) -> list[Point]:
    """Return stationary and special points whose cost may be the lowest."""
    best = float(np.fmin.reduce(evaluations.cost))
    gaps, low = find_turns(evaluations.u, evaluations.cost, evaluations.slope)
    enough = best + DEPTH * max(reduced.target_square - best, 0.0)
    roots = find_roots(reduced.slope, evaluations, gaps[low <= enough], evaluations.slope)
    # A root of the slope may be a number of six digits, up to rounding.
    simple = [Point.at(round_if_close(root.w_rec, SIMPLE_RTOL)) for root in roots]
    stationary = reduced.evaluate_points(simple)
    # The lowest point may be beside a minimum where moments have no digits.
    size = np.abs(evaluations.u)
    special = (size == 0.0) | ((size == 1.0) & np.isfinite(evaluations.cost))
    special[np.flatnonzero((evaluations.cost == best) & (size <= 1.0))[:1]] = True
    points = stationary.joined(evaluations.at(special))
    limit = min(float(np.fmin.reduce(each.cost + each.noise)) for each in (evaluations, points))
    limit += COST_RTOL * reduced.target_square
    # Where moments have no digits, because parts of them underflowed, the data decide.
    return points.points(~(points.cost - points.noise > limit))


def _refine_grid(reduced: ReducedCost, start: Evaluations, narrow: list[Point]) -> Evaluations:
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
    best = float(np.nanmin(start.cost, initial=reduced.target_square))
    if narrow:
        points = reduced.evaluate_points(narrow)
        # A point without digits would hide a minimum beside it.
        start = start.merged(points.at(np.isfinite(points.cost)))
    left, middle, right = start.at(slice(-2)), start.at(slice(1, -1)), start.at(slice(2, None))
    doubtful = _differs(left, middle, right, best, reduced.target_square)
    if narrow:
        doubtful |= np.isin(middle.u, [point.u for point in narrow])
    doubtful &= left.chart == right.chart
    gaps = np.flatnonzero(np.append(doubtful, False) | np.append(False, doubtful))
    left, right = start.at(gaps), start.at(gaps + 1)
    found, count = [start], len(start.u)
    while len(left.u) and count <= MAX_POINTS:
        middle = reduced.evaluate(left.chart, 0.5 * (left.u + right.u))
        found.append(middle)
        count += len(middle.u)
        doubtful = _differs(left, middle, right, best, reduced.target_square)
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
