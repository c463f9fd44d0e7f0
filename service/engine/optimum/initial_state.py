"""Candidates where the inputs cancel an initial state that dwarfs the targets.

With p the vector of all p_i and 1 that of ones, w_in p - (t - s0 w^T 1) can be small for a large
s0 w^T only where p is nearly parallel to 1: where the spread of the p_i about their mean has a
minimum. Moments have no digits of the cost left there, but they have digits of the spread.
"""

from dataclasses import replace

import numpy as np

from service.engine.optimum.point import Point
from service.engine.optimum.refinement import FitProblem
from service.engine.optimum.turning_points import find_roots, find_turns
from service.engine.optimum.variable_projection import Evaluations, ReducedCost

LARGE = 30.0  # state over targets: below, the grid of the cost shows every minimum
DROWNED = 1e16  # state over targets: beyond, no float weights come near the targets
DEEP = 16.0  # the square over that of the targets that a canceled state may leave


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
    power = problem.n_steps * (1 - 2 * evaluations.chart)
    log_state = np.log(abs(problem.initial_state)) - 0.5 * np.log(reduced.target_square)
    log_state = log_state + power * np.log(np.abs(evaluations.u))
    spread, slope = reduced.spread(evaluations.values)
    gaps, low = find_turns(evaluations.u, spread, slope)
    smaller = np.minimum(log_state[gaps], log_state[gaps + 1])
    larger = np.maximum(log_state[gaps], log_state[gaps + 1])
    deep = np.log(np.maximum(low, 0.0)) + 2.0 * smaller <= np.log(DEEP)
    gaps = gaps[deep & (larger >= np.log(LARGE)) & (smaller <= np.log(DROWNED))]
    # There the inputs alone come close to outputs that are all 1.
    ones = replace(problem, targets=np.ones_like(problem.targets), initial_state=0.0)
    roots = find_roots(reduced.spread_slope, evaluations, gaps, slope)
    candidates = [ones.newton_refine(root).point for root in roots]
    candidates += _beside_constants(problem)
    size = np.sqrt(reduced.target_square)
    return [point for point in candidates if size < abs(problem.state(point)) < DROWNED * size]


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
