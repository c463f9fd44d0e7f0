"""The criterion as a function of w_rec, its minima, and the interval of w_rec.

With white noise the criterion is the lowest mean squared residual. With ar1 noise it is minus twice
the logarithm of the restricted likelihood, up to a constant, profiled over rho:

    J(w) = min over rho of (nu + 1) ln RSS + ln det V + ln det A' V⁻¹ A - ln det A'A,

where RSS is that of the whitened residuals, V the covariance of the noise and A has a column per
linear unknown (D. A. Harville, "Bayesian inference for variance components using only error
contrasts", Biometrika 61 (1974), 383-385). A w_rec belongs to the interval if the criterion exceeds
its minimum by a factor of at most 1 + t²/nu (white), or by at most (nu + 1) ln(1 + t²/nu), which is
the same for a given rho; t is the quantile of Student's distribution with nu degrees of freedom.

A QR decomposition of the columns, the rest of the targets, and the slopes of both gives everything
else: no sum of squares is ever a difference of larger ones.
"""

import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import tolerances
from service.engine.fit.noise import IMAGINARY_STEP, Noise, Rows
from service.engine.fit.problem import Problem, split
from service.engine.interruption import BlockResult, check_interruption, recall
from service.engine.profile import Evaluation, Interval, Profile, make_grid, search
from service.engine.types import Array

# Smaller singular values are rounding errors; the columns have a norm of at most 1.
RANK_RTOL: Final = 1e-13
COLLINEAR_RTOL: Final = 1e-9  # from which on columns need a decomposition that reveals their rank
GENERIC: Final = np.array(
    [0.13, 0.29, 0.47, 0.61, 0.83]
)  # fractions of the range where the rank is computed
# Where columns coincide at an end of the range, a point this far inside replaces it.
INSIDE: Final = 1e-8
# Distances of the points of parabolas, in Fisher's z, from the grid of correlations on.
RHO_STEPS: Final = (0.1, 0.02, 0.001)
MIN_SLACK: Final = 1e-300  # replaces 0 in products with infinite errors
AT_LIMIT: Final = 1e-7  # a minimum this close to an end of the range is at that end


class Minimum(NamedTuple):
    """A local minimum of the criterion."""

    w_rec: float
    cost: float  # the mean squared residual
    criterion: float  # above that of the lowest minimum; nan with white noise


@dataclass(frozen=True, eq=False)
class Points(Evaluation):
    """The criterion (``cost``) and the linear problem, solved at W values of w_rec.

    Attributes
    ----------
    rho : (W,)
        The autocorrelation of the noise over one step; 0 for white noise.
    mean_square : (W,)
        The mean squared residual, in the units of the data.
    squares : (W,)
        The sum of squares of the whitened residuals, in the units of the problem.
    theta : (W, K + 1)
        The weights of the columns, without the starts of single sequences, then -1: its product
        with a row of the columns and the rest of a target is minus the residual.
    inverse_factor : (W, K, K)
        F F' is the inverse of A' V⁻¹ A.
    null_space : (W, K, K)
        Directions of theta that the targets do not determine.
    condition : (W,)
        Of the columns before whitening, scaled to a norm of 1.
    rank : (W,)
        Of the same.
    sensitivity : (W,)
        The norm of the part of the slope of the whitened predictions that no column explains.
    """

    rho: Array
    mean_square: Array
    condition: Array
    rank: NDArray[np.intp]
    squares: Array
    theta: Array
    inverse_factor: Array
    null_space: Array
    sensitivity: Array


class Linear(NamedTuple):
    """A linear least-squares problem solved at W points; the first fields are those of `Points`."""

    squares: Array
    theta: Array
    inverse_factor: Array
    null_space: Array
    sensitivity: Array
    singular_values: Array  # (W, K)
    squares_slope: Array  # (W,)
    log_determinant: Array  # (W,) of the scaled columns
    log_determinant_slope: Array  # (W,)


