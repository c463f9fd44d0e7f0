"""A fixture for the tests of all optimizers."""

from collections.abc import Callable
from typing import Any

import pytest

from service.engine.training import GradientOptimizer

TakeSteps = Callable[..., tuple[list[Any], Any]]


@pytest.fixture(scope="session")
def take_steps() -> TakeSteps:
    """Return a function of an optimizer, gradients and an initial weight.

    It returns the step for each gradient, and the state after the last.
    """

    def take(
        optimizer: GradientOptimizer, gradients: list[Any], weight: Any = 1.0
    ) -> tuple[list[Any], Any]:
        state, steps = optimizer.init(weight), []
        for gradient in gradients:
            step, state = optimizer.update(gradient, state)
            steps.append(step)
        return steps, state

    return take
