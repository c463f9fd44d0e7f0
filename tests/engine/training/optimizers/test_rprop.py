"""The updates of Rprop and iRprop⁻."""

import numpy as np

from service.engine.training import OPTIMIZERS
from tests.engine.training.optimizers.conftest import take_steps


def test_rprop_by_hand() -> None:
    steps, state = take_steps(
        OPTIMIZERS["rprop"](initial_step=1.0), [5.0, 1e-300, -1.0, -7.0, 0.0, 3.0]
    )
    # Halved at once; then grown, halved, grown, halved at the sign 0, halved again after it.
    assert steps == [-0.5, -0.6, 0.3, 0.36, 0.0, -0.09]
    assert state == (0.09, 1.0)


def test_rprop_grows_at_a_gradient_that_was_always_zero() -> None:
    steps, state = take_steps(OPTIMIZERS["rprop"](), [0.0, 0.0])
    assert steps == [0.0, 0.0]
    assert state == (0.001 * 1.2 * 1.2, 0.0)


def test_rprop_step_size_stays_finite_at_gradient_zero() -> None:
    optimizer = OPTIMIZERS["rprop"](eta_plus=10.0)
    for zero in (0.0, np.zeros(2)):
        _, (step_size, _) = take_steps(optimizer, [zero] * 700, zero)
        assert np.all(np.isfinite(step_size))


def test_irprop_minus_by_hand() -> None:
    optimizer = OPTIMIZERS["irprop_minus"](initial_step=1.0, minimum_step=0.6, maximum_step=1.3)
    steps, state = take_steps(optimizer, [5.0, 2.0, 3.0, -1.0, -1.0, 4.0, 0.0])
    # Initial size, grown, at the maximum, no move after the change of sign, same size, no move at
    # the minimum, no move at gradient 0.
    assert steps == [-1.0, -1.2, -1.3, 0.0, 0.65, 0.0, 0.0]
    assert state == (0.6, 0.0)


def test_irprop_minus_maximum_step_overrides_the_minimum() -> None:
    optimizer = OPTIMIZERS["irprop_minus"](minimum_step=2.0, maximum_step=0.5)
    assert take_steps(optimizer, [1.0])[0] == [-0.5]
