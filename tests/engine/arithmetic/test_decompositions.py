"""Decompositions of matrices: those of numpy, and nan where numpy raises an exception."""

import numpy as np
import pytest

from service.engine.arithmetic import decompose, find_singular_values, invert, solve

MATRICES = np.random.default_rng(1).standard_normal((4, 6, 3))


def test_a_matrix_without_a_decomposition_changes_no_other() -> None:
    matrices = MATRICES.copy()
    matrices[1, 2, 0] = np.nan
    matrices[3, 0, 0] = np.inf
    left, values, right = decompose(matrices)
    for i in (0, 2):
        product = (left[i] * values[i]) @ right[i]
        np.testing.assert_allclose(product, MATRICES[i], rtol=1e-12, atol=1e-12)
    for i in (1, 3):
        assert np.isnan(left[i]).all()
        assert np.isnan(values[i]).all()
        assert np.isnan(right[i]).all()
    np.testing.assert_allclose(find_singular_values(matrices), values)


def test_a_singular_system_changes_no_other() -> None:
    square = MATRICES[:3, :3].copy()
    square[1] = 0.0
    vectors = np.ones((3, 3, 1))
    x = solve(square, vectors)
    np.testing.assert_allclose(square[[0, 2]] @ x[[0, 2]], vectors[[0, 2]])
    assert np.isnan(x[1]).all()


@pytest.mark.parametrize("rank", [3, 1])
def test_the_pseudoinverse_is_that_of_numpy(rank: int) -> None:
    matrix = MATRICES[0, :, :rank] @ MATRICES[1, :rank]
    np.testing.assert_allclose(invert(matrix), np.linalg.pinv(matrix, rcond=1e-15), atol=1e-12)
    assert np.isnan(invert(np.full((2, 2), np.nan))).all()
