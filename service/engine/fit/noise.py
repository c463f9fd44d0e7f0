"""Stationary first-order autoregressive noise at irregular steps, and rows that are whitened.

The noise e of a sequence correlates by rho^gap over a gap of so many steps. Its innovations
(e_i - rho^gap e_(i-1)) / s_i with s_i² = (1 - rho^(2 gap)) / (1 - rho²) are independent and have
equal variances. The first target of a sequence follows a gap of infinite length, so that it is
kept. White noise has rho = 0.
"""

from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.fit.problem import Problem, Sequences, make_columns
from service.engine.types import Array

IMAGINARY_STEP: Final = 1e-200  # its square underflows to 0, so real parts do not depend on it
MAX_CORRELATION: Final = 0.998  # of neighbors; near 1 the fit is one of differences
# The grid of correlations of targets at the usual gap. Below, intervals are too wide at most.
CORRELATIONS: Final = np.array(
    [-0.6, -0.3, 0.0, 0.05, 0.2, 0.4, 0.6, 0.75, 0.87, 0.94, 0.975, 0.99, 0.996, MAX_CORRELATION]
)


def spread(rho: Array | float, gaps: Array | float) -> Array:
    """Return the standard deviation of noise after a gap, relative to that of one step."""
    squared = np.square(rho)
    result: Array = np.sqrt((1.0 - squared**gaps) / (1.0 - squared))
    return result


def whiten(rows: NDArray[Any], gaps: Array, rho: Array | float) -> NDArray[Any]:
    """Return the innovations of rows (..., n, m) at targets that follow gaps (n,).

    rho is a number, or an array that is broadcast with the rows.
    """
    if np.all(rho == 0.0):
        return rows
    before = np.concatenate([rows[..., :1, :], rows[..., :-1, :]], axis=-2)
    result: NDArray[Any] = (rows - rho ** gaps[:, None] * before) / spread(rho, gaps[:, None])
    return result


def color(innovations: Array, sequences: Sequences, rho: float) -> Array:
    """Return the noise (n, m) of innovations (n, m): the inverse of `whiten`."""
    from scipy.signal import lfilter  # noqa: PLC0415 - takes long to import

    if rho == 0.0:
        return innovations
    # A step without a target passes the noise on.
    has_target = sequences.has_target
    impulses = np.zeros((*has_target.shape, innovations.shape[1]))
    impulses[has_target] = innovations * spread(rho, sequences.gaps)[:, None]
    noise: Array = lfilter([1.0], [1.0, -rho], impulses, axis=1)[has_target]
    return noise


class Noise:
    """The noise of a problem: what depends on its gaps and rho, but not on w_rec."""

    def __init__(self, problem: Problem) -> None:
        self.gaps, self.counts = np.unique(problem.sequences.gaps, return_counts=True)
        inner = np.isfinite(self.gaps)
        self.n_pairs = int(self.counts[inner].sum())
        # The most frequent one
        self.usual_gap = 1.0
        if inner.any():
            self.usual_gap = float(self.gaps[inner][np.argmax(self.counts[inner])])

    @cached_property
    def correlations(self) -> Array:
        """The grid of correlations at the usual gap."""
        return CORRELATIONS if self.usual_gap == 1.0 else CORRELATIONS[CORRELATIONS >= 0.0]

    def to_rho(self, correlation: Array) -> Array:
        """Return the correlations of neighboring steps."""
        return np.asarray(np.power(correlation, 1.0 / self.usual_gap))

    def log_determinant(self, rho: Array) -> Array:
        """Return the logarithm of the determinant of the covariances, for one step's variance."""
        sizes = np.log(spread(rho[..., None], self.gaps))
        return np.asarray(2.0 * (sizes @ self.counts))


