"""Decompositions of matrices whose failure is a value: nan, and never an exception.

They are the only ones that the engine uses of those that numpy ends with a ``LinAlgError``. For a
matrix that is not finite, the singular value decomposition of some versions of LAPACK never ends.
"""

from contextlib import suppress

import numpy as np

from service.engine.arithmetic.tolerances import EPSILON
from service.engine.types import Array


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
    if np.isfinite(matrices).all():
        with suppress(np.linalg.LinAlgError):
            return np.linalg.svd(matrices, full_matrices=False)
    if matrices.ndim > 2:
        parts = zip(*map(decompose, matrices), strict=True)
        left, values, right = (np.stack(part) for part in parts)
        return left, values, right
    n_rows, n_columns = matrices.shape
    k = min(n_rows, n_columns)
    return np.full((n_rows, k), np.nan), np.full(k, np.nan), np.full((k, n_columns), np.nan)


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
