"""The minima of the criterion of a fit, and the interval of w_rec.

A w_rec belongs to the interval if the criterion exceeds its minimum by at most
(nu + 1) ln(1 + t²/nu), where t is the quantile of Student's distribution with nu degrees of
freedom. With white noise that is a factor of at most 1 + t²/nu of the mean squared residual.
"""

import math
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from service.engine.fit.criterion import Criterion, Points
from service.engine.fit.linear import RANK_RTOL
from service.engine.fit.problem import Problem
from service.engine.profile import Interval, Profile, make_grid, search
from service.engine.types import Array

# Where columns coincide at an end of the range, a point this far inside replaces it.
INSIDE: Final = 1e-8
TINY: Final = 1e-300  # replaces 0 in products with infinite errors, and as a divisor
SAMPLES: Final = 65  # points in each piece of the interval
AT_LIMIT: Final = 1e-7  # a minimum this close to an end of the range is at that end


class Minimum(NamedTuple):
    """A local minimum of the criterion."""

    w_rec: float
    cost: float  # the mean squared residual
    criterion: float  # above that of the lowest minimum; nan with white noise


class Solution(Criterion):
    """All local minima of the criterion of a problem, and the interval of w_rec.

    Parameters
    ----------
    problem
        What is fitted.
    known
        The best w_rec and its intervals, which need no search then.

    Attributes
    ----------
    best
        The lowest minimum.
    w_rec, rho, criterion, cost
        Those of it; the cost is the mean squared residual.
    at_limit
        Whether w_rec is at an end of the range.
    is_exact
        Whether the residuals have the size of rounding errors, so that they are not judged.
    can_judge
        Whether there are residuals to judge.
    """

    def __init__(self, problem: Problem, known: tuple[float, list[Interval]] | None = None) -> None:
        super().__init__(problem)
        if known:
            w_rec, self.intervals = known
            self.best = self.evaluate(np.array([w_rec]))
        else:
            self.best = self.profile.minima[:1]
        self.w_rec, self.rho = float(self.best.w[0]), float(self.best.rho[0])
        self.criterion, self.cost = float(self.best.cost[0]), float(self.best.mean_square[0])
        self.n_targets = problem.n_targets
        self.at_limit = min(abs(self.w_rec - end) for end in problem.options.w_rec) < AT_LIMIT
        self.is_exact = float(self.best.squares[0]) <= self.rounding
        self.can_judge = self.degrees_of_freedom > 0 and not self.is_exact

    @cached_property
    def profile(self) -> Profile[Points]:
        """The criterion at all points of a search for its extrema."""
        low, high = self.problem.options.w_rec
        grid = self.evaluate(make_grid(self.problem.targets.shape[1], low, high))
        # Where columns coincide the criterion jumps, and its limit is what counts.
        rank = np.sum(grid.singular_values > RANK_RTOL, axis=1)
        rank = np.pad(rank, 1, mode="reflect")
        jumps = rank[1:-1] < np.minimum(rank[:-2], rank[2:])
        start = grid[~jumps]
        inside = (grid.w[[0, -1]] + [INSIDE, -INSIDE])[jumps[[0, -1]]]
        if len(inside):
            start = start.merge(self.evaluate(inside))
        return search(self.evaluate, start, (low, high))

    def get_excess(self, criteria: Array) -> Array:
        """Return by how much criteria exceed the lowest one.

        Parameters
        ----------
        criteria
            Of any shape.

        Returns
        -------
        excess
            Of the same shape; nan with white noise.
        """
        return criteria - self.criterion if self.is_colored else np.full_like(criteria, math.nan)

    @cached_property
    def minima(self) -> list[Minimum]:
        """All local minima, the lowest first."""
        at = self.profile.minima
        columns = at.w, at.mean_square, self.get_excess(at.cost)
        return list(map(Minimum, *(column.tolist() for column in columns)))

    @property
    def is_unique(self) -> bool:
        """Whether one w_rec alone has the lowest criterion."""
        at = self.profile.minima
        return not self.profile.is_flat and bool((at.cost[1:] > at.cost[0] + at.accuracy[0]).all())

    @property
    def is_identifiable(self) -> bool:
        """Whether the targets exclude any w_rec of the range, and tell those beside the best."""
        has_all = self.intervals == [self.problem.options.w_rec]
        is_told = float(self.best.sensitivity[0]) > 0.0 and not math.isnan(self.r_squared)
        return is_told and not self.profile.is_flat and not has_all

    @property
    def r_squared(self) -> float:
        """The fraction of the variance of the targets that is explained; nan if it is rounding."""
        variance = float(np.nanvar(self.problem.targets))
        is_rounding = variance <= self.problem.cost_unit * self.rounding
        return math.nan if is_rounding else 1.0 - self.cost / variance

    @property
    def minus_two_log_likelihood(self) -> float:
        """Minus twice the logarithm of the full likelihood; -inf without residuals."""
        n, squares = self.problem.n_targets, float(self.best.squares[0])
        if self.is_exact:
            return -math.inf
        variance_log = math.log(squares / n) + 2.0 * math.log(self.problem.unit)
        log_v = float(self.problem.sequences.log_determinant(np.array(self.rho)))
        return n * (math.log(2.0 * math.pi) + variance_log + 1.0) + log_v

    @property
    def has_impossible_offset(self) -> bool:
        """Whether the fitted offset is below 0 though all targets are positive."""
        problem, targets = self.problem, self.problem.targets
        gap = 1.0 - self.w_rec * problem.has_unknown_start
        if not problem.has_offset or gap == 0.0 or bool((targets <= 0.0).any()):
            return False
        weight = float(self.best.theta[0, -2])
        return problem.center + problem.unit * weight / gap < 0.0

    @property
    def height(self) -> float:
        """By how much a criterion in the interval may exceed the lowest one.

        It is infinite without degrees of freedom.
        """
        from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

        n_free = self.degrees_of_freedom
        if n_free <= 0:
            return math.inf
        quantile = float(stdtrit(n_free, 0.5 + 0.5 * self.problem.options.confidence))
        excess = (n_free + 1) * math.log1p(quantile**2 / n_free)
        return max(excess, float(self.best.accuracy[0]))

    def find_slack(self, points: Points) -> Array:
        """Return by how much the sums of squares may increase within the interval.

        Parameters
        ----------
        points
            W evaluated points.

        Returns
        -------
        slack : (W,)
            Positive.
        """
        excess = np.maximum(self.criterion + self.height - points.cost, 0.0) / self.n_contrasts
        slack: Array = np.maximum(points.squares, self.rounding) * np.expm1(excess)
        return np.maximum(slack, TINY)

    @cached_property
    def intervals(self) -> list[Interval]:
        """The interval of w_rec: one or several disjoint intervals, in order."""
        return self.profile.level_set(self.criterion + self.height)

    @cached_property
    def sampled(self) -> Points:
        """Points of the interval, dense near the ends of its pieces: ``SAMPLES`` of each."""
        # There, an ordinary interval behaves like a square root.
        fraction = 0.5 + 0.5 * np.sin(np.linspace(-0.5, 0.5, SAMPLES) * math.pi)
        pieces = [low * (1.0 - fraction) + high * fraction for low, high in self.intervals]
        return self.evaluate(np.concatenate(pieces))

    def surrounds(self, pole: float) -> bool:
        """Return whether the pole of a quantity is inside a piece of the interval."""
        return any(low < pole < high for low, high in self.intervals)

    @property
    def standard_error(self) -> float:
        """The standard error of w_rec, by the curvature at the optimum."""
        sensitivity = float(self.best.sensitivity[0])
        if self.degrees_of_freedom <= 0 or sensitivity == 0.0:
            return math.inf
        return math.sqrt(float(self.best.squares[0]) / self.degrees_of_freedom) / sensitivity
