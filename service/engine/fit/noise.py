"""Stationary first-order autoregressive noise at irregular steps.

The noise e of a sequence correlates by rho^gap over a gap of so many steps. Its innovations
(e_i - rho^gap e_(i-1)) / s_i with s_i² = (1 - rho^(2 gap)) / (1 - rho²) are independent and have
equal variances. The first target of a sequence follows a gap of infinite length, so that it is
kept. White noise has rho = 0.
"""

from typing import Final

import numpy as np

from service.engine.fit.problem import Problem, Sequences
from service.engine.types import Array

MAX_CORRELATION: Final = 0.998  # of neighbors; near 1 the fit is one of differences
# The grid of correlations of targets at the usual gap. Below, intervals are too wide at most.
CORRELATIONS: Final = np.array(
    [-0.6, -0.3, 0.0, 0.05, 0.2, 0.4, 0.6, 0.75, 0.87, 0.94, 0.975, 0.99, 0.996, MAX_CORRELATION]
)


def spread(rho: Array | float, gaps: Array | float) -> Array:
    """Return the standard deviation of noise after a gap, relative to that of one step.

    Parameters
    ----------
    rho, gaps
        Numbers, or arrays that are broadcast.

    Returns
    -------
    deviations
        1 after a gap of one step.
    """
    squared = np.square(rho)
    result: Array = np.sqrt((1.0 - squared**gaps) / (1.0 - squared))
    return result


def whiten(rows: Array, gaps: Array, rho: Array | float) -> Array:
    """Return the innovations of rows at targets; the inverse is `color`.

    Parameters
    ----------
    rows : (..., n, m)
    gaps : (n,)
        The steps before the targets, infinite at the first of a sequence.
    rho
        A number, or an array that is broadcast with the rows.

    Returns
    -------
    innovations : (..., n, m)
    """
    before = np.concatenate([rows[..., :1, :], rows[..., :-1, :]], axis=-2)
    result: Array = (rows - rho ** gaps[:, None] * before) / spread(rho, gaps[:, None])
    return result


def color(innovations: Array, sequences: Sequences, rho: float) -> Array:
    """Return the noise of innovations at the targets of sequences; the inverse is `whiten`.

    Parameters
    ----------
    innovations : (n, m)
    sequences
        With n targets. A step without a target passes the noise on.
    rho
        The autocorrelation over one step.

    Returns
    -------
    noise : (n, m)
    """
    from scipy.signal import lfilter  # noqa: PLC0415 - takes long to import

    has_target = sequences.has_target
    impulses = np.zeros((*has_target.shape, innovations.shape[1]))
    impulses[has_target] = innovations * spread(rho, sequences.gaps)[:, None]
    noise: Array = lfilter([1.0], [1.0, -rho], impulses, axis=1)[has_target]
    return noise


class Noise:
    """The noise of a problem: what depends on its gaps and rho, but not on w_rec."""

    def __init__(self, problem: Problem) -> None:
        self.gaps, self.counts = np.unique(problem.sequences.gaps, return_counts=True)
        inner = self.counts[np.isfinite(self.gaps)]
        # Pairs of successive targets; a start of its own takes one of a sequence.
        self.n_pairs = int(inner.sum()) - problem.n_starts * problem.has_own_starts
        # The most frequent one
        self.usual_gap = float(self.gaps[np.argmax(inner)]) if len(inner) else 1.0
        # Negative correlations have no root. Without pairs all are the same.
        self.correlations = CORRELATIONS if self.usual_gap == 1.0 else CORRELATIONS[2:]
        if self.n_pairs <= 0:
            self.correlations = np.zeros_like(self.correlations)

    def to_rho(self, correlation: Array) -> Array:
        """Return the correlations of neighboring steps.

        Parameters
        ----------
        correlation
            Of targets at the usual gap, of any shape.

        Returns
        -------
        rho
            Of the same shape.
        """
        return np.asarray(np.power(correlation, 1.0 / self.usual_gap))

    def log_determinant(self, rho: Array) -> Array:
        """Return the logarithm of the determinant of the covariances, for one step's variance.

        Parameters
        ----------
        rho
            Of any shape.

        Returns
        -------
        logarithms
            Of the same shape.
        """
        sizes = np.log(spread(rho[..., None], self.gaps))
        return np.asarray(2.0 * (sizes @ self.counts))
