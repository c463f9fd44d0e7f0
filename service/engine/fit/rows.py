"""The columns of a problem at its targets, whitened, without the starts of single sequences."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.fit.noise import spread
from service.engine.fit.problem import Problem, Sequences, make_rows
from service.engine.types import Array

IMAGINARY_STEP: Final = 1e-100  # its square is a rounding error, and products with powers are none


class Rows:
    """The columns of a problem at its targets, and their slopes, at W values of w_rec.

    The slopes are the imaginary parts of columns that are computed at w + ih (W. Squire and G.
    Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40
    (1998), 110-112). A row is whitened together with the row before it. Unless sequences have
    starts of their own or the order of rows matters, the factor R of a QR decomposition replaces
    all rows with equal gaps, whatever rho is.

    Attributes
    ----------
    sizes : (W, K)
        The norms of the columns. Starts of single sequences are none of them.
    values : (W, n, K + 1)
        The columns, among them those of starts of single sequences, and the rest of the targets.
    """

    def __init__(
        self, problem: Problem, w: Array, sequences: Sequences, *, has_order: bool = False
    ) -> None:
        self.sequences, self.has_own_starts = sequences, problem.has_own_starts
        rows, gaps = make_rows(problem, w + IMAGINARY_STEP * 1j, sequences), sequences.gaps
        self.values = rows.real
        columns = self.values[..., : -1 - self.has_own_starts]
        peaks = np.abs(columns).max(axis=1, keepdims=True)
        peaks[peaks == 0.0] = 1.0
        norms = peaks[:, 0] * np.linalg.norm(columns / peaks, axis=1)  # without underflow
        self.sizes = np.where(norms > 0.0, norms, 1.0)
        rows = np.concatenate([rows.real, rows.imag / IMAGINARY_STEP], axis=2)
        before = np.concatenate([rows[:, :1], rows[:, :-1]], axis=1)
        # Gaps, and the rows after them and before them
        self._parts: list[tuple[Array | float, Array, Array]] = []
        if has_order or self.has_own_starts:
            self._parts.append((gaps[:, None], rows, before))
            return
        if problem.options.noise == "white":
            gaps = np.full(len(gaps), np.inf)
        for gap in np.unique(gaps):
            pairs = rows[:, gaps == gap]
            if np.isfinite(gap):
                pairs = np.concatenate([pairs, before[:, gaps == gap]], axis=2)
            if pairs.shape[1] > pairs.shape[2]:
                pairs = np.asarray(np.linalg.qr(pairs, mode="r"))
            after, former = np.split(pairs, [rows.shape[2]], axis=2)
            self._parts.append((gap, after, former if np.isfinite(gap) else np.zeros((1, 1, 1))))

    def whiten(self, rho: Array, *, has_slopes: bool = True) -> tuple[Array, Array]:
        """Return whitened columns without the starts of single sequences.

        Parameters
        ----------
        rho : (W, R)
            R autocorrelations for each w_rec.
        has_slopes
            Whether slopes are returned.

        Returns
        -------
        columns : (W, R, M, m)
            K columns and the rest of the targets; with slopes, also the slopes of all of these.
        log_starts : (2, W, R)
            The logarithm of the product of the squared norms of all own starts, and its slope.
        """
        r, n = rho[..., None, None], self.values.shape[2]
        stop = 2 * n if has_slopes else n
        parts = [
            (rows[:, None, :, :stop] - r**gap * before[:, None, :, :stop]) / spread(r, gap)
            for gap, rows, before in self._parts
        ]
        columns, logs = np.concatenate(parts, axis=2), np.zeros((2, *rho.shape))
        if not self.has_own_starts:
            return columns, logs
        gaps = self.sequences.gaps
        member = number_sequences(gaps)
        start, others = split_starts(columns[..., :n])
        share, squares = find_shares(start, others, gaps)
        results = [others - start * share[..., member, :]]
        # There is at least one target per sequence, so no start vanishes.
        logs[0] = np.log(squares[..., 0]) @ self.sequences.multiplicity
        if has_slopes:
            turn, slopes = split_starts(columns[..., n:])
            results.append(remove_starts(start, slopes - turn * share[..., member, :], gaps))
            turns, _ = find_shares(start, turn, gaps)
            logs[1] = 2.0 * turns[..., 0] @ self.sequences.multiplicity
        return np.concatenate(results, axis=3), logs


def number_sequences(gaps: Array) -> NDArray[np.intp]:
    """Return the numbers of the sequences of targets.

    Parameters
    ----------
    gaps : (n,)
        The steps before the targets, infinite at the first of a sequence.

    Returns
    -------
    numbers : (n,)
        From 0.
    """
    return np.cumsum(np.isinf(gaps)) - 1


def find_shares(start: Array, rows: Array, gaps: Array) -> tuple[Array, Array]:
    """Return the multiples of the starts that are closest to rows, for every sequence.

    Parameters
    ----------
    start : (..., n, 1)
    rows : (..., n, m)
    gaps : (n,)
        The steps before the targets, infinite at the first of each of N sequences.

    Returns
    -------
    shares : (..., N, m)
    squares : (..., N, 1)
        The squared norms of the starts.
    """
    edges = np.flatnonzero(np.isinf(gaps))
    squares = np.add.reduceat(start * start, edges, axis=-2)
    return np.add.reduceat(start * rows, edges, axis=-2) / squares, squares


def remove_starts(start: Array, rows: Array, gaps: Array) -> Array:
    """Project rows onto the complement of the start of each sequence.

    Parameters
    ----------
    start, rows, gaps
        As in `find_shares`.

    Returns
    -------
    rest : (..., n, m)
    """
    shares, _ = find_shares(start, rows, gaps)
    rest: Array = rows - start * shares[..., number_sequences(gaps), :]
    return rest


def split_starts(columns: Array) -> tuple[Array, Array]:
    """Return the column of the initial state, and all others.

    Parameters
    ----------
    columns : (..., K + 1)

    Returns
    -------
    start : (..., 1)
    others : (..., K)
    """
    return columns[..., -2:-1], np.delete(columns, -2, axis=-1)
