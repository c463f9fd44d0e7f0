"""Effects that come later than the delays that were tried."""

import math
from collections.abc import Sequence

import numpy as np

from service.engine.fit import constants
from service.engine.fit.checks import Finding, find_rare
from service.engine.fit.problem import FitProblem, shorten
from service.engine.fit.residuals import simulate_residuals
from service.engine.fit.sequences import recur
from service.engine.fit.solution import Solution
from service.engine.fit.structures import Alternative, find_longest_delay
from service.engine.types import Array


def find_late_effect(
    solution: Solution, colored: Solution, rivals: Sequence[int]
) -> list[Alternative]:
    """Scan the residuals for inputs that act later than the delays that were tried.

    Parameters
    ----------
    solution
        The fit.
    colored
        The same with ar1 noise: that of white noise would follow any slow input.
    rivals
        Delays that were tried, of which none may fit better: an input that oscillates correlates
        with the residuals one period later, too.

    Returns
    -------
    alternatives
        The fit with the delay of such an effect, if there is one.
    """
    problem = shorten(colored.problem, constants.ENOUGH_TARGETS)
    short = colored if problem is colored.problem else Solution(problem)
    finding = _scan(short) if short.can_judge else None
    if finding is None or finding.lag is None:
        return []
    earliest = max(_find_first(problem), finding.lag - constants.LATE_MARGIN)
    delays = [*range(earliest, finding.lag + constants.LATE_MARGIN + 1), *rivals]
    last = max(delays)
    others = [Solution(problem.vary(delay=(delay, last)), is_coarse=True) for delay in delays]
    if others[0].n_targets <= others[0].problem.n_unknowns:
        return []
    best = min(others, key=lambda other: other.lowest).problem.delay
    if best in rivals:
        return []
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
