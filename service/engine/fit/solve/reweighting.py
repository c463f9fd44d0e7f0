"""Errors with standard deviations proportional to the fitted values, by reweighting.

The sizes of the errors are the fitted values of the fit before, until they settle. The poles follow
to the nearest minimum while they do. Then all poles are searched with these sizes, and if another
minimum is the lowest, the sizes settle there. The weighted problem that results is like any other
(R. J. Carroll and D. Ruppert, Transformation and Weighting in Regression, Chapman and Hall (1988),
chapter 2).
"""

from collections.abc import Callable

import numpy as np

from service.engine.fit import constants
from service.engine.fit.model import FitProblem
from service.engine.fit.solve.criterion import Criterion
from service.engine.fit.solve.estimates import find_fitted
from service.engine.fit.solve.several import polish
from service.engine.fit.solve.solution import Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array


def settle(solution: Solution) -> Solution | None:
    """Return the fit whose errors are proportional to its own fitted values.

    Parameters
    ----------
    solution
        A fit. If its poles are given, they are kept.

    Returns
    -------
    Solution or None
        With the nearest poles, without a search. None if the sizes of the errors do not settle.
    """
    intervals = None if solution.given is None else solution.given[1]
    poles = np.array([solution.poles])
    bounds = _bound_poles(solution)
    is_damped = False
    rtol = constants.FLOOR_RTOL
    last = np.inf
    for i in range(constants.MAX_REFITS):
        check_interruption()
        problem = _resize(solution, is_damped=is_damped)
        ratios = problem.sequences.scales / solution.problem.sequences.scales
        change = float(np.max(np.abs(np.log(ratios))))
        if change <= constants.SIZE_RTOL and rtol == constants.POLISH_RTOL:
            return solution
        if i >= constants.FEW_REFITS and change > constants.LARGE_CHANGE:
            return None
        if change < constants.SMALL_CHANGE:
            rtol = constants.POLISH_RTOL
        poles = polish(Criterion(problem), poles, bounds, rtol).poles
        solution = Solution(problem, (poles[0].tolist(), intervals or []))
        is_damped |= change > 0.5 * last
        last = change
    return None


def _bound_poles(solution: Solution) -> tuple[Array, Array]:
    """Return the lowest and the highest poles (1, K), which are equal if they are given."""
    poles = np.array([solution.poles])
    if solution.given is not None:
        return poles, poles
    low, high = (np.full_like(poles, end) for end in solution.problem.options.w_rec)
    return low, high


def _resize(solution: Solution, *, is_damped: bool) -> FitProblem:
    """Return the problem with errors proportional to the fitted values.

    If sizes alternate, they are the geometric means of the old and the new ones.
    """
    problem = solution.problem
    values = np.abs(find_fitted(solution)[problem.padded.is_step])
    if is_damped and problem.fitted is not None:
        values = np.sqrt(values * np.abs(problem.fitted[problem.padded.rows_in_use]))
    fitted = np.full(len(problem.series.targets), np.mean(values))
    fitted[problem.padded.rows_in_use] = values
    return FitProblem(problem.record, problem.options, problem.delay, fitted)


def reweight(
    solution: Solution, search: Callable[[FitProblem], Solution] | None = None
) -> Solution | None:
    """Return the fit with errors proportional to its fitted values, if that is its option.

    Parameters
    ----------
    solution
        The fit with other sizes of errors.
    search
        Returns the best fit of a problem. By default, all poles are searched.

    Returns
    -------
    Solution or None
        The best fit of the weighted problem; None if the sizes of the errors do not settle.
    """
    if solution.problem.options.variance != "proportional":
        return solution
    for _ in range(constants.MAX_SEARCHES):
        settled = settle(solution)
        if settled is None:
            return None
        if search is None:
            solution = Solution(settled.problem, is_coarse=solution.is_coarse)
        else:
            solution = search(settled.problem)
        is_same = solution.problem.delay == settled.problem.delay
        distance = np.abs(np.sort(solution.poles) - np.sort(settled.poles)).max()
        if is_same and (solution.is_coarse or distance < constants.SAME_MINIMUM):
            return solution
    return None
