"""Building an optimizer from its description."""

from collections.abc import Callable
from typing import Any

import pytest

from service.engine.training.optimizers import OPTIMIZERS, OptimizerSpec

TakeSteps = Callable[..., tuple[list[Any], Any]]


@pytest.mark.parametrize("spec", OPTIMIZERS.values(), ids=list(OPTIMIZERS))
def test_an_unknown_parameter_raises_type_error(spec: OptimizerSpec) -> None:
    with pytest.raises(TypeError):
        spec(step_sise=1.0)


def test_parameters_that_are_not_given_have_their_defaults(take_steps: TakeSteps) -> None:
    momentum = OPTIMIZERS["momentum"](learning_rate=1.0)
    steps, _ = take_steps(momentum, [1.0, 1.0])
    assert steps == [-1.0, -1.9]
