"""The residuals of a fit, and simulated ones that are projected as they are."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.model import split, spread
from service.engine.fit.solve import Linearization, Solution, linearize
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
    noise : (n, B + 1)
        Standard normal numbers, after a column of zeros. Each column is contiguous.
    """
    affordable = n_simulations * constants.MANY_TARGETS // n
    n_simulated = int(np.clip(affordable, constants.MIN_SIMULATIONS, n_simulations))
    noise = np.zeros((n, n_simulated + 1), order="F")
    generator = np.random.default_rng(constants.SEED)
    for rows in split(n, n_simulated):
        noise[rows, 1:] = generator.standard_normal(noise[rows, 1:].shape)
    return noise


@dataclass(frozen=True, eq=False)
class Residuals:
    """Observed and simulated residuals: whitened, projected, and scaled to a mean square of 1.

    Attributes
    ----------
    solution, linearization
        The fit.
    innovations : (n, B + 1)
        Before the projection, whose results have norms of 1; the observed ones first.
    values : (n, B + 1)
        The residuals.
    scale
        The norm of the observed ones.
    has_random_signs
        True if the simulated ones have the sizes of the observed ones.
    """

    solution: Solution
    linearization: Linearization
    innovations: Array
    values: Array
    scale: float
    has_random_signs: bool

    def compare(self, statistic: Callable[[Array], Array]) -> Array:
        """Return a statistic of each of the residual vectors.

        Parameters
        ----------
        statistic
            Returns the statistics (..., b) of residuals (n, b).

        Returns
        -------
        statistics : (..., B + 1)
            The observed one first.
        """
        blocks = split(self.values.shape[1], len(self.values))
        return np.concatenate([statistic(self.values[:, block]) for block in blocks], axis=-1)

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
        sequences = linearization.sequences
        white = sequences.whiten(columns / sequences.scales, linearization.rho)
        projected = linearization.project(white)
        norms = np.linalg.norm(projected, axis=0)
        is_explained = norms <= constants.EXPLAINED_RTOL * np.linalg.norm(white, axis=0)
        projected /= np.where(is_explained, np.inf, norms)
        return np.asarray(np.abs(projected.T @ self.values))


def simulate_residuals(
    solution: Solution, rho: float | None = None, *, has_random_signs: bool = False
) -> Residuals:
    """Return the residuals of a fit, and simulated ones of a fixed seed.

    Parameters
    ----------
    solution
        The fit.
    rho
        The given autocorrelation of the noise; None for that of the fit.
    has_random_signs
        True to simulate residuals of the same sizes as those of the fit, with random signs.

    Returns
    -------
    Residuals
        Projected as those of a fit with this noise.
    """
    best = solution.best if rho is None else replace(solution.best, rho=np.array([rho]))
    linearization = linearize(solution.criterion, best)
    observed = linearization.observed
    innovations = draw(len(observed), constants.CHECK_SIMULATIONS)
    if has_random_signs:
        np.copysign(np.abs(linearization.studentized)[:, None], innovations, out=innovations)
    innovations[:, :1] = observed
    has_fitted_rho = solution.is_colored and rho is None
    values = np.empty_like(innovations)
    scales = []
    for block in split(innovations.shape[1], len(observed)):
        projected = linearization.project(innovations[:, block])
        norms = np.maximum(np.linalg.norm(projected, axis=0), constants.TINY)
        rest = _remove_rho(linearization, projected) if has_fitted_rho else projected
        sizes = np.sqrt(np.mean(rest**2, axis=0))
        values[:, block] = rest / np.maximum(sizes, constants.TINY)
        innovations[:, block] /= norms
        scales += norms.tolist()
        check_interruption()
    return Residuals(solution, linearization, innovations, values, scales[0], has_random_signs)


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
