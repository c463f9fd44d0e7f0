"""Respond to requests for computations: from the database, at once, or as a job."""

from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from anyio import to_thread

from service.errors import Invalid, NotFound
from service.lifecycle import RETRYABLE
from service.operations.caller import current_key
from service.operations.context import Context
from service.operations.datasets import store_dataset
from service.operations.ids import RESULT_VERSION, canonical_request, computation_id
from service.operations.job_types import JobType
from service.operations.work_estimates import storing_seconds
from service.scheduling import charge_work
from service.schemas.base import encode
from service.schemas.computations import ComputationRequest
from service.schemas.datasets import ResolvedDataset
from service.store import computations, jobs
from service.store.computations import FinishedComputation
from service.store.jobs import JobRequest
from service.store.rows import ComputationRow

NOT_HASHED = frozenset({"keep"})


class Timer:
    """Measures how long the body of a ``with`` statement takes, and when it starts and ends."""

    def __enter__(self) -> Self:
        self.started_at, self._start = datetime.now(UTC), perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.finished_at, self.seconds = datetime.now(UTC), perf_counter() - self._start


async def get_or_submit(
    job_type: JobType[Any],
    request: ComputationRequest,
    context: Context,
    *,
    respond_async: bool,
) -> tuple[ComputationRow, bool]:
    """Return the row of a computation: found, computed now, or accepted as a job.

    Identical simultaneous requests wait for the first of them.

    Parameters
    ----------
    respond_async
        Make a job of it, even if it is short.

    Returns
    -------
    row, created
        ``created`` is True if this call computed the result or accepted the job.

    Raises
    ------
    Invalid
        The request is contradictory, or above a limit.
    NotFound
        Its dataset is not stored.
    """
    body = await _canonical_body(request)
    new_id = computation_id(job_type.prefix, body)
    async with context.lock(new_id):
        row = await to_thread.run_sync(_find, new_id, context)
        if row is not None:
            return row, False
        dataset = await context.resolve(request.dataset)
        seconds = job_type.estimate(request, dataset.size, context.limits)
        if not respond_async and seconds <= context.limits.max_sync_seconds:
            arguments = job_type, new_id, request, body, dataset, context
            return await context.scheduler.run(seconds, _compute_and_store, *arguments)
        if request.dataset.n_given:
            await context.scheduler.run(
                storing_seconds(dataset.size),
                store_dataset,
                dataset,
                context.database,
                context.limits,
            )
        await charge_work(seconds)
        return await to_thread.run_sync(_submit, job_type, new_id, request, body, seconds, context)


async def run_without_storing(
    job_type: JobType[Any],
    request: ComputationRequest,
    context: Context,
    *,
    respond_async: bool,
) -> bytes:
    """Compute at once and return everything as JSON, without storing anything.

    Raises
    ------
    Invalid
        The request is contradictory or above a limit, or requires a job.
    LimitExceeded
        The computation takes too long to wait for.
    """
    if respond_async:
        raise Invalid("a job is always stored: omit respond-async, or keep the result", "/keep")
    dataset = await context.resolve(request.dataset)
    seconds = job_type.estimate(request, dataset.size, context.limits)
    context.limits.check_unkept(seconds)
    return await context.scheduler.run(seconds, _compute_json, job_type, request, dataset)


async def _canonical_body(request: ComputationRequest) -> dict[str, Any]:
    """Return the canonical request, in a thread if a dataset in it has to be hashed."""
    if request.dataset.n_given:
        return await to_thread.run_sync(canonical_request, request, NOT_HASHED)
    return canonical_request(request, NOT_HASHED)


def _find(identifier: str, context: Context) -> ComputationRow | None:
    """Return the row of a computation that exists already and can succeed."""
    with suppress(NotFound):
        row = computations.get(context.database, identifier)
        if row.status not in RETRYABLE:
            return row
    return None


def _compute_and_store(
    job_type: JobType[Any],
    new_id: str,
    request: ComputationRequest,
    body: dict[str, Any],
    dataset: ResolvedDataset,
    context: Context,
) -> tuple[ComputationRow, bool]:
    with Timer() as timer:
        output = job_type.compute(request, dataset)
    if request.dataset.n_given:
        store_dataset(dataset, context.database, context.limits)
    finished = FinishedComputation(
        id=new_id,
        kind=job_type.kind,
        request=body,
        result_version=RESULT_VERSION,
        result=output.result_json(),
        progress_done=output.done,
        progress_total=request.n_iterations,
        created_at=timer.started_at,
        started_at=timer.started_at,
        finished_at=timer.finished_at,
        compute_seconds=timer.seconds,
        dataset_id=body["dataset"].get("id"),
        created_by=current_key.get(),
    )
    return computations.record(context.database, finished, output.arrays)


def _submit(
    job_type: JobType[Any],
    new_id: str,
    request: ComputationRequest,
    body: dict[str, Any],
    seconds: float,
    context: Context,
) -> tuple[ComputationRow, bool]:
    job = JobRequest(
        id=new_id,
        kind=job_type.kind,
        request=body,
        result_version=RESULT_VERSION,
        progress_total=request.n_iterations,
        dataset_id=body["dataset"].get("id"),
        result_bytes=job_type.result_bytes(request),
        estimated_seconds=seconds,
        created_by=current_key.get(),
    )
    max_queued = context.limits.max_queued_jobs
    return jobs.submit(context.database, job, context.enqueue, max_queued)


def _compute_json(
    job_type: JobType[Any], request: ComputationRequest, dataset: ResolvedDataset
) -> bytes:
    with Timer() as timer:
        output = job_type.compute(request, dataset)
    values: dict[str, Any] = {
        "id": None,
        "status": "succeeded",
        "request": canonical_request(request, NOT_HASHED),
        "result_version": RESULT_VERSION,
        **output.result.__dict__,
        "progress": {"done": output.done, "total": request.n_iterations},
        "attempt": 1,
        "error": None,
        "created_at": timer.started_at,
        "created_by": current_key.get(),
        "started_at": timer.started_at,
        "finished_at": timer.finished_at,
        "compute_seconds": timer.seconds,
        "links": None,
        job_type.arrays_field: output.arrays,
    }
    # In the order of the model, but without validation: every value comes from this service.
    return encode({name: values[name] for name in job_type.response_model.model_fields})
