"""The gain of a larger model if a part of the errors does not last.

The errors are a first-order autoregression plus white noise, so that their whitened values are a
moving average: those of the noise model ARMA(1, 1). With `ar1` noise alone, a slow state imitates
the lasting part of such errors.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.model import FitProblem, Responses, recur
from service.engine.fit.solve import Solution
from service.engine.interruption import check_interruption
from service.engine.profile import make_grid
from service.engine.types import Array


def judge_gain_with_drift(
    smaller: Solution, larger: Solution, find_lowest: Callable[[Solution, bool], float]
) -> float:
    """Return the p-value of the gain of a larger fit, if a part of the errors does not last.

    Parameters
    ----------
    smaller, larger
        Fits to the same targets with `ar1` noise.
    find_lowest
        That of this module, or one that remembers its results.

    Returns
    -------
    p
        Of the F test as if the poles were known. The larger fit keeps its poles, and each pole of
        the smaller one is searched on a grid.
    """
    if larger.degrees_of_freedom <= 1:
        return 1.0
    n_more = max(larger.criterion.n_parameters - smaller.criterion.n_parameters, 1)
    return find_p(find_lowest(smaller, True) - find_lowest(larger, False), n_more, larger)


def find_p(gain: float, n_more: int, larger: Solution) -> float:
    """Return the p-value of a gain of a larger fit, by an F test with an unknown for the drift.

    Parameters
    ----------
    gain
        In twice the logarithm of the likelihood.
    n_more
        The number of further unknowns.
    larger
        The fit, which has at least two degrees of freedom.

    Returns
    -------
    p
        1 without a gain.
    """
    from scipy.special import fdtrc  # noqa: PLC0415 - takes long to import

    nu = larger.degrees_of_freedom - 1
    log_ratio = min(max(gain, 0.0) / larger.n_targets, constants.MAX_LOG_RATIO)
    return float(fdtrc(n_more, nu, math.expm1(log_ratio) * nu / n_more))


def _list_places(solution: Solution) -> Array:
    """Return the poles of a fit, and those with one of them on a grid: (W, K)."""
    problem = solution.problem
    n_steps = problem.targets.shape[1]
    grid = make_grid(n_steps, *problem.options.w_rec, constants.COARSE_GAPS)
    places = np.tile(solution.poles, (1 + problem.unknowns.n_states * len(grid), 1))
    for state, rows in enumerate(np.split(places[1:], problem.unknowns.n_states)):
        rows[:, state] = grid
    return places


def find_lowest(solution: Solution, has_grid: bool) -> float:
    """Return the least minus twice the logarithm of the likelihood of a fit with such errors.

    Parameters
    ----------
    solution
        The fit.
    has_grid
        True to search each of its poles on a grid.

    Returns
    -------
    float
        Up to a constant of the targets.
    """
    poles = _list_places(solution) if has_grid else np.array([solution.poles])
    return find_lowest_at(solution.problem, poles)


def find_lowest_at(problem: FitProblem, poles: NDArray[Any]) -> float:
    """Return the least minus twice the logarithm of the likelihood at some places.

    The white noise is searched on a grid. It is filtered as if all gaps were equal.

    Parameters
    ----------
    problem
        The unknowns.
    poles : (W, K)
        The places. A pair of complex poles stands for an oscillation.

    Returns
    -------
    float
        Up to a constant of the targets.
    """
    sequences = problem.sequences
    rows = Responses(problem.unknowns, poles, sequences).rows.real
    continues = np.append(~sequences.is_first[1:], False)
    lowest = math.inf
    for correlation in problem.correlations[problem.correlations >= 0.0].tolist():
        rho = correlation ** (1.0 / sequences.usual_gap)
        white = np.moveaxis(sequences.whiten(rows, rho), 1, 0)
        flat = white.reshape(1, problem.n_targets, -1)
        shares = [share * correlation * continues for share in constants.MOVING_AVERAGES]
        filtered = np.concatenate([recur(share, flat) for share in shares])
        filtered = filtered.reshape(-1, *white.shape)
        squares = find_squares(problem, np.moveaxis(filtered, 1, 2))
        log_v = float(sequences.log_determinant(np.array(rho)))
        lowest = min(lowest, problem.n_targets * math.log(float(np.min(squares))) + log_v)
        check_interruption()
    return lowest


def find_squares(problem: FitProblem, rows: Array) -> Array:
    """Return the sums of squared residuals of linear problems.

    Parameters
    ----------
    problem
        The unknowns.
    rows : (..., n, m + 1)
        The whitened columns and targets.

    Returns
    -------
    squares : (...)
        Positive.
    """
    rows = problem.sequences.eliminate(rows, problem.unknowns.n_own_columns).rest
    factors = np.linalg.qr(rows, mode="r")
    return np.asarray(np.maximum(factors[..., -1, -1] ** 2, constants.TINY))
