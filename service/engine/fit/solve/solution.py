"""The solution: the minima of the criterion of a fit, and the interval of w_rec.

A w_rec belongs to the interval if the criterion exceeds its minimum by at most
(nu + 1) ln(1 + t²/nu), where t is the quantile of Student's distribution with nu degrees of
freedom. With white noise that is a factor of at most 1 + t²/nu of the mean squared residual.
"""

import math
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.model import FitProblem
from service.engine.fit.solve.criterion import Criterion, Points
from service.engine.fit.solve.linearization import Linearization, linearize
from service.engine.fit.solve.several import PoleSearch, find_points, find_sensitivities
from service.engine.profile import Bounds, Profile, make_grid
from service.engine.types import Array


class Minimum(NamedTuple):
    """A local minimum of the criterion."""

    w_rec: float
    cost: float  # the mean squared residual
    criterion: float  # above that of the lowest minimum; nan if the cost is minimized


class Lowest(NamedTuple):
    """The lowest criterion of a problem, to compare with that of another one."""

    criterion: float
    n_contrasts: int
    log_squares: float

    def exceeds(self, other: "Lowest") -> float:
        """Return the difference to another one, both with the smaller number of contrasts.

        Without that, a column that depends on others would change the criterion by itself.
        """
        n = min(self.n_contrasts, other.n_contrasts)
        own, others = (
            each.criterion + (n - each.n_contrasts) * each.log_squares for each in (self, other)
        )
        return own - others


