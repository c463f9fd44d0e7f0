"""Cost surfaces and the exact optimum."""

from functools import partial
from typing import Annotated

from fastapi import Body, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import examples, query_params
from service.api.dependencies import AppState, AppStateDep
from service.api.errors import BUSY, CONFLICT
from service.api.openapi import BODY, QUERY, STORE, contents, problems
from service.api.pictures import Look, check_suffix, named, one_of, picture
from service.api.requests import router as make_router
from service.api.responses import OrjsonResponse, content, not_modified
from service.api.sources import computed
from service.operations import pictures, surfaces
from service.operations.ids import check_id
from service.operations.pictures import load_run_path, picture_data, table_etag
from service.operations.resolve import get_succeeded, resolve_dataset
from service.rendering.requests import SurfacePictureRequest
from service.schemas.cost_surface import (
    CostSurfaceRequest,
    CostSurfaceResponse,
    OptimumRequest,
    OptimumResponse,
)
from service.schemas.datasets import StoredDataset
from service.schemas.pictures import PictureOptions
from service.store import datasets

router = make_router("Cost surface")

FORMATS = ("png", "svg", "pdf", "npz")
Suffix = Annotated[str, one_of(FORMATS)]


def answer(question: CostSurfaceRequest, state: AppState) -> OrjsonResponse:
    """Compute the surfaces; the runs only have to be there."""
    samples = resolve_dataset(question.dataset, state.database, state.limits)
    surfaces.check(question, samples, state.limits)
    for run_id in question.runs:
        get_succeeded("run", run_id, state.database)
    return OrjsonResponse(surfaces.surfaces_answer(question, samples, state.limits))


def drawing(
    question: CostSurfaceRequest, state: AppState, suffix: str, look: PictureOptions, request: str
) -> SurfacePictureRequest:
    """Collect what there is to draw."""
    data = picture_data(question.dataset, state.database, state.limits)
    paths = [load_run_path(run_id, state.database) for run_id in question.runs]
    return SurfacePictureRequest(question, data, paths, look, suffix, request)


def archive(request: Request, question: CostSurfaceRequest, state: AppState) -> Response:
    """Answer with the surfaces' arrays, unless the caller has them."""
    samples = resolve_dataset(question.dataset, state.database, state.limits)
    surfaces.check(question, samples, state.limits)
    for run_id in question.runs:
        get_succeeded("run", run_id, state.database)
    etag = table_etag("cost-surface.npz", question)
    return not_modified(request, etag) or content(surfaces.archive(question, samples), "npz", etag)


def check_kept(question: CostSurfaceRequest, state: AppState) -> None:
    """Refuse what is not there, or not finished, though its picture may still be in memory."""
    if isinstance(question.dataset, StoredDataset):
        datasets.get(state.database, check_id("ds", question.dataset.id))
    for run_id in question.runs:
        get_succeeded("run", run_id, state.database)


async def respond(
    request: Request,
    question: CostSurfaceRequest,
    state: AppState,
    suffix: str,
    look: PictureOptions,
) -> Response:
    """Answer with a file, unless the caller has it."""
    check_suffix(request, suffix, FORMATS)
    if suffix == "npz":
        return await computed(partial(archive, request), question, state)
    pictures.refuse_resolution(question)
    pictures.check_marks(question)
    if question.runs or isinstance(question.dataset, StoredDataset):
        await run_in_threadpool(check_kept, question, state)
    asked = await named(f"/v1/cost-surface.{suffix}", question, look, state)
    prepare = partial(drawing, question, state, suffix, look, asked.request)
    return await picture(request, state, asked, suffix, prepare)


@router.get(
    "/v1/cost-surface.{suffix}",
    response_class=Response,
    summary="Draw cost surfaces",
    responses={**contents(*FORMATS), **problems(*QUERY, *STORE, CONFLICT, BUSY)},
    openapi_extra=query_params.documented(query_params.SURFACE),
)
async def get_file(request: Request, state: AppStateDep, suffix: Suffix, look: Look) -> Response:
    """Draw the cost over the weights, exact at every pixel; npz holds the grid itself."""
    question = query_params.question(CostSurfaceRequest, request.query_params.multi_items())
    return await respond(request, question, state, suffix, look)


@router.post(
    "/v1/cost-surface.{suffix}",
    response_class=Response,
    summary="Draw cost surfaces",
    responses={**contents(*FORMATS), **problems(*BODY, *STORE, CONFLICT, BUSY)},
)
async def post_file(
    request: Request,
    state: AppStateDep,
    suffix: Suffix,
    look: Look,
    question: Annotated[
        CostSurfaceRequest,
        Body(default_factory=CostSurfaceRequest, openapi_examples=examples.SURFACE_FILE),
    ],
) -> Response:
    """Draw the cost over the weights, exact at every pixel; npz holds the grid itself."""
    return await respond(request, question, state, suffix, look)


@router.get(
    "/v1/cost-surface",
    response_model=CostSurfaceResponse,
    summary="Compute cost surfaces",
    responses=problems(*QUERY, *STORE, CONFLICT),
    openapi_extra=query_params.documented(query_params.SURFACE),
)
async def get(request: Request, state: AppStateDep) -> OrjsonResponse:
    """Return the cost on a grid of weights, rows w_rec and columns w_in."""
    question = query_params.question(CostSurfaceRequest, request.query_params.multi_items())
    return await computed(answer, question, state)


@router.post(
    "/v1/cost-surface",
    response_model=CostSurfaceResponse,
    summary="Compute cost surfaces",
    responses=problems(*BODY, *STORE, CONFLICT),
)
async def post(
    state: AppStateDep,
    question: Annotated[
        CostSurfaceRequest,
        Body(default_factory=CostSurfaceRequest, openapi_examples=examples.SURFACE),
    ],
) -> OrjsonResponse:
    """Return the cost on a grid of weights, rows w_rec and columns w_in."""
    return await computed(answer, question, state)


def optimum(question: OptimumRequest, state: AppState) -> OptimumResponse:
    """Find the optimum."""
    return surfaces.optimum_of(
        question, resolve_dataset(question.dataset, state.database, state.limits), state.limits
    )


@router.post(
    "/v1/optimum",
    response_model=OptimumResponse,
    summary="Find the exact optimum",
    responses=problems(*BODY, *STORE),
)
async def post_optimum(
    state: AppStateDep,
    question: Annotated[
        OptimumRequest, Body(default_factory=OptimumRequest, openapi_examples=examples.OPTIMUM)
    ],
) -> OrjsonResponse:
    """Return the global minimum of the cost for the identity activation, without iterations."""
    return OrjsonResponse(await computed(optimum, question, state))