@np.errstate(over="ignore", invalid="ignore")  # far from the optimum
def solve(columns: Array, sizes: Array) -> Linear:
    """Solve for the weights of columns of the norms ``sizes`` (W, K); see `Rows.whiten`."""
    n = sizes.shape[1]
    own, rest = columns[..., :n], columns[..., n : n + 1]
    left, s, right = np.linalg.svd(own / sizes[:, None], full_matrices=False)
    is_sound = s > RANK_RTOL
    left, right = left * is_sound[:, None], np.swapaxes(right, 1, 2) / sizes[..., None]
    inverse = right * np.divide(1.0, s, out=np.zeros_like(s), where=is_sound)[:, None]
    transposed = np.swapaxes(left, 1, 2)
    theta = np.concatenate([inverse @ (transposed @ rest), np.full((len(sizes), 1, 1), -1.0)], 1)
    residuals, change = columns[..., : n + 1] @ theta, columns[..., n + 1 :] @ theta
    free = change - left @ (transposed @ change)
    turns = transposed @ columns[..., n + 1 : 2 * n + 1] @ inverse
    return Linear(
        theta=theta[..., 0],
        inverse_factor=inverse,
        null_space=right * ~is_sound[:, None],
        singular_values=s,
        squares=np.sum(residuals**2, axis=(1, 2)),
        squares_slope=2.0 * np.sum(residuals * change, axis=(1, 2)),
        log_determinant=2.0 * np.sum(np.log(np.where(is_sound, s, 1.0)), axis=1),
        log_determinant_slope=2.0 * np.trace(turns, axis1=1, axis2=2),
        sensitivity=np.linalg.norm(free, axis=(1, 2)),
    )


def reduce_columns(columns: Array, sizes: Array) -> tuple[Array, Array]:
    """Return the sum of squares and the log determinant of `solve`, for columns (W, R, M, K + 1).

    It is faster where no columns are nearly collinear.
    """
    n = sizes.shape[1]
    scaled = columns.copy()
    scaled[..., :n] /= sizes[:, None, None]
    if scaled.shape[2] < n + 1:
        padding = [(0, 0)] * 2 + [(0, n + 1 - scaled.shape[2]), (0, 0)]
        scaled = np.pad(scaled, padding)
    factor = np.abs(np.diagonal(np.linalg.qr(scaled, mode="r"), axis1=2, axis2=3))
    squares, diagonal = factor[..., n] ** 2, factor[..., :n]
    log_determinant = 2.0 * np.sum(np.log(np.maximum(diagonal, COLLINEAR_RTOL)), axis=2)
    where = np.nonzero((diagonal < COLLINEAR_RTOL).any(axis=2))
    if len(where[0]):
        left, s, _ = np.linalg.svd(scaled[where][..., :n], full_matrices=False)
        rest = scaled[where][..., n:]
        left = left * (s > RANK_RTOL)[:, None]
        rest = rest - left @ (np.swapaxes(left, 1, 2) @ rest)
        squares[where] = np.sum(rest**2, axis=(1, 2))
        log_determinant[where] = 2.0 * np.sum(np.log(np.where(s > RANK_RTOL, s, 1.0)), axis=1)
    return squares, log_determinant


