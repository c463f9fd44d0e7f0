"""Effects that come later than the delays that were tried."""

import math

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.findings import Alternative, Finding, find_rare
from service.engine.fit.judge.residuals import simulate_residuals
from service.engine.fit.judge.structures import find_longest_delay, turns_effect
from service.engine.fit.model import FitProblem, recur, shorten
from service.engine.fit.solve import Solution
from service.engine.types import Array


def find_late_effect(solution: Solution, colored: Solution) -> list[Alternative]:
    """Scan the residuals for inputs that act later than the delays that were tried.

    Parameters
    ----------
    solution
        The fit.
    colored
        The same with ar1 noise: that of white noise would follow any slow input.

    Returns
    -------
    alternatives
        The fit with the delay of such an effect, if there is one that is better than every delay
        that was tried, and keeps the signs of the effects that are detected there. An input that
        oscillates correlates with the residuals half a period later, too.
    """
    problem = shorten(colored.problem, constants.ENOUGH_TARGETS)
    short = colored if problem is colored.problem else Solution(problem)
    finding = _scan(short) if short.can_judge else None
    if finding is None or finding.lag is None:
        return []
    earliest = max(_find_first(problem), finding.lag - constants.LATE_MARGIN)
    last = finding.lag + constants.LATE_MARGIN
    usual = {*range(find_longest_delay(problem) + 1), problem.delay}
    tried, later = (
        [Solution(problem.vary(delay=(delay, last)), is_coarse=True) for delay in delays]
        for delays in (sorted(usual), range(earliest, last + 1))
    )
    if later[0].n_targets <= later[0].problem.n_unknowns:
        return []
    before, after = (min(fits, key=lambda other: other.lowest) for fits in (tried, later))
    level = constants.EFFECT_ALPHA / len(tried)
    if before.lowest <= after.lowest or turns_effect(before, after, level):
        return []
    best = after.problem.delay
    finding = finding._replace(lag=best)
    changes = {"delay": (best, best)}
    return [Alternative(finding, changes, solution.vary(**changes))]


def _find_first(problem: FitProblem) -> int:
    """Return the first delay that was not tried."""
    return max(problem.delay, find_longest_delay(problem)) + 1


def _scan(colored: Solution) -> Finding | None:
    """Return the finding, whose lag is that of the largest score."""
    problem = colored.problem
    sequences = problem.sequences
    inputs = sequences.inputs
    last = min(inputs.shape[1] // constants.LATE_STEPS_PER_LAG, constants.MAX_LATE_LAG)
    lags = range(_find_first(problem) - problem.delay, last + 1)
    if not lags:
        return None
    residuals = simulate_residuals(colored)
    responses = [recur(pole, inputs) for pole in constants.LATE_POLES]
    scores = []
    for lag in lags:
        rows = (np.pad(each, ((0, 0), (lag, 0), (0, 0)))[:, :-lag] for each in responses)
        scores.append(np.max([residuals.score(row[sequences.has_target]) for row in rows], axis=0))
    sizes: Array = np.array(scores)
    best, j = np.unravel_index(np.argmax(sizes[..., 0]), sizes.shape[:-1])
    value = float(sizes[best, j, 0]) / math.sqrt(len(residuals.values))
    delay = lags[int(best)] + problem.delay
    finding = Finding("acts_later", problem.series.input_names[j], delay, value)
    return find_rare(finding, sizes.max(axis=(0, 1)))
