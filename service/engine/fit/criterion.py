"""The criterion of a fit as a function of w_rec.

It is minus twice the logarithm of the restricted likelihood, up to a constant, profiled over the
autocorrelation rho of the noise:

    J(w) = min over rho of (nu + 1) ln RSS + ln det V + ln det A' V⁻¹ A - ln det A'A,

where RSS is that of the whitened residuals, V the covariance of the noise and A has a column per
linear unknown (D. A. Harville, "Bayesian inference for variance components using only error
contrasts", Biometrika 61 (1974), 383-385). With white noise only the first term is left.
"""

from dataclasses import dataclass, fields
from functools import partial
from typing import Final

import numpy as np

from service.engine.arithmetic import tolerances
from service.engine.fit.linear import RANK_RTOL, Linear, Rows, Weights, reduce_columns, solve
from service.engine.fit.problem import Problem
from service.engine.fit.sequences import split
from service.engine.interruption import BlockResult, check_interruption, recall
from service.engine.profile import Evaluation, make_grid
from service.engine.types import Array

GENERIC: Final = np.array([0.13, 0.29, 0.47, 0.61, 0.83])  # where in the range the rank is computed
COARSE_GAPS: Final = 13  # of a grid of w_rec from 0 to 1, to compare problems
# Distances of the points of parabolas, in Fisher's z, from the grid of correlations on.
RHO_STEPS: Final = (0.1, 0.02, 0.001)


@dataclass(frozen=True, eq=False)
class Points(Evaluation, Weights):
    """The criterion (``cost``) and the linear problem, solved at W values of w_rec.

    The weights are those of whitened rows without the starts of single sequences, in the units of
    the problem; singular values are those of the columns before whitening.

    Attributes
    ----------
    rho : (W,)
        The autocorrelation of the noise over one step; 0 for white noise.
    mean_square : (W,)
        The mean squared residual, in the units of the data.
    """

    rho: Array
    mean_square: Array


class Criterion:
    """The criterion of a problem.

    Attributes
    ----------
    is_colored
        Whether the noise is ar1.
    rounding
        Smaller sums of squares are rounding errors.
    n_parameters
        The number of fitted parameters, with the variance of the noise and rho; collinear weights
        count once.
    degrees_of_freedom
        Targets minus unknowns.
    n_contrasts
        The degrees of freedom with w_rec given.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.is_colored = problem, problem.options.noise == "ar1"
        self.rounding = max(tolerances.RESIDUAL_RTOL**2 * problem.scale, 1e-300)
        low, high = np.clip(problem.options.w_rec, -1.0, 1.0)  # large powers hide the rank
        rows = Rows(problem, low + (high - low) * GENERIC, problem.compressed)
        columns, _ = rows.whiten(np.zeros((len(GENERIC), 1)))
        s = solve(columns[:, 0], rows.sizes).singular_values
        rank = int(np.max(np.sum(s > RANK_RTOL, axis=1)))
        self.n_parameters = 2 + rank + problem.n_own_starts + self.is_colored
        self.degrees_of_freedom = problem.n_targets + 1 - self.n_parameters
        self.n_contrasts = max(self.degrees_of_freedom, 0) + 1

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

    def bound(self) -> tuple[float, float]:
        """Return two bounds of the lowest criterion: tangents between grid points, and points."""
        n_steps, (low, high) = self.problem.targets.shape[1], self.problem.options.w_rec
        at = self.evaluate(make_grid(n_steps, low, high, COARSE_GAPS))
        (a, b), rise, highest = (at.slope[:-1], at.slope[1:]), np.diff(at.cost), np.min(at.cost)
        turns = (a < 0.0) & (b > 0.0)
        x = (rise - b * np.diff(at.w))[turns] / (a - b)[turns]  # from the left point on
        lowest = np.min(at.cost[:-1][turns] + a[turns] * x, initial=highest)
        return float(lowest), float(highest)

    def _evaluate(self, w: Array) -> BlockResult:
        rows, n = Rows(self.problem, w, self.problem.compressed), self.n_contrasts
        rho = np.zeros((1, len(w)))  # of white noise, and of the fit
        if self.is_colored:
            rho = np.stack([rho[0], self._search_rho(rows, len(w))])
        columns, logs = rows.whiten(rho.T)
        solved = [solve(each, rows.sizes) for each in np.swapaxes(columns, 0, 1)]
        white, own = solved[0], solved[-1]
        squares, is_exact = np.maximum(own.squares, self.rounding), own.squares <= self.rounding
        # The slopes of rounding errors would have roots everywhere.
        slope = n * np.where(is_exact, 0.0, own.squares_slope) / squares
        slope += own.log_determinant_slope - white.log_determinant_slope
        cost = n * np.log(squares) + own.log_determinant - white.log_determinant
        cost += self.problem.sequences.log_determinant(rho[-1])
        ratio, ratio_slope = logs[..., -1] - logs[..., 0]
        accuracy = n * (tolerances.EQUAL_COST_RTOL + np.sqrt(self.rounding / squares))
        raw = self._sum_raw_squares(columns, own, rho[-1]) if self.is_colored else own.squares
        mean_square = self.problem.cost_unit * np.where(is_exact, 0.0, raw)
        weights = [vars(own)[field.name] for field in fields(Weights)]
        weights[-1] = white.singular_values
        evaluation = w, cost + ratio, slope + ratio_slope, accuracy
        return *weights, *evaluation, rho[-1], mean_square

    def _sum_raw_squares(self, columns: Array, linear: Linear, rho: Array) -> Array:
        """Return the sums of squared residuals (W,) before whitening."""
        if self.problem.has_own_starts:
            pairs = zip(linear.residuals, rho.tolist(), strict=True)
            raw = np.stack([self.problem.compressed.color(*pair) for pair in pairs])
        else:
            raw = columns[:, 0, :, : linear.theta.shape[1]] @ linear.theta[..., None]
        return np.asarray(np.sum(raw**2, axis=(1, 2)))

    def _search_rho(self, rows: Rows, n_points: int) -> Array:
        """Return the rho (W,) with the lowest criterion at each point, by successive parabolas."""

        def criterion(correlations: Array) -> Array:
            rho = self.problem.to_rho(correlations)
            columns, logs = rows.whiten(rho, has_slopes=False)
            squares, dets = reduce_columns(columns, rows.sizes)
            dets += logs[0] + self.problem.sequences.log_determinant(rho)
            return np.asarray(self.n_contrasts * np.log(np.maximum(squares, self.rounding)) + dets)

        grid = self.problem.correlations
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
        return self.problem.to_rho(np.tanh(middle))
