"""The criterion of a fit as a function of w_rec.

With white noise the criterion is the lowest mean squared residual. With ar1 noise it is minus twice
the logarithm of the restricted likelihood, up to a constant, profiled over rho:

    J(w) = min over rho of (nu + 1) ln RSS + ln det V + ln det A' V⁻¹ A - ln det A'A,

where RSS is that of the whitened residuals, V the covariance of the noise and A has a column per
linear unknown (D. A. Harville, "Bayesian inference for variance components using only error
contrasts", Biometrika 61 (1974), 383-385).
"""

import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

import numpy as np

from service.engine.arithmetic import tolerances
from service.engine.fit.linear import RANK_RTOL, Linear, reduce_columns, solve
from service.engine.fit.noise import Noise, color
from service.engine.fit.problem import Problem, split
from service.engine.fit.rows import Rows
from service.engine.interruption import BlockResult, check_interruption, recall
from service.engine.profile import Evaluation
from service.engine.types import Array

GENERIC: Final = np.array([0.13, 0.29, 0.47, 0.61, 0.83])  # where in the range the rank is computed
# Distances of the points of parabolas, in Fisher's z, from the grid of correlations on.
RHO_STEPS: Final = (0.1, 0.02, 0.001)


@dataclass(frozen=True, eq=False)
class Points(Evaluation):
    """The criterion (``cost``) and the linear problem, solved at W values of w_rec.

    Attributes
    ----------
    rho : (W,)
        The autocorrelation of the noise over one step; 0 for white noise.
    mean_square : (W,)
        The mean squared residual, in the units of the data.
    squares, theta, inverse_factor, null_space, sensitivity
        Those of `Linear`, for whitened rows without the starts of single sequences, in the units of
        the problem.
    singular_values : (W, K)
        Of the columns before whitening.
    """

    rho: Array
    mean_square: Array
    squares: Array
    theta: Array
    inverse_factor: Array
    null_space: Array
    sensitivity: Array
    singular_values: Array


class Criterion:
    """The criterion of a problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.noise = problem, Noise(problem)
        self.is_colored = problem.options.noise == "ar1"
        # Smaller sums of squares are rounding errors.
        self.rounding = tolerances.RESIDUAL_RTOL**2 * problem.scale
        self._floor = max(self.rounding, 1e-300)

    @cached_property
    def degrees_of_freedom(self) -> int:
        """Targets minus unknowns; collinear ones count once."""
        (low, high), problem = self.problem.options.w_rec, self.problem
        if max(low, -1.0) < min(high, 1.0):  # beyond, large powers hide the rank
            low, high = max(low, -1.0), min(high, 1.0)
        rows = Rows(problem, low + (high - low) * GENERIC, problem.compressed)
        columns, _ = rows.whiten(np.zeros((len(GENERIC), 1)))
        s = solve(columns[:, 0], rows.sizes).singular_values
        rank = int(np.max(np.sum(s > RANK_RTOL, axis=1)))
        n_fitted = 1 + rank + problem.n_starts * problem.has_own_starts + self.is_colored
        return problem.n_targets - n_fitted

    @property
    def n_contrasts(self) -> int:
        """The degrees of freedom with w_rec given."""
        return max(self.degrees_of_freedom, 0) + 1

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
            parts.append(Points(*recall(partial(self._evaluate, w[block]))))
            check_interruption()
        return parts[0].concatenate(*parts[1:])

    def _evaluate(self, w: Array) -> BlockResult:
        rows, unit = Rows(self.problem, w, self.problem.compressed), self.problem.cost_unit
        rho = self._search_rho(rows, len(w)) if self.is_colored else np.zeros(len(w))
        both, logs = rows.whiten(
            np.stack([np.zeros(len(w)), rho], axis=1)[:, : 1 + self.is_colored]
        )
        white = solve(both[:, 0], rows.sizes)
        linear = solve(both[:, 1], rows.sizes) if self.is_colored else white
        # The slopes of rounding errors would have roots everywhere.
        slopes = np.where(linear.squares > self.rounding, linear.squares_slope, 0.0)
        if self.is_colored:
            ratio = linear.log_determinant - white.log_determinant + np.diff(logs[0])[:, 0]
            floored = np.maximum(linear.squares, self._floor)
            cost = self.n_contrasts * np.log(floored) + ratio + self.noise.log_determinant(rho)
            slope = self.n_contrasts * slopes / floored
            slope += linear.log_determinant_slope - white.log_determinant_slope
            slope += np.diff(logs[1])[:, 0]
            accuracy = np.full(len(w), tolerances.EQUAL_COST_RTOL * self.n_contrasts)
            mean_square = unit * self._sum_raw_squares(both, linear, rho)
        else:
            squares = np.where(linear.squares > self.rounding, linear.squares, 0.0)
            linear, slope = linear._replace(squares=squares), unit * slopes
            cost = mean_square = unit * squares
            rounding = np.sqrt(squares) * math.sqrt(self.rounding) + self.rounding
            accuracy = tolerances.EQUAL_COST_RTOL * cost + unit * rounding
        own = linear._replace(singular_values=white.singular_values)
        fields = own[: Linear._fields.index("singular_values") + 1]
        return w, cost, slope, accuracy, rho, mean_square, *fields

    def _sum_raw_squares(self, columns: Array, linear: Linear, rho: Array) -> Array:
        """Return the sums of squared residuals (W,) before whitening."""
        if self.problem.has_own_starts:
            pairs = zip(linear.residuals, rho.tolist(), strict=True)
            raw = np.stack([color(each, self.problem.compressed, value) for each, value in pairs])
        else:
            raw = columns[:, 0, :, : linear.theta.shape[1]] @ linear.theta[..., None]
        return np.asarray(np.sum(raw**2, axis=(1, 2)))

    def _search_rho(self, rows: Rows, n_points: int) -> Array:
        """Return the rho (W,) with the lowest criterion at each point, by successive parabolas."""

        def criterion(correlations: Array) -> Array:
            rho = self.noise.to_rho(correlations)
            columns, logs = rows.whiten(rho, has_slopes=False)
            squares, dets = reduce_columns(columns, rows.sizes)
            dets += logs[0] + self.noise.log_determinant(rho)
            return np.asarray(self.n_contrasts * np.log(np.maximum(squares, self._floor)) + dets)

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
