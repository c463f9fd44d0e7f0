"""The gradient check."""

from typing import Annotated

from pydantic import Field

from service.schemas.base import NUMBER, Nullable, ResponseModel
from service.schemas.common import NullableWeights, WeightsSchema
from service.schemas.objective import ObjectiveRequest


class GradientCheckRequest(ObjectiveRequest):
    """The weights at which to compare backpropagation with differences of the cost."""

    weights: Annotated[WeightsSchema, Field(description="The weights.")] = WeightsSchema(
        w_in=-1.5, w_rec=2.0
    )
    step: Annotated[
        Annotated[float, Field(gt=0, le=1), NUMBER] | None,
        Field(description="Half the width of the central differences; 1e-4 / T if null."),
    ] = None


class GradientCheckResponse(ResponseModel):
    """The gradient with respect to the weights by two methods, and their difference."""

    analytic: Annotated[NullableWeights, Field(description="By backpropagation through time.")]
    numeric: Annotated[NullableWeights, Field(description="By central differences of the cost.")]
    absolute_error: Annotated[
        Nullable,
        Field(
            description="The length of the difference of both gradients; null where either is not "
            "finite."
        ),
    ]
    relative_error: Annotated[
        Nullable,
        Field(
            description="The same, divided by the length of the longer gradient, or by the "
            "smallest one that the difference resolves if that is larger, as it is at an optimum."
        ),
    ]
