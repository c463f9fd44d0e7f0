"""The optimizers."""

from service.api.requests import make_router
from service.api.responses import OrjsonResponse
from service.operations.optimizers import OPTIMIZER_LIST
from service.schemas.optimizers import OptimizerList

router = make_router("Training")


@router.get(
    "/v1/optimizers",
    response_model=OptimizerList,
    summary="List the optimizers and their parameters",
)
async def get() -> OrjsonResponse:
    """Return the name, the formula and the parameters of every optimizer."""
    return OrjsonResponse(OPTIMIZER_LIST)
