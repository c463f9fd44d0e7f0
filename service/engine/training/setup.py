"""The common settings of training runs and basin maps, and the outcomes of training."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from service.engine.objective import Objective
from service.engine.training.optimizer import Optimizer


class Outcome(StrEnum):
    """The outcome of training.

    `diverged`: a weight, or a number in the optimizer's state, is no longer finite. An overflow of
    the cost alone does not end a run.
    """

    code: int
    meaning: str

    def __new__(cls, name: str, code: int, meaning: str) -> Self:
        """Return a member that equals its name."""
        outcome = str.__new__(cls, name)
        outcome._value_ = name
        outcome.code = code
        outcome.meaning = meaning
        return outcome

    TARGET_REACHED = "target_reached", 1, "The cost reached the target."
    ITERATIONS_EXHAUSTED = (
        "iterations_exhausted",
        0,
        "The iterations ended before the cost reached the target.",
    )
    DIVERGED = "diverged", 2, "A weight became infinite or NaN."


@dataclass(frozen=True)
class Clip:
    """A bound on the gradient, as in PyTorch's ``clip_grad_norm_`` and ``clip_grad_value_``.

    Attributes
    ----------
    by
        "norm" scales the gradient so that its Euclidean norm is at most the threshold, "value"
        limits the magnitude of each component to it.
    threshold
        Positive.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural networks,
    ICML 2013, algorithm 1, for clipping by norm.
    PyTorch documentation, torch.nn.utils.clip_grad_norm_ and clip_grad_value_.
    """

    by: Literal["norm", "value"]
    threshold: float


@dataclass(frozen=True)
class TrainingSetup:
    """The settings of a training run or a basin map, identical for all of its parts.

    A run ends at the first iteration whose cost is at most ``target_cost``. The initial weights
    count as iteration 0. ``clip`` bounds the gradient before the optimizer uses it. It has no
    effect on optimizers that use only signs, or that have no gradient.
    """

    objective: Objective
    optimizer: Optimizer
    target_cost: float | None = None
    clip: Clip | None = None
