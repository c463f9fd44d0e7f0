"""POST /v1/predict."""

from typing import Annotated

from fastapi import Body, Request
from fastapi.concurrency import run_in_threadpool

from service.api import examples
from service.api.dependencies import AppState, get_app_state
from service.api.errors import CONFLICT
from service.api.openapi import BODY, STORE, problems
from service.api.requests import router as make_router
from service.api.responses import OrjsonResponse
from service.operations import work_estimates
from service.operations.predict import predict
from service.operations.resolve import resolve_model
from service.schemas.predict import PredictRequest, PredictResponse, WeightsModel

router = make_router("Prediction")

SMALL = 2_000  # inputs: about a quarter of a millisecond on the event loop


def answer(question: PredictRequest, state: AppState) -> PredictResponse:
    """Predict; also what a thread runs when it takes longer."""
    n_inputs = sum(map(len, question.inputs))
    state.limits.check_inputs(n_inputs)
    if question.return_states:
        instead = "ask for fewer sequences at once, or without return_states"
        n_numbers = n_inputs + 2 * len(question.inputs)
        state.limits.check_json(n_numbers, "/return_states", instead)
    else:
        state.limits.check_json(len(question.inputs), "/inputs", "ask for fewer at once")
    weights, network = resolve_model(question.model, state.database)
    if n_inputs > SMALL:
        seconds = work_estimates.prediction_seconds(network.activation, map(len, question.inputs))
        state.limits.check_work(seconds, "/inputs")
    return predict(weights, network, question.inputs, return_states=question.return_states)


@router.post(
    "/v1/predict",
    response_model=PredictResponse,
    summary="Run the network over sequences",
    responses=problems(*BODY, *STORE, CONFLICT),
)
async def post(
    request: Request,
    question: Annotated[
        PredictRequest, Body(default_factory=PredictRequest, openapi_examples=examples.PREDICT)
    ],
) -> OrjsonResponse:
    """Return the last state of the network for each sequence, and on request every state."""
    state = await get_app_state(request)  # a dependency would cost half as much as the prediction
    if sum(map(len, question.inputs)) > SMALL:
        return OrjsonResponse(await state.compute(answer, question, state))
    if isinstance(question.model, WeightsModel):
        return OrjsonResponse(answer(question, state))
    return OrjsonResponse(
        await run_in_threadpool(answer, question, state)
    )  # the store knows the run
