"""Training runs."""

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
from service.operations.ids import check_id
from service.operations.pictures import fetched, picture_data, table_etag
from service.operations.resolve import get_succeeded
from service.operations.training import TRAINING
from service.rendering.requests import TrajectoryPictureRequest, title_of
from service.schemas.computations import Status
from service.schemas.pictures import PictureOptions
from service.schemas.training_runs import (
    TrainingRun,
    TrainingRunPage,
    TrainingRunRequest,
    TrainingRunResult,
    TrajectoryResponse,
)
from service.store import computations, jobs
from service.store.rows import ComputationRow
from service.store.tables import UNFINISHED

router = make_router("Training")

FORMATS = ("csv", "png", "svg", "pdf")
Suffix = Annotated[str, one_of(FORMATS)]
RunId = Annotated[str, id_like(examples.RUN_ID)]


def describe(row: ComputationRow) -> TrainingRun:
    """Put a row of the store into its schema."""
    here = f"{TRAINING.path}/{row.id}"
    links = {"self": here, "events": f"{here}/events"}
    if row.status in UNFINISHED:
        links["cancel"] = f"{here}/cancel"
    if row.status == "succeeded":
        links["trajectory"] = f"{here}/trajectory"
        links |= {suffix: f"{here}/trajectory.{suffix}" for suffix in FORMATS}
    return TrainingRun(**described(row, links))


async def once(
    question: TrainingRunRequest, state: AppState, preference: Preference
) -> OrjsonResponse:
    """Train and answer with everything, storing nothing."""
    ran = await computed_once(TRAINING, question, state, preference)
    trajectory = TrajectoryResponse(**ran.computed.arrays)
    answer = TrainingRun(**unkept(ran, question.n_iterations), trajectory=trajectory)
    return OrjsonResponse(answer, headers=preference.headers)


@router.post(
    "/v1/training-runs",
    response_model=TrainingRun,
    summary="Train the network",
    responses={
        200: {"description": "It was done before, or was not to be kept."},
        201: {"model": TrainingRun, "description": "Trained now, and kept."},
        202: {"model": TrainingRun, "description": "A job, queued or running."},
        **problems(*BODY, *STORE, *KEEP),
    },
)
async def post(
    state: AppStateDep,
    question: Annotated[
        TrainingRunRequest, Body(default_factory=TrainingRunRequest, openapi_examples=examples.RUN)
    ],
    preference: PreferenceDep,
) -> OrjsonResponse:
    """Train from the initial weights and answer how it ended.

    Large work, or any with `Prefer: respond-async`, becomes a job: poll it, or read its events.
    The same question again is the same run: it is not trained twice.
    """
    if not question.keep:
        return await once(question, state, preference)
    row, created = await kept(TRAINING, question, state, preference)
    return answered(row, created, describe(row), f"{TRAINING.path}/{row.id}", preference)