class Solution:
    """All local minima of the criterion of a problem, and the interval of w_rec.

    Everything is computed when first used.

    Parameters
    ----------
    problem
        The data and the unknowns.
    given
        The best w_rec of each state and their intervals, which are then not searched.
    is_coarse
        True to search a grid only, which suffices to compare models: the best place for one state,
        and the polished minima for several. There are no intervals.
    has_profile
        False to search the lowest minimum of a single state only, from a coarse grid. In ranges
        beyond 1 and with a trend, minima may be narrower than its gaps.
    """

    def __init__(
        self,
        problem: FitProblem,
        given: tuple[list[float], list[list[Bounds]]] | None = None,
        *,
        is_coarse: bool = False,
        has_profile: bool = True,
    ) -> None:
        self.criterion = Criterion(problem)
        self.given = given
        self.is_coarse = is_coarse
        self.has_profile = has_profile

    def vary(self, **changes: Any) -> "Solution":
        """Return the solution with other options, searched as this one was."""
        return Solution(self.problem.vary(**changes), is_coarse=self.is_coarse)

    @cached_property
    def without_inputs(self) -> "Solution":
        """The fit with a single state on which no input acts."""
        gains = dict.fromkeys(self.problem.series.input_names, 0.0)
        direct = self.problem.record.input_names
        problem = self.problem.vary(time_constants=1, direct=direct, gains=gains)
        return Solution(problem, has_profile=False)

    @property
    def problem(self) -> FitProblem:
        """The data and the unknowns."""
        return self.criterion.problem

    @property
    def n_targets(self) -> int:
        """The number of targets."""
        return self.problem.n_targets

    @property
    def is_colored(self) -> bool:
        """True if the noise is ar1."""
        return self.criterion.is_colored

    @property
    def has_criterion(self) -> bool:
        """True if what is minimized is not the mean squared residual."""
        return self.is_colored or self.problem.fitted is not None

    @property
    def degrees_of_freedom(self) -> int:
        """The number of targets minus that of unknowns."""
        return self.criterion.degrees_of_freedom

    # The minimum.

    @cached_property
    def search(self) -> PoleSearch:
        """The search over several poles."""
        best = None
        if self.given is not None:
            best = self.criterion.evaluate(np.array([self.given[0]]))
        return PoleSearch(self.criterion, best)

    @property
    def profile(self) -> Profile[Points]:
        """The criterion as a function of the w_rec of the slowest state."""
        return self.profiles[self.slowest]

    @cached_property
    def profiles(self) -> list[Profile[Points]]:
        """The criterion as a function of the w_rec of each state, with all extrema."""
        n_states = self.problem.unknowns.n_states
        if n_states == 1:
            return [self._profile]
        return [self.search.make_profile(state, self.height) for state in range(n_states)]

    @cached_property
    def _profile(self) -> Profile[Points]:
        """The criterion at all points of a search over a single pole."""
        low, high = self.problem.options.w_rec
        if self.has_profile:
            grid = self.criterion.tabulate(make_grid(self.problem.targets.shape[1], low, high))
        else:
            grid = self.criterion.coarse
        # Where columns coincide the criterion jumps, and its limit is what counts.
        rank = np.sum(grid.singular_values > constants.RANK_RTOL, axis=1)
        padded = np.pad(rank, 1, mode="reflect")
        jumps = rank < np.minimum(padded[:-2], padded[2:])
        start = grid[~jumps]
        inside = (grid.w[[0, -1]] + [constants.INSIDE, -constants.INSIDE])[jumps[[0, -1]]]
        if len(inside):
            start = start.merge(self.criterion.evaluate(inside))
        evaluate = self.criterion.evaluate
        highest = math.inf if self.has_profile else float(start.cost.min())
        atol = 0.0 if self.has_profile else constants.PROFILE_ATOL
        points = find_points(evaluate, start, (low, high), highest, atol, None)
        return Profile(evaluate, points, Bounds(low, high), atol)

    @cached_property
    def best(self) -> Points:
        """The lowest minimum."""
        if self.is_coarse and self.problem.unknowns.n_states == 1:
            return self.criterion.find_coarsely()
        if self.is_coarse:
            return self.search.coarse[:1]
        if self.problem.unknowns.n_states > 1:
            return self.search.minima[:1]
        if self.given is None:
            return self._profile.minima[:1]
        return self.criterion.evaluate(np.array([self.given[0]]))

    @property
    def poles(self) -> list[float]:
        """The w_rec of each state at the lowest minimum."""
        poles: list[float] = self.best.poles[0].tolist()
        return poles

    @property
    def slowest(self) -> int:
        """The state with the highest w_rec."""
        return 0 if self.problem.unknowns.n_states == 1 else int(np.argmax(self.poles))

    @property
    def w_rec(self) -> float:
        """The w_rec of the slowest state at the lowest minimum."""
        return self.poles[self.slowest]

    @property
    def rho(self) -> float:
        """The autocorrelation of the noise over one step."""
        return float(self.best.rho[0])

    @property
    def lowest(self) -> float:
        """The lowest criterion."""
        return float(self.best.cost[0])

    @property
    def comparable(self) -> Lowest:
        """The lowest criterion, to compare with that of another problem."""
        squares = max(float(self.best.squares[0]), self.criterion.rounding)
        return Lowest(self.lowest, self.criterion.n_contrasts, math.log(squares))

    @property
    def cost(self) -> float:
        """The mean squared residual."""
        return float(self.best.mean_square[0])

    @property
    def at_limit(self) -> bool:
        """True if w_rec is at an end of the range that was searched."""
        if self.problem.options.is_given:
            return False
        ends = self.problem.options.w_rec
        distances = [abs(pole - end) for pole in self.poles for end in ends]
        return min(distances) < constants.W_REC_LIMIT_ATOL

    @property
    def is_exact(self) -> bool:
        """True if the residuals have the size of rounding errors, so that they are not judged."""
        return float(self.best.squares[0]) <= self.criterion.rounding

    @property
    def can_judge(self) -> bool:
        """True if there are residuals to judge."""
        return self.degrees_of_freedom > 0 and not self.is_exact

    def get_excess(self, criteria: Array) -> Array:
        """Return by how much criteria exceed the lowest one.

        Parameters
        ----------
        criteria
            Criteria of any shape.

        Returns
        -------
        excess
            Of the same shape; nan if the mean squared residual is minimized.
        """
        return criteria - self.lowest if self.has_criterion else np.full_like(criteria, math.nan)

    @cached_property
    def minima(self) -> list[Minimum]:
        """All local minima, the lowest first."""
        at = self.profile.minima
        rows = np.column_stack([at.w, at.mean_square, self.get_excess(at.cost)])
        return [Minimum(*row) for row in rows.tolist()]

    @property
    def is_unique(self) -> bool:
        """True if one w_rec alone has the lowest criterion."""
        at = self.profile.minima
        return not self.profile.is_flat and bool((at.cost[1:] > at.cost[0] + at.accuracy[0]).all())

    # The interval of w_rec.

    @cached_property
    def linearization(self) -> Linearization:
        """The fit in the space of whitened residuals, near the optimum."""
        return linearize(self.criterion, self.best)

    @property
    def has_free_variance(self) -> bool:
        """True if intervals allow for errors of any variance."""
        return self.problem.options.variance == "free" and self.can_judge

    @cached_property
    def variance_ratio(self) -> float:
        """The largest ratio of the variance of a pole to that with equal variances of errors."""
        if not self.has_free_variance or self.problem.n_poles == 0:
            return 1.0
        return float(np.max(self.linearization.find_ratios(self.linearization.pole_factors)))

    @property
    def height(self) -> float:
        """The most by which a criterion in the interval may exceed the lowest one.

        It is infinite without degrees of freedom.
        """
        from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

        nu = self.degrees_of_freedom
        if nu <= 0:
            return math.inf
        quantile = float(stdtrit(nu, 0.5 + 0.5 * self.problem.options.confidence))
        excess = self.criterion.n_contrasts * math.log1p(self.variance_ratio * quantile**2 / nu)
        return max(excess, float(self.best.accuracy[0]))

    @property
    def intervals(self) -> list[Bounds]:
        """The interval of the w_rec of the slowest state: one or several disjoint ones."""
        return self.intervals_of_states[self.slowest]

    @cached_property
    def intervals_of_states(self) -> list[list[Bounds]]:
        """The intervals of the w_rec of each state."""
        if self.given is not None:
            return self.given[1]
        return [profile.level_set(self.lowest + self.height) for profile in self.profiles]

    def surrounds(self, w_rec: float) -> bool:
        """Return True if a w_rec where a quantity is infinite is inside one of the intervals."""
        intervals = chain(*self.intervals_of_states)
        return any(low < w_rec < high for low, high in intervals)

    @cached_property
    def sampled(self) -> Points:
        """Points of the interval, dense near its ends: ``SAMPLES`` of each disjoint interval.

        Of several poles, points of the region in which the criterion is below its level.
        """
        if self.problem.unknowns.n_states > 1:
            profiles = self.profiles if self.given is None else []
            level = self.lowest + self.height
            return self.search.sample(self.intervals_of_states, level, profiles)
        # There, an ordinary interval behaves like a square root.
        fraction = 0.5 + 0.5 * np.sin(np.linspace(-0.5, 0.5, constants.SAMPLES) * math.pi)
        points = [low * (1.0 - fraction) + high * fraction for low, high in self.intervals]
        return self.criterion.tabulate(np.concatenate(points))

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
        excess = np.maximum(self.lowest + self.height - points.cost, 0.0)
        squares = np.maximum(points.squares, self.criterion.rounding)
        slack: Array = squares * np.expm1(excess / self.criterion.n_contrasts)
        return np.maximum(slack, constants.TINY)

    @property
    def level(self) -> float:
        """The highest cost in the interval, or the highest criterion above its minimum."""
        if self.has_criterion:
            return self.height
        return self.cost + self.problem.cost_unit * float(self.find_slack(self.best)[0])

    @property
    def standard_error(self) -> float:
        """The standard error of w_rec, by the curvature at the optimum."""
        return self.standard_errors[self.slowest]

    @property
    def standard_errors(self) -> list[float]:
        """The standard errors of the w_rec of each state."""
        sensitivities = find_sensitivities(self.best)
        squares = self.variance_ratio * float(self.best.squares[0])
        variance = squares / max(self.degrees_of_freedom, 1)
        is_known = self.degrees_of_freedom > 0 and not self.problem.options.is_given
        return [
            math.sqrt(variance) / sensitivity if is_known and sensitivity > 0.0 else math.inf
            for sensitivity in sensitivities
        ]

    @property
    def is_identifiable(self) -> bool:
        """True if the targets exclude a w_rec of the range, and identify the best one."""
        if math.isnan(self.r_squared) or self.problem.options.is_given:
            return not math.isnan(self.r_squared)
        is_identified = float(self.best.sensitivity[0, 0]) > 0.0
        if self.is_coarse:
            return is_identified
        is_whole = self.intervals == [self.problem.options.w_rec]
        return is_identified and not self.profile.is_flat and not is_whole

    # The quality of the fit.

    @property
    def r_squared(self) -> float:
        """The fraction of the variance of the targets that is explained; nan if it is rounding."""
        variance = float(np.nanvar(self.problem.targets))
        is_rounding = variance <= self.problem.cost_unit * self.criterion.rounding
        return math.nan if is_rounding else 1.0 - self.cost / variance

    @property
    def innovation_sd(self) -> float:
        """The standard deviation of the whitened residuals.

        It is relative to the fitted values if errors are proportional to them.
        """
        nu = self.degrees_of_freedom
        squares = float(self.best.squares[0])
        unit = self.problem.unit / self.problem.sizes.usual
        return unit * math.sqrt(squares / nu) if nu > 0 else math.nan

    @property
    def minus_two_log_likelihood(self) -> float:
        """Minus twice the logarithm of the full likelihood; -inf without residuals."""
        if self.is_exact:
            return -math.inf
        n = self.n_targets
        variance_log = math.log(float(self.best.squares[0]) / n) + 2.0 * math.log(self.problem.unit)
        log_v = float(self.problem.sequences.log_determinant(np.array(self.rho)))
        return n * (math.log(2.0 * math.pi) + variance_log + 1.0) + log_v

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return self.minus_two_log_likelihood + 2.0 * self.criterion.n_parameters

    @property
    def bic(self) -> float:
        """The Bayesian information criterion."""
        penalty = math.log(self.n_targets) * self.criterion.n_parameters
        return self.minus_two_log_likelihood + penalty

    @property
    def has_impossible_offset(self) -> bool:
        """True if the fitted offset is below 0 though all targets are positive."""
        problem = self.problem
        gap = math.prod(1.0 - w for w in self.poles) if problem.has_unknown_start else 1.0
        has_shared = problem.has_offset and not problem.unknowns.has_own_offsets
        if not has_shared or gap == 0.0 or bool((problem.targets <= 0.0).any()):
            return False
        weight = float(self.best.theta[0, problem.unknowns.linear_columns.offset][0])
        return problem.center + problem.unit * weight / gap < 0.0
