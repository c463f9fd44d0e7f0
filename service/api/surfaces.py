"""Cost surfaces and the exact optimum."""

from typing import Annotated

from fastapi import Body, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import examples, queries
from service.api.answers import JsonAnswer, content, not_modified
from service.api.described import BODY, QUERY, STORE, contents, problems
from service.api.errors import CONFLICT
from service.api.pictures import Look, check_suffix, etag_of, one_of
from service.api.routing import router as make_router
from service.api.sources import finished, path_of, samples_of
from service.api.state import Here, State
from service.operations import pictures, surfaces
from service.schemas.pictures import Picture
from service.schemas.surfaces import (
    OptimumAnswer,
    OptimumQuestion,
    SurfaceQuestion,
    SurfacesAnswer,
)

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


def file(question: SurfaceQuestion, state: State, suffix: str, look: Picture) -> bytes:
    """Draw the surfaces, or write their arrays."""
    samples = samples_of(question.dataset, state)
    paths = [path_of(run_id, state) for run_id in question.runs]
    if suffix == "npz":
        surfaces.check(question, samples, state.limits)
        return surfaces.archive(question, samples)
    return pictures.surfaces_picture(question, samples, paths, look, suffix, state.limits)


def respond(
    request: Request, question: SurfaceQuestion, state: State, suffix: str, look: Picture
) -> Response:
    """Answer with a file, unless the caller has it."""
    check_suffix(request, suffix, FORMATS)
    if suffix != "npz":
        pictures.refuse_resolution(question)
    etag = etag_of("cost-surface", question, suffix, look)
    return not_modified(request, etag) or content(file(question, state, suffix, look), suffix, etag)


@router.get(
    "/v1/cost-surface.{suffix}",
    response_class=Response,
    summary="Draw cost surfaces",
    responses={**contents(*FORMATS), **problems(*QUERY, *STORE, CONFLICT)},
    openapi_extra=queries.documented(queries.SURFACE),
)
async def get_file(request: Request, state: Here, suffix: Suffix, look: Look) -> Response:
    """Draw the cost over the weights, exact at every pixel; npz holds the grid itself."""
    question = queries.question(SurfaceQuestion, request.query_params.multi_items())
    return await run_in_threadpool(respond, request, question, state, suffix, look)


@router.post(
    "/v1/cost-surface.{suffix}",
    response_class=Response,
    summary="Draw cost surfaces",
    responses={**contents(*FORMATS), **problems(*BODY, *STORE, CONFLICT)},
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
    return await run_in_threadpool(respond, request, question, state, suffix, look)


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
    return await run_in_threadpool(answer, question, state)


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
    return await run_in_threadpool(answer, question, state)


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
    return JsonAnswer(await run_in_threadpool(optimum, question, state))
