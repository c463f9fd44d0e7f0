"""Gradient traces, and the gradient check."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from service.api import examples
from service.api.dependencies import AppState, AppStateDep
from service.api.errors import BUSY
from service.api.openapi import BODY, QUERY, STORE, file_responses, problem_responses
from service.api.pictures import check_suffix, find_picture, picture_response, suffix_path
from service.api.query_params import GradientTraceQuery, PictureQuery, TracePictureQuery
from service.api.requests import json_body, make_router
from service.api.responses import OrjsonResponse, download_response, encode_result
from service.figures.formats import PICTURE_FORMATS
from service.operations.context import estimate_preparation
from service.operations.pictures import trace_picture
from service.operations.traces import (
    check_gradient,
    estimate_check,
    estimate_traces,
    trace_csv,
    trace_gradients,
)
from service.schemas.gradient_check import GradientCheckRequest, GradientCheckResponse
from service.schemas.gradient_trace import GradientTraceRequest, GradientTraceResponse
from service.schemas.pictures import PictureOptions

router = make_router("Gradients")

SUFFIXES = (*PICTURE_FORMATS, "csv")
Suffix = Annotated[str, suffix_path(SUFFIXES)]
TraceBody = Annotated[
    GradientTraceRequest, json_body(GradientTraceRequest, examples.GRADIENT_TRACE)
]
CheckBody = Annotated[
    GradientCheckRequest, json_body(GradientCheckRequest, examples.GRADIENT_CHECK)
]


@router.get(
    "/v1/gradient-trace.{suffix}",
    response_class=Response,
    summary="Draw gradients through time",
    responses={**file_responses(*SUFFIXES), **problem_responses(*QUERY, *STORE, BUSY)},
)
async def get_gradient_trace_file(
    request: Request,
    state: AppStateDep,
    suffix: Suffix,
    query: Annotated[TracePictureQuery, Query()],
) -> Response:
    """Draw the gradients at every point back through time, or list them as CSV."""
    check_suffix(request, suffix, SUFFIXES)
    return await _file_response(request, query.to_request(), query.to_options(), suffix, state)


@router.post(
    "/v1/gradient-trace.{suffix}",
    response_class=Response,
    summary="Draw gradients through time",
    responses={**file_responses(*SUFFIXES), **problem_responses(*BODY, *STORE, BUSY)},
)
async def trace_gradients_file(
    request: Request,
    state: AppStateDep,
    suffix: Suffix,
    query: Annotated[PictureQuery, Query()],
    body: TraceBody,
) -> Response:
    """Draw the gradients at every point back through time, or list them as CSV."""
    check_suffix(request, suffix, SUFFIXES)
    return await _file_response(request, body, query.to_options(), suffix, state)


@router.get(
    "/v1/gradient-trace",
    response_model=GradientTraceResponse,
    summary="Trace gradients through time",
    responses=problem_responses(*QUERY, *STORE),
)
async def get_gradient_trace(
    state: AppStateDep, query: Annotated[GradientTraceQuery, Query()]
) -> OrjsonResponse:
    """Return the derivative of the cost with respect to every state, at every point."""
    return await _trace_response(query.to_request(), state)


@router.post(
    "/v1/gradient-trace",
    name="trace_gradients",
    response_model=GradientTraceResponse,
    summary="Trace gradients through time",
    responses=problem_responses(*BODY, *STORE),
)
async def post(state: AppStateDep, body: TraceBody) -> OrjsonResponse:
    """Return the derivative of the cost with respect to every state, at every point."""
    return await _trace_response(body, state)


@router.post(
    "/v1/gradient-check",
    name="check_gradient",
    response_model=GradientCheckResponse,
    summary="Check a gradient",
    responses=problem_responses(*BODY, *STORE),
)
async def check(state: AppStateDep, body: CheckBody) -> OrjsonResponse:
    """Compare backpropagation through time with central differences of the cost."""
    return OrjsonResponse(await state.run(check_gradient, body, estimate_check))


async def _trace_response(body: GradientTraceRequest, state: AppState) -> OrjsonResponse:
    return OrjsonResponse(await state.run(encode_result(trace_gradients), body, estimate_traces))


async def _file_response(
    request: Request,
    body: GradientTraceRequest,
    options: PictureOptions,
    suffix: str,
    state: AppState,
) -> Response:
    if suffix == "csv":
        download = await state.run(trace_csv, body, estimate_preparation)
        return await download_response(request, state, download, suffix)
    picture = await find_picture(trace_picture, body, options, suffix, state)
    return await picture_response(request, state, picture)
