"""Linear least-squares problems with one matrix per pole, or per K poles, and their columns.

A decomposition of the columns, the rest of the targets, and the slopes of both gives everything: no
sum of squares is ever a difference of larger ones. The slopes are the imaginary parts of columns
that are computed at w + ih (W. Squire and G. Trapp, "Using complex variables to estimate
derivatives of real functions", SIAM Review 40 (1998), 110-112).
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.design import respond_at_targets
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
    """The columns of a problem at its targets, and their slopes, at W places of K poles.

    The first columns are those of the starts of single sequences, if there are such: one per state.
    They are removed from the n others.

    Attributes
    ----------
    problem
        In whose units the rows are.
    sequences
        The sequences whose targets the rows are.
    values : (W, M, n + 1)
        The columns and the rest of the targets, before whitening, with own starts n + 1 + K.
    sizes : (W, n)
        The norms of the columns.
    blocks
        The rows and their slopes with respect to each pole, before whitening.
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
            R autocorrelations for each place.
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
        """Return the columns without the starts of single sequences for one state.

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
            R autocorrelations for each place.

        Returns
        -------
        squares : (W, R)
            The sums of squared residuals.
        log_determinants : (W, R)
            Of A'A for the whitened columns and starts.
        """
        columns = self.whiten(rho, self.values.shape[2])
        starts_log = np.zeros(rho.shape)
        for _ in range(self.problem.n_starts_per_sequence):
            columns, _, log_determinants = self.remove_starts(columns)
            starts_log = starts_log + log_determinants
        order = self.problem.linear_columns
        n = order.n_unknowns
        columns[..., order.unknowns] /= self.sizes[:, None, None]
        ridge = np.broadcast_to(constants.RIDGE * np.eye(n, n + 1), (*rho.shape, n, n + 1))
        factor = np.linalg.qr(np.concatenate([columns, ridge], axis=2), mode="r")
        squares = np.diagonal(factor, axis1=2, axis2=3) ** 2
        return squares[..., n], np.sum(np.log(squares[..., :n]), axis=2) + starts_log


def compute_rows(problem: FitProblem, poles: Array, *, in_order: bool = False) -> Rows:
    """Return the rows of a problem at W places of its K poles.

    A row is whitened together with the row before it. Rows that need no order are those of the
    compressed sequences. Unless these have starts of their own, the factor R of a QR decomposition
    replaces all rows with equal gaps, whatever rho is.

    Parameters
    ----------
    problem
        In whose units the rows are.
    poles : (W, K)
        The places.
    in_order
        True for a row per target, in the order of the data.

    Returns
    -------
    Rows
        With their slopes with respect to each pole.
    """
    sequences = problem.sequences if in_order else problem.compressed
    steps = constants.IMAGINARY_STEP * 1j * np.eye(problem.n_states)
    complex_rows = [respond_at_targets(problem, poles + step, sequences) for step in steps]
    values = complex_rows[0].real
    slopes = [each.imag / constants.IMAGINARY_STEP for each in complex_rows]
    rows = np.concatenate([values, *slopes], axis=2)
    columns = values[..., problem.n_starts_per_sequence : -1]
    peaks = np.abs(columns).max(axis=1, keepdims=True)
    peaks[peaks == 0.0] = 1.0
    norms = peaks[:, 0] * np.linalg.norm(columns / peaks, axis=1)  # without underflow
    sizes = np.where(norms > 0.0, norms, 1.0)
    before = np.concatenate([rows[:, :1], rows[:, :-1]], axis=1)
    compress_block = partial(_compress_block, is_sparse=problem.n_states > 1)
    if in_order or problem.has_own_starts:
        blocks = [Block(sequences.gaps[:, None], rows, before)]
    elif problem.options.noise != "ar1":
        blocks = [compress_block(np.inf, rows, before)]
    else:
        gaps = sequences.gaps
        blocks = [
            compress_block(gap, rows[:, gaps == gap], before[:, gaps == gap])
            for gap in np.unique(gaps).tolist()
        ]
    return Rows(problem, sequences, values, sizes, tuple(blocks))


def _compress_block(gap: float, rows: Array, before: Array, *, is_sparse: bool) -> Block:
    """Return fewer rows with the same products, if there are more rows than columns."""
    pairs = np.concatenate([rows, before], axis=2) if np.isfinite(gap) else rows
    is_used = pairs.any(axis=(0, 1))  # most slopes with respect to one of several poles are 0
    if is_sparse and pairs.shape[1] > np.count_nonzero(is_used):
        factor = np.linalg.qr(pairs[..., is_used], mode="r")
        pairs = np.zeros((*factor.shape[:2], len(is_used)))
        pairs[..., is_used] = factor
    elif pairs.shape[1] > pairs.shape[2]:
        pairs = np.asarray(np.linalg.qr(pairs, mode="r"))
    after, former = np.split(pairs, [rows.shape[2]], axis=2)
    return Block(gap, after, former if np.isfinite(gap) else np.zeros((1, 1, 1)))


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear least-squares problem solved at W places of K poles; M whitened rows, n columns.

    Attributes
    ----------
    squares, raw_squares : (W,)
        The sum of squared residuals, and that before whitening.
    theta : (W, n + 1)
        The weights of the columns, then -1: its product with a row of the columns and the rest of
        a target is minus the residual.
    weight_slope : (W, K, n)
        Minus the slopes of theta.
    inverse_factor : (W, n, n)
        F F' is the inverse of A'A for the columns A.
    null_space : (W, n, n)
        Directions of theta that the targets do not determine.
    sensitivity : (W, K)
        The norms of the parts of the slopes of the predictions that no column explains.
    singular_values : (W, n)
        Of the columns, scaled to a norm of at most 1.
    log_determinant : (W,)
        That of A'A for the scaled columns and the starts of single sequences.
    squares_slope, log_determinant_slope : (W, K)
        The slopes with respect to each pole.
    basis : (W, M, n)
        An orthonormal basis of the columns; zeros for directions that are rounding errors.
    starts : (W, M, K)
        The whitened starts of single sequences, each without those before; (W, M, 0) if there are
        none.
    residuals : (W, M, 1)
        Minus the residuals.
    unexplained : (W, M, K)
        The vectors of the sensitivities.
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
    slopes: tuple[Array, ...]  # with respect to each pole
    starts: tuple[Array, ...]
    log_determinant: Array
    log_determinant_slopes: tuple[Array, ...]


