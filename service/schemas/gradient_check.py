"""The gradient check."""

from typing import Annotated

from pydantic import Field

from service.schemas.base import NUMBER, Nullable, ResponseModel
from service.schemas.common import NullableWeights, WeightsSchema
from service.schemas.objective import ObjectiveRequest


class GradientCheckRequest(ObjectiveRequest):
    """The weights at which to compare backpropagation with differences of the cost."""

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
    """The length of the difference of both gradients; null where either is not finite."""
    relative_error: Nullable
    """The same, divided by the length of the longer gradient, or by the smallest one that the
    difference resolves if that is larger, as it is at an optimum."""
