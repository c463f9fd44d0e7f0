"""Predictions.

This is a plain Starlette route: FastAPI's own would take longer than a small prediction.
"""

from typing import Any, Final

from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.api import examples
from service.api.dependencies import get_app_state
from service.api.errors import CONFLICT
from service.api.openapi import BODY, STORE, json_body, json_response, problem_responses
from service.api.requests import check_query, read_body
from service.api.responses import OrjsonResponse, encode_result
from service.operations.predict import SMALL, count_inputs, estimate_prediction, predict
from service.schemas.predict import PredictRequest, PredictResponse, WeightsModel

PATH: Final = "/v1/predict"
REQUEST: Final = TypeAdapter(PredictRequest)
OPERATION: Final[dict[str, Any]] = {
    "tags": ["Prediction"],
    "summary": "Run the network over sequences",
    "description": "Return the output of the network for each sequence, and optionally its states.",
    "operationId": "post_v1_predict_post",
    "requestBody": json_body(PredictRequest, examples.PREDICT),
    "responses": {**json_response(PredictResponse), **problem_responses(*BODY, *STORE, CONFLICT)},
}


class _App:
    """An ASGI application, which Starlette calls without the layers that it adds to functions."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request."""
        response = await _post(Request(scope, receive, send))
        await response(scope, receive, send)


async def _post(request: Request) -> Response:
    """Predict: small requests on the event loop, others in a thread."""
    refusal = check_query(request)
    if refusal is not None:
        return refusal
    body: PredictRequest = await read_body(request, REQUEST)
    state = await get_app_state(request)
    if len(body.inputs) > SMALL or count_inputs(body) > SMALL:
        seconds = await run_in_threadpool(estimate_prediction, body)
        return OrjsonResponse(
            await state.compute(seconds, encode_result(predict), body, state.database, state.limits)
        )
    if isinstance(body.model, WeightsModel):
        return OrjsonResponse(predict(body, state.database, state.limits))
    # The model is in the database.
    return OrjsonResponse(await run_in_threadpool(predict, body, state.database, state.limits))


ROUTE: Final = Route(PATH, _App(), methods=["POST"], include_in_schema=False)
