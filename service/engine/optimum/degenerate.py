"""Data whose optimum needs no search.

Each function returns the optimum in closed form for the data that its name says.
"""

from dataclasses import replace

import numpy as np

from service.engine.data import Moments
from service.engine.optimum.initial_state import meet_at_nonzero
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import FitProblem, round_if_close
from service.engine.optimum.result import Optimum, optimum_of_fit
from service.engine.optimum.tolerances import COST_RTOL
from service.engine.types import Array, Weights

USED_RTOL = 1e-6  # p at the chosen w_rec must exceed this part of the largest input
EQUAL_ATOL = 1e-28  # costs this far below the sum of the squared targets are rounding errors


def without_inputs(targets: Array, initial_state: float, n_steps: int) -> Optimum:
    """Minimize the mean of (s0 w^T - t)², where all inputs are 0."""
    problem = FitProblem(np.zeros((len(targets), 1)), targets, n_steps - 1, n_steps, initial_state)
    if initial_state == 0.0:
        return _optimum_at(problem, 0.0, 1.0)
    return _optimum_at(problem, 0.0, _state_root(problem) or 0.0)


def without_targets(problem: FitProblem, moments: Moments) -> Optimum:
    """Return a cost of 0, where all targets are 0: that of a network that forgets everything."""
    if problem.initial_state == 0.0:
        return Optimum.at(Weights(0.0, 1.0), 0.0, unique=False)
    # Any w_in will do at w_rec = 0 if no last input counts; elsewhere all outputs may cancel.
    counts = problem.first_power == 0 and bool(problem.inputs[:, -1].any())
    unique = counts and not has_equal_inputs(problem) and not meet_at_nonzero(problem, moments)
    return Optimum.at(Weights(0.0, 0.0), 0.0, unique=unique)


def has_equal_inputs(problem: FitProblem) -> bool:
    """Return whether all sequences are equal."""
    first, last = problem.inputs[0], problem.inputs[-1]
    return np.array_equal(first, last) and not np.ptp(problem.inputs, axis=0).any()


def with_equal_inputs(problem: FitProblem) -> Optimum:
    """Fit the mean target, where all sequences are equal and so are all outputs."""
    largest = USED_RTOL * float(np.abs(problem.inputs[0]).max())
    one = replace(problem, inputs=problem.inputs[:1])
    places = (1.0, -1.0, 0.5, 2.0, -0.5, -2.0, *np.geomspace(0.75, 1.25, 4001).tolist())
    w_rec = next((w for w in places if abs(one.values(Point.at(w))[0]) > largest), places[-1])
    found = optimum_of_fit(problem, problem.fit(Point.at(w_rec)))[0]
    if problem.initial_state != 0.0:
        # Beside a large state the targets have few digits: a small state is better there.
        enough = found.cost - COST_RTOL * found.cost
        enough -= EQUAL_ATOL * float(problem.targets @ problem.targets)
        others = [other for other in _with_small_state(problem) if other.cost < enough]
        found = min(others, key=lambda other: other.cost, default=found)
    return replace(found, unique=False)


def _with_small_state(problem: FitProblem) -> list[Optimum]:
    """Fit equal sequences where the initial state has become as small as the mean target."""
    root = _state_root(problem)
    found = [] if root is None else [_optimum_at(problem, 0.0, root)]
    size = abs(float(np.mean(problem.targets)) / problem.initial_state) ** (1.0 / problem.n_steps)
    for w_rec in (0.0, size, -size, 0.5 * size, -0.5 * size):
        fit = problem.fit(Point.at(w_rec))
        if fit.scale != 0.0 and (w_rec != 0.0 or problem.first_power == 0):
            found.append(optimum_of_fit(problem, fit)[0])
    return found


def _state_root(problem: FitProblem) -> float | None:
    """Return the w_rec at which s0 w_rec^T is the mean target, if there is one."""
    ratio = float(np.mean(problem.targets)) / problem.initial_state
    if ratio < 0.0 and problem.n_steps % 2 == 0:
        return None
    return round_if_close(float(np.sign(ratio)) * abs(ratio) ** (1.0 / problem.n_steps))


def with_one_step(problem: FitProblem) -> Optimum:
    """Fit both weights of outputs w_in x + s0 w_rec by a straight line."""
    x, s0 = problem.inputs[:, 0], problem.initial_state
    mean, middle = float(np.mean(problem.targets)), float(np.mean(x))
    x = x - middle
    w_in = round_if_close(float(x @ (problem.targets - mean) / (x @ x)))
    return _optimum_at(problem, w_in, round_if_close((mean - w_in * middle) / s0), unique=True)


def _optimum_at(problem: FitProblem, w_in: float, w_rec: float, *, unique: bool = False) -> Optimum:
    weights, fit = problem.refine(Weights(w_in, w_rec))
    return Optimum.at(weights, fit.cost, unique=unique)
