"""The optimizers."""

from fastapi import Request
from starlette.responses import Response

from service.api.openapi import ITEM
from service.api.requests import make_router
from service.api.responses import CACHE_CONTROL, OrjsonResponse, content_response
from service.operations.optimizers import OPTIMIZER_LIST
from service.schemas.base import encode
from service.schemas.optimizers import OptimizerList

router = make_router("Training")


@router.get(
    "/v1/optimizers",
    response_model=OptimizerList,
    summary="List the optimizers and their parameters",
    responses=ITEM,
)
async def list_optimizers(request: Request) -> Response:
    """Return the name, the formula and the parameters of every optimizer."""
    headers = {"Cache-Control": CACHE_CONTROL}
    return content_response(request, encode(OPTIMIZER_LIST), OrjsonResponse.media_type, headers)
