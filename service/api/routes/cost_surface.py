"""Cost surfaces, and the exact optimum."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from service.api import examples
from service.api.dependencies import AppState, AppStateDep
from service.api.errors import BUSY, CONFLICT
from service.api.openapi import BODY, QUERY, STORE, file_responses, problem_responses
from service.api.pictures import check_suffix, find_picture, picture_response, suffix_path
from service.api.query_params import (
    CostSurfaceNpzQuery,
    CostSurfaceQuery,
    PictureQuery,
    SurfacePictureQuery,
)
from service.api.requests import json_body, make_router
from service.api.responses import OrjsonResponse, download_response, encode_result
from service.figures.formats import PICTURE_FORMATS
from service.operations.context import estimate_preparation
from service.operations.optimum import estimate_optimum, find_optimum
from service.operations.pictures import check_surface_request, surface_picture
from service.operations.surfaces import compute_surfaces, estimate_surfaces, surfaces_npz
from service.schemas.cost_surface import (
    JSON_RESOLUTION,
    NPZ_RESOLUTION,
    CostSurfaceRequest,
    CostSurfaceResponse,
)
from service.schemas.optimum import OptimumRequest, OptimumResponse
from service.schemas.pictures import PictureOptions

router = make_router("Cost surface")

SUFFIXES = tuple(PICTURE_FORMATS)
Suffix = Annotated[str, suffix_path(SUFFIXES)]
GridBody = Annotated[CostSurfaceRequest, json_body(CostSurfaceRequest, examples.COST_SURFACE)]
PictureBody = Annotated[
    CostSurfaceRequest, json_body(CostSurfaceRequest, examples.COST_SURFACE_PICTURE)
]
OptimumBody = Annotated[OptimumRequest, json_body(OptimumRequest, examples.OPTIMUM)]
PICTURE = """Draw the cost over the weights, computed at every pixel.

Where every pixel would take too long, the picture interpolates between pixels, or uses fewer
sequences, and says so in its legend and metadata.
"""


@router.get(
    "/v1/cost-surface.npz",
    response_class=Response,
    summary="Download cost surfaces",
    responses={**file_responses("npz"), **problem_responses(*QUERY, *STORE, CONFLICT, BUSY)},
)
async def get_cost_surface_npz(
    request: Request, state: AppStateDep, query: Annotated[CostSurfaceNpzQuery, Query()]
) -> Response:
    """Return the arrays of an npz archive: w_in_0, w_rec_0, cost_0, and so on for each window."""
    return await _npz_response(request, query.to_request(), state)


@router.post(
    "/v1/cost-surface.npz",
    response_class=Response,
    summary="Download cost surfaces",
    responses={**file_responses("npz"), **problem_responses(*BODY, *STORE, CONFLICT, BUSY)},
)
async def compute_cost_surface_npz(
    request: Request, state: AppStateDep, body: GridBody
) -> Response:
    """Return the arrays of an npz archive: w_in_0, w_rec_0, cost_0, and so on for each window."""
    return await _npz_response(request, body, state)


@router.get(
    "/v1/cost-surface.{suffix}",
    response_class=Response,
    summary="Draw cost surfaces",
    description=PICTURE,
    responses={**file_responses(*SUFFIXES), **problem_responses(*QUERY, *STORE, CONFLICT, BUSY)},
)
async def get_cost_surface_picture(
    request: Request,
    state: AppStateDep,
    suffix: Suffix,
    query: Annotated[SurfacePictureQuery, Query()],
) -> Response:
    """Return a picture."""
    return await _picture_response(request, query.to_request(), query.to_options(), suffix, state)


@router.post(
    "/v1/cost-surface.{suffix}",
    response_class=Response,
    summary="Draw cost surfaces",
    description=PICTURE,
    responses={**file_responses(*SUFFIXES), **problem_responses(*BODY, *STORE, CONFLICT, BUSY)},
)
async def draw_cost_surface(
    request: Request,
    state: AppStateDep,
    suffix: Suffix,
    query: Annotated[PictureQuery, Query()],
    body: PictureBody,
) -> Response:
    """Return a picture."""
    return await _picture_response(request, body, query.to_options(), suffix, state)


@router.get(
    "/v1/cost-surface",
    response_model=CostSurfaceResponse,
    summary="Compute cost surfaces",
    responses=problem_responses(*QUERY, *STORE, CONFLICT),
)
async def get_cost_surface(
    state: AppStateDep, query: Annotated[CostSurfaceQuery, Query()]
) -> OrjsonResponse:
    """Return the cost on a grid of weights. Rows are w_rec, columns are w_in."""
    return await _surface_response(query.to_request(), state)


@router.post(
    "/v1/cost-surface",
    response_model=CostSurfaceResponse,
    summary="Compute cost surfaces",
    responses=problem_responses(*BODY, *STORE, CONFLICT),
)
async def compute_cost_surface(state: AppStateDep, body: GridBody) -> OrjsonResponse:
    """Return the cost on a grid of weights. Rows are w_rec, columns are w_in."""
    return await _surface_response(body, state)


@router.post(
    "/v1/optimum",
    name="find_optimum",
    response_model=OptimumResponse,
    summary="Find the exact optimum",
    responses=problem_responses(*BODY, *STORE),
)
async def optimum(state: AppStateDep, body: OptimumBody) -> OrjsonResponse:
    """Return the global minimum of the cost for the identity activation, without iterations."""
    return OrjsonResponse(await state.run(find_optimum, body, estimate_optimum))


async def _surface_response(body: CostSurfaceRequest, state: AppState) -> OrjsonResponse:
    await state.check_runs(body.runs)
    body = body.at_resolution(JSON_RESOLUTION)
    return OrjsonResponse(await state.run(encode_result(compute_surfaces), body, estimate_surfaces))


async def _npz_response(request: Request, body: CostSurfaceRequest, state: AppState) -> Response:
    await state.check_runs(body.runs)
    download = await state.run(
        surfaces_npz, body.at_resolution(NPZ_RESOLUTION), estimate_preparation
    )
    return await download_response(request, state, download, "npz")


async def _picture_response(
    request: Request,
    body: CostSurfaceRequest,
    options: PictureOptions,
    suffix: str,
    state: AppState,
) -> Response:
    check_suffix(request, suffix, (*SUFFIXES, "npz"))
    check_surface_request(body)
    picture = await find_picture(surface_picture, body, options, suffix, state)
    return await picture_response(request, state, picture)
