"""Predictions."""

from typing import Annotated

from fastapi import Body
from fastapi.concurrency import run_in_threadpool

from service.api import examples
from service.api.dependencies import AppStateDep
from service.api.errors import CONFLICT
from service.api.openapi import BODY, STORE, problem_responses
from service.api.requests import make_router
from service.api.responses import OrjsonResponse, encode_result
from service.operations.predict import estimate_prediction, is_small, predict
from service.schemas.predict import PredictRequest, PredictResponse, WeightsModel

router = make_router("Prediction")


@router.post(
    "/v1/predict",
    response_model=PredictResponse,
    summary="Run the network over sequences",
    responses=problem_responses(*BODY, *STORE, CONFLICT),
)
async def post(
    state: AppStateDep,
    body: Annotated[
        PredictRequest, Body(default_factory=PredictRequest, openapi_examples=examples.PREDICT)
    ],
) -> OrjsonResponse:
    """Return the output of the network for each sequence, and optionally its states."""
    # Small requests are computed on the event loop, others in a thread.
    if not is_small(body):
        seconds = estimate_prediction(body)
        return OrjsonResponse(
            await state.scheduler.run(
                seconds, encode_result(predict), body, state.database, state.limits
            )
        )
    if isinstance(body.model, WeightsModel):
        return OrjsonResponse(predict(body, state.database, state.limits))
    # The model is in the database.
    return OrjsonResponse(await run_in_threadpool(predict, body, state.database, state.limits))
