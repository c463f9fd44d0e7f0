"""Find the exact optimum of a dataset."""

from service.engine.optimum import Optimum
from service.errors import Invalid
from service.operations.limits import Limits
from service.operations.resolve import resolve_dataset
from service.operations.work_estimates import DatasetSize, data_pass_seconds
from service.schemas.common import NullableWeights
from service.schemas.optimum import OptimumRequest, OptimumResponse
from service.store.database import Database


def estimate_optimum(_: OptimumRequest, size: DatasetSize, limits: Limits) -> float:
    """Return the estimated seconds; raises LimitExceeded if the dataset is too large."""
    seconds = data_pass_seconds(size)
    limits.check_work(seconds, "/dataset")
    return seconds


def find_optimum(request: OptimumRequest, database: Database, limits: Limits) -> OptimumResponse:
    """Find the exact global minimum of the cost.

    Raises
    ------
    Invalid
        The activation is not the identity.
    NotFound
        The dataset is not stored.
    """
    dataset = resolve_dataset(request.dataset, database, limits)
    best = dataset.objective(request.network.to_engine()).optimum
    if best is None:
        detail = "the exact optimum is available for the identity activation only"
        raise Invalid(detail, "/network/activation")
    return describe(best)


def describe(best: Optimum) -> OptimumResponse:
    """Return the response model of an optimum."""
    return OptimumResponse(
        weights=NullableWeights.of(best.weights),
        cost=best.cost,
        log10_cost=best.log10_cost,
        attained=best.attained,
        unique=best.unique,
        w_in_sign=best.w_in_sign,
        log10_abs_w_in=best.log10_abs_w_in,
    )
