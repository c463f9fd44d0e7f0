"""Candidates for the global minimum: stationary points of the reduced cost that are low enough.

The search evaluates polynomials only, so its time does not depend on the number of sequences. The
data decide only near roots that all p_i share, where moments have too few digits.
"""

from typing import NamedTuple

import numpy as np

from service.engine.data import Moments
from service.engine.optimum.grid import refine_grid
from service.engine.optimum.initial_state import canceling_points
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import FitProblem, round_if_close
from service.engine.optimum.tolerances import COST_RTOL
from service.engine.optimum.variable_projection import Evaluations, ReducedCost, find_root

VANISHING_RTOL = 1e-7  # a mean of p_i² below this part of its terms may be a root of all p_i
FLAT_ATOL = 1e-12  # costs that differ by less than this part of the mean squared target are equal
SHARP_ATOL = 1e-9  # the noise that a point may have which represents equal costs
BESIDE_ROOT = 0.1  # a larger distance from a root is not of first order
DEPTH = 0.1  # minima are rough: one so far above the best, relative to its depth, may be lower
SAME_POINT = 1e-6  # a special point closer to a stationary one adds nothing
ZERO_ATOL = 1e-12  # a u this close to 0 is 0
SIMPLE_RTOL = 1e-11  # the accuracy of roots of slopes


class Search(NamedTuple):
    """The result of a search.

    problem -- the data, every p_i divided by (u - root) for each root that all of them share.
    roots -- these roots.
    candidates -- points near which the minimum may lie.
    is_flat -- whether the reduced cost is the same everywhere; then there is one candidate.
    """

    problem: FitProblem
    roots: list[Point]
    candidates: list[Point]
    is_flat: bool


def search(problem: FitProblem, moments: Moments) -> Search:
    """Find the candidates for the global minimum of the reduced cost.

    Parameters
    ----------
    problem
        Inputs that are not all equal, targets that are not all 0.
    moments
        Those of all columns, the zero columns at either end included.
    """
    reduced = ReducedCost.from_moments(
        moments, problem.initial_state, problem.first_power, problem.last_power
    )
    roots: list[Point] = []
    while True:
        evaluations = refine_grid(reduced, reduced.evaluate_grid(problem.grid_density))
        flat = _flat_point(reduced, evaluations)
        if flat is not None:
            return Search(problem, roots, [flat], True)
        points = _power_minima(reduced, evaluations)
        minima = reduced.evaluate_points(points) if points else evaluations.at(slice(0))
        a, _, size, other_size, *_ = minima.values
        vanishing = a <= VANISHING_RTOL * np.maximum(size, other_size)
        nearest = [problem.nearest_root(point) for point in minima.points(vanishing)]
        root = next((point for point in nearest if problem.vanishes(point)), None)
        if root is None:
            break
        problem = problem.divided(root)
        roots.append(root)
        reduced = reduced.of_quotients(Moments.from_arrays(problem.inputs, problem.targets))
    if not vanishing.all():
        evaluations = refine_grid(reduced, evaluations, minima.at(~vanishing))
    candidates = _lowest_points(reduced, evaluations)
    candidates += [point for near in nearest for point in _points_beside_root(problem, near)]
    if problem.initial_state != 0.0:
        candidates += canceling_points(problem, reduced, evaluations)
    return Search(problem, roots, candidates, False)


def _flat_point(reduced: ReducedCost, evaluations: Evaluations) -> Point | None:
    """Return a well-conditioned point near |w_rec| = 1 if the reduced cost is constant."""
    known = np.isfinite(evaluations.cost)
    if not (known.all() if reduced.initial_state != 0.0 else known.any()):
        return None
    here = evaluations.at(known)
    bound = 2.0 * here.noise + FLAT_ATOL * reduced.scale
    if np.max(here.cost - bound) > np.min(here.cost + bound):
        return None
    sharp = here.noise <= max(SHARP_ATOL * reduced.scale, 4.0 * float(np.min(here.noise)))
    return min(here.points(sharp), key=Point.preference)


