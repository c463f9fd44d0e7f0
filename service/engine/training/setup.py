"""The settings that training runs and basin maps share."""

from dataclasses import dataclass

from service.engine.objective import Objective
from service.engine.training.clip import Clip
from service.engine.training.optimizers import Optimizer


@dataclass(frozen=True)
class TrainingSetup:
    """The settings of a training run or a basin map: the same for all of its parts.

    A run ends at the first iteration whose cost is at most ``target_cost``. The initial weights
    count as iteration 0. ``clip`` bounds the gradient before the optimizer uses it. It has no
    effect on optimizers that use only signs, or that have no gradient.
    """

    objective: Objective
    optimizer: Optimizer
    target_cost: float | None = None
    clip: Clip | None = None
