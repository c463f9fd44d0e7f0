"""Gradient traces and the gradient check."""

from functools import partial
from typing import Annotated

from fastapi import Body, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import examples, queries
from service.api.answers import JsonAnswer, content, not_modified
from service.api.described import BODY, QUERY, STORE, contents, problems
from service.api.errors import BUSY
from service.api.pictures import Look, check_suffix, named, one_of, picture
from service.api.routing import router as make_router
from service.api.sources import computed, data_of, known_id, samples_of
from service.api.state import Here, State
from service.operations import tables, traces
from service.operations.pictures import table_etag
from service.rendering.requests import TraceDrawing
from service.schemas.datasets import Stored
from service.schemas.pictures import Picture
from service.schemas.traces import (
    GradientCheckAnswer,
    GradientCheckQuestion,
    TraceQuestion,
    TracesAnswer,
)
from service.store import datasets

router = make_router("Gradients")

FORMATS = ("png", "svg", "pdf", "csv")
Suffix = Annotated[str, one_of(FORMATS)]


def answer(question: TraceQuestion, state: State) -> JsonAnswer:
    """Compute the traces."""
    samples = samples_of(question.dataset, state)
    traces.check(question, samples, state.limits)
    return JsonAnswer(traces.traces_answer(question, samples, state.limits))


def drawing(
    question: TraceQuestion, state: State, suffix: str, look: Picture, request: str
) -> TraceDrawing:
    """Collect what there is to draw."""
    return TraceDrawing(question, data_of(question.dataset, state), look, suffix, request)


def table(request: Request, question: TraceQuestion, state: State) -> Response:
    """Answer with the traces as a table, unless the caller has it."""
    samples = samples_of(question.dataset, state)
    traces.check(question, samples, state.limits)
    etag = table_etag("gradient-trace.csv", question)
    return not_modified(request, etag) or content(
        tables.csv(traces.traces_table(question, samples)), "csv", etag
    )


async def respond(
    request: Request, question: TraceQuestion, state: State, suffix: str, look: Picture
) -> Response:
    """Answer with a file, unless the caller has it."""
    check_suffix(request, suffix, FORMATS)
    if suffix == "csv":
        return await computed(partial(table, request), question, state)
    if isinstance(question.dataset, Stored):  # its picture may be in memory still
        dataset_id = known_id("ds", question.dataset.id)
        await run_in_threadpool(datasets.get, state.database, dataset_id)
    asked = await named(f"/v1/gradient-trace.{suffix}", question, look, state)
    prepare = partial(drawing, question, state, suffix, look, asked.request)
    return await picture(request, state, asked, suffix, prepare)


@router.get(
    "/v1/gradient-trace.{suffix}",
    response_class=Response,
    summary="Draw gradients through time",
    responses={**contents(*FORMATS), **problems(*QUERY, *STORE, BUSY)},
    openapi_extra=queries.documented(queries.TRACE),
)
async def get_file(request: Request, state: Here, suffix: Suffix, look: Look) -> Response:
    """Draw the gradient at each point on its way back through time, or list it as csv."""
    question = queries.question(TraceQuestion, request.query_params.multi_items())
    return await respond(request, question, state, suffix, look)


@router.post(
    "/v1/gradient-trace.{suffix}",
    response_class=Response,
    summary="Draw gradients through time",
    responses={**contents(*FORMATS), **problems(*BODY, *STORE, BUSY)},
)
async def post_file(
    request: Request,
    state: Here,
    suffix: Suffix,
    look: Look,
    question: Annotated[
        TraceQuestion, Body(default_factory=TraceQuestion, openapi_examples=examples.TRACE)
    ],
) -> Response:
    """Draw the gradient at each point on its way back through time, or list it as csv."""
    return await respond(request, question, state, suffix, look)


@router.get(
    "/v1/gradient-trace",
    response_model=TracesAnswer,
    summary="Follow gradients back through time",
    responses=problems(*QUERY, *STORE),
    openapi_extra=queries.documented(queries.TRACE),
)
async def get(request: Request, state: Here) -> JsonAnswer:
    """Return the derivative of the cost by every state, at each point, summed over samples."""
    question = queries.question(TraceQuestion, request.query_params.multi_items())
    return await computed(answer, question, state)


@router.post(
    "/v1/gradient-trace",
    response_model=TracesAnswer,
    summary="Follow gradients back through time",
    responses=problems(*BODY, *STORE),
)
async def post(
    state: Here,
    question: Annotated[
        TraceQuestion, Body(default_factory=TraceQuestion, openapi_examples=examples.TRACE)
    ],
) -> JsonAnswer:
    """Return the derivative of the cost by every state, at each point, summed over samples."""
    return await computed(answer, question, state)


def check(question: GradientCheckQuestion, state: State) -> GradientCheckAnswer:
    """Compare both gradients."""
    samples = samples_of(question.dataset, state)
    traces.check_difference(question, samples, state.limits)
    return traces.gradient_check_answer(question, samples)


@router.post(
    "/v1/gradient-check",
    response_model=GradientCheckAnswer,
    summary="Check a gradient by differences",
    responses=problems(*BODY, *STORE),
)
async def post_check(
    state: Here,
    question: Annotated[
        GradientCheckQuestion,
        Body(default_factory=GradientCheckQuestion, openapi_examples=examples.CHECK),
    ],
) -> JsonAnswer:
    """Hold backpropagation through time against central differences of the cost."""
    return JsonAnswer(await computed(check, question, state))
