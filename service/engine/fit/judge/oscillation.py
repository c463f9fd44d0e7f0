"""Responses that oscillate, which two states with real poles approximate by equal poles.

The responses of two states with complex poles have the same columns as those with real ones: the
real part of the first state's, and the second state's, which is real.
"""

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.drift import find_lowest_at, find_p, find_squares
from service.engine.fit.judge.findings import Finding
from service.engine.fit.model import FitProblem, Responses, shorten, split
from service.engine.fit.solve import Solution
from service.engine.interruption import check_interruption
from service.engine.profile import make_grid
from service.engine.types import Array


def find_oscillation(solution: Solution) -> Finding | None:
    """Return the finding that a response that oscillates fits clearly better than equal poles.

    Parameters
    ----------
    solution
        A fit with two states on which the same inputs act.

    Returns
    -------
    Finding or None
        `oscillates`, with the period in steps. The gain in twice the logarithm of the likelihood
        exceeds ``MIN_GAIN``, also if a part of the errors does not last, and it passes an F test as
        if an oscillation had one more unknown.
    """
    if solution.degrees_of_freedom <= 1:
        return None
    problem = shorten(solution.problem, constants.ENOUGH_TARGETS)
    pole = _find_pole(problem, solution.rho)
    before = find_lowest_at(problem, np.array([solution.poles]))
    gain = before - find_lowest_at(problem, np.array([[pole, pole.conjugate()]]))
    p = find_p(gain, 1, solution)
    if gain <= constants.MIN_GAIN or p >= constants.COMPLEX_ALPHA:
        return None
    return Finding("oscillates", lag=round(2.0 * np.pi / float(np.angle(pole))), value=gain, p=p)


def _find_pole(problem: FitProblem, rho: float) -> complex:
    """Return the complex pole on a grid of radii and angles with the least squared residuals."""
    n_steps = problem.targets.shape[1]
    radii = make_grid(n_steps, 0.0, 1.0, constants.COARSE_GAPS)[1:]
    angles = np.pi * (1.0 - make_grid(n_steps, 0.0, 1.0)[:-1])
    poles = (radii[:, None] * np.exp(1j * angles)).ravel()
    squares = list[Array]()
    for block in split(len(poles), problem.sequences.sources.size):
        pairs = np.stack([poles[block], poles[block].conj()], axis=1)
        rows = Responses(problem.unknowns, pairs, problem.sequences).rows.real
        squares.append(find_squares(problem, problem.sequences.whiten(rows, rho)))
        check_interruption()
    return complex(poles[np.argmin(np.concatenate(squares))])
