"""Cost surfaces and the exact optimum."""

from functools import partial
from typing import Annotated

from fastapi import Body, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import examples, queries
from service.api.answers import JsonAnswer, content, not_modified
from service.api.described import BODY, QUERY, STORE, contents, problems
from service.api.errors import BUSY, CONFLICT
from service.api.pictures import Look, check_suffix, named, one_of, picture
from service.api.routing import router as make_router
from service.api.sources import computed, data_of, finished, known_id, path_of, samples_of
from service.api.state import Here, State
from service.operations import pictures, surfaces
from service.operations.pictures import table_etag
from service.rendering.requests import SurfaceDrawing
from service.schemas.datasets import Stored
from service.schemas.pictures import Picture
from service.schemas.surfaces import (
    OptimumAnswer,
    OptimumQuestion,
    SurfaceQuestion,
    SurfacesAnswer,
)
from service.store import datasets

router = make_router("Cost surface")

FORMATS = ("png", "svg", "pdf", "npz")
Suffix = Annotated[str, one_of(FORMATS)]


def answer(question: SurfaceQuestion, state: State) -> JsonAnswer:
    """Compute the surfaces; the runs only have to be there."""
    samples = samples_of(question.dataset, state)
    surfaces.check(question, samples, state.limits)
    for run_id in question.runs:
        finished("run", run_id, state)
    return JsonAnswer(surfaces.surfaces_answer(question, samples, state.limits))


def drawing(
    question: SurfaceQuestion, state: State, suffix: str, look: Picture, request: str
) -> SurfaceDrawing:
    """Collect what there is to draw."""
    data = data_of(question.dataset, state)
    paths = [path_of(run_id, state) for run_id in question.runs]
    return SurfaceDrawing(question, data, paths, look, suffix, request)


def archive(request: Request, question: SurfaceQuestion, state: State) -> Response:
    """Answer with the surfaces' arrays, unless the caller has them."""
    samples = samples_of(question.dataset, state)
    surfaces.check(question, samples, state.limits)
    for run_id in question.runs:
        finished("run", run_id, state)
    etag = table_etag("cost-surface.npz", question)
    return not_modified(request, etag) or content(surfaces.archive(question, samples), "npz", etag)


def check_kept(question: SurfaceQuestion, state: State) -> None:
    """Refuse what is not there, or not finished, though its picture may still be in memory."""
    if isinstance(question.dataset, Stored):
        datasets.get(state.database, known_id("ds", question.dataset.id))
    for run_id in question.runs:
        finished("run", run_id, state)


async def respond(
    request: Request, question: SurfaceQuestion, state: State, suffix: str, look: Picture
) -> Response:
    """Answer with a file, unless the caller has it."""
    check_suffix(request, suffix, FORMATS)
    if suffix == "npz":
        return await computed(partial(archive, request), question, state)
    pictures.refuse_resolution(question)
    pictures.check_marks(question)
    if question.runs or isinstance(question.dataset, Stored):
        await run_in_threadpool(check_kept, question, state)
    asked = await named(f"/v1/cost-surface.{suffix}", question, look, state)
    prepare = partial(drawing, question, state, suffix, look, asked.request)
    return await picture(request, state, asked, suffix, prepare)


@router.get(
    "/v1/cost-surface.{suffix}",
    response_class=Response,
    summary="Draw cost surfaces",
    responses={**contents(*FORMATS), **problems(*QUERY, *STORE, CONFLICT, BUSY)},
    openapi_extra=queries.documented(queries.SURFACE),
)
async def get_file(request: Request, state: Here, suffix: Suffix, look: Look) -> Response:
    """Draw the cost over the weights, exact at every pixel; npz holds the grid itself."""
    question = queries.question(SurfaceQuestion, request.query_params.multi_items())
    return await respond(request, question, state, suffix, look)


@router.post(
    "/v1/cost-surface.{suffix}",
    response_class=Response,
    summary="Draw cost surfaces",
    responses={**contents(*FORMATS), **problems(*BODY, *STORE, CONFLICT, BUSY)},
)
async def post_file(
    request: Request,
    state: Here,
    suffix: Suffix,
    look: Look,
    question: Annotated[
        SurfaceQuestion,
        Body(default_factory=SurfaceQuestion, openapi_examples=examples.SURFACE_FILE),
    ],
) -> Response:
    """Draw the cost over the weights, exact at every pixel; npz holds the grid itself."""
    return await respond(request, question, state, suffix, look)


@router.get(
    "/v1/cost-surface",
    response_model=SurfacesAnswer,
    summary="Compute cost surfaces",
    responses=problems(*QUERY, *STORE, CONFLICT),
    openapi_extra=queries.documented(queries.SURFACE),
)
async def get(request: Request, state: Here) -> JsonAnswer:
    """Return the cost on a grid of weights, rows w_rec and columns w_in."""
    question = queries.question(SurfaceQuestion, request.query_params.multi_items())
    return await computed(answer, question, state)


@router.post(
    "/v1/cost-surface",
    response_model=SurfacesAnswer,
    summary="Compute cost surfaces",
    responses=problems(*BODY, *STORE, CONFLICT),
)
async def post(
    state: Here,
    question: Annotated[
        SurfaceQuestion, Body(default_factory=SurfaceQuestion, openapi_examples=examples.SURFACE)
    ],
) -> JsonAnswer:
    """Return the cost on a grid of weights, rows w_rec and columns w_in."""
    return await computed(answer, question, state)


def optimum(question: OptimumQuestion, state: State) -> OptimumAnswer:
    """Find the optimum."""
    return surfaces.optimum_of(question, samples_of(question.dataset, state), state.limits)


@router.post(
    "/v1/optimum",
    response_model=OptimumAnswer,
    summary="Find the exact optimum",
    responses=problems(*BODY, *STORE),
)
async def post_optimum(
    state: Here,
    question: Annotated[
        OptimumQuestion, Body(default_factory=OptimumQuestion, openapi_examples=examples.OPTIMUM)
    ],
) -> JsonAnswer:
    """Return the global minimum of the cost for the identity activation, without iterations."""
    return JsonAnswer(await computed(optimum, question, state))
