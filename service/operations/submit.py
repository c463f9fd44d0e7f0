"""Respond to requests for computations: from the database, at once, or as a job."""

from contextlib import suppress
from datetime import UTC, datetime
from time import thread_time
from typing import Any, NamedTuple

from anyio import to_thread

from service.errors import Invalid, NotFound
from service.lifecycle import RETRYABLE, UNFINISHED
from service.operations.caller import current_client, current_key
from service.operations.computations import describe
from service.operations.context import Context
from service.operations.datasets import store_dataset
from service.operations.ids import RESULT_VERSION, canonical_request, computation_id
from service.operations.job_types import AfterStep, Arrays, JobType, Unfinished
from service.operations.work_estimates import reading_seconds, storing_seconds
from service.scheduling import OverBudget, charge_job
from service.schemas.base import encode
from service.schemas.computations import ComputationRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize
from service.store import computations, jobs
from service.store.checkpoints import Checkpoint
from service.store.rows import ComputationRow

NOT_HASHED = frozenset({"keep"})


class Task(NamedTuple):
    """A request for a computation, the JSON that names its result, and the id of that."""

    job_type: JobType[Any]
    request: ComputationRequest
    body: dict[str, Any]
    id: str


async def get_or_submit(
    job_type: JobType[Any],
    request: ComputationRequest,
    context: Context,
    *,
    respond_async: bool,
) -> tuple[ComputationRow, bool]:
    """Return the row of a computation: found, computed now, or accepted as a job.

    The flag is True if this call computed the result or accepted the job. Identical simultaneous
    requests wait for the first of them. With ``respond_async``, short work becomes a job, too.

    It raises Invalid if the request is contradictory, or above a limit, and NotFound if its dataset
    is not stored.
    """
    task, dataset = await _prepare(job_type, request, context)
    request = task.request
    async with context.lock(task.id):
        row = await to_thread.run_sync(_find, task.id, context)
        if row is not None:
            return row, False
        seconds = job_type.estimate(request, dataset.size, context.limits)
        if not respond_async and seconds <= context.limits.max_sync_seconds:
            # It goes on although its client has left.
            stored, created = await context.scheduler.run(
                seconds,
                _compute_and_store,
                task,
                dataset,
                context,
                limit=context.limits.max_sync_seconds,
                is_wanted=lambda: True,
            )
            if created and stored.status in UNFINISHED:  # what was spent is charged already
                rest = (stored.estimated_seconds or 0.0) - (stored.compute_seconds or 0.0)
                await charge_job(max(rest, 0.0), is_accepted=True)
            return stored, created
        if job_type.check is not None:
            seconds_to_read = reading_seconds(dataset.size)
            await context.scheduler.run(seconds_to_read, job_type.check, request, dataset)
        if request.dataset.n_given:
            await context.scheduler.run(
                storing_seconds(dataset),
                store_dataset,
                dataset,
                context.database,
                context.limits,
            )
        await charge_job(seconds)
        return await to_thread.run_sync(_submit, task, dataset.size, seconds, context)


async def run_without_storing(
    job_type: JobType[Any],
    request: ComputationRequest,
    context: Context,
    *,
    respond_async: bool,
) -> bytes:
    """Compute at once and return everything as JSON, without storing anything.

    It raises Invalid as `get_or_submit`, and if the request would become a job.
    """
    if respond_async:
        raise Invalid("a job is always stored: omit respond-async, or keep the result", "/keep")
    task, dataset = await _prepare(job_type, request, context)
    seconds = job_type.estimate(task.request, dataset.size, context.limits)
    context.limits.check_without_storing(seconds)

    def respond() -> bytes:
        return encode_inline(job_type, *compute(task, dataset))

    limit = context.limits.max_sync_seconds
    try:
        return await context.scheduler.run(seconds, respond, limit=limit)
    except OverBudget as over:
        raise context.limits.without_storing(over.spent) from None


