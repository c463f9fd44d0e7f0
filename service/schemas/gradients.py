"""Gradient traces, and the gradient check."""

from typing import Annotated

from pydantic import Field

from service.engine.network import STEADY, Aggregation, Regime
from service.schemas.arrays import IntegerVector, Vector
from service.schemas.base import NUMBER, Nullable, ResponseModel
from service.schemas.common import TUTORIAL_POINTS, NullableWeights, Points, WeightsSchema
from service.schemas.datasets import ObjectiveRequest


class GradientTraceRequest(ObjectiveRequest):
    """The weights at which to trace the gradient back through time."""

    points: Annotated[Points, Field(min_length=1)] = TUTORIAL_POINTS
    aggregation: Aggregation = Aggregation.SUM
    """sum: the sum over all sequences. tutorial: as in the tutorial's figure, the summed output
    gradient is backpropagated through every sequence."""


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
            description="The change of the gradient over the whole sequence, based on "
            "g = growth_per_step to the power of the number of steps: vanishing if g is below "
            f"{STEADY[0]}, steady up to {STEADY[1]}, exploding above; zero where the gradients "
            "of both weights and of all states except the last are exactly 0. Null if g is "
            "undefined."
        ),
    ]


class GradientTraceResponse(ResponseModel):
    """One trace per requested point, in the same order."""

    traces: list[GradientTrace]
    """One trace per point."""


class GradientCheckRequest(ObjectiveRequest):
    """The weights at which to compare backpropagation with finite differences of the cost."""

    weights: WeightsSchema = WeightsSchema(w_in=-1.5, w_rec=2.0)
    """The weights."""
    step: Annotated[float, Field(gt=0, le=1), NUMBER] | None = None
    """Half the width of the central differences; 1e-4 / T if null."""


class GradientCheckResponse(ResponseModel):
    """The gradient with respect to the weights by two methods, and their difference."""

    analytic: NullableWeights
    """By backpropagation through time."""
    numeric: NullableWeights
    """By central differences of the cost."""
    absolute_error: Nullable
    """The length of the difference of the gradients; null if either is not finite."""
    relative_error: Nullable
    """The same, divided by the length of the longer gradient, or by the smallest one that the
    difference resolves if that is larger, as at an optimum."""
