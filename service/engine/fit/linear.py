"""Linear least-squares problems with one matrix per pole, or per K poles, and their columns.

A decomposition of the columns, the rest of the targets, and the slopes of both gives everything: no
sum of squares is ever a difference of larger ones. The slopes are the imaginary parts of columns
that are computed at w + ih (W. Squire and G. Trapp, "Using complex variables to estimate
derivatives of real functions", SIAM Review 40 (1998), 110-112).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.design import respond_at_targets
from service.engine.fit.problem import FitProblem
from service.engine.fit.sequences import Sequences
from service.engine.types import Array


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
        The sequences whose M targets the rows are.
    values : (W, M, n + 1)
        The columns and the rest of the targets, before whitening, with own starts n + 1 + K.
    slopes : (K, W, M, n + 1)
        With respect to each pole.
    sizes : (W, n)
        The norms of the columns.
    """

    problem: FitProblem
    sequences: Sequences
    values: Array
    slopes: Array
    sizes: Array


def compute_rows(problem: FitProblem, poles: Array, sequences: Sequences) -> Rows:
    """Return the rows of a problem at W places of its K poles.

    Parameters
    ----------
    problem
        In whose units the rows are.
    poles : (W, K)
        The places.
    sequences
        Those of the problem, or fewer with the same sums of squares.

    Returns
    -------
    Rows
        With their slopes with respect to each pole.
    """
    steps = constants.IMAGINARY_STEP * 1j * np.eye(problem.n_states)
    places = (poles + steps[:, None]).reshape(-1, problem.n_states)
    rows = respond_at_targets(problem, places, sequences)
    values = np.ascontiguousarray(rows[: len(poles)].real)
    slopes = (rows.imag / constants.IMAGINARY_STEP).reshape(-1, *values.shape)
    return Rows(problem, sequences, values, slopes, _find_sizes(problem, values))


def _find_sizes(problem: FitProblem, values: Array) -> Array:
    """Return the norms (W, n) of columns; 1 for those that are 0."""
    columns = values[..., problem.n_starts_per_sequence : -1]
    peaks = np.abs(columns).max(axis=1, keepdims=True)
    peaks[peaks == 0.0] = 1.0
    norms = peaks[:, 0] * np.linalg.norm(columns / peaks, axis=1)  # without underflow
    return np.where(norms > 0.0, norms, 1.0)


def find_ranks(problem: FitProblem, poles: Array) -> NDArray[np.intp]:
    """Return the ranks (W,) of the columns of a problem, without starts of single sequences.

    Parameters
    ----------
    problem
        The problem.
    poles : (W, K)
        The places.

    Returns
    -------
    ranks : (W,)
        At most the number of columns.
    """
    sequences = problem.compressed
    values = respond_at_targets(problem, poles, sequences)
    sizes = _find_sizes(problem, values)
    for _ in range(problem.n_starts_per_sequence):
        values = sequences.remove_starts(values[..., :1], values[..., 1:])
    columns = values[..., :-1] / sizes[:, None]
    singular_values = np.linalg.svd(columns, compute_uv=False)
    return np.sum(singular_values > constants.RANK_RTOL, axis=1)


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
    slopes: Array  # (K, W, M, n + 1)
    starts: tuple[Array, ...]
    log_determinant: Array
    log_determinant_slope: Array


def _whiten(rows: Rows, rho: Array) -> _Equations:
    """Return the whitened equations, from which starts of single sequences are removed."""
    rho = rho[:, None, None]
    equations = _Equations(
        rows.values,
        rows.sequences.whiten(rows.values, rho),
        rows.sequences.whiten(rows.slopes, rho),
        (),
        np.zeros(len(rho)),
        np.zeros((len(rho), rows.problem.n_states)),
    )
    for _ in range(rows.problem.n_starts_per_sequence):
        equations = _remove_starts(rows.sequences, equations)
    return equations


def _remove_starts(sequences: Sequences, equations: _Equations) -> _Equations:
    """Return the equations without the first column: the starts for one state."""
    raw, values, slopes, *_ = equations
    starts = values[..., :1]
    coefficients, squares = sequences.regress_on_starts(starts, values[..., 1:])
    start_slopes, _ = sequences.regress_on_starts(starts, slopes[..., :1])
    rest = sequences.subtract_starts(slopes[..., :1], slopes[..., 1:], coefficients)
    added_slope = 2.0 * (start_slopes[..., 0] @ sequences.multiplicity).T
    return _Equations(
        sequences.subtract_starts(raw[..., :1], raw[..., 1:], coefficients),
        sequences.subtract_starts(starts, values[..., 1:], coefficients),
        sequences.remove_starts(starts, rest),
        (*equations.starts, starts),
        equations.log_determinant + np.log(squares[..., 0]) @ sequences.multiplicity,
        equations.log_determinant_slope + added_slope,
    )


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
    transposed = np.swapaxes(basis, 1, 2)
    weights = inverse_factor @ (transposed @ equations.values[..., -1:])
    theta = np.concatenate([weights, np.full((len(rho), 1, 1), -1.0)], axis=1)
    residuals = equations.values @ theta
    changes = equations.slopes @ theta
    explained = transposed @ changes
    # In exact arithmetic, the products of the changes and of their rest with the residuals are
    # equal. Those of the rest have smaller rounding errors.
    rest = changes - basis @ explained
    unexplained = _clear_rounding(rest, changes)
    rotations = transposed @ equations.slopes[..., :-1] @ inverse_factor
    rotation = np.trace(rotations, axis1=2, axis2=3).T
    log_sizes = np.log(np.where(is_sound, singular_values, 1.0))
    none = equations.values[..., :0]
    return Linear(
        squares=np.sum(residuals**2, axis=(1, 2)),
        raw_squares=np.sum((equations.raw @ theta) ** 2, axis=(1, 2)),
        theta=theta[..., 0],
        weight_slope=np.swapaxes((inverse_factor @ explained)[..., 0], 0, 1),
        inverse_factor=inverse_factor,
        null_space=directions * ~is_sound[:, None],
        sensitivity=np.linalg.norm(unexplained, axis=(2, 3)).T,
        singular_values=singular_values,
        squares_slope=2.0 * np.sum(residuals * rest, axis=(2, 3)).T,
        log_determinant=equations.log_determinant + 2.0 * np.sum(log_sizes, axis=1),
        log_determinant_slope=equations.log_determinant_slope + 2.0 * rotation,
        basis=basis,
        starts=np.concatenate([none, *equations.starts], axis=2),
        residuals=residuals,
        unexplained=np.moveaxis(unexplained[..., 0], 0, 2),
    )


def _clear_rounding(unexplained: Array, changes: Array) -> Array:
    """Return the unexplained parts of changes (K, W, M, 1), or zeros where they are rounding."""
    norms = np.linalg.norm(unexplained, axis=2, keepdims=True)
    limits = constants.UNEXPLAINED_RTOL * np.linalg.norm(changes, axis=2, keepdims=True)
    return np.asarray(unexplained * (norms > limits))
