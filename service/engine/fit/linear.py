"""Linear least-squares problems with one matrix per w_rec.

A decomposition of the columns, the rest of the targets, and the slopes of both gives everything: no
sum of squares is ever a difference of larger ones.
"""

from typing import Final, NamedTuple

import numpy as np

from service.engine.types import Array

# Smaller singular values are rounding errors; the columns have a norm of at most 1.
RANK_RTOL: Final = 1e-13
EXPLAINED_RTOL: Final = 1e-9  # a slope of which less is left is explained by the columns
RIDGE: Final = 1e-9  # far above rounding errors, and its square far below


class Linear(NamedTuple):
    """A linear least-squares problem solved at W points; M rows, and K columns.

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
    squares_slope, log_determinant, log_determinant_slope : (W,)
        The determinant is that of A'A for the scaled columns.
    basis : (W, M, K)
        Of what the columns span, with zeros in place of the rest.
    residuals, free : (W, M, 1)
        Minus the residuals, and the vector of the sensitivity.
    drift : (W, K)
        Minus the slope of theta.
    """

    squares: Array
    theta: Array
    inverse_factor: Array
    null_space: Array
    sensitivity: Array
    singular_values: Array
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
