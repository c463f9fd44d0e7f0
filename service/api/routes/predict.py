"""Predictions, and evaluations at given weights."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import examples
from service.api.dependencies import AppState, AppStateDep
from service.api.errors import CONFLICT
from service.api.openapi import BODY, STORE, file_responses, problem_responses
from service.api.pictures import check_suffix, suffix_path
from service.api.requests import json_body, make_router
from service.api.responses import OrjsonResponse, download_response, encode_result
from service.engine.network import Network
from service.engine.types import Weights
from service.operations.evaluate import estimate_evaluations, evaluate
from service.operations.fit_predictions import load_fit, predict_with_fit, predict_with_fit_csv
from service.operations.limits import Limits
from service.operations.predict import estimate_prediction, is_small, predict, predict_csv
from service.schemas.evaluate import EvaluateRequest, EvaluateResponse
from service.schemas.predict import FitPredictResponse, PredictRequest, PredictResponse
from service.schemas.resolved_datasets import ResolvedDataset

T = TypeVar("T")

router = make_router("Prediction")

SUFFIXES = ("csv",)
Suffix = Annotated[str, suffix_path(SUFFIXES)]
PredictBody = Annotated[PredictRequest, json_body(PredictRequest, examples.PREDICT)]
PredictCsvBody = Annotated[PredictRequest, json_body(PredictRequest, examples.PREDICT_CSV)]
EvaluateBody = Annotated[EvaluateRequest, json_body(EvaluateRequest, examples.EVALUATE)]


@router.post(
    "/v1/predict",
    name="predict",
    response_model=PredictResponse | FitPredictResponse,
    summary="Run the network over sequences",
    responses=problem_responses(*BODY, *STORE, CONFLICT),
)
async def post(state: AppStateDep, body: PredictBody) -> OrjsonResponse:
    """Return the output of the network for each sequence, and optionally its states.

    A fit returns outputs at every step, with their bands.
    """
    if body.fit_model is not None:
        fitted = await run_in_threadpool(load_fit, body.fit_model, state.database, state.limits)
        with_fit = encode_result(predict_with_fit)
        return OrjsonResponse(
            await state.scheduler.run(fitted.seconds, with_fit, body, fitted, state.limits)
        )
    if body.dataset is None and is_small(body.inputs):  # on the event loop
        model = await state.resolve_model(body.used_model)
        return OrjsonResponse(predict(body, model, None, state.limits))
    return OrjsonResponse(await _run(encode_result(predict), body, state))


@router.post(
    "/v1/predict.{suffix}",
    response_class=Response,
    summary="Run the network over sequences, as a table",
    responses={**file_responses(*SUFFIXES), **problem_responses(*BODY, *STORE, CONFLICT)},
)
async def predict_file(
    request: Request, state: AppStateDep, suffix: Suffix, body: PredictCsvBody
) -> Response:
    """Return a table with one row per sequence: `sequence`, from 0, and its `output`.

    For a dataset there is a column `target` as well. A fit has one row per step and the bands of
    the output. Where an output overflows float64 the field is empty.
    """
    check_suffix(request, suffix, SUFFIXES)
    if body.fit_model is not None:
        fitted = await run_in_threadpool(load_fit, body.fit_model, state.database, state.limits)
        download = await state.scheduler.run(
            fitted.seconds, predict_with_fit_csv, body, fitted, state.limits
        )
        return await download_response(request, state, download, suffix)
    return await download_response(request, state, await _run(predict_csv, body, state), suffix)


@router.post(
    "/v1/evaluate",
    name="evaluate",
    response_model=EvaluateResponse,
    summary="Evaluate the cost at given weights",
    responses=problem_responses(*BODY, *STORE),
)
async def evaluate_points(state: AppStateDep, body: EvaluateBody) -> OrjsonResponse:
    """Return the cost, its gradient and curvature, and the outputs at every point of a request."""
    return OrjsonResponse(await state.run(encode_result(evaluate), body, estimate_evaluations))


async def _run(
    use_case: Callable[
        [PredictRequest, tuple[Weights, Network], ResolvedDataset | None, Limits], T
    ],
    body: PredictRequest,
    state: AppState,
) -> T:
    model = await state.resolve_model(body.used_model)
    dataset = None if body.dataset is None else await state.resolve(body.dataset)
    seconds = estimate_prediction(body, dataset)
    return await state.scheduler.run(seconds, use_case, body, model, dataset, state.limits)
