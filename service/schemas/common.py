"""Models shared by many resources: weights, network, ranges, evaluations."""

from enum import StrEnum
from math import inf
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from service.engine.network import ACTIVATIONS, Network
from service.engine.types import Weights
from service.schemas.arrays import magnitude_error
from service.schemas.base import Nullable, Real, RequestModel, ResponseModel
from service.values.numbers import LARGEST, SMALLEST

# From the registry, so that a new activation is added only to the engine.
Activation = StrEnum("Activation", {name.upper(): name for name in ACTIVATIONS})  # type: ignore[misc]
Activation.__doc__ = "The activation function f of the network."


def check_state(state: float) -> float:
    """Return an initial state; raises an error for one that a dataset could not contain."""
    if state != 0.0 and not SMALLEST <= abs(state) <= LARGEST:
        raise magnitude_error()
    return state


State = Annotated[
    Real,
    AfterValidator(check_state),
    Field(json_schema_extra={"minimum": -LARGEST, "maximum": LARGEST}),
]

NARROWEST = 1e-300  # the narrowest range that float64 can divide into pixels


class WeightsSchema(RequestModel):
    """The two weights of the network."""

    w_in: Real = 1.0
    """The input weight."""
    w_rec: Real = 1.0
    """The recurrent weight."""

    def to_weights(self) -> Weights:
        """Return the engine's weights."""
        return Weights(self.w_in, self.w_rec)


TUTORIAL_POINTS = [
    WeightsSchema(w_in=w_in, w_rec=w_rec)
    for w_in, w_rec in ((2, 1), (1, 2), (1, -2), (1, 0), (1, 0.5), (1, -0.5))
]
MAX_POINTS = 50

Points = Annotated[
    list[WeightsSchema],
    Field(max_length=MAX_POINTS, description="Pairs of weights; by default the tutorial's six."),
]


class NetworkSchema(RequestModel):
    """The parts of the network that are not trained."""

    activation: Activation = Activation(Network().activation)
    """The activation function f in S_k = f(w_rec S_{k-1} + w_in x_k)."""
    initial_state: Annotated[
        State,
        Field(
            description="The state S_0 before the first input: 0, or a magnitude from "
            f"{SMALLEST:g} to {LARGEST:g}."
        ),
    ] = 0.0

    def to_network(self) -> Network:
        """Return the engine's network."""
        return Network(str(self.activation), self.initial_state)


class Range(RequestModel):
    """A range of one weight."""

    low: Real = -3.0
    """The lower end."""
    high: Real = 3.0
    """The upper end; must be above the lower end."""

    @model_validator(mode="after")
    def _in_order(self) -> "Range":
        if not self.low < self.high:
            raise PydanticCustomError("range_order", "low must be below high")
        if not NARROWEST <= self.high - self.low < inf:
            message = f"the width of the range must be a float64 of at least {NARROWEST:g}"
            raise PydanticCustomError("range_width", message)
        return self


class NullableWeights(ResponseModel):
    """Two numbers, one per weight; null where a number is not finite."""

    w_in: Nullable
    """For the input weight."""
    w_rec: Nullable
    """For the recurrent weight."""


class Evaluation(ResponseModel):
    """The cost and its gradient at one pair of weights."""

    weights: NullableWeights
    """The weights."""
    cost: Nullable
    """Null where it overflows float64; see log10_cost."""
    log10_cost: Nullable
    """Null only where the cost is 0, a weight is not finite, or a relu state overflows float64."""
    weight_gradient: NullableWeights
    """The derivatives of the cost; null where they overflow float64."""
