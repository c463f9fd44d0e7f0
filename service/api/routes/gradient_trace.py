"""Gradient traces and the gradient check."""

from functools import partial
from typing import Annotated

from fastapi import Body, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import examples, query_params
from service.api.dependencies import AppState, AppStateDep
from service.api.errors import BUSY
from service.api.openapi import BODY, QUERY, STORE, contents, problems
from service.api.pictures import Look, check_suffix, named, one_of, picture
from service.api.requests import router as make_router
from service.api.responses import OrjsonResponse, content, not_modified
from service.api.sources import computed
from service.operations import traces, writers
from service.operations.ids import check_id
from service.operations.pictures import picture_data, table_etag
from service.operations.resolve import resolve_dataset
from service.rendering.requests import TracePictureRequest
from service.schemas.datasets import StoredDataset
from service.schemas.gradient_trace import (
    GradientCheckRequest,
    GradientCheckResponse,
    GradientTraceRequest,
    GradientTraceResponse,
)
from service.schemas.pictures import PictureOptions
from service.store import datasets

router = make_router("Gradients")

FORMATS = ("png", "svg", "pdf", "csv")
Suffix = Annotated[str, one_of(FORMATS)]


def answer(question: GradientTraceRequest, state: AppState) -> OrjsonResponse:
    """Compute the traces."""
    samples = resolve_dataset(question.dataset, state.database, state.limits)
    traces.check(question, samples, state.limits)
    return OrjsonResponse(traces.traces_answer(question, samples, state.limits))


def drawing(
    question: GradientTraceRequest, state: AppState, suffix: str, look: PictureOptions, request: str
) -> TracePictureRequest:
    """Collect what there is to draw."""
    return TracePictureRequest(
        question,
        picture_data(question.dataset, state.database, state.limits),
        look,
        suffix,
        request,
    )


def table(request: Request, question: GradientTraceRequest, state: AppState) -> Response:
    """Answer with the traces as a table, unless the caller has it."""
    samples = resolve_dataset(question.dataset, state.database, state.limits)
    traces.check(question, samples, state.limits)
    etag = table_etag("gradient-trace.csv", question)
    return not_modified(request, etag) or content(
        writers.csv(traces.traces_table(question, samples)), "csv", etag
    )


async def respond(
    request: Request,
    question: GradientTraceRequest,
    state: AppState,
    suffix: str,
    look: PictureOptions,
) -> Response:
    """Answer with a file, unless the caller has it."""
    check_suffix(request, suffix, FORMATS)
    if suffix == "csv":
        return await computed(partial(table, request), question, state)
    if isinstance(question.dataset, StoredDataset):  # its picture may be in memory still
        dataset_id = check_id("ds", question.dataset.id)
        await run_in_threadpool(datasets.get, state.database, dataset_id)
    asked = await named(f"/v1/gradient-trace.{suffix}", question, look, state)
    prepare = partial(drawing, question, state, suffix, look, asked.request)
    return await picture(request, state, asked, suffix, prepare)


@router.get(
    "/v1/gradient-trace.{suffix}",
    response_class=Response,
    summary="Draw gradients through time",
    responses={**contents(*FORMATS), **problems(*QUERY, *STORE, BUSY)},
    openapi_extra=query_params.documented(query_params.TRACE),
)
async def get_file(request: Request, state: AppStateDep, suffix: Suffix, look: Look) -> Response:
    """Draw the gradient at each point on its way back through time, or list it as csv."""
    question = query_params.question(GradientTraceRequest, request.query_params.multi_items())
    return await respond(request, question, state, suffix, look)


@router.post(
    "/v1/gradient-trace.{suffix}",
    response_class=Response,
    summary="Draw gradients through time",
    responses={**contents(*FORMATS), **problems(*BODY, *STORE, BUSY)},
)
async def post_file(
    request: Request,
    state: AppStateDep,
    suffix: Suffix,
    look: Look,
    question: Annotated[
        GradientTraceRequest,
        Body(default_factory=GradientTraceRequest, openapi_examples=examples.TRACE),
    ],
) -> Response:
    """Draw the gradient at each point on its way back through time, or list it as csv."""
    return await respond(request, question, state, suffix, look)


@router.get(
    "/v1/gradient-trace",
    response_model=GradientTraceResponse,
    summary="Follow gradients back through time",
    responses=problems(*QUERY, *STORE),
    openapi_extra=query_params.documented(query_params.TRACE),
)
async def get(request: Request, state: AppStateDep) -> OrjsonResponse:
    """Return the derivative of the cost by every state, at each point, summed over samples."""
    question = query_params.question(GradientTraceRequest, request.query_params.multi_items())
    return await computed(answer, question, state)


@router.post(
    "/v1/gradient-trace",
    response_model=GradientTraceResponse,
    summary="Follow gradients back through time",
    responses=problems(*BODY, *STORE),
)
async def post(
    state: AppStateDep,
    question: Annotated[
        GradientTraceRequest,
        Body(default_factory=GradientTraceRequest, openapi_examples=examples.TRACE),
    ],
) -> OrjsonResponse:
    """Return the derivative of the cost by every state, at each point, summed over samples."""
    return await computed(answer, question, state)


def check(question: GradientCheckRequest, state: AppState) -> GradientCheckResponse:
    """Compare both gradients."""
    samples = resolve_dataset(question.dataset, state.database, state.limits)
    traces.check_difference(question, samples, state.limits)
    return traces.gradient_check_answer(question, samples)


@router.post(
    "/v1/gradient-check",
    response_model=GradientCheckResponse,
    summary="Check a gradient by differences",
    responses=problems(*BODY, *STORE),
)
async def post_check(
    state: AppStateDep,
    question: Annotated[
        GradientCheckRequest,
        Body(default_factory=GradientCheckRequest, openapi_examples=examples.CHECK),
    ],
) -> OrjsonResponse:
    """Hold backpropagation through time against central differences of the cost."""
    return OrjsonResponse(await computed(check, question, state))
