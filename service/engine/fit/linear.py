"""Linear least-squares problems with one matrix per w_rec, and their columns.

A decomposition of the columns, the rest of the targets, and the slopes of both gives everything: no
sum of squares is ever a difference of larger ones. The slopes are the imaginary parts of columns
that are computed at w + ih (W. Squire and G. Trapp, "Using complex variables to estimate
derivatives of real functions", SIAM Review 40 (1998), 110-112).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.problem import FitProblem
from service.engine.fit.sequences import Sequences, spread
from service.engine.types import Array


class Block(NamedTuple):
    """Rows that are whitened alike: each with the row before it, at one gap or one for each row."""

    gap: Array | float
    rows: Array  # (W, m, columns)
    before: Array  # the rows before them, or zeros after an infinite gap


@dataclass(frozen=True, eq=False)
class Rows:
    """The columns of a problem at its targets, and their slopes, at W values of w_rec.

    The first column is that of the starts of single sequences, if there are such. It is removed
    from the K others.

    Attributes
    ----------
    problem
        In whose units the rows are.
    sequences
        The sequences whose targets the rows are.
    values : (W, n, K + 1)
        The columns and the rest of the targets, before whitening; K + 2 with own starts.
    sizes : (W, K)
        The norms of the columns.
    blocks
        The rows and their slopes, before whitening.
    """

    problem: FitProblem
    sequences: Sequences
    values: Array
    sizes: Array
    blocks: tuple[Block, ...]

    def whiten(self, rho: Array, stop: int | None = None) -> Array:
        """Return the columns, the rest of the targets, and the slopes of all, whitened.

        Parameters
        ----------
        rho : (W, R)
            R autocorrelations for each w_rec.
        stop
            The number of columns to return; all by default.

        Returns
        -------
        columns : (W, R, M, stop)
            With M rows, of which blocks may have fewer than there are targets.
        """
        r = rho[..., None, None]
        parts = [
            (rows[:, None, :, :stop] - r**gap * before[:, None, :, :stop]) / spread(r, gap)
            for gap, rows, before in self.blocks
        ]
        return np.concatenate(parts, axis=2)

    def remove_starts(self, columns: Array) -> tuple[Array, Array, Array]:
        """Return the columns without the starts of single sequences.

        Parameters
        ----------
        columns : (..., n, m + 1)
            The starts, then others.

        Returns
        -------
        others : (..., n, m)
            Projected onto the complement of the starts.
        coefficients : (..., N, m)
            The multiples of the starts that were subtracted, for every sequence.
        log_determinants : (...)
            Of the starts.
        """
        starts = columns[..., :1]
        others = columns[..., 1:]
        coefficients, squares = self.sequences.regress_on_starts(starts, others)
        rest = self.sequences.subtract_starts(starts, others, coefficients)
        return rest, coefficients, np.log(squares[..., 0]) @ self.sequences.multiplicity

    def reduce(self, rho: Array) -> tuple[Array, Array]:
        """Return sums of squares and log determinants, faster and less accurately than `solve`.

        A small ridge separates columns that are nearly collinear.

        Parameters
        ----------
        rho : (W, R)
            R autocorrelations for each w_rec.

        Returns
        -------
        squares : (W, R)
            The sums of squared residuals.
        log_determinants : (W, R)
            Of A'A for the whitened columns and starts.
        """
        columns = self.whiten(rho, self.values.shape[2])
        starts_log = np.zeros(rho.shape)
        if self.problem.has_own_starts:
            columns, _, starts_log = self.remove_starts(columns)
        order = self.problem.linear_columns
        n = order.n_unknowns
        columns[..., order.unknowns] /= self.sizes[:, None, None]
        ridge = np.broadcast_to(constants.RIDGE * np.eye(n, n + 1), (*rho.shape, n, n + 1))
        factor = np.linalg.qr(np.concatenate([columns, ridge], axis=2), mode="r")
        squares = np.diagonal(factor, axis1=2, axis2=3) ** 2
        return squares[..., n], np.sum(np.log(squares[..., :n]), axis=2) + starts_log


def compute_rows(problem: FitProblem, w: Array, *, in_order: bool = False) -> Rows:
    """Return the rows of a problem at W values of w_rec.

    A row is whitened together with the row before it. Rows that need no order are those of the
    compressed sequences. Unless these have starts of their own, the factor R of a QR decomposition
    replaces all rows with equal gaps, whatever rho is.

    Parameters
    ----------
    problem
        In whose units the rows are.
    w : (W,)
        The values of w_rec.
    in_order
        True for a row per target, in the order of the data.

    Returns
    -------
    Rows
        With their slopes with respect to w_rec.
    """
    sequences = problem.sequences if in_order else problem.compressed
    complex_rows = problem.respond_at_targets(w + constants.IMAGINARY_STEP * 1j, sequences)
    values = complex_rows.real
    rows = np.concatenate([values, complex_rows.imag / constants.IMAGINARY_STEP], axis=2)
    columns = values[..., int(problem.has_own_starts) : -1]
    peaks = np.abs(columns).max(axis=1, keepdims=True)
    peaks[peaks == 0.0] = 1.0
    norms = peaks[:, 0] * np.linalg.norm(columns / peaks, axis=1)  # without underflow
    sizes = np.where(norms > 0.0, norms, 1.0)
    before = np.concatenate([rows[:, :1], rows[:, :-1]], axis=1)
    if in_order or problem.has_own_starts:
        blocks = [Block(sequences.gaps[:, None], rows, before)]
    elif problem.options.noise != "ar1":
        blocks = [_compress_block(np.inf, rows, before)]
    else:
        gaps = sequences.gaps
        blocks = [
            _compress_block(gap, rows[:, gaps == gap], before[:, gaps == gap])
            for gap in np.unique(gaps).tolist()
        ]
    return Rows(problem, sequences, values, sizes, tuple(blocks))


def _compress_block(gap: float, rows: Array, before: Array) -> Block:
    """Return fewer rows with the same products, if there are more rows than columns."""
    pairs = np.concatenate([rows, before], axis=2) if np.isfinite(gap) else rows
    if pairs.shape[1] > pairs.shape[2]:
        pairs = np.asarray(np.linalg.qr(pairs, mode="r"))
    after, former = np.split(pairs, [rows.shape[2]], axis=2)
    return Block(gap, after, former if np.isfinite(gap) else np.zeros((1, 1, 1)))


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear least-squares problem solved at W points; M whitened rows, and K columns.

    Attributes
    ----------
    squares, raw_squares : (W,)
        The sum of squared residuals, and that before whitening.
    theta : (W, K + 1)
        The weights of the columns, then -1: its product with a row of the columns and the rest of
        a target is minus the residual.
    weight_slope : (W, K)
        Minus the slope of theta.
    inverse_factor : (W, K, K)
        F F' is the inverse of A'A for the columns A.
    null_space : (W, K, K)
        Directions of theta that the targets do not determine.
    sensitivity : (W,)
        The norm of the part of the slope of the predictions that no column explains.
    singular_values : (W, K)
        Of the columns, scaled to a norm of at most 1.
    squares_slope, log_determinant, log_determinant_slope : (W,)
        The determinant is that of A'A for the scaled columns and the starts of single sequences.
    basis : (W, M, K)
        An orthonormal basis of the columns; zeros for directions that are rounding errors.
    starts : (W, M, 1)
        The whitened starts of single sequences; (W, M, 0) if there are none.
    residuals, unexplained : (W, M, 1)
        Minus the residuals, and the vector of the sensitivity.
    """

    squares: Array
    raw_squares: Array
    theta: Array
    weight_slope: Array
    inverse_factor: Array
    null_space: Array
    sensitivity: Array
    singular_values: Array
    squares_slope: Array
    log_determinant: Array
    log_determinant_slope: Array
    basis: Array
    starts: Array
    residuals: Array
    unexplained: Array


