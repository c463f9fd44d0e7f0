"""Sequences of inputs and targets in the units of a fit, and the noise at their targets.

The noise is a stationary first-order autoregression at irregular steps: the noise e of a sequence
correlates by rho^gap over a gap of so many steps. Its innovations (e_i - rho^gap e_(i-1)) / s_i
with s_i² = (1 - rho^(2 gap)) / (1 - rho²) are independent and have equal variances. The first
target of a sequence follows a gap of infinite length, so that it is kept. White noise has rho = 0.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.types import BLOCK, Array


def split(n: int, n_numbers: int) -> Iterator[slice]:
    """Yield slices of n items, each of which needs so many numbers, to process at a time."""
    size = max(1, BLOCK // max(n_numbers, 1))
    return (slice(start, start + size) for start in range(0, n, size))


def recur(pole: complex, x: NDArray[Any]) -> NDArray[Any]:
    """Return S_k = pole S_(k-1) + x_k for rows x, along axis 1.

    Parameters
    ----------
    pole
    x : (N, T, m)

    Returns
    -------
    states : (N, T, m)
    """
    from scipy.signal import lfilter  # noqa: PLC0415 - takes long to import

    return np.asarray(lfilter([1.0], [1.0, -pole], x, axis=1))


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
    return np.asarray(np.sqrt((1.0 - squared**gaps) / (1.0 - squared)))


class Sequences:
    """N sequences, padded to one length, in the units of a fit, with n targets.

    Attributes
    ----------
    sources : (N, T, q + 2)
        An impulse that stands for the start, the inputs, and a constant.
    targets : (N, T)
        nan where there is none.
    has_target : (N, T)
        Where there is one.
    multiplicity : (N,)
        How many sequences of the data it stands for; 1 unless that is set.
    sequence, step : (n,)
        Where the targets are.
    gaps : (n,)
        The steps from one target to the next, infinite before the first of a sequence.
    is_first : (n,)
        Whether a target is the first of its sequence.
    edges
        The indices of these.
    gap_sizes, gap_counts
        All gaps that differ, rising, and how frequent they are.
    usual_gap
        The most frequent gap between two targets; 1 if there is none.
    """

    def __init__(self, sources: Array, targets: Array) -> None:
        self.sources, self.targets = sources, targets
        self.has_target, self.multiplicity = ~np.isnan(targets), np.ones(len(targets))
        self.sequence, self.step = np.nonzero(self.has_target)
        self.is_first = np.diff(self.sequence, prepend=-1) > 0
        self.gaps = np.where(self.is_first, np.inf, np.diff(self.step, prepend=0))
        self.edges = np.flatnonzero(self.is_first)
        self.gap_sizes, self.gap_counts = np.unique(self.gaps, return_counts=True)
        sizes, counts = np.append(self.gap_sizes[:-1], 1.0), np.append(self.gap_counts[:-1], 0)
        self.usual_gap = float(sizes[np.argmax(counts)])

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> "Sequences":
        return Sequences(self.sources[rows], self.targets[rows])

    def whiten(self, rows: Array, rho: Array | float) -> Array:
        """Return the innovations of rows at targets; the inverse is `color`.

        Parameters
        ----------
        rows : (..., n, m)
        rho
            A number, or an array that is broadcast with the rows.

        Returns
        -------
        innovations : (..., n, m)
        """
        gaps = self.gaps[:, None]
        before = np.concatenate([rows[..., :1, :], rows[..., :-1, :]], axis=-2)
        return np.asarray((rows - rho**gaps * before) / spread(rho, gaps))

    def color(self, innovations: Array, rho: float) -> Array:
        """Return the noise of innovations at targets; a step without a target passes it on.

        Parameters
        ----------
        innovations : (n, m)
        rho
            The autocorrelation over one step.

        Returns
        -------
        noise : (n, m)
        """
        impulses = np.zeros((*self.has_target.shape, innovations.shape[1]))
        impulses[self.has_target] = innovations * spread(rho, self.gaps)[:, None]
        return recur(rho, impulses)[self.has_target]

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
        sizes = np.log(spread(rho[..., None], self.gap_sizes))
        return np.asarray(2.0 * (sizes @ self.gap_counts))

    def find_shares(self, start: Array, rows: Array) -> tuple[Array, Array]:
        """Return the multiples of the starts that are closest to rows, for every sequence.

        Parameters
        ----------
        start : (..., n, 1)
        rows : (..., n, m)

        Returns
        -------
        shares : (..., N, m)
            0 without targets.
        squares : (..., N, 1)
            The sums of the squares of the starts; 1 without targets.
        """
        products = np.concatenate([start * start, start * rows], axis=-1)
        shape = *products.shape[:-2], len(self.targets), products.shape[-1]
        sums = np.zeros(shape)
        sums[..., self.sequence[self.edges], :] = np.add.reduceat(products, self.edges, axis=-2)
        squares = np.where(sums[..., :1] == 0.0, 1.0, sums[..., :1])
        return sums[..., 1:] / squares, squares

    def remove_starts(self, start: Array, rows: Array) -> Array:
        """Project rows onto the complement of the start of each sequence.

        Parameters
        ----------
        start : (..., n, 1)
        rows : (..., n, m)

        Returns
        -------
        rest : (..., n, m)
        """
        shares, _ = self.find_shares(start, rows)
        return np.asarray(rows - start * shares[..., self.sequence, :])
