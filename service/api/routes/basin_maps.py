"""Basin maps."""

from functools import partial
from typing import Annotated

from fastapi import Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api import examples
from service.api.computations import answered, described, kept, unkept
from service.api.computations import once as computed_once
from service.api.dependencies import AppState, AppStateDep
from service.api.errors import BUSY, CONFLICT, INVALID, LIMIT
from service.api.openapi import BODY, KEEP, STORE, contents, problems
from service.api.pictures import Look, check_suffix, id_like, one_of, picture
from service.api.prefer import Preference, PreferenceDep
from service.api.requests import router as make_router
from service.api.responses import OrjsonResponse, content, not_modified
from service.api.routes.datasets import Cursor, Limit
from service.api.sse import EVENTS, events
from service.operations import writers
from service.operations.basins import BASINS
from service.operations.ids import check_id
from service.operations.pictures import fetched, table_etag
from service.operations.resolve import get_succeeded
from service.rendering.requests import BasinMapPictureRequest, title_of
from service.schemas.basin_maps import (
    BasinMap,
    BasinMapArrays,
    BasinMapPage,
    BasinMapRequest,
    BasinMapResult,
)
from service.schemas.computations import Status
from service.schemas.pictures import PictureOptions
from service.store import computations, jobs
from service.store.rows import ComputationRow
from service.store.tables import UNFINISHED

router = make_router("Basin maps")

FORMATS = ("png", "svg", "pdf", "npz")
Suffix = Annotated[str, one_of(FORMATS)]
MapId = Annotated[str, id_like(examples.MAP_ID)]


def describe(row: ComputationRow) -> BasinMap:
    """Put a row of the store into its schema."""
    here = f"{BASINS.path}/{row.id}"
    links = {"self": here, "events": f"{here}/events"}
    if row.status in UNFINISHED:
        links["cancel"] = f"{here}/cancel"
    if row.status == "succeeded":
        links |= {suffix: f"{here}.{suffix}" for suffix in FORMATS}
    return BasinMap(**described(row, links))


async def once(
    question: BasinMapRequest, state: AppState, preference: Preference
) -> OrjsonResponse:
    """Compute a map and answer with all of it, storing nothing."""
    ran = await computed_once(BASINS, question, state, preference)
    arrays = BasinMapArrays(**ran.computed.arrays)
    answer = BasinMap(**unkept(ran, question.n_iterations), map=arrays)
    return OrjsonResponse(answer, headers=preference.headers)


@router.post(
    "/v1/basin-maps",
    response_model=BasinMap,
    summary="Train from every start of a grid",
    responses={
        200: {"description": "It was done before, or was not to be kept."},
        201: {"model": BasinMap, "description": "Computed now, and kept."},
        202: {"model": BasinMap, "description": "A job, queued or running."},
        **problems(*BODY, *STORE, *KEEP),
    },
)
async def post(
    state: AppStateDep,
    question: Annotated[
        BasinMapRequest, Body(default_factory=BasinMapRequest, openapi_examples=examples.MAP)
    ],
    preference: PreferenceDep,
) -> OrjsonResponse:
    """Train from all initial weights of a window, and answer from which of them it succeeds.

    Large work, or any with `Prefer: respond-async`, becomes a job: poll it, or read its events.
    The same question again is the same map: it is not computed twice.
    """
    if not question.keep:
        return await once(question, state, preference)
    row, created = await kept(BASINS, question, state, preference)
    return answered(row, created, describe(row), f"{BASINS.path}/{row.id}", preference)