class Rows:
    """The columns of a problem at its targets, and their slopes, at W values of w_rec.

    The slopes are the imaginary parts of columns that are computed at w + ih (W. Squire and G.
    Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40
    (1998), 110-112). A row is whitened together with the row before it. Unless sequences have
    starts of their own, the factor R of a QR decomposition replaces all rows with equal gaps,
    whatever rho is.

    Attributes
    ----------
    sizes : (W, K)
        The norms of the columns. Starts of single sequences are none of them.
    """

    def __init__(self, problem: Problem, w: Array, *, is_colored: bool) -> None:
        self.has_own_starts = problem.has_own_starts
        # Gaps, and the rows after them and before them
        self._parts: list[tuple[float, Array, Array]] = []
        norms: Array | float = 0.0
        blocks = [problem.compressed] if problem.has_own_starts else problem.compressed.blocks()
        for block in blocks:
            rows, gaps = make_rows(problem, w + IMAGINARY_STEP * 1j, block), block.gaps
            peaks = np.abs(rows.real).max(axis=1)
            scaled = rows.real / np.where(peaks > 0.0, peaks, 1.0)[:, None]
            norms = np.hypot(norms, peaks * np.linalg.norm(scaled, axis=1))  # without underflow
            if not problem.has_own_starts:
                self._reduce(gaps if is_colored else np.full(len(gaps), np.inf), _to_real(rows))
        norms = np.asarray(norms)[:, :-1]
        if problem.has_own_starts:
            self._rows, self._gaps, norms = rows, gaps, norms[:, :-1]
            self._multiplicity = problem.compressed.multiplicity
        self.sizes = np.where(norms > 0.0, norms, 1.0)

    def _reduce(self, gaps: Array, rows: Array) -> None:
        before = np.concatenate([rows[:, :1], rows[:, :-1]], axis=1)
        n_columns = rows.shape[2]
        for gap in np.unique(gaps):
            pairs = rows[:, gaps == gap]
            if np.isfinite(gap):
                pairs = np.concatenate([pairs, before[:, gaps == gap]], axis=2)
            if pairs.shape[1] > pairs.shape[2]:
                pairs = np.asarray(np.linalg.qr(pairs, mode="r"))
            self._parts.append((gap, pairs[..., :n_columns], pairs[..., n_columns:]))

    def whiten(self, rho: Array, *, with_slopes: bool = True) -> tuple[Array, NDArray[Any]]:
        """Return whitened columns for rho (W, R), without the starts of single sequences.

        Returns
        -------
        columns : (W, R, M, m)
            K columns and the rest of the targets; with slopes, also the slopes of all of these.
        log_starts : (W, R)
            The logarithm of the product of the squared norms of all own starts; with slopes, its
            slope times `IMAGINARY_STEP` is the imaginary part.
        """
        if self.has_own_starts:
            results = [self._project(column, with_slopes=with_slopes) for column in rho.T]
            columns, logs = zip(*results, strict=True)
            return np.stack(columns, axis=1), np.stack(logs, axis=1)
        parts, n_columns = [], None if with_slopes else self.sizes.shape[1] + 1
        for gap, rows, before in self._parts:
            size = spread(rho, gap)[..., None, None]
            part = rows[:, None, :, :n_columns]
            if before.shape[2]:
                part = part - (rho**gap)[..., None, None] * before[:, None, :, :n_columns]
            parts.append(part / size)
        return np.concatenate(parts, axis=2), np.zeros(rho.shape)

    def sum_squares(self, theta: Array, rho: Array) -> Array:
        """Return the sums of squared residuals (W,) before whitening.

        theta (W, K + 1) are the weights of the columns, then -1; starts of single sequences have
        the weights of a fit with the noise rho (W,).
        """
        if not self.has_own_starts:
            columns, _ = self.whiten(np.zeros((len(rho), 1)))
            residuals = columns[:, 0, :, : theta.shape[1]] @ theta[..., None]
            return np.asarray(np.sum(residuals**2, axis=(1, 2)))
        start, others = split_starts(self._rows.real)
        raw = np.concatenate([start, others @ theta[..., None]], axis=2)
        white = whiten(raw, self._gaps, rho[:, None, None])
        share, _ = find_shares(white[..., :1], white[..., 1:], self._gaps)
        rest = raw[..., 1:] - raw[..., :1] * share[:, number_sequences(self._gaps)]
        return np.asarray(np.sum(rest**2, axis=(1, 2)))

    def _project(self, rho: Array, *, with_slopes: bool) -> tuple[Array, NDArray[Any]]:
        """Whiten with rho (W,), and project onto the complement of each start; see `whiten`."""
        rows = self._rows if with_slopes else self._rows.real
        start, rows = split_starts(whiten(rows, self._gaps, rho[:, None, None]))
        _, squares = find_shares(start, rows, self._gaps)
        rows = remove_starts(start, rows, self._gaps)
        if with_slopes:
            rows.imag = remove_starts(start.real, rows.imag, self._gaps)
        # There is at least one target per sequence, so no start vanishes.
        logs = np.log(squares[..., 0]) @ self._multiplicity
        columns = _to_real(rows) if with_slopes else rows
        if columns.shape[1] > columns.shape[2]:
            columns = np.asarray(np.linalg.qr(columns, mode="r"))
        return columns, logs


def _to_real(rows: NDArray[Any]) -> Array:
    """Return columns and their slopes side by side."""
    return np.concatenate([rows.real, rows.imag / IMAGINARY_STEP], axis=-1)


def number_sequences(gaps: Array) -> NDArray[np.intp]:
    """Return the number (n,) of the sequence of each target, from 0."""
    return np.cumsum(np.isinf(gaps)) - 1


def find_shares(
    start: NDArray[Any], rows: NDArray[Any], gaps: Array
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the multiples of the starts that are closest to rows, for every sequence.

    Parameters
    ----------
    start, rows
        (..., n, 1) and (..., n, m).
    gaps
        (n,) before the targets, infinite at the first of each of N sequences.

    Returns
    -------
    shares : (..., N, m)
    squares : (..., N, 1)
        The squared norms of the starts.
    """
    edges = np.flatnonzero(np.isinf(gaps))
    squares = np.add.reduceat(start * start, edges, axis=-2)
    return np.add.reduceat(start * rows, edges, axis=-2) / squares, squares


def remove_starts(start: NDArray[Any], rows: NDArray[Any], gaps: Array) -> NDArray[Any]:
    """Project rows (..., n, m) onto the complement of the start (..., n, 1) of each sequence."""
    shares, _ = find_shares(start, rows, gaps)
    rest: NDArray[Any] = rows - start * shares[..., number_sequences(gaps), :]
    return rest


def make_rows(problem: Problem, w: NDArray[Any], sequences: Sequences) -> NDArray[Any]:
    """Return the columns at the targets of sequences, (W, n, K + 1)."""
    columns = make_columns(problem, w, sequences)
    rows: NDArray[Any] = columns[:, sequences.has_target]
    return rows


def split_starts(columns: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the column of the initial state, and all others."""
    return columns[..., -2:-1], np.delete(columns, -2, axis=-1)
