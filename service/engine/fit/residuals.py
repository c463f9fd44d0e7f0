"""The residuals of a fit, and simulated ones that are projected as they are."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.criterion import Criterion, Points
from service.engine.fit.linear import Linear, Rows, compute_rows, solve
from service.engine.fit.problem import FitProblem
from service.engine.fit.sequences import Sequences, spread
from service.engine.fit.solution import Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array


def draw(n: int, n_simulations: int) -> Array:
    """Return simulated white noise of a fixed seed.

    Parameters
    ----------
    n
        The number of targets.
    n_simulations
        The number of vectors, which is lower for many targets.

    Returns
    -------
    noise : (n, B)
        Standard normal numbers.
    """
    affordable = n_simulations * constants.MANY_TARGETS // n
    n_simulated = np.clip(affordable, constants.MIN_SIMULATIONS, n_simulations)
    return np.random.default_rng(constants.SEED).standard_normal((n, n_simulated))


@dataclass(frozen=True, eq=False)
class Linearization:
    """A fit in the space of whitened residuals, near one w_rec, in the units of the problem.

    Attributes
    ----------
    problem
        The data and the unknowns.
    degrees_of_freedom
        The number of targets minus that of unknowns.
    w_rec, rho
        The recurrent weight, and the autocorrelation of the noise over one step.
    rows
        Those of the problem, in the order of the data.
    fitted
        The linear problem with the noise of the fit.
    """

    problem: FitProblem
    degrees_of_freedom: int
    w_rec: float
    rho: float
    rows: Rows
    fitted: Linear

    @property
    def sequences(self) -> Sequences:
        """All sequences, in the units of the problem."""
        return self.problem.sequences

    @cached_property
    def observed(self) -> Array:
        """The whitened residuals (n, 1)."""
        return np.asarray(-self.fitted.residuals[0])

    @cached_property
    @np.errstate(over="ignore")  # without a sensitivity, all errors are infinite
    def slopes(self) -> tuple[Array, Array]:
        """Orthonormal slopes (n, K) of the predictions, and the same slopes (K, m) of theta.

        They are those with respect to the fitted poles, without what the m columns explain.
        """
        directions = [np.zeros((len(self.observed), 0))]
        weights = [np.zeros((0, self.fitted.weight_slope.shape[2]))]
        for k in range(self.problem.n_poles):
            direction = self.fitted.unexplained[0, :, k : k + 1]
            weight = self.fitted.weight_slope[0, k : k + 1]
            size = float(self.fitted.sensitivity[0, k])
            for other, its_weight in zip(directions[1:], weights[1:], strict=True):
                product = float(np.sum(other * direction))
                direction = direction - product * other
                weight = weight - product * its_weight
                size = float(np.linalg.norm(direction))
            directions.append(direction / max(size, constants.TINY))
            weights.append(weight / max(size, constants.TINY))
        return np.concatenate(directions, axis=1), np.concatenate(weights)

    @cached_property
    def _basis(self) -> Array:
        """An orthonormal basis (n, m + K) of the columns and of the slopes."""
        return np.concatenate([self.fitted.basis[0], self.slopes[0]], axis=1)

    def project(self, innovations: Array) -> Array:
        """Return the part of innovations that no unknown but rho explains.

        Parameters
        ----------
        innovations : (n, m)
            A row per target.

        Returns
        -------
        rest : (n, m)
            Of the same shape.
        """
        for start in self.fitted.starts[0].T[..., None]:
            innovations = self.sequences.remove_starts(start, innovations)
        result: Array = innovations - self._basis @ (self._basis.T @ innovations)
        return result

    def test_inputs(self) -> Array:
        """Return the p-value of each free input given all other unknowns, by a t test.

        Returns
        -------
        p : (q,)
            Of the inputs without a given gain.
        """
        from scipy.special import stdtr  # noqa: PLC0415 - takes long to import

        fitted = self.fitted
        factor = np.column_stack([fitted.inverse_factor[0], self.slopes[1].T])
        variance = float(fitted.squares[0]) / self.degrees_of_freedom
        errors = np.linalg.norm(factor, axis=1) * math.sqrt(variance)
        hidden = np.linalg.norm(fitted.null_space[0], axis=1)
        errors[hidden > constants.EXPLAINED_RTOL * hidden.max(initial=0.0)] = np.inf
        inputs = self.problem.linear_columns.inputs
        ratios = np.abs(fitted.theta[0, inputs]) / np.maximum(errors[inputs], constants.TINY)
        return np.asarray(2.0 * stdtr(self.degrees_of_freedom, -ratios))


def linearize(criterion: Criterion, at: Points) -> Linearization:
    """Return the linearization of a fit.

    Parameters
    ----------
    criterion
        The criterion of the fit.
    at
        One point.

    Returns
    -------
    Linearization
        With the rows in the order of the data.
    """
    rows = compute_rows(criterion.problem, at.poles, in_order=True)
    fitted = solve(rows, at.rho)
    parameters = float(at.w[0]), float(at.rho[0])
    return Linearization(criterion.problem, criterion.degrees_of_freedom, *parameters, rows, fitted)


@dataclass(frozen=True, eq=False)
class Residuals:
    """Observed and simulated residuals: whitened, projected, and scaled to a mean square of 1.

    Attributes
    ----------
    linearization
        The fit.
    innovations : (n, B + 1)
        Before the projection, whose results have norms of 1; the observed ones first.
    values : (n, B + 1)
        The residuals.
    scale
        The norm of the observed ones.
    """

    linearization: Linearization
    innovations: Array
    values: Array
    scale: float

    def score(self, columns: Array) -> Array:
        """Return the sizes of the scores of residuals in the direction of columns.

        Parameters
        ----------
        columns : (n, m)
            Before whitening. Those that the fit explains have scores of 0.

        Returns
        -------
        scores : (m, B + 1)
            Not negative.
        """
        check_interruption()
        linearization = self.linearization
        white = linearization.sequences.whiten(columns, linearization.rho)
        projected = linearization.project(white)
        norms = np.linalg.norm(projected, axis=0)
        is_explained = norms <= constants.EXPLAINED_RTOL * np.linalg.norm(white, axis=0)
        directions = projected / np.where(is_explained, np.inf, norms)
        return np.asarray(np.abs(directions.T @ self.values))


def simulate_residuals(solution: Solution, rho: float | None = None) -> Residuals:
    """Return the residuals of a fit, and simulated ones of a fixed seed.

    Parameters
    ----------
    solution
        The fit.
    rho
        The given autocorrelation of the noise; None for that of the fit.

    Returns
    -------
    Residuals
        Projected as those of a fit with this noise.
    """
    best = solution.best if rho is None else replace(solution.best, rho=np.array([rho]))
    linearization = linearize(solution.criterion, best)
    observed = linearization.observed
    drawn = draw(len(observed), constants.CHECK_SIMULATIONS)
    innovations = np.concatenate([observed, drawn], axis=1)
    projected = linearization.project(innovations)
    norms = np.maximum(np.linalg.norm(projected, axis=0), constants.TINY)
    has_fitted_rho = solution.is_colored and rho is None
    values = _remove_rho(linearization, projected) if has_fitted_rho else projected
    sizes = np.sqrt(np.mean(values**2, axis=0))
    values = values / np.maximum(sizes, constants.TINY)
    return Residuals(linearization, innovations / norms, values, float(norms[0]))


def _remove_rho(linearization: Linearization, projected: Array) -> Array:
    """Return the vectors (n, m) after one Gauss-Newton step in rho for each."""
    sequences = linearization.sequences
    rho = linearization.rho
    gaps = np.where(sequences.is_first, 0.0, sequences.gaps)[:, None]
    noise = sequences.color(projected, rho) / spread(rho, sequences.gaps)[:, None]
    slope = gaps * (noise - projected) / (rho or 1.0)  # noise equals innovations at rho = 0
    squares = np.sum(slope**2, axis=0)
    # Residuals that hardly depend on rho contain no information about it.
    depends = squares > constants.EXPLAINED_RTOL**2 * np.sum(projected**2, axis=0)
    products = np.sum(projected * slope, axis=0)
    steps = np.zeros_like(squares)
    np.divide(products, squares, out=steps, where=depends)
    return np.asarray(projected - slope * steps)


class ResidualTests(NamedTuple):
    """Tests of the independence of the whitened residuals; nan where undefined.

    The tests are those of Ljung and Box, Biometrika 65 (1978), 297-303, with a degree of freedom
    less for a fitted rho, and of Durbin and Watson, Biometrika 37 (1950), 409-428. The first one
    needs long sequences.
    """

    autocorrelation: float  # at lag 1
    ljung_box_p: float
    durbin_watson: float


def find_dependence(solution: Solution) -> ResidualTests:
    """Return classical tests of the whitened residuals of a fit."""
    from scipy.special import chdtrc  # noqa: PLC0415 - takes long to import

    n = solution.n_targets
    has_target = solution.problem.sequences.has_target
    noise = np.full(has_target.shape, np.nan)
    noise[has_target] = linearize(solution.criterion, solution.best).observed[:, 0]
    n_lags = max(1, min(constants.MAX_LAGS, n // 5))
    products = [noise[:, lag:] * noise[:, :-lag] for lag in range(1, n_lags + 1)]
    pairs = np.array([np.count_nonzero(~np.isnan(product)) for product in products])
    sums = np.array([np.nansum(product) for product in products])
    has_noise = not solution.is_exact and pairs[0] > 0
    total = float(np.nansum(noise**2)) if has_noise else math.nan
    correlations = sums / total * n / np.maximum(pairs, 1)
    squares = np.sum(pairs * (n + 2.0) / n * correlations**2)
    # Short sequences correlate negatively, and many of them make that significant.
    n_sequences = np.count_nonzero(has_target.any(axis=1))
    is_long = n_sequences == 1 or n >= constants.TARGETS_PER_SEQUENCE * n_sequences**2
    nu = n_lags - 1 if solution.is_colored else n_lags
    p = float(chdtrc(nu, squares)) if is_long and nu > 0 else math.nan
    changes = float(np.nansum(np.diff(noise, axis=1) ** 2))
    return ResidualTests(float(correlations[0]), p, changes / total)
