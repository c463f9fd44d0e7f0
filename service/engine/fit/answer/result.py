"""The result of a fit: the best delay, its uncertainty, its diagnostics and the verdict."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.fit import constants
from service.engine.fit.answer.groups import Groups, compare_groups
from service.engine.fit.answer.predictions import list_steps, predict_bands
from service.engine.fit.answer.responses import Response, find_responses
from service.engine.fit.judge import Alternative, Verdict, judge
from service.engine.fit.model import FitOptions, FitProblem
from service.engine.fit.solve import Parameters, Solution, estimate_parameters, reweight
from service.engine.types import Array

# The stages of `Result.compute`: properties that are computed one after the other.
VERDICT_STAGES: Final = ("verdict.fit.effect", "verdict.trust", "verdict.alternatives")
STAGES: Final = ("parameters", "table", "profile_table")


def list_stages(*, has_verdict: bool) -> tuple[str, ...]:
    """Return the stages of `Result.compute`, with or without those of the verdict."""
    return (*VERDICT_STAGES, *STAGES) if has_verdict else STAGES


class Unsettled(ValueError):
    """The sizes of errors that are proportional to the fitted values do not settle."""


class DelayCost(NamedTuple):
    """The best fit with one delay."""

    delay: int
    cost: float  # the mean squared residual
    criterion: float  # of the best w_rec, above that of the best delay; nan if cost is minimized


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
    known_verdict
        The verdict, if it is known.
    """

    solution: Solution
    delays: list[DelayCost]
    known_verdict: Verdict | None = None

    @property
    def problem(self) -> FitProblem:
        """The data and the unknowns."""
        return self.solution.problem

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict on the fit."""
        return self.known_verdict or judge(self.solution)

    @property
    def shown(self) -> "Result":
        """The fit that is judged and described: of white noise with few targets, that with ar1."""
        judged = self.verdict.fit.judged
        return self if judged is self.solution else Result(judged, self.delays, self.verdict)

    def find_shown(self, other: Alternative) -> Solution:
        """Return the fit of an alternative, with the noise of this result."""
        fit = self.verdict.fit
        return other.solution if self.solution is fit.solution else fit.follow(other).judged

    def compute(self, *, has_verdict: bool = True) -> Iterator[None]:
        """Compute the result in stages; yields after each.

        Parameters
        ----------
        has_verdict
            False to leave out the verdict, which takes longer than all else.

        Yields
        ------
        None
            After a stage, whose properties are then known.
        """
        for name in list_stages(has_verdict=has_verdict):
            attrgetter(name)(self)
            yield

    @cached_property
    def parameters(self) -> Parameters:
        """All other parameters."""
        return estimate_parameters(self.solution)

    @cached_property
    def responses(self) -> list[Response]:
        """The responses to one lasting unit of each input."""
        return find_responses(self.solution, self.parameters.steady_state_gains[:, 0])

    def compare_groups(self, *, has_verdict: bool) -> Groups | None:
        """Return how much sequences differ that each have their own offset.

        Parameters
        ----------
        has_verdict
            False to leave out the tests, which need further fits.

        Returns
        -------
        Groups or None
            None if they share it.
        """
        fit = self.verdict.fit
        p_values = (fit.level_p, fit.gain_p) if has_verdict else (math.nan, math.nan)
        return compare_groups(self.solution, self.parameters.own_gains, *p_values)

    @cached_property
    def table(self) -> dict[str, NDArray[Any]]:
        """The fit at every step, starting with the first target of each sequence.

        The columns (R,) are sequence (from 0), step (from 1), target (nan where missing),
        prediction, low and high (the band of the mean), residual, and innovation (the residual
        without the autocorrelation of the noise).
        """
        problem = self.problem
        row, column = list_steps(problem)
        mean, low, high, *_ = predict_bands(self.solution, problem.sequences, None, None)
        residuals = problem.targets - mean
        return {
            "sequence": row,
            "step": column + 1 + problem.skip,
            "target": problem.targets[row, column],
            "prediction": mean[row, column],
            "low": low[row, column],
            "high": high[row, column],
            "residual": residuals[row, column],
            "innovation": self._whiten(residuals)[row, column],
        }

    def _whiten(self, residuals: Array) -> Array:
        """Return the innovations of residuals (N, T), in their units; nan without targets."""
        sequences = self.problem.sequences
        rows = residuals[sequences.has_target][:, None] / sequences.scales
        innovations = np.full_like(residuals, np.nan)
        whitened = sequences.whiten(rows, self.solution.rho) * sequences.scales
        innovations[sequences.has_target] = whitened[:, 0]
        return innovations

    @cached_property
    def profile_table(self) -> Array:
        """All visited and some further w_rec (P,), rising, cost and criterion, (3, P).

        The criterion is that above its minimum; nan if the cost is minimized.
        """
        solution = self.solution
        low, high = self.problem.options.w_rec
        if self.problem.options.is_given:
            low = min(low, 0.0)
            high = max(high, 1.0)
        if self.problem.unknowns.n_states > 1:
            at = solution.profile.points
            return np.stack([at.w, at.mean_square, solution.get_excess(at.cost)])
        fractions = (np.arange(constants.PROFILE_POINTS) + 0.5) / constants.PROFILE_POINTS
        # A picture of a narrow interval shows few of these. Others are densest next to it.
        first, last = solution.intervals[0].low, solution.intervals[-1].high
        distances = constants.PROFILE_MARGIN * (last - first) * fractions[::2] ** 2
        near = np.concatenate([first - distances, last + distances])
        inside = near[(near > low) & (near < high)]
        added = solution.criterion.tabulate(np.unique([*(low + (high - low) * fractions), *inside]))
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
    Unsettled
        The sizes of proportional errors do not settle.

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
    best, delays = _search_delays(problem, range(low, high + 1), after_search)

    def search(weighted: FitProblem) -> Solution:
        nonlocal delays
        found, delays = _search_delays(weighted, range(low, high + 1))
        return _drop_start(found)

    weighted = reweight(_drop_start(best), search)
    if weighted is None:
        raise Unsettled
    return Result(weighted, delays)


def _search_delays(
    problem: FitProblem, delays: range, after_search: Callable[[], None] = lambda: None
) -> tuple[Solution, list[DelayCost]]:
    """Return the solution with the best delay, and the costs of all."""
    best = Solution(FitProblem(problem.record, problem.options, delays[0], problem.fitted))
    costs = [(delays[0], best.cost, best.comparable)]
    after_search()
    for delay in delays[1:]:
        other = Solution(FitProblem(problem.record, problem.options, delay, problem.fitted))
        costs.append((delay, other.cost, other.comparable))
        if best.comparable.exceeds(other.comparable) > float(best.best.accuracy[0]):
            best = other
        after_search()
    return best, [
        DelayCost(delay, cost, each.exceeds(best.comparable) if best.has_criterion else math.nan)
        for delay, cost, each in costs
    ]


def _drop_start(solution: Solution) -> Solution:
    """Return the fit without an initial state if that would act on the first target only."""
    problem = solution.problem
    has_memory = problem.unknowns.n_states > 1 or abs(solution.w_rec) >= constants.LEAST_W_REC
    can_drop = problem.has_unknown_start and solution.can_judge and solution.is_identifiable
    if has_memory or not can_drop:
        return solution
    return Solution(problem.vary(rest=True))
