"""Find the exact optimum of a dataset."""

from service.errors import Invalid
from service.operations.limits import Limits
from service.operations.work_estimates import data_pass_seconds
from service.schemas.optimum import OptimumRequest, OptimumResponse
from service.schemas.resolved_datasets import ResolvedDataset


def estimate_optimum(_: OptimumRequest, dataset: ResolvedDataset, _limits: Limits) -> float:
    """Return the estimated seconds."""
    return data_pass_seconds(dataset.size)


def find_optimum(
    request: OptimumRequest, dataset: ResolvedDataset, _limits: Limits
) -> OptimumResponse:
    """Find the exact global minimum; raises Invalid for activations other than the identity."""
    best = dataset.objective(request.network.to_network()).optimum
    if best is None:
        detail = "the exact optimum is available for the identity activation only"
        raise Invalid(detail, "/network/activation")
    return OptimumResponse.model_validate(best)
