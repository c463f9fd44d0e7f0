"""Shapes that many resources share: weights, network, ranges, evaluations."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from service.engine.network import ACTIVATIONS, Network
from service.engine.types import Weights
from service.schemas.arrays import LARGEST, SMALLEST, magnitude
from service.schemas.base import Nullable, Real, RequestModel, ResponseModel

# Made from the registry, so that a new activation is known here at once.
Activation = StrEnum("Activation", {name.upper(): name for name in ACTIVATIONS})  # type: ignore[misc]
Activation.__doc__ = "The function f of the network."

NARROWEST = 1e-300  # the narrowest range that float64 can still divide into pixels


class WeightsSchema(RequestModel):
    """The two weights of the network."""

    w_in: Annotated[Real, Field(description="The input weight.")] = 1.0
    w_rec: Annotated[Real, Field(description="The recurrent weight.")] = 1.0

    def to_engine(self) -> Weights:
        """Return the engine's weights."""
        return Weights(self.w_in, self.w_rec)


class NetworkSchema(RequestModel):
    """What is fixed about the network while its weights are trained."""

    activation: Annotated[
        Activation, Field(description="The function f in S_k = f(w_rec S_{k-1} + w_in x_k).")
    ] = Activation("identity")
    initial_state: Annotated[
        Real,
        Field(
            json_schema_extra={"minimum": -LARGEST, "maximum": LARGEST},
            description="The state S_0 before the first input. Like the numbers of a dataset it is "
            f"0 or of a magnitude from {SMALLEST:g} to {LARGEST:g}.",
        ),
    ] = 0.0

    @field_validator("initial_state")
    @classmethod
    def _in_range(cls, state: float) -> float:
        if state != 0.0 and not SMALLEST <= abs(state) <= LARGEST:
            raise magnitude()
        return state

    def to_engine(self) -> Network:
        """Return the engine's network."""
        return Network(str(self.activation), self.initial_state)


NetworkField = Annotated[
    NetworkSchema, Field(description="What is fixed about the network: activation, initial state.")
]


class Range(RequestModel):
    """An interval of one weight."""

    low: Annotated[Real, Field(description="The lower end.")] = -3.0
    high: Annotated[Real, Field(description="The upper end, above the lower one.")] = 3.0

    @model_validator(mode="after")
    def _in_order(self) -> "Range":
        if not self.low < self.high:
            raise PydanticCustomError("range_order", "low must be below high")
        if self.high - self.low == float("inf"):
            raise PydanticCustomError("range_width", "the range is wider than float64 can hold")
        if self.high - self.low < NARROWEST:
            raise PydanticCustomError("range_width", "the range is too narrow to be divided")
        return self


class NullableWeights(ResponseModel):
    """Two numbers that belong to the weights; null where one is not finite."""

    w_in: Annotated[Nullable, Field(description="Of the input weight.")]
    w_rec: Annotated[Nullable, Field(description="Of the recurrent weight.")]

    @classmethod
    def of(cls, pair: Any) -> "NullableWeights":
        """Make it of any two numbers."""
        w_in, w_rec = pair
        return cls(w_in=float(w_in), w_rec=float(w_rec))


class Evaluation(ResponseModel):
    """The cost and its slope at some weights."""

    weights: Annotated[NullableWeights, Field(description="Where it is.")]
    cost: Annotated[Nullable, Field(description="Null beyond float64; see log10_cost.")]
    log10_cost: Annotated[
        Nullable, Field(description="Null only where the cost is 0 or a weight is not finite.")
    ]
    weight_gradient: Annotated[
        NullableWeights, Field(description="Derivatives of the cost; null beyond float64.")
    ]
