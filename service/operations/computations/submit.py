"""Respond to requests for computations: from the database, at once, or as a job."""

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from time import thread_time
from typing import Any, NamedTuple

from anyio import to_thread

from service import store
from service.errors import Invalid, LimitExceeded, NotFound
from service.lifecycle import RETRYABLE
from service.operations.computations.job_types import AfterStep, Arrays, JobType, Unfinished
from service.operations.computations.stored import describe
from service.operations.datasets import store_dataset
from service.operations.shared.context import Context
from service.operations.shared.flat import find_models
from service.operations.shared.ids import RESULT_VERSION, canonical_request, computation_id
from service.operations.shared.limits import check_seconds
from service.operations.shared.resolve import check_targets
from service.operations.shared.work_estimates import storing_seconds
from service.scheduling.work import add_work, current_client, current_key
from service.schemas.base import encode
from service.schemas.computations import ComputationRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize
from service.store.rows import ComputationRow
from service.values.budget import OverBudget

NOT_HASHED = frozenset({"keep"})
KEEP_INSTEAD = ": keep it instead"
# The event loop encodes this many numbers in about a millisecond. Another thread would take a
# tenth of the time of the tutorial's run.
FEW_NUMBERS = 10_000


class Task(NamedTuple):
    """A request for a computation, its canonical JSON, and the id of its result."""

    job_type: JobType[Any]
    request: ComputationRequest
    body: dict[str, Any]
    id: str  # empty if the result is not stored


async def get_or_submit(
    job_type: JobType[Any], request: ComputationRequest, context: Context, *, respond_async: bool
) -> tuple[ComputationRow, bool]:
    """Return the row of a computation: found, computed now, or accepted as a job.

    The flag is True if this call computed the result or accepted the job. Identical simultaneous
    requests wait for the first of them. With ``respond_async``, short work also becomes a job.

    It raises Invalid if the request is contradictory or exceeds a limit, and NotFound if its
    dataset is not stored.
    """
    task, dataset = await _prepare(job_type, request, context)
    # It continues although its client has disconnected.
    run = partial(context.scheduler.run, is_wanted=lambda: True)
    database, limits = context.database, context.limits
    async with context.lock(task.id):
        row = await to_thread.run_sync(_find, task.id, database)
        if row is not None:
            return row, False
        seconds, unfinished = job_type.estimate(task.request, dataset.size, limits), None
        limit = limits.max_sync_seconds
        is_job = respond_async or seconds > limit
        if request.dataset.n_given or (is_job and job_type.check is not None):
            await run(storing_seconds(dataset), _accept, task, dataset, context)
        if is_job:
            add_work(estimated=seconds)  # which a worker spends
        else:
            try:
                finished = await run(seconds, compute, task, dataset, limit=limit)
                return await to_thread.run_sync(store.computations.record, database, *finished)
            except Unfinished as error:
                unfinished = error
        arguments = task, dataset.size, seconds, context, unfinished
        return await to_thread.run_sync(_submit, *arguments)


async def run_without_storing(
    job_type: JobType[Any], request: ComputationRequest, context: Context, *, respond_async: bool
) -> bytes:
    """Compute synchronously and return the full result as JSON, without storing it.

    It raises Invalid in the cases of `get_or_submit`, and if the request would become a job.
    """
    if respond_async:
        raise Invalid("a job is always stored: omit respond-async, or keep the result", "/keep")
    task, dataset = await _prepare(job_type, request, context)
    seconds = job_type.estimate(task.request, dataset.size, context.limits)
    limit, purpose = context.limits.max_sync_seconds, "without storing the result"
    check_seconds(seconds, limit, purpose, "/keep", KEEP_INSTEAD)
    try:
        row, arrays = await context.scheduler.run(seconds, compute, task, dataset, limit=limit)
    except OverBudget as over:
        took = f"this took {over.spent:.3g} seconds"
        detail = f"{took}; the limit {purpose} is {limit:g}{KEEP_INSTEAD}"
        raise LimitExceeded(detail, "/keep", **over.members) from None
    if sum(array.size for array in arrays.values()) <= FEW_NUMBERS:
        return encode_inline(job_type, row, arrays)
    return await to_thread.run_sync(encode_inline, job_type, row, arrays)


