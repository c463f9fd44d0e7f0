"""Training runs."""

from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter
from typing import Annotated, Any

from fastapi import Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api.answers import JsonAnswer, content, not_modified
from service.api.datasets import Cursor, Limit, keep
from service.api.described import BODY, KEEP, STORE, contents, problems
from service.api.errors import CONFLICT, INVALID, LIMIT
from service.api.pictures import Look, etag_of, picture_suffix
from service.api.routing import router as make_router
from service.api.sources import finished_run, known_id, samples_of
from service.api.state import Here, State
from service.errors import NotFound
from service.operations import pictures, tables, training
from service.operations.identity import RESULT_VERSION, question_id
from service.operations.training import Trained
from service.schemas.datasets import Explicit
from service.schemas.pictures import Picture
from service.schemas.runs import (
    Progress,
    RunAnswer,
    RunPage,
    RunQuestion,
    RunResult,
    Status,
    TrajectoryAnswer,
)
from service.store import computations
from service.store.computations import ComputationRow, Finished

router = make_router("Training")

FORMATS = ("csv", "png", "svg", "pdf")


def describe(row: ComputationRow) -> RunAnswer:
    """Put a row of the store into its schema."""
    here = f"/v1/training-runs/{row.id}"
    links = {"self": here}
    if row.status == Status.SUCCEEDED:
        links["trajectory"] = f"{here}/trajectory"
        links |= {suffix: f"{here}/trajectory.{suffix}" for suffix in FORMATS}
    return RunAnswer(
        id=row.id,
        status=Status(row.status),
        request=row.request,
        result_version=row.result_version,
        **(row.result or {}),
        progress=Progress(done=row.progress_done, total=row.progress_total),
        attempt=row.attempt,
        error=row.error,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        compute_seconds=row.compute_seconds,
        links=links,
    )


def train(question: RunQuestion, state: State) -> tuple[Trained, datetime, float]:
    """Train at once; raises Invalid where that would take too long."""
    samples = samples_of(question.dataset, state)
    training.check(question, samples, state.limits)
    started_at, began = datetime.now(UTC), perf_counter()
    trained = training.run(question, samples)
    return trained, started_at, perf_counter() - began


def unkept(question: RunQuestion, state: State) -> RunAnswer:
    """Train and answer with everything, storing nothing."""
    trained, started_at, seconds = train(question, state)
    return RunAnswer(
        id=None,
        status=Status.SUCCEEDED,
        request=training.resolve(question),
        result_version=RESULT_VERSION,
        **trained.result.__dict__,
        progress=_progress(question, trained),
        attempt=1,
        error=None,
        created_at=started_at,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        compute_seconds=seconds,
        links=None,
        trajectory=TrajectoryAnswer(**trained.arrays),
    )


def kept(
    run_id: str, request: dict[str, Any], question: RunQuestion, state: State
) -> tuple[ComputationRow, bool]:
    """Return the run of that id, training it now unless that was done before."""
    with suppress(NotFound):
        known = computations.get(state.database, run_id)
        if known.status == Status.SUCCEEDED:
            return known, False
    trained, started_at, seconds = train(question, state)
    dataset = request["dataset"]
    if isinstance(question.dataset, Explicit):
        keep(question.dataset, state)
    progress = _progress(question, trained)
    finished = Finished(
        id=run_id,
        kind="training_run",
        request=request,
        result_version=RESULT_VERSION,
        result=trained.plain_result(),
        progress_done=progress.done,
        progress_total=progress.total,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        compute_seconds=seconds,
        dataset_id=dataset.get("id"),
    )
    return computations.record(state.database, finished, trained.arrays)


def _progress(question: RunQuestion, trained: Trained) -> Progress:
    return Progress(done=trained.result.iterations or 0, total=question.n_iterations)


