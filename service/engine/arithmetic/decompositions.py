"""Decompositions of matrices whose failure is a value: nan, and never an exception.

They are the only ones that the engine uses of those that numpy ends with a ``LinAlgError``. For a
matrix that is not finite, the singular value decomposition of some versions of LAPACK never ends.
"""

from contextlib import suppress
from typing import Final

import numpy as np

from service.engine.arithmetic.tolerances import EPSILON
from service.engine.types import Array

TALL: Final = 64  # rows per column, from which products of columns are faster than LAPACK
# Of the least and the largest squared singular value: a condition of at most a million.
LEAST_SQUARE_RATIO: Final = 1e-12


def decompose(matrices: Array) -> tuple[Array, Array, Array]:
    """Return the reduced singular value decompositions of matrices.

    Parameters
    ----------
    matrices : (..., M, n)
        Of any real numbers.

    Returns
    -------
    left : (..., M, k)
        The left singular vectors; k is the smaller one of M and n.
    values : (..., k)
        The singular values, decreasing.
    right : (..., k, n)
        The right singular vectors. All three are nan for a matrix without a decomposition: one with
        a number that is not finite, or one for which the iteration does not converge.
    """
    if matrices.shape[-2] > TALL * matrices.shape[-1] > 0:
        return _decompose_tall(matrices)
    return _decompose(matrices)


def _decompose(matrices: Array) -> tuple[Array, Array, Array]:
    """Return the decompositions of matrices by LAPACK."""
    if np.isfinite(matrices).all():
        with suppress(np.linalg.LinAlgError):
            return np.linalg.svd(matrices, full_matrices=False)
    if matrices.ndim > 2:
        parts = zip(*map(_decompose, matrices), strict=True)
        left, values, right = (np.stack(part) for part in parts)
        return left, values, right
    n_rows, n_columns = matrices.shape
    k = min(n_rows, n_columns)
    return np.full((n_rows, k), np.nan), np.full(k, np.nan), np.full((k, n_columns), np.nan)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # of those without such a factor
def _decompose_tall(matrices: Array) -> tuple[Array, Array, Array]:
    """Return the decompositions of matrices with many more rows than columns.

    Products of the columns orthogonalize them nearly, and then to the last digits if no singular
    value is too small (Y. Yamamoto, Y. Nakatsukasa, Y. Yanagisawa and T. Fukaya, "Roundoff error
    analysis of the CholeskyQR2 algorithm", Electronic Transactions on Numerical Analysis 44 (2015),
    306-326). That takes a third of the time of LAPACK, which gets the other matrices.
    """
    columns = np.swapaxes(matrices, -1, -2)
    products = columns @ matrices
    is_finite = np.isfinite(products).all(axis=(-1, -2), keepdims=True)
    squares, directions = np.linalg.eigh(np.where(is_finite, products, 0.0))
    is_sound = squares[..., 0] > LEAST_SQUARE_RATIO * squares[..., -1]
    if not is_sound.any():
        return _decompose(matrices)
    roots = np.sqrt(np.where(is_sound[..., None], squares, 1.0))
    nearly = np.swapaxes(directions / roots[..., None, :], -1, -2) @ columns
    rest = nearly @ np.swapaxes(nearly, -1, -2)
    rest[~is_sound] = np.eye(rest.shape[-1])
    factor = np.linalg.cholesky(rest)
    transposed = np.swapaxes(factor, -1, -2)
    turn, values, right = np.linalg.svd(
        transposed @ (roots[..., None] * np.swapaxes(directions, -1, -2))
    )
    left = np.swapaxes((np.swapaxes(turn, -1, -2) @ np.linalg.inv(factor)) @ nearly, -1, -2)
    if is_sound.all():
        return left, values, right
    for part, exact in zip((left, values, right), _decompose(matrices[~is_sound]), strict=True):
        part[~is_sound] = exact
    return left, values, right


def find_singular_values(matrices: Array) -> Array:
    """Return the singular values of matrices, as `decompose` does.

    Parameters
    ----------
    matrices : (..., M, n)
        Of any real numbers.

    Returns
    -------
    values : (..., k)
        Decreasing; nan for a matrix without a decomposition.
    """
    if np.isfinite(matrices).all():
        with suppress(np.linalg.LinAlgError):
            return np.asarray(np.linalg.svd(matrices, compute_uv=False))
    return decompose(matrices)[1]


def invert(matrix: Array) -> Array:
    """Return the pseudoinverse of a matrix, for which rounding errors of its rank count as 0.

    Parameters
    ----------
    matrix : (M, n)
        Of any real numbers.

    Returns
    -------
    inverse : (n, M)
        nan for a matrix without a decomposition.
    """
    left, values, right = decompose(matrix)
    inverses = np.zeros_like(values)
    is_sound = ~(values <= max(matrix.shape) * EPSILON * values.max(initial=0.0))
    np.divide(1.0, values, out=inverses, where=is_sound)
    return np.asarray((right.T * inverses) @ left.T)


def solve(matrices: Array, vectors: Array) -> Array:
    """Return the solutions x of systems A x = b.

    Parameters
    ----------
    matrices : (m, n, n)
        The matrices A.
    vectors : (m, n, 1)
        The vectors b.

    Returns
    -------
    solutions : (m, n, 1)
        nan where a matrix is singular.
    """
    try:
        return np.asarray(np.linalg.solve(matrices, vectors))
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.full_like(vectors, np.nan)
        halves = zip(np.array_split(matrices, 2), np.array_split(vectors, 2), strict=True)
        return np.concatenate([solve(*half) for half in halves])
