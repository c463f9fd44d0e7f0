"""Seasons that fit clearly better than none."""

import numpy as np

from service.engine.fit import constants
from service.engine.fit.checks import Finding
from service.engine.fit.criterion import Criterion
from service.engine.fit.problem import FitProblem, shorten
from service.engine.fit.several import PoleSearch
from service.engine.fit.solution import Solution
from service.engine.fit.structures import Alternative, find_least_gain
from service.engine.profile import make_grid


def find_season(problem: FitProblem) -> Alternative | None:
    """Return the fit with the shortest season that no longer one beats, if it is clearly better.

    Parameters
    ----------
    problem
        A fit without a season.

    Returns
    -------
    Alternative or None
        The season has a usual period of the unit of the steps, at least three of which are
        recorded, and passes an F test with ar1 noise.
    """
    short = shorten(problem, constants.ENOUGH_TARGETS)
    before = _search(short.vary(noise="ar1"))
    best = before
    period = 0
    for length in _list_periods(problem):
        options = {"season": (length, min(length // 2, constants.MAX_HARMONICS))}
        other = _search(short.vary(noise="ar1", **options))
        if _is_better(before, other) and _is_better(best, other):
            best = other
            period = length
    if best is before:
        return None
    gain = before.minus_two_log_likelihood - best.minus_two_log_likelihood
    options = {"season": (period, min(period // 2, constants.MAX_HARMONICS))}
    finding = Finding("season_advised", lag=period, value=gain)
    return Alternative(finding, options, Solution(problem.vary(**options)))


def _search(problem: FitProblem) -> Solution:
    """Return the fit with the best w_rec of a coarse grid, which suffices to compare."""
    criterion = Criterion(problem)
    if problem.n_states > 1:
        poles = PoleSearch(criterion).coarse.poles[0].tolist()
        return Solution(problem, (poles, [[]] * problem.n_states))
    n_steps = problem.targets.shape[1]
    at = criterion.evaluate(make_grid(n_steps, *problem.options.w_rec, constants.COARSE_GAPS))
    return Solution(problem, ([float(at.w[np.argmin(at.cost)])], [[]]))


def _list_periods(problem: FitProblem) -> list[int]:
    """Return the periods to try, in steps, in order."""
    step = problem.record.step
    usual = constants.PERIODS.get(step.unit.lower().rstrip("s"), constants.PERIODS["step"])
    periods = [period / step.length for period in usual]
    longest = int(problem.lengths.max(initial=0)) // constants.LEAST_PERIODS
    return [round(each) for each in periods if each.is_integer() and 2 <= each <= longest]


def _is_better(smaller: Solution, larger: Solution) -> bool:
    """Return True if the further unknowns of a larger fit pass the F test."""
    if larger.degrees_of_freedom <= 0:
        return False
    n_unknowns = max(larger.criterion.n_parameters - smaller.criterion.n_parameters, 1)
    gain = smaller.minus_two_log_likelihood - larger.minus_two_log_likelihood
    return gain > find_least_gain(larger, constants.COMPLEX_ALPHA, n_unknowns)
