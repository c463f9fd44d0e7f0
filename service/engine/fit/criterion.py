"""The criterion of a fit as a function of w_rec.

It is minus twice the logarithm of the restricted likelihood, up to a constant, profiled over the
autocorrelation rho of the noise:

    J(w) = min over rho of (nu + 1) ln RSS + ln det V + ln det A' V⁻¹ A - ln det A'A,

where RSS is that of the whitened residuals, V the covariance of the noise and A has a column per
linear unknown (D. A. Harville, "Bayesian inference for variance components using only error
contrasts", Biometrika 61 (1974), 383-385). With white noise only the first term is left.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from service.engine.arithmetic import tolerances
from service.engine.fit.linear import RANK_RTOL, Linear, Rows
from service.engine.fit.problem import Problem
from service.engine.fit.sequences import split
from service.engine.interruption import BlockResult, check_interruption, recall
from service.engine.profile import Evaluation, make_grid
from service.engine.types import Array

GENERIC: Final = np.array([0.13, 0.29, 0.47, 0.61, 0.83])  # where in the range the rank is computed
COARSE_GAPS: Final = 13  # of a grid of w_rec from 0 to 1, to compare problems
# Distances of the points of parabolas, in Fisher's z, after the grid.
RHO_STEPS: Final = (0.1, 0.02, 0.001)


@dataclass(frozen=True, eq=False)
class Points(Evaluation):
    """The criterion (``cost``) and the linear problem, solved at W values of w_rec.

    The weights are those of whitened rows without the starts of single sequences, in the units of
    the problem.

    Attributes
    ----------
    squares, theta, inverse_factor, null_space, sensitivity
        Those of `Linear`.
    singular_values : (W, K)
        Of the columns before whitening, scaled to a norm of at most 1.
    rho : (W,)
        The autocorrelation of the noise over one step; 0 for white noise.
    mean_square : (W,)
        The mean squared residual, in the units of the data.
    """

    squares: Array
    theta: Array
    inverse_factor: Array
    null_space: Array
    sensitivity: Array
    singular_values: Array
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
        ranks = self._call_in_blocks(self._find_ranks, low + (high - low) * GENERIC)
        rank = max(int(np.max(block)) for (block,) in ranks)
        self.n_parameters = 2 + rank + problem.n_own_starts + self.is_colored
        self.degrees_of_freedom = problem.n_targets + 1 - self.n_parameters
        self.n_contrasts = max(self.degrees_of_freedom, 0) + 1

    def __repr__(self) -> str:
        """Return a text that distinguishes the criteria of one series (see `recall`)."""
        return f"Criterion({self.problem})"

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
        parts = [Points(*result) for result in self._call_in_blocks(self._evaluate, w)]
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

    def _call_in_blocks(
        self, function: Callable[[Array], BlockResult], w: Array
    ) -> Iterator[BlockResult]:
        """Yield the results of a function for the blocks of w."""
        for block in split(len(w), self.problem.compressed.sources.size):
            yield recall(partial(function, w[block]))
            check_interruption()

    def _find_ranks(self, w: Array) -> BlockResult:
        """Return the ranks (W,) of the columns."""
        linear = Linear(Rows(self.problem, w), np.zeros(len(w)))
        return (np.sum(linear.singular_values > RANK_RTOL, axis=1),)

    def _evaluate(self, w: Array) -> BlockResult:
        rows, n, rho = Rows(self.problem, w), self.n_contrasts, 0.0 * w
        own = white = Linear(rows, rho)
        if self.is_colored and self.problem.n_pairs > 0:
            rho = self._search_rho(rows, len(w))
            own = Linear(rows, rho)
        squares, is_exact = np.maximum(own.squares, self.rounding), own.squares <= self.rounding
        # The slopes of rounding errors would have roots everywhere.
        slope = n * np.where(is_exact, 0.0, own.squares_slope) / squares
        slope += own.log_determinant_slope - white.log_determinant_slope
        cost = n * np.log(squares) + own.log_determinant - white.log_determinant
        cost += self.problem.sequences.log_determinant(rho)
        accuracy = n * (tolerances.EQUAL_COST_RTOL + np.sqrt(self.rounding / squares))
        mean_square = self.problem.cost_unit * np.where(is_exact, 0.0, own.raw_squares)
        weights = own.squares, own.theta, own.inverse_factor, own.null_space, own.sensitivity
        return w, cost, slope, accuracy, *weights, white.singular_values, rho, mean_square

    def _search_rho(self, rows: Rows, n_points: int) -> Array:
        """Return the rho (W,) with the lowest criterion at each point, by successive parabolas."""
        z, power = np.arctanh(self.problem.correlations), 1.0 / self.problem.sequences.usual_gap

        def criterion(at: Array) -> Array:
            rho = np.tanh(at) ** power
            squares, log_det = rows.reduce(rho)
            log_det += self.problem.sequences.log_determinant(rho)
            return np.asarray(
                self.n_contrasts * np.log(np.maximum(squares, self.rounding)) + log_det
            )

        lowest = np.argmin(criterion(np.tile(z, (n_points, 1))), axis=1)
        low, high = (z[np.clip(lowest + k, 0, len(z) - 1)] for k in (-1, 1))
        middle = z[lowest]
        for step in RHO_STEPS:
            middle = np.clip(middle, z[0] + step, z[-1] - step)
            points = middle[:, None] + np.array([-step, 0.0, step])
            f, g, h = criterion(points).T
            bend = f - 2.0 * g + h
            shift = np.divide(f - h, 2.0 * bend, out=np.sign(f - h), where=bend > 0.0)
            middle = np.clip(middle + step * shift, low, high)
        return np.asarray(np.tanh(middle) ** power)
