"""Candidates where the inputs cancel an initial state that dwarfs the targets.

With p the vector of all p_i and 1 that of ones, w_in p - (t - s0 w^T 1) can be small for a large
s0 w^T only where p is nearly parallel to 1: where the spread of the p_i about their mean has a
minimum. Moments have no digits of the cost left there, but they have digits of the spread.
"""

from dataclasses import replace

import numpy as np

from service.engine.arithmetic import EPSILON
from service.engine.data import Moments
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import FitProblem
from service.engine.optimum.variable_projection import Evaluations, ReducedCost, find_root
from service.engine.types import Array

FAR_OCTAVES = 20  # a w_rec further than this from 1 needs a search in units of its own
LARGE = 30.0  # state over targets: below, the grid of the cost shows every minimum
DEEP = 16.0  # the square over that of the targets that a canceled state may leave
PERFECT_ATOL = 1e-27  # the cost that rounding leaves of a perfect fit
DROWNED = 1e16  # state over targets: beyond, no float weights come near the targets


def canceling_points(
    problem: FitProblem, reduced: ReducedCost, evaluations: Evaluations
) -> list[Point]:
    """Return candidates for the minimum where the state is large and may be canceled.

    Parameters
    ----------
    problem
        With an initial state other than 0.
    evaluations
        Of the same reduced cost, sorted.
    """
    log_ratio = np.log(abs(problem.initial_state)) - 0.5 * np.log(reduced.scale)
    power = problem.n_steps * (1 - 2 * evaluations.chart)
    found = _spread_minima(
        problem, reduced, evaluations, log_ratio + power * np.log(np.abs(evaluations.u))
    )
    candidates = [point for point in found if abs(point.u) > 2.0**-FAR_OCTAVES]
    candidates += _beside_constants(problem)
    size = np.sqrt(reduced.scale)
    return [point for point in candidates if size < abs(problem.state(point)) < DROWNED * size]


def meet_at_nonzero(problem: FitProblem, moments: Moments) -> bool:
    """Return whether all p_i are equal and not 0 at some w_rec other than 0.

    Parameters
    ----------
    problem
        With an initial state other than 0 and targets that are all 0: the best fit is perfect
        exactly where all p_i are equal.
    """
    reduced = ReducedCost.from_moments(
        moments, problem.initial_state, problem.first_power, problem.last_power
    )
    evaluations = reduced.evaluate_grid(problem.grid_density)
    log_state = np.full(len(evaluations.u), np.log(LARGE))
    for point in _spread_minima(problem, reduced, evaluations, log_state):
        fit = problem.fit(point)
        rounding = PERFECT_ATOL * fit.magnitude + fit.curvature * (8.0 * EPSILON * point.u) ** 2
        if point.u != 0.0 and fit.cost <= rounding:
            return True
    return False


def _spread_minima(
    problem: FitProblem, reduced: ReducedCost, evaluations: Evaluations, log_state: Array
) -> list[Point]:
    """Return the minima of the spread that are low enough for the state there.

    Parameters
    ----------
    log_state : (G,)
        The logarithm of the state over the targets.
    """
    centered = replace(problem, inputs=problem.inputs - problem.inputs.mean(axis=0))
    gaps = _spread_gaps(evaluations, log_state)
    roots = [find_root(reduced.spread_slope, *evaluations.gap(j)) for j in gaps]
    return [centered.nearest_root(root) for root in roots]


def _spread_gaps(evaluations: Evaluations, log_state: Array) -> list[int]:
    """Return the gaps with a minimum of the spread low enough for the state there."""
    u, h = evaluations.u, np.diff(evaluations.u)
    a, a_slope, _, _, _, _, e, e_slope, *_ = evaluations.values
    spread = np.maximum(e / a, 0.0)
    slope = (e_slope * a - e * a_slope) / (a * a)
    # Where the charts meet rounding must not hide a minimum from both.
    slope = np.where(u == -1.0, np.minimum(slope, 0.0), slope)
    slope = np.where(u == 1.0, np.maximum(slope, 0.0), slope)
    turning = (slope[:-1] <= 0.0) & (slope[1:] >= 0.0) & (h > 0.0)
    # The tangents at both ends bound the minimum from below.
    low = np.minimum(spread[:-1] + 0.5 * slope[:-1] * h, spread[1:] - 0.5 * slope[1:] * h)
    smaller = np.minimum(log_state[:-1], log_state[1:])
    larger = np.maximum(log_state[:-1], log_state[1:])
    deep = np.log(np.maximum(low, 0.0)) + 2.0 * smaller <= np.log(DEEP)
    matters = (larger >= np.log(LARGE)) & (smaller <= np.log(DROWNED))
    found: list[int] = np.flatnonzero(turning & deep & matters).tolist()
    return found


def _beside_constants(problem: FitProblem) -> list[Point]:
    """Return candidates where columns that are the same for all sequences cancel the state.

    With k such columns at one end, w_rec near 0 or infinity, the inputs differ first by the next
    column q, which then counts as -s0 w_rec^(T ± k) q / c, where c is the first column's number.
    """
    found = []
    targets = problem.targets - np.mean(problem.targets)
    for columns, sign in ((problem.inputs.T[::-1], 1), (problem.inputs.T, -1)):
        k = next((k for k, column in enumerate(columns) if np.ptp(column) != 0.0), 0)
        q = columns[k] - np.mean(columns[k])
        square = float(q @ q)
        if k == 0 or square == 0.0:
            continue
        power = problem.n_steps + sign * k
        ratio = -float(q @ targets) / square * float(columns[0, 0]) / problem.initial_state
        size = abs(ratio) ** (1.0 / power)
        found += [
            Point.at(w_rec)
            for w_rec in (size, -size)
            if (abs(w_rec) <= 1.0) == (sign == 1) and np.sign(w_rec) ** power == np.sign(ratio)
        ]
    return found