async def _prepare(
    job_type: JobType[Any], request: ComputationRequest, context: Context
) -> tuple[Task, AnyDataset]:
    """Resolve the dataset, fill in the defaults that depend on it, and derive the id."""
    dataset = await context.resolve(request.dataset)
    if not job_type.takes_series:
        check_targets(dataset)
    if job_type.complete is not None:
        request = await to_thread.run_sync(job_type.complete, request, dataset)  # may read data
    if request.dataset.n_given:  # it is hashed
        return await to_thread.run_sync(name_task, job_type, request), dataset
    return name_task(job_type, request), dataset


def name_task(job_type: JobType[Any], request: ComputationRequest) -> Task:
    """Derive the id of a computation from its request, with all defaults filled in."""
    body = canonical_request(request, NOT_HASHED)
    new_id = computation_id(job_type.prefix, body) if request.keep else ""
    return Task(job_type, request, body, new_id)


def _find(identifier: str, database: "store.Database") -> ComputationRow | None:
    """Return the row of an existing computation that can succeed."""
    with suppress(NotFound):
        row = store.computations.get(database, identifier)
        if row.status not in RETRYABLE:
            return row
    return None


def _accept(task: Task, dataset: AnyDataset, context: Context) -> None:
    """Store the data in a request; raises Invalid for data that contradict it."""
    if task.job_type.check is not None:
        task.job_type.check(task.request, dataset)
    if task.request.dataset.n_given:
        store_dataset(dataset, context.database, context.limits)


def encode_inline(job_type: JobType[Any], row: ComputationRow, arrays: Arrays) -> bytes:
    """Return a computation as JSON with the arrays of its schema, and without an id."""
    field = job_type.response_model.model_fields[job_type.arrays_field]
    (model,) = find_models(field.annotation)
    inline: dict[str, Any] = {name: arrays[name] for name in arrays if name in model.model_fields}
    for name, texts in job_type.words.items():
        inline[name] = texts[arrays[name]].tolist()
    not_stored = {"id": None, "links": None, job_type.arrays_field: inline}
    return encode(describe(job_type, row).model_copy(update=not_stored))


def compute(
    task: Task, dataset: AnyDataset, after_step: AfterStep = lambda _: None
) -> tuple[ComputationRow, Arrays]:
    """Compute the result synchronously, as a worker does; return its row and its arrays.

    It raises Unfinished, and Invalid for data that contradict the request.
    """
    job_type, request, computation = task.job_type, task.request, None
    started_at, start = datetime.now(UTC), thread_time()
    try:
        if job_type.check is not None:
            job_type.check(request, dataset)
        computation = job_type.begin(request, dataset, {}, [])
        output = computation.run(after_step)
    except OverBudget as over:
        raise Unfinished(over, computation) from None
    row = _make_row(
        task,
        status="succeeded",
        result=output.result_json(),
        progress_done=output.done,
        created_at=started_at,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        compute_seconds=thread_time() - start,
    )
    return row, output.arrays


def _submit(
    task: Task, size: DatasetSize, seconds: float, context: Context, unfinished: Unfinished | None
) -> tuple[ComputationRow, bool]:
    """Accept a job of estimated seconds, or one that continues after its budget."""
    fields: dict[str, Any] = {}
    arrays: Arrays = {}
    if unfinished is not None:
        seconds = unfinished.spent
        if unfinished.computation is not None:
            computation = unfinished.computation
            computation.add_part()
            (part,) = computation.parts or [{}]
            done = computation.done
            state = computation.state()
            arrays = store.checkpoints.Checkpoint(0, done, None, state, part, seconds).arrays
            fields = {"progress_done": done, "compute_seconds": seconds}
            if done:
                seconds *= task.request.progress_total / done
    job = _make_row(
        task,
        created_at=datetime.now(UTC),
        client=current_client.get(),
        estimated_seconds=seconds,
        **fields,
    )
    return store.jobs.submit(
        context.database,
        job,
        context.enqueue,
        max_queued=context.limits.max_queued_jobs,
        max_per_client=context.limits.queued_jobs_per_client,
        result_bytes=task.job_type.result_bytes(task.request, size),
        checkpoint=arrays,
    )


def _make_row(task: Task, **fields: Any) -> ComputationRow:
    """Return a row for the task, with further fields."""
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
