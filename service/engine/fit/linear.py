"""Linear least-squares problems with one matrix per w_rec, and their columns.

A decomposition of the columns, the rest of the targets, and the slopes of both gives everything: no
sum of squares is ever a difference of larger ones.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from service.engine.fit.problem import Problem
from service.engine.fit.sequences import Sequences, spread
from service.engine.types import Array

IMAGINARY_STEP: Final = 1e-100  # its square is a rounding error, and products with powers are none
# Smaller singular values are rounding errors; the columns have a norm of at most 1.
RANK_RTOL: Final = 1e-13
EXPLAINED_RTOL: Final = 1e-9  # a slope of which less is left is explained by the columns
RIDGE: Final = 1e-9  # far above rounding errors, and its square far below


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
        rows, gaps = problem.make_rows(w + IMAGINARY_STEP * 1j, sequences), sequences.gaps
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
        sequences = self.sequences
        counts = sequences.multiplicity[sequences.sequence[sequences.edges]]
        start, others = split_starts(columns[..., :n])
        share, squares = sequences.find_shares(start, others)
        results = [others - start * share[..., sequences.member, :]]
        # There is at least one target per sequence, so no start vanishes.
        logs[0] = np.log(squares[..., 0]) @ counts
        if has_slopes:
            turn, slopes = split_starts(columns[..., n:])
            slopes = slopes - turn * share[..., sequences.member, :]
            results.append(sequences.remove_starts(start, slopes))
            logs[1] = 2.0 * sequences.find_shares(start, turn)[0][..., 0] @ counts
        return np.concatenate(results, axis=3), logs


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


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of K columns that leave the least squares, at W points.

    Attributes
    ----------
    squares : (W,)
        The sum of squared residuals.
    theta : (W, K + 1)
        The weights of the columns, then -1: its product with a row of the columns and the rest of
        a target is minus the residual.
    inverse_factor : (W, K, K)
        F F' is the inverse of A'A for the columns A.
    null_space : (W, K, K)
        Directions of theta that the targets do not determine.
    sensitivity : (W,)
        The norm of the part of the slope of the predictions that no column explains.
    singular_values : (W, K)
        Of the columns, scaled to a norm of at most 1.
    """

    squares: Array
    theta: Array
    inverse_factor: Array
    null_space: Array
    sensitivity: Array
    singular_values: Array


@dataclass(frozen=True, eq=False)
class Linear(Weights):
    """A linear least-squares problem solved at W points; M rows, and K columns.

    Attributes
    ----------
    squares_slope, log_determinant, log_determinant_slope : (W,)
        The determinant is that of A'A for the scaled columns.
    basis : (W, M, K)
        Of what the columns span, with zeros in place of the rest.
    residuals, free : (W, M, 1)
        Minus the residuals, and the vector of the sensitivity.
    drift : (W, K)
        Minus the slope of theta.
    """

    squares_slope: Array
    log_determinant: Array
    log_determinant_slope: Array
    basis: Array
    residuals: Array
    free: Array
    drift: Array


@np.errstate(over="ignore", invalid="ignore")  # far from the optimum
def solve(columns: Array, sizes: Array) -> Linear:
    """Solve for the weights of columns.

    Parameters
    ----------
    columns : (W, M, 2 K + 2)
        Columns and the rest of the targets, then the slopes of both; see `Rows.whiten`.
    sizes : (W, K)
        The norms of the columns.

    Returns
    -------
    Linear
    """
    n = sizes.shape[1]
    own, rest = columns[..., :n], columns[..., n : n + 1]
    left, s, right = np.linalg.svd(own / sizes[:, None], full_matrices=False)
    is_sound = s > RANK_RTOL
    left, right = left * is_sound[:, None], np.swapaxes(right, 1, 2) / sizes[..., None]
    inverse = right * np.divide(1.0, s, out=np.zeros_like(s), where=is_sound)[:, None]
    transposed = np.swapaxes(left, 1, 2)
    theta = np.concatenate([inverse @ (transposed @ rest), np.full((len(sizes), 1, 1), -1.0)], 1)
    residuals, change = columns[..., : n + 1] @ theta, columns[..., n + 1 :] @ theta
    explained = transposed @ change
    free = change - left @ explained
    norms = [np.linalg.norm(x, axis=1, keepdims=True) for x in (free, change)]
    free *= norms[0] > EXPLAINED_RTOL * norms[1]
    turns = transposed @ columns[..., n + 1 : 2 * n + 1] @ inverse
    return Linear(
        squares=np.sum(residuals**2, axis=(1, 2)),
        theta=theta[..., 0],
        inverse_factor=inverse,
        null_space=right * ~is_sound[:, None],
        sensitivity=np.linalg.norm(free, axis=(1, 2)),
        singular_values=s,
        squares_slope=2.0 * np.sum(residuals * change, axis=(1, 2)),
        log_determinant=2.0 * np.sum(np.log(np.where(is_sound, s, 1.0)), axis=1),
        log_determinant_slope=2.0 * np.trace(turns, axis1=1, axis2=2),
        basis=left,
        residuals=residuals,
        free=free,
        drift=(inverse @ explained)[..., 0],
    )


def reduce_columns(columns: Array, sizes: Array) -> tuple[Array, Array]:
    """Return the sums of squares and the log determinants of `solve`, faster and less accurately.

    A small ridge keeps columns apart that are nearly collinear.

    Parameters
    ----------
    columns : (W, R, M, K + 1)
        Columns and the rest of the targets.
    sizes : (W, K)
        The norms of the columns.

    Returns
    -------
    squares : (W, R)
    log_determinants : (W, R)
    """
    n = sizes.shape[1]
    scaled = columns.copy()
    scaled[..., :n] /= sizes[:, None, None]
    ridge = np.broadcast_to(RIDGE * np.eye(n, n + 1), (*columns.shape[:2], n, n + 1))
    factor = np.linalg.qr(np.concatenate([scaled, ridge], axis=2), mode="r")
    squares = np.diagonal(factor, axis1=2, axis2=3) ** 2
    return squares[..., n], np.sum(np.log(squares[..., :n]), axis=2)
