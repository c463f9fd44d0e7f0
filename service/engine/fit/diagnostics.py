"""Whether the residuals look like noise, how good the fit is, and whether to trust its interval."""

import math
from typing import Final, NamedTuple

import numpy as np

from service.engine.fit.search import Solution
from service.engine.fit.uncertainty import Region
from service.engine.types import Array

ENOUGH_TARGETS: Final = 30
"""With fewer targets no test finds a dependence of the residuals."""

MAX_LAGS: Final = 10
"""Of the Ljung-Box test, at most a fifth of the number of targets."""

COLLINEAR: Final = 1e8
"""Columns with a larger condition number leave fewer than half of the digits of the weights."""

MAX_AUTOCORRELATION: Final = 0.99
"""Bounds the factor by which an interval is widened."""


class Quality(NamedTuple):
    """How good a fit is, and whether its residuals look independent; see `Fit`."""

    r_squared: float
    aic: float
    bic: float
    autocorrelation: float
    n_pairs: int  # of neighboring residuals
    ljung_box_p: float
    durbin_watson: float


def assess_quality(solution: Solution, residuals: Array) -> Quality:
    """Return how good a fit is, and whether its residuals look independent.

    Parameters
    ----------
    residuals : (N, T)
        In the units of the data; nan where there is no target.

    References
    ----------
    G. M. Ljung and G. E. P. Box, "On a measure of lack of fit in time series models", Biometrika 65
    (1978), 297-303. J. Durbin and G. S. Watson, "Testing for serial correlation in least squares
    regression I", Biometrika 37 (1950), 409-428.
    """
    from scipy.special import chdtrc  # noqa: PLC0415 - takes long to import

    problem = solution.reduced_cost.problem
    n, rho = problem.n_targets, problem.rho
    unit = solution.reduced_cost.unit  # squares of data may underflow or overflow
    targets, residuals = problem.targets / unit, residuals / unit
    around_mean = float(np.nansum((targets - np.nanmean(targets)) ** 2))
    unexplained = float(np.nansum(residuals**2))
    r_squared = 1.0 - unexplained / around_mean if around_mean > 0.0 else math.nan
    log_likelihood = n * math.log(solution.mean_cost) if solution.mean_cost > 0.0 else -math.inf
    noise = residuals if rho is None else residuals[:, 1:] - rho * residuals[:, :-1]
    total = float(np.nansum(noise**2)) if solution.cost > 0.0 else math.inf  # of rounding errors
    n_lags = max(1, min(MAX_LAGS, n // 5))
    correlations, pairs = [math.nan], [0]
    for lag in range(1, min(n_lags, noise.shape[1] - 1) + 1):
        products = noise[:, lag:] * noise[:, :-lag]
        pairs.append(int(np.count_nonzero(~np.isnan(products))))
        correlations.append(float(np.nansum(products)) / total * n / max(pairs[-1], 1))
    has_pairs = len(pairs) > 1 and pairs[1] > 0 and solution.cost > 0.0
    weights = np.array(pairs[1:]) * (n + 2.0) / n
    portmanteau = float(np.sum(weights * np.array(correlations[1:]) ** 2))
    return Quality(
        r_squared,
        log_likelihood + 2.0 * problem.n_unknowns,
        log_likelihood + math.log(n) * problem.n_unknowns,
        correlations[1] if has_pairs else math.nan,
        pairs[1] if has_pairs else 0,
        float(chdtrc(n_lags, portmanteau)) if has_pairs else math.nan,
        float(np.nansum(np.diff(noise, axis=1) ** 2)) / total if has_pairs else math.nan,
    )


class Trust(NamedTuple):
    """Whether the interval of w_rec can be trusted, why not, and the pieces of a wider one."""

    interval: bool
    reasons: list[str]
    widened: list[tuple[float, float]] | None


def assess_trust(
    solution: Solution, region: Region, quality: Quality, with_offset: Region | None
) -> Trust:
    """Return whether the interval of w_rec can be trusted.

    Parameters
    ----------
    with_offset
        The region of the same fit with an offset; None if there is none to compare with.
    """
    low, high, pieces = solution.low, solution.high, region.pieces
    n_targets = solution.reduced_cost.problem.n_targets
    size = abs(float(np.nan_to_num(quality.autocorrelation)))
    has_enough, has_degrees = n_targets >= ENOUGH_TARGETS, solution.degrees_of_freedom > 0
    bound = 2.0 / math.sqrt(max(quality.n_pairs, 1))
    offset_pieces = []
    if with_offset is not None and not with_offset.contains(solution.w):
        offset_pieces = with_offset.pieces
    doubts = {
        "residuals_autocorrelated": has_enough and size > bound,
        "nearly_collinear": float(region.best.condition[0]) > COLLINEAR,
        "not_identifiable": not is_identifiable(solution, region),
        "no_degrees_of_freedom": not has_degrees,
        "offset_advised": bool(offset_pieces),
    }
    cautions = {
        "too_few_to_tell": not has_enough,
        "interval_open": pieces[0][0] <= low or pieces[-1][1] >= high,
        "several_pieces": len(pieces) > 1,
    }
    reasons = [reason for reason, holds in (doubts | cautions).items() if holds]
    if not any(doubts.values()):
        return Trust(True, reasons, None)
    if doubts["not_identifiable"] or doubts["no_degrees_of_freedom"]:
        return Trust(False, reasons, [(low, high)])
    # n targets with autocorrelation rho tell about as much as n (1 - rho) / (1 + rho) others.
    rho = min(size, MAX_AUTOCORRELATION)
    level = solution.cost + (region.level - solution.cost) * (1.0 + rho) / (1.0 - rho)
    return Trust(False, reasons, unite(solution.pieces_below(level) + offset_pieces))


def is_identifiable(solution: Solution, region: Region) -> bool:
    """Return whether the targets exclude any w_rec of the range."""
    has_all = region.pieces == [(solution.low, solution.high)]
    return solution.varies and not (solution.degrees_of_freedom > 0 and has_all)


def unite(pieces: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the union of intervals, in order."""
    union: list[tuple[float, float]] = []
    for low, high in sorted(pieces):
        if union and low <= union[-1][1]:
            union[-1] = (union[-1][0], max(high, union[-1][1]))
        else:
            union.append((low, high))
    return union
