"""The exact optimum."""

from typing import Annotated

from fastapi import Body

from service.api import examples
from service.api.dependencies import AppStateDep
from service.api.openapi import BODY, STORE, problem_responses
from service.api.requests import make_router
from service.api.responses import OrjsonResponse
from service.operations.optimum import estimate_optimum, find_optimum
from service.schemas.optimum import OptimumRequest, OptimumResponse

router = make_router("Cost surface")


@router.post(
    "/v1/optimum",
    name="find_optimum",
    response_model=OptimumResponse,
    summary="Find the exact optimum",
    responses=problem_responses(*BODY, *STORE),
)
async def post(
    state: AppStateDep,
    body: Annotated[
        OptimumRequest, Body(default_factory=OptimumRequest, openapi_examples=examples.OPTIMUM)
    ],
) -> OrjsonResponse:
    """Return the global minimum of the cost for the identity activation, without iterations."""
    return OrjsonResponse(await state.run(find_optimum, body, estimate_optimum))
