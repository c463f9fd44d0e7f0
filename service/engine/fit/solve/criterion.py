"""The criterion of a fit as a function of w_rec.

It is minus twice the logarithm of the restricted likelihood, up to a constant, profiled over the
autocorrelation rho of the noise:

    J(w) = min over rho of (nu + 1) ln RSS + ln det V + ln det A' V⁻¹ A - ln det A'A,

where RSS is that of the whitened residuals, V the covariance of the noise and A has a column per
linear unknown (D. A. Harville, "Bayesian inference for variance components using only error
contrasts", Biometrika 61 (1974), 383-385). With white noise only the first term is left.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from service.engine.arithmetic import tolerances
from service.engine.fit import constants
from service.engine.fit.model import FitProblem, split
from service.engine.fit.solve.autocorrelation import reduce
from service.engine.fit.solve.linear import Linear, compute_rows, solve
from service.engine.interruption import check_interruption, stage
from service.engine.profile import Evaluation, make_grid
from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class Points(Evaluation):
    """The criterion (``cost``) and the linear problem, solved at W places of K poles.

    Where the linear problem has no solution, the criterion is infinite. So it is where whitening
    changes the rank of the columns.

    Of several poles, ``w`` is the one that varies while the others are fitted.

    The weights are those of whitened rows without the columns of single sequences, in the units of
    the problem.

    Attributes
    ----------
    poles : (W, K)
        The places.
    gradient : (W, K)
        The slopes of the criterion with respect to each pole.
    squares, theta, inverse_factor, null_space, sensitivity
        Those of `Linear`.
    information : (W, K, K)
        The products of the vectors of the sensitivities.
    singular_values : (W, n)
        Of the columns before whitening, scaled to a norm of at most 1.
    rho : (W,)
        The autocorrelation of the noise over one step; 0 for white noise.
    mean_square : (W,)
        The mean squared residual, in the units of the data.
    """

    poles: Array
    gradient: Array
    squares: Array
    theta: Array
    inverse_factor: Array
    null_space: Array
    sensitivity: Array
    information: Array
    singular_values: Array
    rho: Array
    mean_square: Array


@dataclass(frozen=True, eq=False)
class Criterion:
    """The criterion of a problem."""

    problem: FitProblem

    @property
    def is_colored(self) -> bool:
        """True if the noise is ar1."""
        return self.problem.options.noise == "ar1"

    @cached_property
    def rounding(self) -> float:
        """The sum of squares below which there are only rounding errors."""
        return max(tolerances.RESIDUAL_RTOL**2 * self.problem.scale, constants.TINY)

    @cached_property
    def n_parameters(self) -> int:
        """The number of fitted parameters, with the variance of the noise and rho.

        Collinear weights count once.
        """
        problem = self.problem
        n_parameters = 1 + problem.n_poles + problem.rank + problem.n_own_unknowns
        return n_parameters + 1 if self.is_colored else n_parameters

    @property
    def degrees_of_freedom(self) -> int:
        """The number of targets minus that of unknowns."""
        return self.problem.n_targets + 1 - self.n_parameters

    @cached_property
    def n_contrasts(self) -> int:
        """The degrees of freedom with the poles given."""
        return max(max(self.degrees_of_freedom, 0) + self.problem.n_poles, 1)

    def evaluate(self, w: Array) -> Points:
        """Return the criterion and the weights of the columns.

        Parameters
        ----------
        w : (W,) or (W, K)
            The poles, in the range of the fit.

        Returns
        -------
        Points
            W points, in the order of w.
        """
        poles = w.reshape(len(w), self.problem.unknowns.n_states)
        blocks = split(len(poles), self.problem.compressed.sources.size)
        parts = [self._evaluate(poles[block]) for block in blocks]
        return parts[0].concatenate(*parts[1:])

    tabulate = stage(evaluate)  # at many places, as a stage of the fit

    @cached_property
    def coarse(self) -> Points:
        """The points of a coarse grid of a single pole."""
        n_steps = self.problem.targets.shape[1]
        grid = make_grid(n_steps, *self.problem.options.w_rec, constants.COARSE_GAPS)
        return self.tabulate(grid)

    def find_coarsely(self) -> Points:
        """Return the lowest point of a coarse grid of a single pole."""
        best = int(np.argmin(self.coarse.cost))
        return self.coarse[best : best + 1]

    def bound(self) -> tuple[float, float]:
        """Return two bounds of the lowest criterion.

        Returns
        -------
        lower : float
            By tangents between the points of a coarse grid.
        upper : float
            By the points.
        """
        at = self.coarse[np.isfinite(self.coarse.cost)]
        if len(at.w) == 0:
            return -np.inf, np.inf
        left = at.slope[:-1]
        right = at.slope[1:]
        turns = (left < 0.0) & (right > 0.0)
        rise = np.diff(at.cost) - right * np.diff(at.w)
        x = rise[turns] / (left - right)[turns]  # where the tangents meet, from the left point on
        upper = np.min(at.cost)
        lower = np.min(at.cost[:-1][turns] + left[turns] * x, initial=upper)
        return float(lower), float(upper)

    @np.errstate(over="ignore", invalid="ignore")  # far from the optimum
    def _evaluate(self, poles: Array) -> Points:
        """Return the points of a block."""
        check_interruption()
        rows = compute_rows(self.problem, poles, self.problem.compressed)
        rho = np.zeros(len(poles))
        white = solve(rows, rho)
        fitted = white
        if self.is_colored and self.problem.n_pairs > 0:
            rho = self._search_rho(white)
            fitted = solve(rows, rho)
        squares = np.maximum(fitted.squares, self.rounding)
        is_exact = fitted.squares <= self.rounding
        raw_squares = np.where(is_exact, 0.0, fitted.raw_squares)
        gradient = self._find_gradient(white, fitted)
        information = np.swapaxes(fitted.unexplained, 1, 2) @ fitted.unexplained
        fields = (
            poles[:, 0],
            self._find_cost(white, fitted, rho),
            gradient[:, 0],
            self.n_contrasts * (tolerances.EQUAL_COST_RTOL + np.sqrt(self.rounding / squares)),
            poles,
            gradient,
            fitted.squares,
            fitted.theta,
            fitted.inverse_factor,
            fitted.null_space,
            fitted.sensitivity,
            information,
            white.singular_values,
            rho,
            self.problem.cost_unit * raw_squares,
        )
        # The last digits of sums depend on the order in memory, which a record does not contain.
        return Points(*map(np.ascontiguousarray, fields))

    def _find_cost(self, white: Linear, fitted: Linear, rho: Array) -> Array:
        """Return the criterion (W,) from the solutions with white noise and with rho."""
        squares = np.maximum(fitted.squares, self.rounding)
        cost = self.n_contrasts * np.log(squares) + fitted.log_determinant - white.log_determinant
        cost = cost + self.problem.sequences.log_determinant(rho)
        # Determinants of different directions cannot be compared.
        is_known = ~np.isnan(cost) & (fitted.ranks == white.ranks)
        return np.asarray(np.where(is_known, cost, np.inf))

    def _find_gradient(self, white: Linear, fitted: Linear) -> Array:
        """Return the slopes (W, K) of the criterion; rho is at its minimum."""
        squares = np.maximum(fitted.squares, self.rounding)[:, None]
        # The slopes of rounding errors would have roots everywhere.
        is_exact = fitted.squares[:, None] <= self.rounding
        squares_slope = np.where(is_exact, 0.0, fitted.squares_slope)
        slope = self.n_contrasts * squares_slope / squares
        if fitted is not white:
            slope = slope + fitted.log_determinant_slope - white.log_determinant_slope
        return np.asarray(np.where(np.isinf(squares), 0.0, slope))

    def _search_rho(self, white: Linear) -> Array:
        """Return the rho (W,) with the lowest criterion at each point, by successive parabolas."""
        z = np.arctanh(self.problem.correlations)
        power = 1.0 / self.problem.sequences.usual_gap
        reduction = reduce(self.problem.compressed, white, white.squares <= self.rounding)

        def criterion(at: Array) -> Array:
            rho = np.tanh(at) ** power
            squares, log_determinants = reduction.evaluate(rho)
            log_determinants = log_determinants + self.problem.sequences.log_determinant(rho)
            logs = np.log(np.maximum(squares, self.rounding))
            values = self.n_contrasts * logs + log_determinants
            return np.asarray(np.where(np.isnan(values), np.inf, values))

        lowest = np.argmin(criterion(np.tile(z, (len(white.squares), 1))), axis=1)
        low = z[np.maximum(lowest - 1, 0)]
        high = z[np.minimum(lowest + 1, len(z) - 1)]
        middle = z[lowest]
        for step in constants.RHO_STEPS:
            middle = np.clip(middle, z[0] + step, z[-1] - step)
            f, g, h = criterion(middle[:, None] + np.array([-step, 0.0, step])).T
            bend = f - 2.0 * g + h
            shift = np.nan_to_num(np.sign(f - h))
            np.divide(f - h, 2.0 * bend, out=shift, where=bend > 0.0)
            middle = np.clip(middle + step * shift, low, high)
        return np.asarray(np.tanh(middle) ** power)
