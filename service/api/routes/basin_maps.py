"""Basin maps."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import examples
from service.api.dependencies import AppStateDep
from service.api.errors import BUSY, CONFLICT, INVALID, LIMIT
from service.api.openapi import STORE, file_responses, problem_responses
from service.api.pictures import check_suffix, id_path, picture_response, suffix_path
from service.api.query_params import PictureQuery
from service.api.requests import make_router
from service.api.responses import download_response
from service.api.routes.computations import ComputationRoutes, ResourceText
from service.figures.formats import PICTURE_FORMATS
from service.operations.basins import BASIN_MAP, basin_map_npz
from service.operations.pictures import basin_map_picture
from service.operations.resolve import get_succeeded
from service.schemas.basin_maps import BasinMapPage

router = make_router("Basin maps")

SUFFIXES = (*PICTURE_FORMATS, "npz")
Suffix = Annotated[str, suffix_path(SUFFIXES)]
MapId = Annotated[str, id_path(examples.MAP_ID)]


@router.get(
    "/v1/basin-maps/{map_id}.{suffix}",
    response_class=Response,
    summary="Draw or download a basin map",
    responses={
        **file_responses(*SUFFIXES),
        **problem_responses(INVALID, *STORE, CONFLICT, LIMIT, BUSY),
    },
)
async def get_basin_map_file(
    request: Request,
    state: AppStateDep,
    map_id: MapId,
    suffix: Suffix,
    query: Annotated[PictureQuery, Query()],
) -> Response:
    """Draw which initial weights reach the target cost, and after how many iterations.

    The npz file contains the arrays.
    """
    check_suffix(request, suffix, SUFFIXES)
    if suffix == "npz":
        download = await run_in_threadpool(basin_map_npz, map_id, state.database)
        return await download_response(request, state, download, suffix)
    row = await run_in_threadpool(get_succeeded, "map", map_id, state.database)
    picture = basin_map_picture(row, query.to_options(), suffix, state.limits)
    return await picture_response(request, state, picture)


# After the route of files, whose paths the route of ids would match as well.
ComputationRoutes(
    router,
    BASIN_MAP,
    BasinMapPage,
    ResourceText(
        noun="basin map",
        id_name="map_id",
        id_example=examples.MAP_ID,
        create="Train from every point of a grid",
        operation="map_basins",
        effect="Train from every pair of weights on a grid, and return which of them succeed.",
    ),
).add_all(examples.BASIN_MAP)
