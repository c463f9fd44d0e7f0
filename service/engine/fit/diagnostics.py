"""Goodness of fit, tests of the residuals, and whether the interval can be trusted."""

import math
from typing import Final, NamedTuple

import numpy as np

from service.engine.fit.search import Interval, Solution
from service.engine.fit.uncertainty import Region
from service.engine.types import Array

ENOUGH_TARGETS: Final = 30  # with fewer targets, no test detects dependent residuals
# The most lags of the Ljung-Box test; there are at most a fifth as many lags as targets.
MAX_LAGS: Final = 10
# With a larger condition number, fewer than half of the digits of the weights are correct.
COLLINEAR: Final = 1e8
MAX_AUTOCORRELATION: Final = 0.99  # limits the factor by which an interval is widened


class Quality(NamedTuple):
    """Goodness of fit and tests of the residuals; nan where undefined."""

    r_squared: float
    aic: float
    bic: float
    autocorrelation: float
    n_pairs: int  # of neighboring residuals
    ljung_box_p: float
    durbin_watson: float


def assess_quality(solution: Solution, residuals: Array) -> Quality:
    """Return the goodness of fit, and tests whether the residuals (N, T) are independent.

    References
    ----------
    G. M. Ljung and G. E. P. Box, "On a measure of lack of fit in time series models", Biometrika 65
    (1978), 297-303. J. Durbin and G. S. Watson, "Testing for serial correlation in least squares
    regression I", Biometrika 37 (1950), 409-428.
    """
    from scipy.special import chdtrc  # noqa: PLC0415 - takes long to import

    problem, cost = solution.reduced_cost.problem, solution.mean_cost
    n, n_unknowns, rho = problem.n_targets, problem.n_unknowns, problem.rho
    unit = solution.reduced_cost.unit  # squares of data may underflow or overflow
    around_mean = float(np.nanvar(problem.targets / unit)) * np.count_nonzero(~np.isnan(residuals))
    residuals = residuals / unit
    unexplained = float(np.nansum(residuals**2))
    log_likelihood = n * math.log(cost) if cost > 0.0 else -math.inf
    noise = residuals if rho is None else residuals[:, 1:] - rho * residuals[:, :-1]
    total = float(np.nansum(noise**2)) if cost > 0.0 else math.nan  # of rounding errors
    n_lags = max(1, min(MAX_LAGS, n // 5))
    products = [noise[:, lag:] * noise[:, :-lag] for lag in range(1, n_lags + 1)]
    pairs = np.array([np.count_nonzero(~np.isnan(product)) for product in products])
    sums = np.array([np.nansum(product) for product in products])
    correlations = sums / total * n / np.maximum(pairs, 1)
    p_value = float(chdtrc(n_lags, np.sum(pairs * (n + 2.0) / n * correlations**2)))
    durbin_watson = float(np.nansum(np.diff(noise, axis=1) ** 2)) / total
    has_pairs = pairs[0] > 0
    return Quality(
        1.0 - unexplained / around_mean if around_mean > 0.0 else math.nan,
        log_likelihood + 2.0 * n_unknowns,
        log_likelihood + math.log(n) * n_unknowns,
        float(correlations[0]) if has_pairs else math.nan,
        int(pairs[0]),
        p_value if has_pairs else math.nan,
        durbin_watson if has_pairs else math.nan,
    )


class Trust(NamedTuple):
    """Whether the interval of w_rec can be trusted, why not, and a wider interval."""

    interval: bool
    reasons: list[str]
    widened: list[Interval] | None


def assess_trust(
    solution: Solution, region: Region, quality: Quality, offset_pieces: list[Interval]
) -> Trust:
    """Return whether the interval of w_rec can be trusted.

    ``offset_pieces`` is the interval of the same fit with an offset; empty if there is none.
    """
    problem, pieces = solution.reduced_cost.problem, region.pieces
    low, high = problem.options.w_rec
    size = abs(float(np.nan_to_num(quality.autocorrelation)))
    has_enough = problem.n_targets >= ENOUGH_TARGETS
    if any(piece.low <= solution.w <= piece.high for piece in offset_pieces):
        offset_pieces = []
    doubts = {
        "residuals_autocorrelated": has_enough and size > 2.0 / math.sqrt(quality.n_pairs or 1),
        "nearly_collinear": float(region.best.condition[0]) > COLLINEAR,
        "not_identifiable": not is_identifiable(solution, region),
        "no_degrees_of_freedom": solution.degrees_of_freedom <= 0,
        "offset_advised": bool(offset_pieces),
    }
    cautions = {
        "too_few_to_tell": not has_enough,
        "interval_open": pieces[0].low <= low or pieces[-1].high >= high,
        "several_pieces": len(pieces) > 1,
    }
    reasons = [reason for reason, holds in (doubts | cautions).items() if holds]
    if not any(doubts.values()):
        return Trust(True, reasons, None)
    if doubts["not_identifiable"] or doubts["no_degrees_of_freedom"]:
        return Trust(False, reasons, [Interval(low, high)])
    # n autocorrelated targets are worth about n (1 - rho) / (1 + rho) independent ones.
    rho, cost = min(size, MAX_AUTOCORRELATION), solution.minima[0].cost
    level = cost + (region.level - cost) * (1.0 + rho) / (1.0 - rho)
    return Trust(False, reasons, unite(solution.pieces_below(level) + offset_pieces))


def is_identifiable(solution: Solution, region: Region) -> bool:
    """Return whether the targets exclude any w_rec of the range."""
    has_all = region.pieces == [solution.reduced_cost.problem.options.w_rec]
    return solution.varies and not (solution.degrees_of_freedom > 0 and has_all)


def unite(pieces: list[Interval]) -> list[Interval]:
    """Return the union of intervals, in order."""
    union: list[Interval] = []
    for low, high in sorted(pieces):
        if union and low <= union[-1].high:
            union[-1] = Interval(union[-1].low, max(high, union[-1].high))
        else:
            union.append(Interval(low, high))
    return union