def _power_minima(reduced: ReducedCost, evaluations: Evaluations) -> list[Point]:
    """Return where the mean of p_i² has a minimum narrower than the gaps of the grid.

    There the direction of the p_i, and with it the cost, may turn within less than a gap.
    """
    a, slope, *_ = evaluations.values
    h = np.diff(evaluations.u)
    bend = np.diff(slope) / h
    # The tangents at both ends bound the minimum from below.
    low = np.minimum(a[:-1] + 0.5 * slope[:-1] * h, a[1:] - 0.5 * slope[1:] * h)
    turning = (slope[:-1] <= 0.0) & (slope[1:] >= 0.0) & (bend > 0.0)
    narrow = np.flatnonzero(turning & (low < 2.0 * bend * h * h)).tolist()
    return [find_root(reduced.power_slope, *evaluations.gap(j)) for j in narrow]


def _points_beside_root(problem: FitProblem, point: Point) -> list[Point]:
    """Return the stationary point next to a point at which all p_i are nearly 0.

    To first order in the distance δ the outputs are scale (p + δ p'), so least squares give δ.
    """
    columns = np.stack([problem.values(point), problem.values(point, 1)])
    sizes = np.linalg.norm(columns, axis=1)
    d = problem.targets - problem.state(point)
    along, across = (np.linalg.lstsq((columns / sizes[:, None]).T, d)[0] / sizes).tolist()
    return [point.moved(across / along)] if abs(across) < BESIDE_ROOT * abs(along) else []


def _lowest_points(reduced: ReducedCost, evaluations: Evaluations) -> list[Point]:
    """Return the stationary points whose cost may be the lowest, and special grid points."""
    stationary = reduced.evaluate_points(_stationary_points(reduced, evaluations))
    everything = evaluations.joined(stationary)
    limit = float(np.fmin.reduce(everything.cost + everything.noise)) + COST_RTOL * reduced.scale
    # Where moments have no digits, because parts of them underflowed, the data decide.
    points = stationary.points(~(stationary.cost - stationary.noise > limit))
    special = (evaluations.u == 0.0) | (np.abs(evaluations.u) == 1.0)
    special[np.where(np.isnan(evaluations.cost), np.inf, evaluations.cost).argmin()] = True
    for point in evaluations.points(special & ~(evaluations.cost - evaluations.noise > limit)):
        # Infinity and 0 count even beside a stationary point, which may be part of theirs.
        near = 0.0 if point.u == 0.0 else SAME_POINT
        if all(point.distance(other) > near for other in points):
            points.append(point)
    return points


def _stationary_points(reduced: ReducedCost, evaluations: Evaluations) -> list[Point]:
    """Return the minima between grid points, except those clearly above the best."""
    cost, slope = evaluations.cost, evaluations.slope
    h = np.diff(evaluations.u)
    best = float(np.fmin.reduce(cost))
    turning = np.flatnonzero((slope[:-1] < 0.0) & (slope[1:] > 0.0) & (h > 0.0))
    left, right, h = slope[turning], slope[turning + 1], h[turning]
    t = -left / (right - left)
    depth = h * np.maximum(-left * t, right * (1.0 - t))
    low = np.minimum(cost[turning], cost[turning + 1]) - depth
    chosen = turning[low <= best + DEPTH * max(reduced.scale - best, 0.0)].tolist()
    roots = [find_root(reduced.slope, *evaluations.gap(j)) for j in chosen]
    return [_rounded(point) for point in roots] + evaluations.points(slope == 0.0)


def _rounded(point: Point) -> Point:
    """Return the point of the w_rec of six digits that rounding may have meant, or the point."""
    if abs(point.u) < ZERO_ATOL:
        return Point(point.chart, 0.0)
    simple = round_if_close(point.w_rec, SIMPLE_RTOL)
    return Point(point.chart, simple if point.chart == 0 else 1.0 / simple)
