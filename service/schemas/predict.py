"""Predictions, and the models used for them."""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.schemas.arrays import InputSequences, Vector
from service.schemas.base import Nullable, RequestModel, ResponseModel, Tagged
from service.schemas.common import Activation, NetworkSchema, WeightsSchema
from service.schemas.datasets import DatasetSource

TUTORIAL_TEST_SEQUENCE: Any = [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]


KIND = "The source of the weights."


class WeightsModel(NetworkSchema, WeightsSchema):
    """Weights and network in the request itself."""

    kind: Annotated[Literal["weights"], Field(description=KIND)] = "weights"


class RunModel(RequestModel):
    """The final weights of a stored training run."""

    kind: Annotated[Literal["run"], Field(description=KIND)]
    id: Annotated[str, Field(description="The id of the run.", examples=["run_" + "0" * 32])]


Model = Annotated[
    WeightsModel | RunModel,
    Field(discriminator="kind", description="The network to use."),
    Tagged("kind", "weights"),
]


class PredictRequest(RequestModel):
    """Sequences to predict, in the request or as a dataset, and the network to use."""

    weights: Annotated[WeightsSchema, Field(description="The weights.")] = WeightsSchema()
    network: Annotated[
        NetworkSchema, Field(description="The activation and the initial state.")
    ] = NetworkSchema()
    model: Annotated[
        Model | None, Field(description="A trained network, in place of weights and network.")
    ] = None
    inputs: Annotated[
        InputSequences,
        Field(
            description="Sequences; their lengths may differ.",
            examples=[TUTORIAL_TEST_SEQUENCE],
            validate_default=True,
        ),
    ] = TUTORIAL_TEST_SEQUENCE
    dataset: Annotated[
        DatasetSource | None, Field(description="A dataset, whose inputs are used in their place.")
    ] = None
    return_states: Annotated[
        bool, Field(strict=True, description="Whether to return the states at every step.")
    ] = False

    @model_validator(mode="after")
    def _has_one_source(self) -> "PredictRequest":
        if self.dataset is not None and "inputs" in self.model_fields_set:
            raise PydanticCustomError("two_sources", "inputs and dataset exclude each other")
        if self.model is not None and self.model_fields_set & {"weights", "network"}:
            detail = "model excludes weights and network"
            raise PydanticCustomError("two_models", detail)
        return self

    @cached_property
    def used_model(self) -> WeightsModel | RunModel:
        """The model, or the weights and the network in its place."""
        if self.model is not None:
            return self.model
        return WeightsModel.model_construct(**vars(self.weights), **vars(self.network))


class ResolvedModel(ResponseModel):
    """The weights and the network that were used."""

    w_in: Annotated[Nullable, Field(description="The input weight.")]
    w_rec: Annotated[Nullable, Field(description="The recurrent weight.")]
    initial_state: Annotated[float, Field(description="The state before the first input.")]
    activation: Annotated[Activation, Field(description="The activation function f.")]


class PredictResponse(ResponseModel):
    """The outputs, and the model that was used."""

    outputs: Annotated[Vector, Field(description="The last state of each sequence.")]
    states: Annotated[
        list[Vector] | None,
        Field(description="The T + 1 states of each sequence, starting with the initial state."),
    ]
    n_overflowed: Annotated[int, Field(description="Outputs that overflow float64; they are null.")]
    model: Annotated[ResolvedModel, Field(description="The model that was used.")]