@router.post(
    "/v1/training-runs",
    response_model=RunAnswer,
    summary="Train the network",
    responses={
        200: {"description": "It was done before, or was not to be kept."},
        201: {"model": RunAnswer, "description": "Trained now, and kept."},
        **problems(*BODY, *STORE, *KEEP),
    },
)
async def post(
    state: Here, question: Annotated[RunQuestion, Body(default_factory=RunQuestion)]
) -> JsonAnswer:
    """Train from the initial weights and answer how it ended.

    The same question again is the same run: it is not trained twice.
    """
    if not question.keep:
        return JsonAnswer(await run_in_threadpool(unkept, question, state))
    request = await run_in_threadpool(training.resolve, question)
    run_id = question_id("run", request)
    async with state.asking(run_id):
        row, created = await run_in_threadpool(kept, run_id, request, question, state)
    headers = {"Location": f"/v1/training-runs/{row.id}"} if created else None
    return JsonAnswer(describe(row), 201 if created else 200, headers)


@router.get(
    "/v1/training-runs",
    response_model=RunPage,
    summary="List training runs",
    responses=problems(INVALID, *STORE[1:]),
)
async def page(
    state: Here,
    status: Annotated[Status | None, Query(description="Only runs of this status.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> JsonAnswer:
    """Return a page of kept runs, newest first."""
    rows, following = await run_in_threadpool(
        computations.page, state.database, "training_run", limit, cursor, status=status
    )
    return JsonAnswer(RunPage(items=[describe(row) for row in rows], next_cursor=following))


@router.get(
    "/v1/training-runs/{run_id}/trajectory.{suffix}",
    response_class=Response,
    summary="Draw or download a trajectory",
    responses={**contents(*FORMATS), **problems(INVALID, *STORE, CONFLICT)},
)
async def trajectory_file(
    request: Request, state: Here, run_id: str, suffix: str, look: Look
) -> Response:
    """Draw the path of the weights over the cost surface, or list it as csv."""
    picture_suffix(suffix, FORMATS)
    known_id("run", run_id)
    etag = etag_of("trajectory", run_id, suffix, look)
    row = await run_in_threadpool(finished_run, run_id, state)
    return not_modified(request, etag) or content(
        await run_in_threadpool(_file, row, state, suffix, look), suffix, etag
    )


def _file(row: ComputationRow, state: State, suffix: str, look: Picture) -> bytes:
    columns = computations.load_arrays(state.database, row.id)
    if suffix == "csv":
        return tables.csv({name: columns[name] for name in ("iteration", "w_in", "w_rec", "cost")})
    question = RunQuestion.model_validate(row.request)
    samples = samples_of(question.dataset, state)
    result = RunResult.model_validate(row.result)
    return pictures.trajectory_of_run(
        question, result, columns, samples, look, suffix, state.limits
    )


@router.get(
    "/v1/training-runs/{run_id}/trajectory",
    response_model=TrajectoryAnswer,
    summary="Read a trajectory",
    responses=problems(*STORE, CONFLICT, LIMIT),
)
async def trajectory(state: Here, run_id: str) -> JsonAnswer:
    """Return the weights and costs that the run recorded, as columns."""
    return JsonAnswer(await run_in_threadpool(_trajectory, run_id, state))


def _trajectory(run_id: str, state: State) -> TrajectoryAnswer:
    row = finished_run(run_id, state)
    columns = computations.load_arrays(state.database, row.id)
    n_numbers = sum(map(len, columns.values()))
    state.limits.check_json(n_numbers, None, "ask for .csv, or train with a larger record_every")
    return TrajectoryAnswer(**columns)


@router.get(
    "/v1/training-runs/{run_id}",
    response_model=RunAnswer,
    summary="Describe a training run",
    responses=problems(*STORE),
)
async def get(state: Here, run_id: str) -> JsonAnswer:
    """Return a kept run."""
    known_id("run", run_id)
    return JsonAnswer(describe(await run_in_threadpool(computations.get, state.database, run_id)))


@router.delete(
    "/v1/training-runs/{run_id}",
    status_code=204,
    summary="Delete a training run",
    responses=problems(*STORE, CONFLICT),
)
async def delete(state: Here, run_id: str) -> Response:
    """Delete a finished run and its trajectory; asked again, it is trained anew."""
    known_id("run", run_id)
    await run_in_threadpool(computations.delete, state.database, run_id)
    return Response(status_code=204)
