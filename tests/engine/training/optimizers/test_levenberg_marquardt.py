"""Steps and damping of the Levenberg-Marquardt method."""

import numpy as np
import pytest

from service.engine.objective import NormalEquations
from service.engine.training import OPTIMIZERS, LeastSquaresOptimizer
from service.engine.types import Array


def build(**parameters: float) -> LeastSquaresOptimizer:
    optimizer = OPTIMIZERS["levenberg_marquardt"](**parameters)
    assert isinstance(optimizer, LeastSquaresOptimizer)
    return optimizer


def divided(jacobian: Array, errors: Array) -> NormalEquations:
    matrix, products = jacobian @ jacobian.T, jacobian @ errors
    diagonal = np.diag(matrix)
    return NormalEquations((-products / diagonal)[:, None], (matrix[0, 1] / diagonal)[:, None])


@pytest.mark.parametrize("damping", [1e-15, 1e-3, 1.0, 1e6])
def test_a_step_solves_the_damped_equations(damping: float) -> None:
    random = np.random.default_rng(1)
    jacobian, errors = random.normal(size=(2, 8)) * [[1.0], [1e4]], random.normal(size=8)
    optimizer = build(damping=damping)
    step = optimizer.propose(divided(jacobian, errors), optimizer.init(np.ones((2, 1))))
    matrix = jacobian @ jacobian.T
    matrix += damping * np.diag(np.diag(matrix))
    np.testing.assert_allclose(step[:, 0], np.linalg.solve(matrix, -jacobian @ errors), rtol=1e-10)


def test_columns_of_one_direction_have_a_finite_step() -> None:
    jacobian, errors = np.array([[1.0, 2.0], [3.0, 6.0]]), np.array([1.0, 1.0])
    optimizer = build(damping=1e-6)
    step = optimizer.propose(divided(jacobian, errors), optimizer.init(np.ones((2, 1))))
    # Half of the step of each weight alone: damping chooses the middle of the valley.
    np.testing.assert_allclose(step[:, 0], [-0.3, -0.1], rtol=1e-5)


def test_damping_follows_acceptance_within_its_bounds() -> None:
    optimizer = build(damping=1.0, damping_up=10.0, damping_down=0.1)
    state = optimizer.init(np.ones((2, 2)))
    (damping,) = state = optimizer.update(np.array([True, False]), state)
    assert damping.tolist() == [[0.1, 10.0]] * 2
    for _ in range(30):
        state = optimizer.update(np.array([True, False]), state)
    assert state[0].tolist() == [[1e-15, 1e15]] * 2
