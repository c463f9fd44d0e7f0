"""The fit near its optimum, and simulated residuals beside the observed ones."""

import math
from typing import Final

import numpy as np

from service.engine.fit.criterion import Points
from service.engine.fit.linear import Linear, Rows, solve
from service.engine.fit.sequences import spread
from service.engine.fit.solution import Solution
from service.engine.types import Array

SEED: Final = 1
MIN_SIMULATIONS: Final = 39  # simulated vectors
# Columns, input lags and means of which less is left are explained by the fit.
EXPLAINED_RTOL: Final = 1e-3
TINY: Final = 1e-300  # replaces divisors of 0


def draw(n: int, n_numbers: int, n_simulations: int) -> Array:
    """Return simulated white noise of a fixed seed.

    Parameters
    ----------
    n
        The number of targets.
    n_numbers
        About the most numbers that are drawn.
    n_simulations
        The most vectors.

    Returns
    -------
    noise : (n, B)
    """
    n_simulated = int(np.clip(n_numbers // n, MIN_SIMULATIONS, n_simulations))
    return np.random.default_rng(SEED).standard_normal((n, n_simulated))


class Linearization:
    """A solution in the space of whitened residuals, near one w_rec, in the units of the problem.

    Attributes
    ----------
    own
        The linear problem with the noise of the fit.
    observed : (n, 1)
        The whitened residuals.
    """

    def __init__(self, solution: Solution, at: Points) -> None:
        self.solution, self.problem, self.rho = solution, solution.problem, float(at.rho[0])
        self.sequences = self.problem.sequences
        self._rows = Rows(self.problem, at.w, self.sequences, has_order=True)
        self._start = self.sequences.whiten(self._rows.values[0, :, -2:-1], self.rho)
        self.own = self.solve(self.rho)
        self.observed = -self.own.residuals[0]
        slope = self.own.free[0] / max(float(self.own.sensitivity[0]), TINY)
        self._basis = np.concatenate([self.own.basis[0], slope], axis=1)

    def solve(self, rho: float) -> Linear:
        """Return the linear problem with noise of any autocorrelation."""
        columns, _ = self._rows.whiten(np.full((1, 1), rho))
        return solve(columns[:, 0], self._rows.sizes)

    def project(self, innovations: Array) -> Array:
        """Return the part of innovations that no unknown but rho explains.

        Parameters
        ----------
        innovations : (n, m)

        Returns
        -------
        rest : (n, m)
        """
        if self.problem.has_own_starts:
            innovations = self.sequences.remove_starts(self._start, innovations)
        result: Array = innovations - self._basis @ (self._basis.T @ innovations)
        return result

    def test_inputs(self) -> Array:
        """Return the p-value of each free input given all other unknowns, by a t test.

        Returns
        -------
        p : (q,)
            Of the inputs without a known gain.
        """
        from scipy.special import stdtr  # noqa: PLC0415 - takes long to import

        n_free, n_inputs, own = self.solution.degrees_of_freedom, self.problem.n_free, self.own
        drift = own.drift / max(float(own.sensitivity[0]), TINY)
        errors = np.linalg.norm(np.append(own.inverse_factor[0], drift.T, axis=1), axis=1)
        errors *= math.sqrt(float(own.squares[0]) / n_free)
        hidden = np.linalg.norm(own.null_space[0], axis=1)
        errors[hidden > EXPLAINED_RTOL * hidden.max(initial=0.0)] = np.inf
        ratios = np.abs(own.theta[0][:n_inputs]) / np.maximum(errors[:n_inputs], TINY)
        return np.asarray(2.0 * stdtr(n_free, -ratios))


class Residuals(Linearization):
    """Observed and simulated residuals: whitened, projected, and scaled to a mean square of 1.

    Attributes
    ----------
    innovations : (n, B + 1)
        Before the projection, whose results have norms of 1; the observed ones first.
    values : (n, B + 1)
        The residuals.
    scale
        The norm of the observed ones.
    """

    def __init__(self, solution: Solution, n_numbers: int, n_simulations: int) -> None:
        super().__init__(solution, solution.best)
        drawn = draw(len(self.observed), n_numbers, n_simulations)
        innovations = np.concatenate([self.observed, drawn], axis=1)
        projected = self.project(innovations)
        norms = np.maximum(np.linalg.norm(projected, axis=0), TINY)
        self.innovations, self.scale = innovations / norms, float(norms[0])
        projected = projected / norms
        if solution.is_colored:
            projected = self._without_rho(projected)
        scale = np.sqrt(np.mean(projected**2, axis=0))
        self.values = projected / np.maximum(scale, TINY)

    def _without_rho(self, projected: Array) -> Array:
        """Take one Gauss-Newton step in rho for each vector."""
        is_first = self.sequences.is_first
        gaps = np.where(is_first, 1.0, self.sequences.gaps)
        before = np.roll(self.sequences.color(projected, self.rho), 1, axis=0)
        before[is_first] = 0.0
        slope = (gaps * self.rho ** (gaps - 1.0) / spread(self.rho, gaps))[:, None] * before
        squares = np.sum(slope**2, axis=0)
        # Residuals that hardly depend on rho say nothing about it.
        depends = squares > EXPLAINED_RTOL**2 * np.sum(projected**2, axis=0)
        products = np.sum(projected * slope, axis=0)
        steps = np.divide(products, squares, out=np.zeros_like(squares), where=depends)
        result: Array = projected - slope * steps
        return result
