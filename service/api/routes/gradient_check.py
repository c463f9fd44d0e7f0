"""The gradient check."""

from typing import Annotated

from fastapi import Body

from service.api import examples
from service.api.dependencies import AppStateDep
from service.api.openapi import BODY, STORE, problem_responses
from service.api.requests import make_router
from service.api.responses import OrjsonResponse
from service.operations.traces import check_gradient, estimate_check
from service.schemas.gradient_check import GradientCheckRequest, GradientCheckResponse

router = make_router("Gradients")


@router.post(
    "/v1/gradient-check",
    name="check_gradient",
    response_model=GradientCheckResponse,
    summary="Check a gradient",
    responses=problem_responses(*BODY, *STORE),
)
async def post(
    state: AppStateDep,
    body: Annotated[
        GradientCheckRequest,
        Body(default_factory=GradientCheckRequest, openapi_examples=examples.GRADIENT_CHECK),
    ],
) -> OrjsonResponse:
    """Compare backpropagation through time with central differences of the cost."""
    return OrjsonResponse(await state.run(check_gradient, body, estimate_check))
