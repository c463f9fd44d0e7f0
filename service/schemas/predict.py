"""Where the weights of a prediction come from, and the prediction."""

from typing import Annotated, Any, Literal

from pydantic import Field

from service.schemas.arrays import InputSequences, Vector
from service.schemas.base import Nullable, Real, RequestModel, ResponseModel
from service.schemas.common import Activation
from service.schemas.datasets import tagged

NOTE_TEST_SEQUENCE: Any = [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]


KIND = "Where the weights come from."


class WeightsModel(RequestModel):
    """Weights and network given in the request."""

    kind: Annotated[Literal["weights"], Field(description=KIND)] = "weights"
    w_in: Annotated[Real, Field(description="The input weight.")] = 1.0
    w_rec: Annotated[Real, Field(description="The recurrent weight.")] = 1.0
    initial_state: Annotated[Real, Field(description="The state before the first input.")] = 0.0
    activation: Annotated[Activation, Field(description="The function f.")] = Activation("identity")


class RunModel(RequestModel):
    """The final weights of a training run that was kept."""

    kind: Annotated[Literal["run"], Field(description=KIND)]
    id: Annotated[str, Field(description="The run's id.", examples=["run_" + "0" * 32])]


Model = Annotated[
    WeightsModel | RunModel,
    Field(discriminator="kind", description="The network that predicts."),
    tagged("kind", "weights"),
]


class PredictRequest(RequestModel):
    """What to predict, and with which model."""

    model: Model = WeightsModel()
    inputs: Annotated[
        InputSequences,
        Field(
            description="Sequences; their lengths may differ.",
            examples=[NOTE_TEST_SEQUENCE],
            validate_default=True,
        ),
    ] = NOTE_TEST_SEQUENCE
    return_states: Annotated[
        bool, Field(strict=True, description="Also return the states of every step.")
    ] = False


class ResolvedModel(ResponseModel):
    """The weights and the network that were used."""

    w_in: Annotated[Nullable, Field(description="The input weight.")]
    w_rec: Annotated[Nullable, Field(description="The recurrent weight.")]
    initial_state: Annotated[float, Field(description="The state before the first input.")]
    activation: Annotated[Activation, Field(description="The function f.")]


class PredictResponse(ResponseModel):
    """Outputs, and what they were computed with."""

    outputs: Annotated[Vector, Field(description="The last state of each sequence.")]
    states: Annotated[
        list[Vector] | None,
        Field(description="For each sequence its T + 1 states, the initial one first."),
    ]
    n_overflowed: Annotated[int, Field(description="Outputs beyond float64, shown as null.")]
    model: Annotated[ResolvedModel, Field(description="What they were computed with.")]