class Solution:
    """All local minima of the criterion of a problem, and the interval of w_rec."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.noise = problem, Noise(problem)
        self.is_colored = problem.options.noise == "ar1"
        # Smaller sums of squares are rounding errors.
        self.rounding = tolerances.RESIDUAL_RTOL**2 * problem.scale

    @cached_property
    def degrees_of_freedom(self) -> int:
        """Targets minus unknowns; collinear ones count once."""
        (low, high), problem = self.problem.options.w_rec, self.problem
        if max(low, -1.0) < min(high, 1.0):  # beyond, large powers hide the rank
            low, high = max(low, -1.0), min(high, 1.0)
        generic = self._evaluate(low + (high - low) * GENERIC, is_colored=False)
        n_fitted = 1 + int(generic.rank.max()) + problem.n_starts * problem.has_own_starts
        return problem.n_targets - n_fitted - self.is_colored

    @cached_property
    def profile(self) -> Profile[Points]:
        """The criterion at all points of a search for its extrema."""
        low, high = self.problem.options.w_rec
        grid = self.evaluate(make_grid(self.problem.targets.shape[1], low, high))
        # Where columns coincide the criterion jumps, and its limit is what counts.
        rank = np.pad(grid.rank, 1, mode="reflect")
        jumps = rank[1:-1] < np.minimum(rank[:-2], rank[2:])
        start = grid[~jumps]
        inside = (grid.w[[0, -1]] + [INSIDE, -INSIDE])[jumps[[0, -1]]]
        if len(inside):
            start = start.merge(self.evaluate(inside))
        return search(self.evaluate, start, (low, high))

    @cached_property
    def best(self) -> Points:
        """The lowest minimum."""
        return self.profile.minima[:1]

    @property
    def w_rec(self) -> float:
        """The w_rec with the lowest criterion."""
        return float(self.best.w[0])

    @property
    def rho(self) -> float:
        """The autocorrelation of the noise there."""
        return float(self.best.rho[0])

    @property
    def cost(self) -> float:
        """The mean squared residual there."""
        return float(self.best.mean_square[0])

    @property
    def criterion(self) -> float:
        """The lowest criterion."""
        return float(self.best.cost[0])

    @cached_property
    def minima(self) -> list[Minimum]:
        """All local minima, the lowest first."""
        at = self.profile.minima
        above = at.cost - at.cost[0] if self.is_colored else np.full(len(at.w), math.nan)
        return [
            Minimum(*row)
            for row in zip(at.w.tolist(), at.mean_square.tolist(), above.tolist(), strict=True)
        ]

    @property
    def is_unique(self) -> bool:
        """Whether one w_rec alone has the lowest criterion."""
        at = self.profile.minima
        return not self.profile.is_flat and bool((at.cost[1:] > at.cost[0] + at.accuracy[0]).all())

    @property
    def is_identifiable(self) -> bool:
        """Whether the targets exclude any w_rec of the range."""
        has_all = self.intervals == [self.problem.options.w_rec]
        return not self.profile.is_flat and not has_all

    @property
    def at_limit(self) -> bool:
        """Whether w_rec is at an end of the range."""
        return min(abs(self.w_rec - end) for end in self.problem.options.w_rec) < AT_LIMIT

    @property
    def is_exact(self) -> bool:
        """Whether the residuals have the size of rounding errors, so that they are not judged."""
        return float(self.best.squares[0]) <= self.rounding

    @property
    def r_squared(self) -> float:
        """The fraction of the variance of the targets that is explained; nan if they are equal."""
        variance = float(np.nanvar(self.problem.targets / self.problem.unit))
        return 1.0 - self.cost / self.problem.unit**2 / variance if variance else math.nan

    @property
    def offset(self) -> float:
        """The fitted offset; infinite where it has a pole, nan if there is none."""
        if not self.problem.has_offset:
            return math.nan
        gap = 1.0 - self.w_rec * self.problem.has_unknown_start
        weight = float(self.best.theta[0, self.problem.n_free])
        return math.nan if gap == 0.0 else self.problem.center + self.problem.unit * weight / gap

    @property
    def level(self) -> float:
        """The highest criterion of a w_rec in the interval; infinite without degrees of freedom."""
        return self.find_level(self.best)

    def find_level(self, best: Points) -> float:
        """Return the highest criterion in the interval around a minimum."""
        from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

        n_free, cost = self.degrees_of_freedom, float(best.cost[0])
        if n_free <= 0:
            return math.inf
        quantile = float(stdtrit(n_free, 0.5 + 0.5 * self.problem.options.confidence))
        share = quantile**2 / n_free
        excess = (n_free + 1) * math.log1p(share) if self.is_colored else cost * share
        return cost + max(excess, float(best.accuracy[0]))

    def find_slack(self, points: Points, level: float) -> Array:
        """Return by how much the sums of squares may increase up to a level.

        Parameters
        ----------
        points
            W evaluated points.
        level
            Of the criterion.

        Returns
        -------
        slack : (W,)
            Positive.
        """
        excess = level - points.cost
        if self.is_colored:
            slack = points.squares * np.expm1(np.maximum(excess, 0.0) / self._n_contrasts)
        else:
            slack = excess / self.problem.cost_unit
        result: Array = np.maximum(slack, MIN_SLACK)
        return result

    @cached_property
    def intervals(self) -> list[Interval]:
        """The interval of w_rec: one or several disjoint intervals, in order."""
        return self.profile.level_set(self.level)

    @property
    def standard_error(self) -> float:
        """The standard error of w_rec, by the curvature at the optimum."""
        sensitivity = float(self.best.sensitivity[0])
        if self.degrees_of_freedom <= 0 or sensitivity == 0.0:
            return math.inf
        return math.sqrt(float(self.best.squares[0]) / self.degrees_of_freedom) / sensitivity

    def evaluate(self, w: Array) -> Points:
        """Return the criterion and the weights of the columns.

        Parameters
        ----------
        w : (W,)
            In the range of the fit.

        Returns
        -------
        Points
            W points, in the order of w.
        """
        parts = []
        for block in split(len(w), self.problem.compressed.sources.size):
            parts.append(Points(*recall(partial(self._evaluate_block, w[block]))))
            check_interruption()
        return parts[0].concatenate(*parts[1:])

    def _evaluate_block(self, w: Array) -> BlockResult:
        return tuple(vars(self._evaluate(w, is_colored=self.is_colored)).values())

    def _evaluate(self, w: Array, *, is_colored: bool) -> Points:
        rows, unit = Rows(self.problem, w, is_colored=is_colored), self.problem.cost_unit
        zeros = np.zeros(len(w))
        rho = self._search_rho(rows, len(w)) if is_colored else zeros
        both, logs = rows.whiten(np.stack([zeros, rho][: 1 + is_colored], axis=1))
        white = solve(both[:, 0], rows.sizes)
        linear = solve(both[:, 1], rows.sizes) if is_colored else white
        # The slopes of rounding errors would have roots everywhere.
        slopes = np.where(linear.squares > self.rounding, linear.squares_slope, 0.0)
        linear = linear._replace(squares_slope=slopes)
        if is_colored:
            ratio = linear.log_determinant - white.log_determinant + np.diff(logs.real)[:, 0]
            cost = self._likelihood(linear.squares, ratio) + self.noise.log_determinant(rho)
            slope = self._n_contrasts * linear.squares_slope / self._round_up(linear.squares)
            slope += linear.log_determinant_slope - white.log_determinant_slope
            slope += np.diff(logs.imag)[:, 0] / IMAGINARY_STEP
            accuracy = np.full(len(w), tolerances.EQUAL_COST_RTOL * self._n_contrasts)
            mean_square = unit * rows.sum_squares(linear.theta, rho)
        else:
            squares = np.where(linear.squares > self.rounding, linear.squares, 0.0)
            linear, slope = linear._replace(squares=squares), unit * linear.squares_slope
            cost = mean_square = unit * squares
            rounding = np.sqrt(squares) * math.sqrt(self.rounding) + self.rounding
            accuracy = tolerances.EQUAL_COST_RTOL * cost + unit * rounding
        s = white.singular_values
        condition = s.max(axis=1, initial=1.0) / np.maximum(s.min(axis=1, initial=1.0), 1e-300)
        rank = np.sum(s > RANK_RTOL, axis=1)
        own = linear[: Linear._fields.index("singular_values")]
        return Points(w, cost, slope, accuracy, rho, mean_square, condition, rank, *own)

    def _likelihood(self, squares: Array, log_determinant: Array) -> Array:
        """Return what J has besides ln det V."""
        logarithms: Array = np.log(self._round_up(squares))
        return self._n_contrasts * logarithms + log_determinant

    @property
    def _n_contrasts(self) -> int:
        return max(self.degrees_of_freedom, 0) + 1

    def _round_up(self, squares: Array) -> Array:
        result: Array = np.maximum(squares, max(self.rounding, 1e-300))
        return result

    def _search_rho(self, rows: Rows, n_points: int) -> Array:
        """Return the rho (W,) with the lowest criterion at each point, by successive parabolas."""

        def criterion(correlations: Array) -> Array:
            rho = self.noise.to_rho(correlations)
            columns, logs = rows.whiten(rho, with_slopes=False)
            squares, dets = reduce_columns(columns, rows.sizes)
            return self._likelihood(squares, dets + logs) + self.noise.log_determinant(rho)

        grid = self.noise.correlations
        values = criterion(np.tile(grid, (n_points, 1)))
        z, lowest = np.arctanh(grid), np.argmin(values, axis=1)
        low, high = (z[np.clip(lowest + k, 0, len(z) - 1)] for k in (-1, 1))
        middle = z[lowest]
        for step in RHO_STEPS:
            middle = np.clip(middle, z[0] + step, z[-1] - step)
            points = middle[:, None] + np.array([-step, 0.0, step])
            f, g, h = criterion(np.tanh(points)).T
            bend = f - 2.0 * g + h
            shift = np.divide(f - h, 2.0 * bend, out=np.sign(f - h), where=bend > 0.0)
            middle = np.clip(middle + step * shift, low, high)
        return self.noise.to_rho(np.tanh(middle))
