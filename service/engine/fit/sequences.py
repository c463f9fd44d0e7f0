"""Sequences of inputs and targets in the units of a fit, and the noise at their targets.

The noise is a stationary first-order autoregression at irregular steps: the noise e of a sequence
correlates by rho^gap over a gap of so many steps. Its innovations (e_i - rho^gap e_(i-1)) / s_i
with s_i² = (1 - rho^(2 gap)) / (1 - rho²) are independent and have equal variances. The first
target of a sequence follows a gap of infinite length, so that it is kept. White noise has rho = 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.engine.types import BLOCK, Array


def split(n: int, n_numbers: int) -> Iterator[slice]:
    """Yield slices of n items, each of which needs so many numbers, to process at a time."""
    size = max(1, BLOCK // max(n_numbers, 1))
    return (slice(start, start + size) for start in range(0, n, size))


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


@dataclass(frozen=True, eq=False)
class Sequences:
    """N sequences, padded to one length, in the units of a fit, with n targets.

    Attributes
    ----------
    sources : (N, T, q + 2)
        Inputs, a constant, and an impulse that stands for the start.
    targets : (N, T)
        0 where there is none.
    has_target : (N, T)
        Where there is one.
    multiplicity : (N,)
        How many sequences of the data it stands for.
    """

    sources: Array
    targets: Array
    has_target: NDArray[np.bool_]
    multiplicity: Array

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> "Sequences":
        return Sequences(
            self.sources[rows], self.targets[rows], self.has_target[rows], self.multiplicity[rows]
        )

    @cached_property
    def gaps(self) -> Array:
        """The steps (n,) from one target to the next, infinite before the first of a sequence."""
        sequence, step = np.nonzero(self.has_target)
        gaps = np.diff(step, prepend=0).astype(np.float64)
        gaps[np.diff(sequence, prepend=-1) > 0] = np.inf
        return gaps

    @cached_property
    def is_first(self) -> NDArray[np.bool_]:
        """Whether a target (n,) is the first of its sequence."""
        return np.isinf(self.gaps)

    @cached_property
    def edges(self) -> NDArray[np.intp]:
        """The indices of these."""
        return np.flatnonzero(self.is_first)

    @cached_property
    def member(self) -> NDArray[np.intp]:
        """The numbers (n,) of the sequences of targets, among those that have targets."""
        return np.cumsum(self.is_first) - 1

    @cached_property
    def gap_counts(self) -> tuple[Array, NDArray[np.intp]]:
        """All gaps that differ, rising, and how frequent they are."""
        return np.unique(self.gaps, return_counts=True)

    @property
    def usual_gap(self) -> float:
        """The most frequent gap between two targets; 1 if there is none."""
        gaps, counts = self.gap_counts
        return float(gaps[np.argmax(counts[:-1])]) if len(gaps) > 1 else 1.0

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
        result: Array = (rows - rho**gaps * before) / spread(rho, gaps)
        return result

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
        from scipy.signal import lfilter  # noqa: PLC0415 - takes long to import

        impulses = np.zeros((*self.has_target.shape, innovations.shape[1]))
        impulses[self.has_target] = innovations * spread(rho, self.gaps)[:, None]
        noise: Array = lfilter([1.0], [1.0, -rho], impulses, axis=1)[self.has_target]
        return noise

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
        gaps, counts = self.gap_counts
        return np.asarray(2.0 * (np.log(spread(rho[..., None], gaps)) @ counts))

    def find_shares(self, start: Array, rows: Array) -> tuple[Array, Array]:
        """Return the multiples of the starts that are closest to rows, for every sequence.

        Parameters
        ----------
        start : (..., n, 1)
        rows : (..., n, m)

        Returns
        -------
        shares : (..., N, m)
            Of the N sequences with targets.
        squares : (..., N, 1)
            The squared norms of the starts.
        """
        squares = np.add.reduceat(start * start, self.edges, axis=-2)
        return np.add.reduceat(start * rows, self.edges, axis=-2) / squares, squares

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
        rest: Array = rows - start * shares[..., self.member, :]
        return rest

    def compress(self, *, has_own_starts: bool) -> "Sequences":
        """Return fewer sequences with the same sum of squared residuals for every w.

        A residual is linear in (inputs, targets, 1) of its sequence, so the factor R of a QR
        decomposition replaces all sequences whose targets are at the same steps.
        """
        n_sequences, n_steps = self.targets.shape
        inputs, ones = self.sources[..., :-2].reshape(n_sequences, -1), self.sources[:, 0, -2]
        rows = np.column_stack([inputs, self.targets, ones])
        _, first, group, sizes = np.unique(
            self.has_target, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        parts = [rows[group.ravel() == i] for i in range(len(first))]
        parts = [np.linalg.qr(x, mode="r") if len(x) > 2 * x.shape[1] else x for x in parts]
        lengths = [len(part) for part in parts]
        few = self[np.repeat(first, lengths)]
        inputs, targets, ones = np.split(np.concatenate(parts), [-n_steps - 1, -1], axis=1)
        few.sources[..., :-2] = inputs.reshape(few.sources[..., :-2].shape)
        few.sources[..., -2] *= ones
        if not has_own_starts:  # the direction of a start of its own is that of the impulse
            few.sources[..., -1] *= ones
        multiplicity = np.repeat(sizes / lengths, lengths)
        return Sequences(few.sources, targets, few.has_target, multiplicity)
