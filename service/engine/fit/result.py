"""Fits: the best delay, the optimum, its uncertainty, its diagnostics and the verdict."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.fit.estimates import Parameters, estimate_parameters, predict_bands
from service.engine.fit.problem import FitOptions, Problem
from service.engine.fit.residuals import Linearization
from service.engine.fit.verdict import Verdict
from service.engine.types import Array

# Evenly spaced w_rec that the profile adds to those of the search, for a smooth curve.
PROFILE_POINTS: Final = 64
MAX_LAGS: Final = 10  # of the Ljung-Box test; there are at most a fifth as many lags as targets
STEPS_PER_SEQUENCE: Final = 10  # times their number, for the test to hold for several sequences


class DelayCost(NamedTuple):
    """The best fit with one delay."""

    delay: int
    cost: float  # the mean squared residual
    criterion: float  # of the best w_rec, above that of the best delay; nan with white noise


class ResidualTests(NamedTuple):
    """Whether the whitened residuals are independent; nan where undefined.

    The tests are those of Ljung and Box, Biometrika 65 (1978), 297-303, with a degree of freedom
    less for a fitted rho, and of Durbin and Watson, Biometrika 37 (1950), 409-428. The first one
    needs long sequences.
    """

    autocorrelation: float  # at lag 1
    ljung_box_p: float
    durbin_watson: float


class Result(Verdict):
    """A fitted recurrence: a judged solution, and all that follows from it.

    Its properties are computed when first used. Undefined numbers are nan.
    """

    delays: list[DelayCost]
    """The costs of all delays that were searched."""

    @cached_property
    def parameters(self) -> Parameters:
        """All other parameters."""
        return estimate_parameters(self)

    @property
    def level(self) -> float:
        """The highest cost in the interval; with ar1 noise, the criterion above its minimum."""
        slack = float(self.find_slack(self.best)[0])
        return self.height if self.is_colored else self.cost + self.problem.cost_unit * slack

    @property
    def innovation_sd(self) -> float:
        """The standard deviation of the whitened residuals."""
        n_free, squares = self.degrees_of_freedom, float(self.best.squares[0])
        return self.problem.unit * math.sqrt(squares / n_free) if n_free > 0 else math.nan

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return self.minus_two_log_likelihood + 2.0 * self.n_parameters

    @property
    def bic(self) -> float:
        """The Bayesian information criterion."""
        return self.minus_two_log_likelihood + math.log(self.n_targets) * self.n_parameters

    @cached_property
    def table(self) -> dict[str, NDArray[Any]]:
        """The fit at every step, starting with the first target of each sequence.

        The columns (R,) are sequence (from 0), step (from 1), target (nan where missing),
        prediction, low and high (the band of the mean), residual.
        """
        problem, sequences = self.problem, self.problem.sequences
        first, step = np.argmax(sequences.has_target, axis=1), np.arange(problem.targets.shape[1])
        ends = problem.lengths * sequences.has_target.any(axis=1)
        row, column = np.nonzero((step >= first[:, None]) & (step < ends[:, None]))
        mean, low, high, *_ = predict_bands(self, sequences)
        values = {"target": problem.targets, "prediction": mean, "low": low, "high": high}
        values["residual"] = problem.targets - mean
        table = {name: value[row, column] for name, value in values.items()}
        return {"sequence": row, "step": column + 1 + problem.options.delay[1], **table}

    @cached_property
    def residuals(self) -> ResidualTests:
        """Classical tests of the whitened residuals."""
        from scipy.special import chdtrc  # noqa: PLC0415 - takes long to import

        n, has_target = self.n_targets, self.problem.sequences.has_target
        noise = np.full(has_target.shape, np.nan)
        noise[has_target] = Linearization(self, self.best).observed[:, 0]
        n_lags = max(1, min(MAX_LAGS, n // 5))
        products = [noise[:, lag:] * noise[:, :-lag] for lag in range(1, n_lags + 1)]
        pairs = np.array([np.count_nonzero(~np.isnan(product)) for product in products])
        sums = np.array([np.nansum(product) for product in products])
        has_noise = not self.is_exact and pairs[0] > 0
        total = float(np.nansum(noise**2)) if has_noise else math.nan
        correlations = sums / total * n / np.maximum(pairs, 1)
        squares = np.sum(pairs * (n + 2.0) / n * correlations**2)
        n_free = n_lags - self.is_colored
        # Short sequences correlate negatively, and many of them make that significant.
        n_sequences = np.count_nonzero(has_target.any(axis=1))
        is_long = n_sequences == 1 or n >= STEPS_PER_SEQUENCE * n_sequences**2
        p = float(chdtrc(n_free, squares)) if n_free > 0 and is_long else math.nan
        changes = float(np.nansum(np.diff(noise, axis=1) ** 2))
        return ResidualTests(float(correlations[0]), p, changes / total)

    @cached_property
    def profile_table(self) -> Array:
        """All visited and some evenly spaced w_rec (P,), rising, cost and criterion, (3, P).

        The criterion is that above its minimum; nan with white noise.
        """
        low, high = self.problem.options.w_rec
        even = low + (high - low) * (np.arange(PROFILE_POINTS) + 0.5) / PROFILE_POINTS
        visited = self.profile.points.merge(self.sampled, self.evaluate(even))
        return np.stack([visited.w, visited.mean_square, self.get_excess(visited.cost)])


def fit(
    series: Series, options: FitOptions, after_search: Callable[[], None] = lambda: None
) -> Result:
    """Fit the recurrence S_k = w_rec S_(k-1) + sum_j w_in_j x_kj, y_k = S_k + offset.

    The lowest minimum of the criterion is found by variable projection and a dense, refined search
    over w_rec, without initial values. Of several delays, the one with the lowest criterion is
    chosen.

    Parameters
    ----------
    series
        The data, with at least as many targets as unknowns.
    options
        The unknowns, and the range of w_rec.
    after_search
        Called after the search over w_rec with each delay.

    Returns
    -------
    Result
        Its properties are computed when first used.

    Raises
    ------
    ValueError
        There are fewer targets than unknowns.

    References
    ----------
    G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
    D. M. Bates and D. G. Watts, Nonlinear regression analysis and its applications, Wiley (1988),
    chapter 6, for profile intervals.
    """
    problem = Problem(series, options)
    if problem.n_targets < problem.n_unknowns:
        raise ValueError(f"{problem.n_targets} targets, {problem.n_unknowns} unknowns")
    best = Result(problem)
    costs = [DelayCost(problem.delay, best.cost, best.criterion)]
    after_search()
    for delay in range(problem.delay + 1, options.delay[1] + 1):
        result = Result(Problem(series, options, delay))
        costs.append(DelayCost(delay, result.cost, result.criterion))
        best, other = sorted((best, result), key=lambda each: each.criterion)
        del other.profile  # It refers to its fit, which would not be freed at once.
        after_search()
    above = best.get_excess(np.array([each.criterion for each in costs])).tolist()
    best.delays = [
        each._replace(criterion=excess) for each, excess in zip(costs, above, strict=True)
    ]
    return best
