"""Gradients through time, and the check of a gradient."""

from typing import Annotated

from pydantic import Field

from service.engine.network import Aggregation, Regime
from service.schemas.arrays import IntegerVector, Vector
from service.schemas.base import NUMBER, Nullable, RequestModel, ResponseModel
from service.schemas.common import NetworkField, NetworkSchema, NullableWeights, WeightsSchema
from service.schemas.datasets import CountOnesDataset, DatasetSource

NOTE_POINTS = [
    WeightsSchema(w_in=w_in, w_rec=w_rec)
    for w_in, w_rec in ((2, 1), (1, 2), (1, -2), (1, 0), (1, 0.5), (1, -0.5))
]
MAX_POINTS = 50

Points = Annotated[
    list[WeightsSchema],
    Field(max_length=MAX_POINTS, description="Weights to look at; by default the note's six."),
]


class GradientTraceRequest(RequestModel):
    """At which weights to follow the gradient back through time."""

    dataset: DatasetSource = CountOnesDataset()
    network: NetworkField = NetworkSchema()
    points: Annotated[Points, Field(min_length=1)] = NOTE_POINTS
    aggregation: Annotated[
        Aggregation,
        Field(
            description="sum: the true sum over samples. note: as the tutorial note's figure, "
            "which hands the summed output gradient to every sample."
        ),
    ] = Aggregation.SUM


class GradientTrace(ResponseModel):
    """The gradient at one point, followed back through time."""

    point: Annotated[NullableWeights, Field(description="Where it is.")]
    gradient: Annotated[
        Vector,
        Field(description="Element k is the derivative of the cost by the state S_k, k = 0 … T."),
    ]
    log10_magnitude: Annotated[Vector, Field(description="Null only at a true zero.")]
    sign: Annotated[IntegerVector, Field(description="-1, 0 or 1.")]
    weight_gradient: Annotated[
        NullableWeights,
        Field(description="By the weights, whatever the aggregation; null beyond float64."),
    ]
    growth_per_step: Annotated[
        Nullable, Field(description="Mean factor of the magnitude a step back; null if undefined.")
    ]
    regime: Annotated[
        Regime | None,
        Field(
            description="What happens to the gradient over the whole sequence, from "
            "g = growth_per_step to the power of the number of steps: vanishing if g is below "
            "0.9, steady up to 1.1, exploding above. Null if growth_per_step is null."
        ),
    ]


class GradientTraceResponse(ResponseModel):
    """A trace for each point asked for, in that order."""

    traces: Annotated[list[GradientTrace], Field(description="One trace a point.")]


class GradientCheckRequest(RequestModel):
    """At which weights to hold backpropagation against differences of the cost."""

    dataset: DatasetSource = CountOnesDataset()
    network: NetworkField = NetworkSchema()
    weights: Annotated[WeightsSchema, Field(description="Where to check the gradient.")] = (
        WeightsSchema(w_in=-1.5, w_rec=2.0)
    )
    step: Annotated[
        Annotated[float, Field(gt=0, le=1), NUMBER] | None,
        Field(description="Half the width of a central difference; 1e-4 / T if null."),
    ] = None


class GradientCheckResponse(ResponseModel):
    """Two gradients by the weights, and the distance of one from the other."""

    analytic: Annotated[NullableWeights, Field(description="By backpropagation through time.")]
    numeric: Annotated[NullableWeights, Field(description="By central differences of the cost.")]
    relative_error: Annotated[Nullable, Field(description="Null where either is not finite.")]
