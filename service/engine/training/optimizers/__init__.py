"""Optimizers as pure pairs of functions, and the registry of them.

An optimizer turns the gradient by a weight into a step of that weight. Each is a pair

    init(weight) -> state
    update(gradient, state) -> (step, state)

of pure functions that work element by element: the gradient is one float where one network is
trained, or an array of any shape where many are trained at once. The state is a plain tuple of
such numbers (building a named one would take longer than Rprop's arithmetic), so a checkpoint is
data and a resumed run equals an unbroken one bit for bit.

A new optimizer is written here and named in ``OPTIMIZERS``, and nowhere else.
"""

from service.engine.training.optimizers.base import (
    Number,
    Optimizer,
    OptimizerSpec,
    Parameter,
    State,
)
from service.engine.training.optimizers.gradient_methods import (
    ADAM,
    GRADIENT_DESCENT,
    MOMENTUM,
    RMSPROP,
)
from service.engine.training.optimizers.rprop import IRPROP_MINUS, RPROP

__all__ = ["OPTIMIZERS", "Number", "Optimizer", "OptimizerSpec", "Parameter", "State"]

OPTIMIZERS: dict[str, OptimizerSpec] = {
    kind.name: kind for kind in (RPROP, IRPROP_MINUS, GRADIENT_DESCENT, MOMENTUM, RMSPROP, ADAM)
}
