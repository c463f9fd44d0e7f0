"""Linear least-squares problems with one matrix per pole, or per K poles, and their columns.

A decomposition of the columns, the rest of the targets, and the slopes of both gives everything: no
sum of squares is ever a difference of larger ones.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import decompose
from service.engine.fit import constants
from service.engine.fit.model import FitProblem, Responses, Sequences, Unknowns, find_sizes
from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class Rows:
    """The columns of a problem at its targets, and their slopes, at W places of K poles.

    The first columns are those of the unknowns of single sequences, if there are such: the offset,
    and a start per state. They are removed from the n others.

    Attributes
    ----------
    responses
        The columns and the slopes.
    sizes : (W, n)
        The norms of the columns.
    """

    responses: Responses
    sizes: Array

    @property
    def unknowns(self) -> Unknowns:
        """The unknowns of the problem."""
        return self.responses.unknowns

    @property
    def sequences(self) -> Sequences:
        """The sequences whose M targets the rows are, in the units of the problem."""
        return self.responses.sequences

    @property
    def values(self) -> Array:
        """The columns and the rest of the targets (W, M, n + 1), before whitening."""
        return self.responses.rows


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
    responses = Responses(problem.unknowns, poles, sequences)
    columns = responses.rows[..., problem.unknowns.n_own_columns : -1]
    return Rows(responses, find_sizes(columns))


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear least-squares problem solved at W places of K poles; M whitened rows, n columns.

    Slopes are those with respect to each pole, computed when first used.

    Attributes
    ----------
    rows
        The columns before whitening.
    rho : (W,)
        The autocorrelation of the noise.
    own : (W, M, k)
        The k whitened columns of the unknowns of single sequences, each without those before.
    coefficients
        The multiples (W, N, m) of each of them in the m columns after it.
    theta : (W, n + 1)
        The weights of the columns, then -1: its product with a row of the columns and the rest of
        a target is minus the residual.
    inverse_factor : (W, n, n)
        F F' is the inverse of A'A for the columns A.
    null_space : (W, n, n)
        Directions of theta that the targets do not determine.
    singular_values : (W, n)
        Of the columns, scaled to a norm of at most 1.
    log_determinant : (W,)
        That of A'A for the scaled columns and those of single sequences.
    basis : (W, M, n)
        An orthonormal basis of the columns; zeros for directions that are rounding errors.
    residuals : (W, M, 1)
        Minus the residuals.
    """

    rows: Rows
    rho: Array
    own: Array
    coefficients: list[Array]
    theta: Array
    inverse_factor: Array
    null_space: Array
    singular_values: Array
    log_determinant: Array
    basis: Array
    residuals: Array

    @cached_property
    def squares(self) -> Array:
        """The sum (W,) of squared residuals; infinite where there is no solution."""
        squares = np.asarray(np.sum(self.residuals**2, axis=(1, 2)))
        return np.where(np.isnan(squares), np.inf, squares)

    @property
    def ranks(self) -> NDArray[np.intp]:
        """The ranks (W,) of the columns."""
        return np.asarray(np.sum(self.singular_values > constants.RANK_RTOL, axis=1))

    @property
    def raw_squares(self) -> Array:
        """The sum (W,) of squared residuals before whitening and division by their sizes."""
        raw = self.rows.values
        for coefficients in self.coefficients:
            raw = self.rows.sequences.subtract_own(raw[..., :1], raw[..., 1:], coefficients)
        residuals = raw @ self.theta[..., None] * self.rows.sequences.scales
        return np.asarray(np.sum(residuals**2, axis=(1, 2)))

    @cached_property
    def _slopes(self) -> tuple[Array, Array]:
        """The slopes (K, W, M, d) of moving columns, and those (K, W) of the logs of own."""
        sequences = self.rows.sequences
        moving = self.rows.unknowns.moving
        slopes = sequences.whiten(self.rows.responses.slopes, self.rho[:, None, None])
        log_slope = np.zeros(slopes.shape[:2])
        for k, coefficients in enumerate(self.coefficients):
            own = self.own[..., [k]]
            of_own, _ = sequences.regress_on_own(own, slopes[..., :1])
            parts = coefficients[..., moving[k + 1 :] - k - 1]
            rest = sequences.subtract_own(slopes[..., :1], slopes[..., 1:], parts)
            slopes = sequences.remove_own(own, rest)
            log_slope = log_slope + of_own[..., 0] @ sequences.multiplicity
        return slopes, log_slope

    @property
    def _moving(self) -> NDArray[np.intp]:
        """The places (d,) of the moving columns among those without own ones."""
        n_own = self.rows.unknowns.n_own_columns
        return self.rows.unknowns.moving[n_own:] - n_own

    @cached_property
    def _changes(self) -> tuple[Array, Array, Array]:
        """The slopes (K, W, M, 1) of predictions, the part in the basis, and the other part."""
        slopes, _ = self._slopes
        changes = slopes @ self.theta[:, self._moving, None]
        explained = np.swapaxes(self.basis, 1, 2) @ changes
        return changes, explained, changes - self.basis @ explained

    @property
    def log_determinant_slope(self) -> Array:
        """The slopes (W, K) of the log determinant."""
        slopes, log_slope = self._slopes
        factor = self.inverse_factor[:, self._moving[:-1]]
        products = np.swapaxes(self.basis, 1, 2) @ slopes[..., :-1]
        return np.asarray(2.0 * (log_slope + np.einsum("kwni,win->kw", products, factor)).T)

    @property
    def squares_slope(self) -> Array:
        """The slopes (W, K) of the sum of squares."""
        # In exact arithmetic, the products of the changes and of their rest with the residuals are
        # equal. Those of the rest have smaller rounding errors.
        _, _, rest = self._changes
        return np.asarray(2.0 * np.sum(self.residuals * rest, axis=(2, 3)).T)

    @property
    def weight_slope(self) -> Array:
        """Minus the slopes (W, K, n) of theta."""
        _, explained, _ = self._changes
        return np.swapaxes((self.inverse_factor @ explained)[..., 0], 0, 1)

    @cached_property
    def unexplained(self) -> Array:
        """The parts (W, M, K) of the slopes of predictions that no column explains.

        Those that are rounding errors are 0.
        """
        changes, _, rest = self._changes
        norms = np.linalg.norm(rest, axis=2, keepdims=True)
        limits = constants.UNEXPLAINED_RTOL * np.linalg.norm(changes, axis=2, keepdims=True)
        return np.moveaxis((rest * (norms > limits))[..., 0], 0, 2)

    @cached_property
    def sensitivity(self) -> Array:
        """The norms (W, K) of these parts."""
        return np.asarray(np.linalg.norm(self.unexplained, axis=1))


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
    sequences = rows.sequences
    values = sequences.whiten(rows.values, rho[:, None, None])
    own = sequences.eliminate(values, rows.unknowns.n_own_columns)
    values = own.rest
    order = rows.unknowns.linear_columns
    log_determinant = np.sum(np.log(own.squares), axis=2) @ sequences.multiplicity
    left, singular_values, right = decompose(values[..., order.unknowns] / rows.sizes[:, None])
    is_sound = singular_values > constants.RANK_RTOL
    inverses = np.zeros_like(singular_values)
    np.divide(1.0, singular_values, out=inverses, where=is_sound)
    directions = np.swapaxes(right, 1, 2) / rows.sizes[..., None]
    inverse_factor = directions * inverses[:, None]
    basis = left * is_sound[:, None]
    weights = inverse_factor @ (np.swapaxes(basis, 1, 2) @ values[..., order.rest])
    theta = np.concatenate([weights, np.full((len(rho), 1, 1), -1.0)], axis=1)
    log_sizes = np.log(np.where(is_sound, singular_values, 1.0))
    return Linear(
        rows=rows,
        rho=rho,
        own=own.columns,
        coefficients=own.coefficients,
        theta=theta[..., 0],
        inverse_factor=inverse_factor,
        null_space=directions * ~is_sound[:, None],
        singular_values=singular_values,
        log_determinant=log_determinant + 2.0 * np.sum(log_sizes, axis=1),
        basis=basis,
        residuals=values @ theta,
    )
