"""Fits: the best delay, the optimum, its uncertainty, its diagnostics and the verdict.

The verdict is reached in this order: structure, effect, residuals, noise. Better structures are
searched first, because a wrong one makes every other test fail. Whether the inputs have an effect
is judged with the best structure. Then the residuals are checked, and finally whether the noise is
autocorrelated.
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.fit import structures
from service.engine.fit.estimates import Parameters, estimate_parameters, predict_bands
from service.engine.fit.problem import MAX_CORRELATION, FitOptions, Problem
from service.engine.fit.residuals import CAUTIONS, Finding, Linearization, run_checks
from service.engine.fit.solution import Solution
from service.engine.fit.structures import Alternative, Effect
from service.engine.profile import Interval
from service.engine.types import Array

ENOUGH_TARGETS: Final = 50  # with fewer targets, checks seldom detect dependent residuals
ENOUGH_PAIRS: Final = 10  # of successive targets, for checks that compare them
# With a larger condition number, the effects of single inputs are hardly told apart.
COLLINEAR: Final = 1e3
NOISE_CHECKS: Final = ("neighbors", "alternate")  # of which ar1 noise leaves nothing to say
AT_LIMIT: Final = 1e-6  # a correlation this close to its limit is at the limit
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


class Trust(NamedTuple):
    """Whether the interval of w_rec can be trusted."""

    interval: bool  # whether there are no reasons against it
    reasons: list[str]
    cautions: list[str]
    findings: list[Finding]  # the reasons, then the cautions
    cautious: list[Interval] | None  # the interval with ar1 noise; None without degrees of freedom


class Result(Solution):
    """A fitted recurrence: a judged solution, and all that follows from it.

    Its properties are computed when first used. Undefined numbers are nan.

    Attributes
    ----------
    delays
        The costs of all delays that were searched.
    """

    delays: list[DelayCost]

    @cached_property
    def structures(self) -> list[Alternative]:
        """Clearly better structures, the best first."""
        return structures.find_alternatives(self.problem) if self.can_judge else []

    @cached_property
    def effect(self) -> Effect | None:
        """The effect of all inputs; None without inputs, or if a start explains the same."""
        if not len(self.problem.is_free) or not self.can_judge:
            return None
        best = self.structures[0].solution.problem if self.structures else self.problem
        return structures.judge_effect(best)

    @cached_property
    def input_effects(self) -> list[Effect | None]:
        """The effect of each input, given all others; None where there is none to test."""
        is_free = self.problem.is_free
        if self.effect is None or len(is_free) == 1:
            return [self.effect] * len(is_free)
        # No single input is visible if all together are not.
        alpha = structures.ALPHA if self.effect.visible else -1.0
        judged, *_ = self._judgment
        tests = Linearization(judged, judged.best).test_inputs()
        effects = iter([Effect(p <= alpha, p) for p in tests.tolist()])
        return [next(effects) if free else None for free in is_free]

    @cached_property
    def colored(self) -> Solution:
        """The same fit with ar1 noise."""
        return self if self.is_colored else Solution(self.problem.vary(noise="ar1"))

    @cached_property
    def _judgment(self) -> tuple[Solution, list[Finding], bool]:
        """The fit whose structure is checked, what was found, and whether it is advised.

        It is the one with ar1 noise if the residuals of white noise resemble their neighbors.
        """
        own = run_checks(self) if self.can_judge else []
        neighbors = [check for check in own if check.slug == "neighbors"]
        if not neighbors or self.is_colored or self.colored.degrees_of_freedom <= 0:
            return self, own, False
        found = run_checks(self.colored)
        others = [check for check in found if check.slug not in NOISE_CHECKS]
        return self.colored, others + neighbors, all(check.slug in CAUTIONS for check in found)

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """What to change to get a clearly better fit, the best first."""
        if self.effect is not None and not self.effect.visible:
            return []
        judged, _, is_advised = self._judgment
        if self.structures or not is_advised:
            return self.structures
        return [Alternative("neighbors", {"noise": "ar1"}, judged)]

    @cached_property
    def trust(self) -> Trust:
        """Reasons, cautions, and the cautious interval."""
        _, checks, _ = self._judgment
        reasons = self._find_reasons()
        reasons += [check for check in checks if check.slug not in CAUTIONS]
        cautions = [Finding(slug) for slug, holds in self._list_cautions().items() if holds]
        cautions += [check for check in checks if check.slug in CAUTIONS]
        cautious = None
        if self.degrees_of_freedom > 0:
            use_colored = self.colored.degrees_of_freedom > 0 and not self.is_exact
            cautious = (self.colored if use_colored else self).intervals
        findings = reasons + cautions
        slugs = [finding.slug for finding in findings]
        n = len(reasons)
        return Trust(not reasons, slugs[:n], slugs[n:], findings, cautious)

    def _find_reasons(self) -> list[Finding]:
        """Return the reasons besides those of checks, in their order."""
        reasons = []
        if self.degrees_of_freedom <= 0:
            reasons.append(Finding("no_degrees_of_freedom"))
        for best in self.structures[:1]:
            delay, *_ = best.options.get("delay", (None,))
            reasons.append(Finding(best.reason, lag=delay, value=best.gain))
        if self.effect is not None and not self.effect.visible:
            reasons.append(Finding("no_visible_effect", p=self.effect.p))
        if not reasons and not self.is_identifiable:
            reasons.append(Finding("not_identifiable"))
        return reasons

    def _list_cautions(self) -> dict[str, bool]:
        """Return which cautions apply besides those of checks, in their order."""
        problem, (low, high) = self.problem, self.problem.options.w_rec
        correlation = self.rho**problem.sequences.usual_gap
        has_inputs, can_judge = len(problem.is_free) > 0, self.can_judge
        sizes = self.best.singular_values[0]
        return {
            "too_few_to_tell": problem.n_targets < ENOUGH_TARGETS,
            "interval_open": self.intervals[0].low <= low or self.intervals[-1].high >= high,
            "several_pieces": len(self.intervals) > 1,
            "search_limited": not self.profile.is_complete,
            "rho_at_limit": can_judge and correlation > MAX_CORRELATION - AT_LIMIT,
            "confounded_with_start": can_judge and has_inputs and self.effect is None,
            "nearly_collinear": sizes.max(initial=1.0) > COLLINEAR * sizes.min(initial=1.0),
            "negative_offset": self.has_impossible_offset,
            "not_tested": can_judge and problem.n_pairs < ENOUGH_PAIRS,
        }

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
        mean, low, high, *_ = predict_bands(self, sequences, None, None)
        values = {"target": problem.targets, "prediction": mean, "low": low, "high": high}
        values["residual"] = problem.targets - mean
        table = {name: value[row, column] for name, value in values.items()}
        return {"sequence": row, "step": column + 1 + problem.skip, **table}

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
        # Short sequences correlate negatively, and many of them make that significant.
        n_sequences = np.count_nonzero(has_target.any(axis=1))
        is_long = n_sequences == 1 or n >= STEPS_PER_SEQUENCE * n_sequences**2
        n_free = n_lags - self.is_colored if is_long else 0
        p = float(chdtrc(n_free, squares)) if n_free > 0 else math.nan
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
    chosen, and the shortest of those that are equally good.

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
    costs = [(problem.delay, best.cost, best.criterion)]
    after_search()
    for delay in range(problem.delay + 1, options.delay[1] + 1):
        result = Result(Problem(series, options, delay))
        costs.append((delay, result.cost, result.criterion))
        is_better = result.criterion < best.criterion - float(best.best.accuracy[0])
        best, other = (result, best) if is_better else (best, result)
        del other.profile  # It refers to its fit, which would not be freed at once.
        after_search()
    best.delays = [DelayCost(d, cost, float(best.get_excess(np.array(j)))) for d, cost, j in costs]
    return best
