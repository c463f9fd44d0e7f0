"""The exact optimum."""

from typing import Annotated

from pydantic import Field

from service.schemas.base import Nullable, ResponseModel
from service.schemas.common import NullableWeights
from service.schemas.objective import ObjectiveRequest


class OptimumRequest(ObjectiveRequest):
    """The dataset and the network to find the optimum for."""


class OptimumResponse(ResponseModel):
    """The exact global minimum of the cost, for the identity activation."""

    weights: Annotated[
        NullableWeights,
        Field(description="Null where the infimum is at infinity, or a weight is no float64."),
    ]
    cost: Annotated[
        Nullable, Field(description="The minimum, or the infimum where it is not attained.")
    ]
    log10_cost: Annotated[
        Nullable, Field(description="Its decimal logarithm; null where the cost is 0.")
    ]
    attained: Annotated[
        bool,
        Field(description="Whether float64 weights have this cost; false where a weight is null."),
    ]
    unique: Annotated[
        bool,
        Field(
            description="Whether it is attained, and all other minima are higher by more than the "
            "accuracy of costs."
        ),
    ]