async def _prepare(
    job_type: JobType[Any], request: ComputationRequest, context: Context
) -> tuple[Task, AnyDataset]:
    """Resolve the dataset, fill in the defaults that depend on it, and name the computation."""
    resolve = context.resolve_any if job_type.takes_series else context.resolve
    dataset = await resolve(request.dataset)
    if job_type.complete is not None:
        request = job_type.complete(request, dataset)
    if request.dataset.n_given:  # it is hashed
        return await to_thread.run_sync(name_task, job_type, request), dataset
    return name_task(job_type, request), dataset


def name_task(job_type: JobType[Any], request: ComputationRequest) -> Task:
    """Name a computation by its request, with all defaults filled in."""
    body = canonical_request(request, NOT_HASHED)
    return Task(job_type, request, body, computation_id(job_type.prefix, body))


def _find(identifier: str, context: Context) -> ComputationRow | None:
    """Return the row of a computation that exists already and can succeed."""
    with suppress(NotFound):
        row = computations.get(context.database, identifier)
        if row.status not in RETRYABLE:
            return row
    return None


def _compute_and_store(
    task: Task, dataset: AnyDataset, context: Context
) -> tuple[ComputationRow, bool]:
    """Return the stored result, or the job that goes on from where the budget ended."""
    try:
        row, arrays = compute(task, dataset)
    except Unfinished as unfinished:
        if task.request.dataset.n_given:
            store_dataset(dataset, context.database, context.limits)
        return _submit(task, dataset.size, unfinished.spent, context, unfinished)
    if task.request.dataset.n_given:
        store_dataset(dataset, context.database, context.limits)
    return computations.record(context.database, row, arrays)


def encode_inline(job_type: JobType[Any], row: ComputationRow, arrays: Arrays) -> bytes:
    """Return a computation as JSON that has all its arrays, without the id that nothing has."""
    words = {name: texts[arrays[name]].tolist() for name, texts in job_type.words.items()}
    not_stored = {"id": None, "links": None, job_type.arrays_field: {**arrays, **words}}
    return encode(describe(job_type, row).model_copy(update=not_stored))


def compute(
    task: Task, dataset: AnyDataset, after_step: AfterStep = lambda _: None
) -> tuple[ComputationRow, Arrays]:
    """Return the row of a finished computation, and its arrays."""
    started_at, start = datetime.now(UTC), thread_time()
    output = task.job_type.compute(task.request, dataset, after_step)
    seconds = thread_time() - start
    row = _make_row(
        task,
        status="succeeded",
        result=output.result_json(),
        progress_done=output.done,
        created_at=started_at,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        compute_seconds=seconds,
    )
    return row, output.arrays


def _submit(
    task: Task,
    size: DatasetSize,
    seconds: float,
    context: Context,
    begun: Unfinished | None = None,
) -> tuple[ComputationRow, bool]:
    """Accept a job of estimated seconds, or one that has spent some and goes on from there."""
    fields: dict[str, Any] = {"estimated_seconds": seconds}
    arrays: Arrays = {}
    if begun is not None and begun.computation is not None:
        computation = begun.computation
        computation.add_part()
        (part,) = computation.parts or [{}]
        state, done = computation.state(), computation.done
        arrays = Checkpoint(0, done, None, state, part, begun.spent).arrays
        share = done / max(task.request.progress_total, 1)
        fields |= {
            "estimated_seconds": seconds / share if share else seconds,
            "progress_done": done,
            "compute_seconds": seconds,
        }
    job = _make_row(task, created_at=datetime.now(UTC), client=current_client.get(), **fields)
    return jobs.submit(
        context.database,
        job,
        context.enqueue,
        max_queued=context.limits.max_queued_jobs,
        max_per_client=context.limits.max_queued_jobs_per_client,
        result_bytes=task.job_type.result_bytes(task.request, size),
        checkpoint=arrays,
    )


def _make_row(task: Task, **fields: Any) -> ComputationRow:
    """Return the row of a computation with what the task says, and other fields."""
    return ComputationRow(
        id=task.id,
        kind=task.job_type.kind,
        request=task.body,
        result_version=RESULT_VERSION,
        dataset_id=task.body["dataset"].get("id"),
        progress_total=task.request.progress_total,
        created_by=current_key.get(),
        **fields,
    )
