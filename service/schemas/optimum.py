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
        Field(description="Null where the minimum is at infinity or overflows float64."),
    ]
    cost: Annotated[
        Nullable, Field(description="The minimum, or the infimum where it is not attained.")
    ]
    log10_cost: Annotated[
        Nullable, Field(description="Its decimal logarithm; null where the cost is 0.")
    ]
    attained: Annotated[bool, Field(description="False where the infimum is at infinity.")]
    unique: Annotated[bool, Field(description="Whether all other weights have a higher cost.")]
    w_in_sign: Annotated[
        Nullable,
        Field(description="The sign of w_in: -1, 0 or 1; 0 where the minimum is not attained."),
    ]
    log10_abs_w_in: Annotated[
        Nullable,
        Field(
            description="The decimal logarithm of |w_in|, even where w_in overflows float64; null "
            "where w_in is 0 or the minimum is not attained."
        ),
    ]
