"""Evaluations at given weights."""

from typing import Annotated

from fastapi import Body

from service.api import examples
from service.api.dependencies import AppStateDep
from service.api.openapi import BODY, STORE, problem_responses
from service.api.requests import make_router
from service.api.responses import OrjsonResponse, encode_result
from service.operations.evaluate import estimate_evaluations, evaluate
from service.schemas.evaluate import EvaluateRequest, EvaluateResponse

router = make_router("Prediction")


@router.post(
    "/v1/evaluate",
    name="evaluate",
    response_model=EvaluateResponse,
    summary="Evaluate the cost at given weights",
    responses=problem_responses(*BODY, *STORE),
)
async def post(
    state: AppStateDep,
    body: Annotated[
        EvaluateRequest, Body(default_factory=EvaluateRequest, openapi_examples=examples.EVALUATE)
    ],
) -> OrjsonResponse:
    """Return the cost, its gradient and curvature, and the outputs at every point of a request."""
    return OrjsonResponse(await state.run(encode_result(evaluate), body, estimate_evaluations))