@router.get(
    "/v1/training-runs",
    response_model=TrainingRunPage,
    summary="List training runs",
    responses=problems(INVALID, *STORE[1:]),
)
async def page(
    state: AppStateDep,
    status: Annotated[
        Status | None, Query(description="Only runs of this status.", examples=["succeeded"])
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> OrjsonResponse:
    """Return a page of kept runs, newest first."""
    rows, following = await run_in_threadpool(
        computations.list_page, state.database, "training_run", limit, cursor, status=status
    )
    return OrjsonResponse(
        TrainingRunPage(items=[describe(row) for row in rows], next_cursor=following)
    )


@router.get(
    "/v1/training-runs/{run_id}/trajectory.{suffix}",
    response_class=Response,
    summary="Draw or download a trajectory",
    responses={**contents(*FORMATS), **problems(INVALID, *STORE, CONFLICT, LIMIT, BUSY)},
)
async def trajectory_file(
    request: Request, state: AppStateDep, run_id: RunId, suffix: Suffix, look: Look
) -> Response:
    """Draw the path of the weights over the cost surface, or list it as csv."""
    check_suffix(request, suffix, FORMATS)
    check_id("run", run_id)
    row = await run_in_threadpool(get_succeeded, "run", run_id, state.database)
    path = f"{TRAINING.path}/{run_id}/trajectory.{suffix}"
    if suffix == "csv":
        etag = table_etag(path, run_id)
        return not_modified(request, etag) or content(
            await state.compute(_table, run_id, state), suffix, etag
        )
    asked = fetched(path, look, TRAINING.path, row.request)
    prepare = partial(_drawing, row, state, suffix, look, asked.request)
    return await picture(request, state, asked, suffix, prepare)


def _table(run_id: str, state: AppState) -> bytes:
    columns = computations.load_arrays(state.database, run_id)
    return writers.csv({name: columns[name] for name in ("iteration", "w_in", "w_rec", "cost")})


def _drawing(
    row: ComputationRow, state: AppState, suffix: str, look: PictureOptions, request: str
) -> TrajectoryPictureRequest:
    question = TrainingRunRequest.model_validate(row.request)
    return TrajectoryPictureRequest(
        title_of(question.optimizer),
        question.network,
        question.target_cost,
        str(TrainingRunResult.model_validate(row.result).outcome),
        computations.load_arrays(state.database, row.id),
        picture_data(question.dataset, state.database, state.limits),
        look,
        suffix,
        request,
    )


@router.get(
    "/v1/training-runs/{run_id}/trajectory",
    response_model=TrajectoryResponse,
    summary="Read a trajectory",
    responses=problems(*STORE, CONFLICT, LIMIT),
)
async def trajectory(state: AppStateDep, run_id: RunId) -> OrjsonResponse:
    """Return the weights and costs that the run recorded, as columns."""
    return await run_in_threadpool(_trajectory, run_id, state)


def _trajectory(run_id: str, state: AppState) -> OrjsonResponse:
    row = get_succeeded("run", run_id, state.database)
    columns = computations.load_arrays(state.database, row.id)
    n_numbers = sum(map(len, columns.values()))
    state.limits.check_json(n_numbers, None, "ask for .csv, or train with a larger record_every")
    return OrjsonResponse(TrajectoryResponse(**columns))


@router.get(
    "/v1/training-runs/{run_id}/events",
    response_class=Response,
    summary="Follow a training run",
    responses={**EVENTS, **problems(*STORE)},
)
async def follow(request: Request, state: AppStateDep, run_id: RunId) -> Response:
    """Stream how the run goes on, as server-sent events; from any replica, at any time."""
    check_id("run", run_id)
    return await events(request, run_id, state, describe)


@router.post(
    "/v1/training-runs/{run_id}/cancel",
    response_model=TrainingRun,
    summary="Cancel a training run",
    responses={
        200: {"description": "It was finished before, and stays as it is."},
        202: {"model": TrainingRun, "description": "It was unfinished, and is cancelled."},
        **problems(*STORE),
    },
)
async def cancel(state: AppStateDep, run_id: RunId) -> OrjsonResponse:
    """Cancel what is queued or running; a worker that is at it stops within its next step."""
    check_id("run", run_id)
    row, changed = await run_in_threadpool(jobs.cancel, state.database, run_id)
    return OrjsonResponse(describe(row), 202 if changed else 200)


@router.get(
    "/v1/training-runs/{run_id}",
    response_model=TrainingRun,
    summary="Describe a training run",
    responses=problems(*STORE),
)
async def get(state: AppStateDep, run_id: RunId) -> OrjsonResponse:
    """Return a kept run: how it was asked and how it ended."""
    check_id("run", run_id)
    return OrjsonResponse(
        describe(await run_in_threadpool(computations.get, state.database, run_id))
    )


@router.delete(
    "/v1/training-runs/{run_id}",
    status_code=204,
    summary="Delete a training run",
    responses=problems(*STORE, CONFLICT),
)
async def delete(state: AppStateDep, run_id: RunId) -> Response:
    """Delete a finished run and its trajectory; asked again, it is trained anew."""
    check_id("run", run_id)
    await run_in_threadpool(computations.delete, state.database, run_id)
    return Response(status_code=204)
