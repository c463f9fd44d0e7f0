"""The result of a fit: the best delay, its uncertainty, its diagnostics and the verdict.

The verdict is reached in this order: structure, effect, residuals, noise. Better structures are
searched first, because a wrong one makes every other test fail. Whether the inputs have an effect
is judged with the best structure. Then the residuals are checked, and finally whether the noise is
autocorrelated.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.fit import constants
from service.engine.fit.checks import Finding, run_checks
from service.engine.fit.effects import Effect, judge_effect
from service.engine.fit.estimates import Parameters, estimate_parameters
from service.engine.fit.predictions import predict_bands
from service.engine.fit.problem import FitOptions, FitProblem
from service.engine.fit.residuals import ResidualTests, find_dependence, linearize
from service.engine.fit.solution import Solution
from service.engine.fit.structures import Alternative, find_alternatives
from service.engine.profile import Bounds
from service.engine.types import Array

N_STAGES: Final = 7
"""The stages of `Result.compute`."""


class DelayCost(NamedTuple):
    """The best fit with one delay."""

    delay: int
    cost: float  # the mean squared residual
    criterion: float  # of the best w_rec, above that of the best delay; nan with white noise


class Trust(NamedTuple):
    """The verdict on the interval of w_rec."""

    interval: bool  # true if there are no reasons against it
    reasons: list[str]
    cautions: list[str]
    findings: list[Finding]  # the reasons, then the cautions
    cautious: list[Bounds] | None  # the interval with ar1 noise; None without degrees of freedom


class _Judgment(NamedTuple):
    """The checks of the residuals."""

    solution: Solution  # the fit whose residuals were checked
    findings: list[Finding]
    is_advised: bool  # true if it has ar1 noise, the fit has not, and it passes all checks


@dataclass(frozen=True, eq=False)
class Result:
    """A fitted recurrence: its solution, and all that follows from it.

    Its properties are computed when first used. Undefined numbers are nan.

    Attributes
    ----------
    solution
        The fit with the best delay.
    delays
        The costs of all delays that were searched.
    """

    solution: Solution
    delays: list[DelayCost]

    @property
    def problem(self) -> FitProblem:
        """The data and the unknowns."""
        return self.solution.problem

    def compute(self) -> Iterator[None]:
        """Compute the result in ``N_STAGES`` stages; yields after each.

        Yields
        ------
        None
            After a stage, whose properties are then known.
        """
        for stage in (
            lambda: self.structures,
            lambda: self.effect,
            lambda: self.trust,
            lambda: self.alternatives,
            lambda: self.parameters,
            lambda: self.table,
            lambda: self.profile_table,
        ):
            stage()
            yield

    @cached_property
    def structures(self) -> list[Alternative]:
        """Clearly better structures, the best first."""
        return find_alternatives(self.problem) if self.solution.can_judge else []

    @cached_property
    def effect(self) -> Effect | None:
        """The effect of all inputs; None without inputs, or if a start explains the same."""
        if not len(self.problem.is_free) or not self.solution.can_judge:
            return None
        best = self.structures[0].solution.problem if self.structures else self.problem
        return judge_effect(best)

    @cached_property
    def input_effects(self) -> list[Effect | None]:
        """The effect of each input, given all others; None where there is none to test."""
        is_free = self.problem.is_free
        if self.effect is None or len(is_free) == 1:
            return [self.effect] * len(is_free)
        # No single input is detected if all together are not.
        alpha = constants.EFFECT_ALPHA if self.effect.visible else -1.0
        judged = self._judgment.solution
        p_values = np.full(len(is_free), np.nan)
        p_values[is_free] = linearize(judged.criterion, judged.best).test_inputs()
        return [
            Effect(p <= alpha, p) if free else None
            for p, free in zip(p_values.tolist(), is_free.tolist(), strict=True)
        ]

    @cached_property
    def colored(self) -> Solution:
        """The same fit with ar1 noise."""
        if self.solution.is_colored:
            return self.solution
        return Solution(self.problem.vary(noise="ar1"))

    @cached_property
    def _judgment(self) -> _Judgment:
        """The checks of the residuals: with ar1 noise if those of white noise are correlated."""
        findings = run_checks(self.solution) if self.solution.can_judge else []
        neighbors = [check for check in findings if check.slug == "neighbors"]
        is_alone = self.solution.is_colored or self.colored.degrees_of_freedom <= 0
        if not neighbors or is_alone:
            return _Judgment(self.solution, findings, is_advised=False)
        of_colored = run_checks(self.colored)
        others = [check for check in of_colored if check.slug not in constants.NOISE_CHECKS]
        is_advised = all(check.slug in constants.CAUTIONS for check in of_colored)
        return _Judgment(self.colored, others + neighbors, is_advised)

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """The changes that give a clearly better fit, the best first."""
        if self.effect is not None and not self.effect.visible:
            return []
        if self.structures or not self._judgment.is_advised:
            return self.structures
        return [Alternative("neighbors", {"noise": "ar1"}, self._judgment.solution)]

    @cached_property
    def trust(self) -> Trust:
        """Reasons, cautions, and the cautious interval."""
        checks = self._judgment.findings
        reasons = self._find_reasons()
        reasons += [check for check in checks if check.slug not in constants.CAUTIONS]
        cautions = [Finding(slug) for slug, applies in self._list_cautions().items() if applies]
        cautions += [check for check in checks if check.slug in constants.CAUTIONS]
        return Trust(
            interval=not reasons,
            reasons=[reason.slug for reason in reasons],
            cautions=[caution.slug for caution in cautions],
            findings=reasons + cautions,
            cautious=self._find_cautious(),
        )

    def _find_reasons(self) -> list[Finding]:
        """Return the reasons besides those of checks, in their order."""
        reasons = []
        if self.solution.degrees_of_freedom <= 0:
            reasons.append(Finding("no_degrees_of_freedom"))
        for best in self.structures[:1]:
            delay, *_ = best.options.get("delay", (None,))
            reasons.append(Finding(best.reason, lag=delay, value=best.gain))
        if self.effect is not None and not self.effect.visible:
            reasons.append(Finding("no_visible_effect", p=self.effect.p))
        if not reasons and not self.solution.is_identifiable:
            reasons.append(Finding("not_identifiable"))
        return reasons

    def _list_cautions(self) -> dict[str, bool]:
        """Return which cautions apply besides those of checks, in their order."""
        solution = self.solution
        problem = self.problem
        low, high = problem.options.w_rec
        correlation = solution.rho**problem.sequences.usual_gap
        has_inputs = len(problem.is_free) > 0
        is_confounded = has_inputs and self.effect is None and problem.has_unknown_start
        sizes = solution.best.singular_values[0]
        is_collinear = sizes.max(initial=1.0) > constants.MAX_CONDITION * sizes.min(initial=1.0)
        intervals = solution.intervals
        at_limit = correlation > constants.MAX_CORRELATION - constants.RHO_LIMIT_ATOL
        return {
            "too_few_to_tell": problem.n_targets < constants.FEW_TARGETS,
            "interval_open": intervals[0].low <= low or intervals[-1].high >= high,
            "several_pieces": len(intervals) > 1,
            "search_limited": not solution.profile.is_complete,
            "rho_at_limit": solution.can_judge and at_limit,
            "confounded_with_start": solution.can_judge and is_confounded,
            "nearly_collinear": is_collinear,
            "negative_offset": solution.has_impossible_offset,
            "not_tested": solution.can_judge and problem.n_pairs < constants.MIN_PAIRS,
        }

    def _find_cautious(self) -> list[Bounds] | None:
        """Return the interval with ar1 noise, or that of the fit where there is no such."""
        if self.solution.degrees_of_freedom <= 0:
            return None
        is_usable = self.colored.degrees_of_freedom > 0 and not self.solution.is_exact
        return (self.colored if is_usable else self.solution).intervals

    @cached_property
    def parameters(self) -> Parameters:
        """All other parameters."""
        return estimate_parameters(self.solution)

    @cached_property
    def table(self) -> dict[str, NDArray[Any]]:
        """The fit at every step, starting with the first target of each sequence.

        The columns (R,) are sequence (from 0), step (from 1), target (nan where missing),
        prediction, low and high (the band of the mean), residual.
        """
        problem = self.problem
        has_target = problem.sequences.has_target
        first = np.argmax(has_target, axis=1)
        ends = np.where(has_target.any(axis=1), problem.lengths, 0)
        step = np.arange(problem.targets.shape[1])
        row, column = np.nonzero((step >= first[:, None]) & (step < ends[:, None]))
        mean, low, high, *_ = predict_bands(self.solution, problem.sequences, None, None)
        return {
            "sequence": row,
            "step": column + 1 + problem.skip,
            "target": problem.targets[row, column],
            "prediction": mean[row, column],
            "low": low[row, column],
            "high": high[row, column],
            "residual": (problem.targets - mean)[row, column],
        }

    @cached_property
    def residuals(self) -> ResidualTests:
        """Classical tests of the whitened residuals."""
        return find_dependence(self.solution)

    @cached_property
    def profile_table(self) -> Array:
        """All visited and some evenly spaced w_rec (P,), rising, cost and criterion, (3, P).

        The criterion is that above its minimum; nan with white noise.
        """
        solution = self.solution
        low, high = self.problem.options.w_rec
        n = constants.PROFILE_POINTS
        added = solution.criterion.evaluate(low + (high - low) * (np.arange(n) + 0.5) / n)
        visited = solution.profile.points.merge(solution.sampled, added)
        return np.stack([visited.w, visited.mean_square, solution.get_excess(visited.cost)])


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
    low, high = options.delay
    problem = FitProblem(series, options, low)
    if problem.n_targets < problem.n_unknowns:
        raise ValueError(f"{problem.n_targets} targets, {problem.n_unknowns} unknowns")
    best = Solution(problem)
    costs = [(low, best.cost, best.comparable)]
    after_search()
    for delay in range(low + 1, high + 1):
        other = Solution(FitProblem(series, options, delay))
        costs.append((delay, other.cost, other.comparable))
        if best.comparable.exceeds(other.comparable) > float(best.best.accuracy[0]):
            best = other
        after_search()
    delays = [
        DelayCost(delay, cost, each.exceeds(best.comparable) if best.is_colored else math.nan)
        for delay, cost, each in costs
    ]
    return Result(best, delays)
