"""What an optimizer is, and how it is described; the optimizers themselves are next door."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Number = Any  # a float, or an array of float64: one definition serves both
State = tuple[Number, ...]  # what an optimizer remembers of one weight, each its own


class Optimizer(NamedTuple):
    """A pair of pure functions, elementwise.

    ``uses_magnitude`` is False where only the gradient's sign counts; such an optimizer goes on
    where the gradient is beyond float64.
    """

    init: Callable[[Number], State]
    update: Callable[[Number, State], tuple[Number, State]]
    uses_magnitude: bool


@dataclass(frozen=True)
class Parameter:
    """A parameter of an optimizer: its default, its bounds and what it does.

    Within the bounds no choice makes an update raise, alone or together with the others.
    """

    name: str
    default: float | bool
    description: str
    type: Literal["number", "boolean"] = "number"
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None


@dataclass(frozen=True)
class OptimizerSpec:
    """An entry of the registry: how to build the optimizer, and what to tell about it.

    ``formula`` is plain text; ``source`` names the publication; ``dialect`` says which of the
    published variants this is, and what comes of its defaults on the note's data.
    """

    name: str
    title: str
    formula: str
    source: str
    dialect: str
    parameters: tuple[Parameter, ...]
    build: Callable[..., Optimizer]

    def __call__(self, **parameters: float | bool) -> Optimizer:
        """Build the optimizer, parameters not named at their defaults; TypeError if unknown."""
        values = {parameter.name: parameter.default for parameter in self.parameters}
        return self.build(**{**values, **parameters})

    @property
    def uses_magnitude(self) -> bool:
        """Whether more than the gradient's sign counts, so that clipping has an effect."""
        return self().uses_magnitude
