"""The exact optimum."""

from service.schemas.base import Nullable, ResponseModel
from service.schemas.common import NullableWeights
from service.schemas.objective import ObjectiveRequest


class OptimumRequest(ObjectiveRequest):
    """The dataset and the network to find the optimum for."""


class OptimumResponse(ResponseModel):
    """The exact global minimum of the cost, for the identity activation."""

    weights: NullableWeights
    """Null where the infimum is at infinity, or a weight is no float64."""
    cost: Nullable
    """The minimum, or the infimum where it is not attained."""
    log10_cost: Nullable
    """Its decimal logarithm; null where the cost is 0."""
    attained: bool
    """Whether float64 weights have this cost; false where a weight is null."""
    unique: bool
    """Whether it is attained, and all other minima are higher by more than the accuracy of
    costs."""