def _whiten(rows: Rows, rho: Array) -> _Equations:
    """Return the whitened equations, from which starts of single sequences are removed."""
    n_states = rows.problem.n_states
    values, *slopes = np.split(rows.whiten(rho[:, None])[:, 0], n_states + 1, axis=2)
    none = np.zeros(len(rho))
    equations = _Equations(rows.values, values, tuple(slopes), (), none, (none,) * n_states)
    for _ in range(rows.problem.n_starts_per_sequence):
        equations = _remove_starts(rows, equations)
    return equations


def _remove_starts(rows: Rows, equations: _Equations) -> _Equations:
    """Return the equations without the first column: the starts for one state."""
    sequences = rows.sequences
    raw = equations.raw
    starts = equations.values[..., :1]
    others, coefficients, log_determinant = rows.remove_starts(equations.values)
    slopes = list[Array]()
    log_determinant_slopes = list[Array]()
    for slope, so_far in zip(equations.slopes, equations.log_determinant_slopes, strict=True):
        start_slopes, _ = sequences.regress_on_starts(starts, slope[..., :1])
        log_determinant_slopes.append(so_far + 2.0 * start_slopes[..., 0] @ sequences.multiplicity)
        rest = sequences.subtract_starts(slope[..., :1], slope[..., 1:], coefficients)
        slopes.append(sequences.remove_starts(starts, rest))
    return _Equations(
        sequences.subtract_starts(raw[..., :1], raw[..., 1:], coefficients),
        others,
        tuple(slopes),
        (*equations.starts, starts),
        equations.log_determinant + log_determinant,
        tuple(log_determinant_slopes),
    )


class _Slope(NamedTuple):
    """The slopes of a solution with respect to one pole; shapes as in `Linear`, without K."""

    weight_slope: Array
    sensitivity: Array
    squares_slope: Array
    log_determinant_slope: Array
    unexplained: Array


@np.errstate(over="ignore", invalid="ignore")  # far from the optimum
def solve(rows: Rows, rho: Array) -> Linear:
    """Solve the linear least-squares problem at W places.

    Parameters
    ----------
    rows
        The columns at W places.
    rho : (W,)
        The autocorrelation of the noise at each.

    Returns
    -------
    Linear
        The weights, the residuals, and the slopes with respect to each pole.
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
    weights = inverse_factor @ (np.swapaxes(basis, 1, 2) @ equations.values[..., -1:])
    theta = np.concatenate([weights, np.full((len(rho), 1, 1), -1.0)], axis=1)
    residuals = equations.values @ theta
    slopes = [
        _find_slope(each, theta, basis, inverse_factor, residuals) for each in equations.slopes
    ]
    log_sizes = np.log(np.where(is_sound, singular_values, 1.0))
    none = equations.values[..., :0]
    by_starts = np.stack(equations.log_determinant_slopes, axis=1)
    return Linear(
        squares=np.sum(residuals**2, axis=(1, 2)),
        raw_squares=np.sum((equations.raw @ theta) ** 2, axis=(1, 2)),
        theta=theta[..., 0],
        weight_slope=np.stack([slope.weight_slope for slope in slopes], axis=1),
        inverse_factor=inverse_factor,
        null_space=directions * ~is_sound[:, None],
        sensitivity=np.stack([slope.sensitivity for slope in slopes], axis=1),
        singular_values=singular_values,
        squares_slope=np.stack([slope.squares_slope for slope in slopes], axis=1),
        log_determinant=equations.log_determinant + 2.0 * np.sum(log_sizes, axis=1),
        log_determinant_slope=by_starts
        + np.stack([slope.log_determinant_slope for slope in slopes], axis=1),
        basis=basis,
        starts=np.concatenate([none, *equations.starts], axis=2),
        residuals=residuals,
        unexplained=np.concatenate([slope.unexplained for slope in slopes], axis=2),
    )


def _find_slope(
    slopes: Array, theta: Array, basis: Array, inverse_factor: Array, residuals: Array
) -> _Slope:
    """Return the slopes of a solution from those (W, M, n + 1) of its columns."""
    transposed = np.swapaxes(basis, 1, 2)
    change = slopes @ theta
    explained = transposed @ change
    unexplained = _clear_rounding(change - basis @ explained, change)
    rotation = transposed @ slopes[..., :-1] @ inverse_factor
    return _Slope(
        weight_slope=(inverse_factor @ explained)[..., 0],
        sensitivity=np.linalg.norm(unexplained, axis=(1, 2)),
        squares_slope=2.0 * np.sum(residuals * change, axis=(1, 2)),
        log_determinant_slope=2.0 * np.trace(rotation, axis1=1, axis2=2),
        unexplained=unexplained,
    )


def _clear_rounding(unexplained: Array, change: Array) -> Array:
    """Return the unexplained part of a change (W, M, 1), or zeros where it is rounding errors."""
    norms = np.linalg.norm(unexplained, axis=1, keepdims=True)
    limits = constants.UNEXPLAINED_RTOL * np.linalg.norm(change, axis=1, keepdims=True)
    return np.asarray(unexplained * (norms > limits))