class _Equations(NamedTuple):
    """Whitened equations without starts, and what the starts add to the determinant."""

    raw: Array  # before whitening
    values: Array
    slopes: Array
    starts: Array
    log_determinant: Array
    log_determinant_slope: Array


def _whiten(rows: Rows, rho: Array) -> _Equations:
    """Return the whitened equations, from which starts of single sequences are removed."""
    values, slopes = np.split(rows.whiten(rho[:, None])[:, 0], 2, axis=2)
    if not rows.problem.has_own_starts:
        none = np.zeros(len(rho))
        return _Equations(rows.values, values, slopes, values[..., :0], none, none)
    sequences = rows.sequences
    starts = values[..., :1]
    start_slopes, _ = sequences.regress_on_starts(starts, slopes[..., :1])
    others, coefficients, log_determinant = rows.remove_starts(values)
    raw = sequences.subtract_starts(rows.values[..., :1], rows.values[..., 1:], coefficients)
    slopes = sequences.subtract_starts(slopes[..., :1], slopes[..., 1:], coefficients)
    slopes = sequences.remove_starts(starts, slopes)
    log_determinant_slope = 2.0 * start_slopes[..., 0] @ sequences.multiplicity
    return _Equations(raw, others, slopes, starts, log_determinant, log_determinant_slope)


