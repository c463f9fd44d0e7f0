"""Gradient traces."""

from typing import Annotated

from pydantic import Field

from service.engine.network import STEADY, Aggregation, Regime
from service.schemas.arrays import IntegerVector, Vector
from service.schemas.base import Nullable, ResponseModel
from service.schemas.common import NullableWeights, WeightsSchema
from service.schemas.objective import ObjectiveRequest

TUTORIAL_POINTS = [
    WeightsSchema(w_in=w_in, w_rec=w_rec)
    for w_in, w_rec in ((2, 1), (1, 2), (1, -2), (1, 0), (1, 0.5), (1, -0.5))
]
MAX_POINTS = 50

Points = Annotated[
    list[WeightsSchema],
    Field(max_length=MAX_POINTS, description="Pairs of weights; by default the tutorial's six."),
]


class GradientTraceRequest(ObjectiveRequest):
    """The weights at which to trace the gradient back through time."""

    points: Annotated[Points, Field(min_length=1)] = TUTORIAL_POINTS
    aggregation: Aggregation = Aggregation.SUM
    """sum: the sum over all sequences. tutorial: as in the tutorial's figure, the summed output
    gradient is passed to every sequence."""


class GradientTrace(ResponseModel):
    """The gradient at one pair of weights, traced back through time."""

    point: NullableWeights
    """The weights."""
    gradient: Vector
    """Element k is the derivative of the cost with respect to the state S_k, k = 0 … T; null where
    it overflows float64."""
    log10_magnitude: Vector
    """The decimal logarithm of its magnitude; null only where it is 0."""
    sign: IntegerVector
    """Its sign: -1, 0 or 1."""
    weight_gradient: NullableWeights
    """The derivatives of the cost with respect to the weights, independent of the aggregation; null
    where they overflow float64."""
    growth_per_step: Nullable
    """The mean factor of the magnitude per step back; null if undefined."""
    regime: Annotated[
        Regime | None,
        Field(
            description="How the gradient changes over the whole sequence, based on "
            "g = growth_per_step to the power of the number of steps: vanishing if g is below "
            f"{STEADY[0]}, steady up to {STEADY[1]}, exploding above; zero where the gradients "
            "of both weights and of all states but the last are exactly 0. Null where g is "
            "undefined."
        ),
    ]


class GradientTraceResponse(ResponseModel):
    """One trace per requested point, in the same order."""

    traces: list[GradientTrace]
    """One trace per point."""
