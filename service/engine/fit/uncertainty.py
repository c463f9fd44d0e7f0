"""Profile intervals of all quantities, without a linear approximation, and their trustworthiness.

A w_rec belongs to its interval if r(w) <= r_min (1 + t²/nu), with the quantile t of Student's
distribution and nu degrees of freedom. With w given, a quantity that is linear in the weights has
an ordinary interval; its profile interval is the union of these over all w of the region.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from service.engine.fit.problem import Problem, Sequences, split
from service.engine.fit.reduced_cost import (
    Evaluation,
    evaluate,
    make_rows,
    share_of_start,
    split_starts,
)
from service.engine.fit.search import Solution
from service.engine.profile import Interval
from service.engine.types import Array

PLACES: Final = 65  # points sampled in each piece of the region
# A quantity is unknown if more of it lies in directions that the targets do not determine.
NULL_RTOL: Final = 1e-7
MIN_ROOM: Final = 1e-300  # replaces 0 in products with infinite errors
ENOUGH_TARGETS: Final = 30  # with fewer targets, tests seldom detect dependent residuals
# The most lags of the Ljung-Box test; there are at most a fifth as many lags as targets.
MAX_LAGS: Final = 10
# With a larger condition number, fewer than half of the digits of the weights are correct.
COLLINEAR: Final = 1e8
MAX_AUTOCORRELATION: Final = 0.99  # limits the factor by which an interval is widened

Quantity: TypeAlias = Callable[[Array, Sequences], tuple[Array, Array | float]]
"""M quantities per sequence at w (W, 1, 1): the factors (W, N, M, K + 1) of the weights and of -1,
and a scale (W, N, M) of the sum, which may be infinite at an end of a piece."""


@dataclass(eq=False, kw_only=True)
class FittedModel:
    """The parts of a fit from which predictions are made, with its series and options."""

    delay: int
    rho: float | None  # the autocorrelation of the noise; None for white noise
    w_rec: float
    intervals: list[Interval]  # the pieces of its interval, in order
    level: float  # the cost up to which a w_rec belongs to its interval; infinite if all do


class Region:
    """All w_rec that fit almost as well as the best one."""

    def __init__(self, problem: Problem, model: FittedModel) -> None:
        self.problem, self.pieces, self.level = problem, model.intervals, model.level
        self.best = evaluate(problem, np.array([model.w_rec]))
        # Dense near the ends of a piece, where the ordinary interval behaves like a square root.
        share = 0.5 + 0.5 * np.sin(np.linspace(-0.5, 0.5, PLACES) * math.pi)
        places = [low * (1.0 - share) + high * share for low, high in self.pieces]
        self.sampled = evaluate(problem, np.concatenate(places))

    def surrounds(self, pole: float) -> bool:
        """Return whether the pole of a quantity is inside a piece."""
        return any(low < pole < high for low, high in self.pieces)

    def estimate(self, quantity: Quantity, sequences: Sequences) -> Array:
        """Return M quantities for each of N sequences, and their profile intervals.

        The initial states are those of the sequences. The rows of the result (3, N, M) are the
        quantities, the low ends and the high ends of their intervals.
        """
        with np.errstate(all="ignore"):  # of factors at the ends of pieces
            parts = [self._estimate(quantity, block) for block in sequences.blocks()]
        return np.concatenate(parts, axis=1)

    def _estimate(self, quantity: Quantity, sequences: Sequences) -> Array:
        value = self._bound(quantity, self.best, sequences)[0, 0]
        parts = split(len(self.sampled.w), sequences.sources.size)
        bounds = [self._bound(quantity, self.sampled[part], sequences) for part in parts]
        _, low, high = np.concatenate(bounds, axis=1)
        return np.stack([value, -self._find_highest(-low), self._find_highest(high)])

    def _bound(self, quantity: Quantity, at: Evaluation, sequences: Sequences) -> Array:
        """Return the quantities and both ends of their intervals for given w, (3, W, N, M)."""
        factors, scale = quantity(at.w[:, None, None], sequences)
        own_error: Array | float = 0.0
        if self.problem.has_own_starts:
            # Its start explains what the other columns leave of the targets of a sequence.
            column, columns = split_starts(make_rows(self.problem, at.w, sequences))
            start, factors = split_starts(factors)
            factors = factors - start * share_of_start(column, columns)
            norm = np.linalg.norm(column, axis=2)
            own_error = start[..., 0] / np.where(norm > 0.0, norm, 1.0)
        mean = (factors @ at.theta[:, None, :, None])[..., 0]
        factors = factors[..., :-1]
        error = np.hypot(np.linalg.norm(factors @ at.root[:, None], axis=-1), own_error)
        if at.null.any():
            size = np.linalg.norm(factors, axis=-1)
            unknown = np.linalg.norm(factors @ at.null[:, None], axis=-1) > NULL_RTOL * size
            error = np.where(unknown, np.inf, error)
        excess = (self.level - at.cost) / self.problem.cost_unit
        room = np.sqrt(np.maximum(excess, MIN_ROOM))[:, None, None]
        reach = np.where(error > 0.0, error * room, 0.0)
        ends = scale * np.stack([mean - reach, mean + reach])
        return np.stack([scale * mean, np.fmin(*ends), np.fmax(*ends)])

    def _find_highest(self, values: Array) -> Array:
        """Return the maxima of (W, N, M) over all w, by a parabola through the three highest."""
        values = np.where(np.isnan(values), -np.inf, values)
        pieces = values.reshape(len(self.pieces), PLACES, *values.shape[1:])
        middle = np.clip(pieces.argmax(axis=1, keepdims=True), 1, PLACES - 2)
        f, g, h = (np.take_along_axis(pieces, middle + k, axis=1) for k in (-1, 0, 1))
        bend = f - 2.0 * g + h
        is_top = (g >= f) & (g >= h) & (bend < 0.0) & np.isfinite(bend)
        tops = np.where(is_top, g - (h - f) ** 2 / (8.0 * bend), -np.inf)
        highest: Array = np.maximum(values.max(axis=0), tops.max(axis=(0, 1)))
        return highest


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
            self.widened = unite(solution.profile.level_set(level) + offset_pieces)


def unite(pieces: list[Interval]) -> list[Interval]:
    """Return the union of intervals, in order."""
    union: list[Interval] = []
    for piece in sorted(pieces):
        if union and piece.low <= union[-1].high:
            union[-1] = Interval(union[-1].low, max(union[-1].high, piece.high))
        else:
            union.append(piece)
    return union