@np.errstate(over="ignore", invalid="ignore")  # far from the optimum
def solve(rows: Rows, rho: Array) -> Linear:
    """Solve the linear least-squares problem at W points.

    Parameters
    ----------
    rows
        The columns at W points.
    rho : (W,)
        The autocorrelation of the noise at each.

    Returns
    -------
    Linear
        The weights, the residuals, and the slopes with respect to w_rec.
    """
    equations = _whiten(rows, rho)
    columns = equations.values[..., :-1] / rows.sizes[:, None]
    left, singular_values, right = np.linalg.svd(columns, full_matrices=False)
    is_sound = singular_values > constants.RANK_RTOL
    inverses = np.zeros_like(singular_values)
    np.divide(1.0, singular_values, out=inverses, where=is_sound)
    directions = np.swapaxes(right, 1, 2) / rows.sizes[..., None]
    inverse_factor = directions * inverses[:, None]
    basis = left * is_sound[:, None]
    transposed = np.swapaxes(basis, 1, 2)
    weights = inverse_factor @ (transposed @ equations.values[..., -1:])
    theta = np.concatenate([weights, np.full((len(rho), 1, 1), -1.0)], axis=1)
    residuals = equations.values @ theta
    change = equations.slopes @ theta
    explained = transposed @ change
    unexplained = _clear_rounding(change - basis @ explained, change)
    rotation = transposed @ equations.slopes[..., :-1] @ inverse_factor
    log_sizes = np.log(np.where(is_sound, singular_values, 1.0))
    slope_of_columns = 2.0 * np.trace(rotation, axis1=1, axis2=2)
    return Linear(
        squares=np.sum(residuals**2, axis=(1, 2)),
        raw_squares=np.sum((equations.raw @ theta) ** 2, axis=(1, 2)),
        theta=theta[..., 0],
        weight_slope=(inverse_factor @ explained)[..., 0],
        inverse_factor=inverse_factor,
        null_space=directions * ~is_sound[:, None],
        sensitivity=np.linalg.norm(unexplained, axis=(1, 2)),
        singular_values=singular_values,
        squares_slope=2.0 * np.sum(residuals * change, axis=(1, 2)),
        log_determinant=equations.log_determinant + 2.0 * np.sum(log_sizes, axis=1),
        log_determinant_slope=equations.log_determinant_slope + slope_of_columns,
        basis=basis,
        starts=equations.starts,
        residuals=residuals,
        unexplained=unexplained,
    )


def _clear_rounding(unexplained: Array, change: Array) -> Array:
    """Return the unexplained part of a change (W, M, 1), or zeros where it is rounding errors."""
    norms = np.linalg.norm(unexplained, axis=1, keepdims=True)
    limits = constants.UNEXPLAINED_RTOL * np.linalg.norm(change, axis=1, keepdims=True)
    return np.asarray(unexplained * (norms > limits))
