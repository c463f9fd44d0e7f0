"""The steps of an optimizer."""

from typing import Any


def take_steps(optimizer: Any, gradients: list[Any], weight: Any = 1.0) -> tuple[list[Any], Any]:
    """Return the step for each gradient, and the state after the last."""
    state, steps = optimizer.init(weight), []
    for gradient in gradients:
        step, state = optimizer.update(gradient, state)
        steps.append(step)
    return steps, state
