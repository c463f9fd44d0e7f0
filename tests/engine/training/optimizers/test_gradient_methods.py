"""The updates of the optimizers that use the magnitude of the gradient."""

from math import sqrt

import pytest

from service.engine.training import OPTIMIZERS
from tests.engine.training.optimizers.conftest import take_steps


def test_gradient_descent_by_hand() -> None:
    steps, state = take_steps(OPTIMIZERS["gradient_descent"](learning_rate=0.5), [4.0, -3.0])
    assert (steps, state) == ([-2.0, 1.5], ())


@pytest.mark.parametrize(("nesterov", "expected"), [(False, [-2.0, -2.0]), (True, [-3.0, -2.0])])
def test_momentum_by_hand(nesterov: bool, expected: list[float]) -> None:
    optimizer = OPTIMIZERS["momentum"](learning_rate=0.5, momentum=0.5, nesterov=nesterov)
    # Velocities 4 and 2 + 2; with Nesterov the directions are 4 + 2 and 2 + 2.
    assert take_steps(optimizer, [4.0, 2.0]) == (expected, (4.0,))


def test_rmsprop_by_hand() -> None:
    optimizer = OPTIMIZERS["rmsprop"](learning_rate=0.5, alpha=0.75, epsilon=0.5)
    steps, state = take_steps(optimizer, [2.0, 0.0])
    assert steps == [-0.5 * 2.0 / (1.0 + 0.5), 0.0]
    assert state == (0.75,)


def test_adam_by_hand() -> None:
    optimizer = OPTIMIZERS["adam"](learning_rate=0.5, beta_1=0.5, beta_2=0.75, epsilon=1e-8)
    steps, state = take_steps(optimizer, [2.0, 4.0])
    # With bias correction the first step is the learning rate: mean 2, mean square 4.
    assert steps[0] == pytest.approx(-0.5, rel=1e-8)
    mean, square = 2.5 / 0.75, (0.75 + 4.0) / (1.0 - 0.5625)
    assert steps[1] == pytest.approx(-0.5 * mean / sqrt(square), rel=1e-8)
    assert state == (2.5, 4.75, 0.25, 0.5625)
