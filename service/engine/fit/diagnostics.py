"""Goodness of fit, tests of the residuals, and whether the interval can be trusted."""

import math
from typing import Final

import numpy as np

from service.engine.fit.search import Interval, Solution
from service.engine.types import Array

ENOUGH_TARGETS: Final = 30  # with fewer targets, no test detects dependent residuals
# The most lags of the Ljung-Box test; there are at most a fifth as many lags as targets.
MAX_LAGS: Final = 10
# With a larger condition number, fewer than half of the digits of the weights are correct.
COLLINEAR: Final = 1e8
MAX_AUTOCORRELATION: Final = 0.99  # limits the factor by which an interval is widened


class Quality:
    """Goodness of fit, and tests whether the residuals (N, T) are independent; nan where undefined.

    The tests are those of Ljung and Box, Biometrika 65 (1978), 297-303, and of Durbin and Watson,
    Biometrika 37 (1950), 409-428.
    """

    def __init__(self, solution: Solution, residuals: Array) -> None:
        from scipy.special import chdtrc  # noqa: PLC0415 - takes long to import

        problem, cost = solution.problem, solution.cost
        n, n_unknowns, rho = problem.n_targets, problem.n_unknowns, problem.rho
        residuals = residuals / problem.unit  # squares of data may underflow or overflow
        variance = float(np.nanvar(problem.targets / problem.unit)) or math.nan
        self.r_squared = 1.0 - float(np.nanmean(residuals**2)) / variance
        log_likelihood = n * math.log(cost) if cost > 0.0 else -math.inf
        self.aic = log_likelihood + 2.0 * n_unknowns
        self.bic = log_likelihood + math.log(n) * n_unknowns
        noise = residuals if rho is None else residuals[:, 1:] - rho * residuals[:, :-1]
        n_lags = max(1, min(MAX_LAGS, n // 5))
        products = [noise[:, lag:] * noise[:, :-lag] for lag in range(1, n_lags + 1)]
        pairs = np.array([np.count_nonzero(~np.isnan(product)) for product in products])
        sums = np.array([np.nansum(product) for product in products])
        self.n_pairs = int(pairs[0])  # of neighboring residuals
        has_noise = cost > 0.0 and self.n_pairs > 0  # rather than rounding errors
        total = float(np.nansum(noise**2)) if has_noise else math.nan
        correlations = sums / total * n / np.maximum(pairs, 1)
        self.autocorrelation = float(correlations[0])
        squares = np.sum(pairs * (n + 2.0) / n * correlations**2)
        self.ljung_box_p = float(chdtrc(n_lags, squares))
        self.durbin_watson = float(np.nansum(np.diff(noise, axis=1) ** 2)) / total


class Trust:
    """Whether the interval of w_rec can be trusted, why not, and a wider interval.

    ``condition`` is the condition number of the columns at the optimum; ``offset_pieces`` is the
    interval of the same fit with an offset, empty if there is none.
    """

    def __init__(
        self, solution: Solution, condition: float, quality: Quality, offset_pieces: list[Interval]
    ) -> None:
        pieces, cost, (low, high) = solution.pieces, solution.cost, solution.problem.options.w_rec
        size = abs(float(np.nan_to_num(quality.autocorrelation)))
        has_enough = solution.problem.n_targets >= ENOUGH_TARGETS
        if any(piece.low <= solution.w <= piece.high for piece in offset_pieces):
            offset_pieces = []
        doubts = {
            "residuals_autocorrelated": has_enough and size > 2.0 / math.sqrt(quality.n_pairs or 1),
            "nearly_collinear": condition > COLLINEAR,
            "not_identifiable": not solution.is_identifiable,
            "no_degrees_of_freedom": solution.degrees_of_freedom <= 0,
            "offset_advised": bool(offset_pieces),
        }
        cautions = {
            "too_few_to_tell": not has_enough,
            "interval_open": pieces[0].low <= low or pieces[-1].high >= high,
            "several_pieces": len(pieces) > 1,
        }
        self.reasons = [reason for reason, holds in (doubts | cautions).items() if holds]
        self.interval, self.widened = not any(doubts.values()), None
        if not self.interval:
            # n autocorrelated targets are worth about n (1 - rho) / (1 + rho) independent ones.
            rho = min(size, MAX_AUTOCORRELATION)
            level = cost + (solution.level - cost) * (1.0 + rho) / (1.0 - rho)
            self.widened = unite(solution.pieces_below(level) + offset_pieces)


def unite(pieces: list[Interval]) -> list[Interval]:
    """Return the union of intervals, in order."""
    union: list[Interval] = []
    for piece in sorted(pieces):
        if union and piece.low <= union[-1].high:
            union[-1] = Interval(union[-1].low, max(union[-1].high, piece.high))
        else:
            union.append(piece)
    return union