@router.get(
    "/v1/basin-maps",
    response_model=BasinMapPage,
    summary="List basin maps",
    responses=problems(INVALID, *STORE[1:]),
)
async def page(
    state: AppStateDep,
    status: Annotated[
        Status | None, Query(description="Only maps of this status.", examples=["succeeded"])
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> OrjsonResponse:
    """Return a page of kept maps, newest first."""
    rows, following = await run_in_threadpool(
        computations.list_page, state.database, BASINS.kind, limit, cursor, status=status
    )
    return OrjsonResponse(
        BasinMapPage(items=[describe(row) for row in rows], next_cursor=following)
    )


@router.get(
    "/v1/basin-maps/{map_id}.{suffix}",
    response_class=Response,
    summary="Draw or download a basin map",
    responses={**contents(*FORMATS), **problems(INVALID, *STORE, CONFLICT, LIMIT, BUSY)},
)
async def file(
    request: Request, state: AppStateDep, map_id: MapId, suffix: Suffix, look: Look
) -> Response:
    """Draw which starts reach the target and how soon; npz holds the arrays themselves."""
    check_suffix(request, suffix, FORMATS)
    check_id("map", map_id)
    row = await run_in_threadpool(get_succeeded, "map", map_id, state.database)
    path = f"{BASINS.path}/{map_id}.{suffix}"
    if suffix == "npz":
        etag = table_etag(path, map_id)
        return not_modified(request, etag) or content(
            await state.compute(_archive, map_id, state), suffix, etag
        )
    asked = fetched(path, look, BASINS.path, row.request)
    prepare = partial(_drawing, row, state, suffix, look, asked.request)
    return await picture(request, state, asked, suffix, prepare)


def _archive(map_id: str, state: AppState) -> bytes:
    return writers.npz(computations.load_arrays(state.database, map_id))


def _drawing(
    row: ComputationRow, state: AppState, suffix: str, look: PictureOptions, request: str
) -> BasinMapPictureRequest:
    optimizer = title_of(BasinMapRequest.model_validate(row.request).optimizer)
    optimum = BasinMapResult.model_validate(row.result).optimum
    arrays = computations.load_arrays(state.database, row.id)
    return BasinMapPictureRequest(optimizer, optimum, arrays, look, suffix, request)


@router.get(
    "/v1/basin-maps/{map_id}/events",
    response_class=Response,
    summary="Follow a basin map",
    responses={**EVENTS, **problems(*STORE)},
)
async def follow(request: Request, state: AppStateDep, map_id: MapId) -> Response:
    """Stream how the map goes on, as server-sent events; from any replica, at any time."""
    check_id("map", map_id)
    return await events(request, map_id, state, describe)


@router.post(
    "/v1/basin-maps/{map_id}/cancel",
    response_model=BasinMap,
    summary="Cancel a basin map",
    responses={
        200: {"description": "It was finished before, and stays as it is."},
        202: {"model": BasinMap, "description": "It was unfinished, and is cancelled."},
        **problems(*STORE),
    },
)
async def cancel(state: AppStateDep, map_id: MapId) -> OrjsonResponse:
    """Cancel what is queued or running; a worker that is at it stops within its next step."""
    check_id("map", map_id)
    row, changed = await run_in_threadpool(jobs.cancel, state.database, map_id)
    return OrjsonResponse(describe(row), 202 if changed else 200)


@router.get(
    "/v1/basin-maps/{map_id}",
    response_model=BasinMap,
    summary="Describe a basin map",
    responses=problems(*STORE),
)
async def get(state: AppStateDep, map_id: MapId) -> OrjsonResponse:
    """Return a kept map: how many of its starts reached the target, and how the others ended."""
    check_id("map", map_id)
    return OrjsonResponse(
        describe(await run_in_threadpool(computations.get, state.database, map_id))
    )


@router.delete(
    "/v1/basin-maps/{map_id}",
    status_code=204,
    summary="Delete a basin map",
    responses=problems(*STORE, CONFLICT),
)
async def delete(state: AppStateDep, map_id: MapId) -> Response:
    """Delete a finished map; asked again, it is computed anew."""
    check_id("map", map_id)
    await run_in_threadpool(computations.delete, state.database, map_id)
    return Response(status_code=204)
