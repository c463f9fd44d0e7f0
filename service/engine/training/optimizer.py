"""The interface of an optimizer, and its description in the registry."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, Literal, NamedTuple

import numpy as np

from service.engine.objective import NormalEquations
from service.engine.types import Array

FloatOrArray = Any  # a float or a float64 array: an update is defined once for both
State = tuple[FloatOrArray, ...]  # an optimizer's state for one weight


class GradientOptimizer(NamedTuple):
    """A pair of pure functions that work elementwise.

    Attributes
    ----------
    init
        Takes a weight and returns the state before the first iteration.
    update
        Takes the derivative of the cost with respect to the weight, and the state. Returns the
        step to add to the weight, and the new state.
    uses_magnitude
        False if only the sign of the gradient is used. Such an optimizer also works if the gradient
        overflows, and clipping has no effect on it.
    """

    init: Callable[[FloatOrArray], State]
    update: Callable[[FloatOrArray, State], tuple[FloatOrArray, State]]
    uses_magnitude: bool = True


class LeastSquaresOptimizer(NamedTuple):
    """Pure functions that propose steps of both weights.

    A step is accepted if it decreases the cost. Otherwise the weights are unchanged.

    Attributes
    ----------
    init
        Takes a weight and returns the state before the first iteration.
    propose
        Takes the normal equations of M pairs of weights, and the state as arrays (2, M). Returns
        the steps (2, M).
    update
        Takes a mask of accepted steps (M,), and the state. Returns the new state.
    uses_magnitude
        As in ``GradientOptimizer``.
    """

    init: Callable[[FloatOrArray], State]
    propose: Callable[[NormalEquations, State], Array]
    update: Callable[[Any, State], State]
    uses_magnitude: bool = True


Optimizer = GradientOptimizer | LeastSquaresOptimizer


@dataclass(frozen=True)
class Parameter:
    """A parameter of an optimizer, as in the request schema.

    No combination of values within the bounds makes an update raise. A missing bound is None.
    """

    name: str
    default: float | bool
    description: str
    type: Literal["number", "boolean"] = "number"
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None


def half_open(name: str, default: float, low: float, high: float, description: str) -> Parameter:
    """Return a parameter whose values are above ``low`` and at most ``high``."""
    return Parameter(name, default, description, exclusive_minimum=low, maximum=high)


@dataclass(frozen=True)
class OptimizerSpec:
    """An entry of the registry: the constructor of an optimizer, and its description.

    The docstring of ``build`` describes the implemented variant and its results, and lists the
    publications under References.
    """

    name: str  # key in the registry, and name in requests
    title: str  # name in pictures and text
    formula: str  # one iteration, as plain text: for one weight, unless it takes both
    parameters: tuple[Parameter, ...]  # in the order of the arguments of build
    build: Callable[..., Optimizer]

    def __call__(self, **parameters: float | bool) -> Optimizer:
        """Build the optimizer; omitted parameters have their defaults.

        Raises
        ------
        TypeError
            If a parameter is unknown.
        """
        values = {parameter.name: parameter.default for parameter in self.parameters}
        return self.build(**{**values, **parameters})

    @cached_property
    def uses_magnitude(self) -> bool:
        """True if the optimizer uses more than the sign of the gradient."""
        return self().uses_magnitude

    @cached_property
    def tries_steps(self) -> bool:
        """True if the optimizer accepts a step only if it decreases the cost."""
        return isinstance(self(), LeastSquaresOptimizer)

    @property
    def accepts_clip(self) -> bool:
        """True if clipping the gradient has an effect."""
        return self.uses_magnitude and not self.tries_steps


def square_root(x: FloatOrArray) -> FloatOrArray:
    """Return the elementwise square root of nonnegative numbers; a float for a float."""
    return sqrt(x) if isinstance(x, float) else np.sqrt(x)


def fill_like(weight: FloatOrArray, value: float) -> FloatOrArray:
    """Return a value for each weight; a float for a float."""
    return value if isinstance(weight, float) else np.full_like(weight, value)
