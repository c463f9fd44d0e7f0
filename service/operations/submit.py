"""Answer requests for computations: from the database, at once, or as a job."""

from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple

from anyio import to_thread

from service.errors import Invalid, NotFound
from service.operations.datasets import store_dataset, store_resolved
from service.operations.ids import RESULT_VERSION, canonical_request, computation_id
from service.operations.job_types import ComputationOutput, JobType
from service.operations.resolve import ResolvedDataset, dataset_size, resolve_dataset
from service.operations.services import Services
from service.schemas.base import ResponseModel
from service.schemas.computations import ComputationRequest, Progress
from service.schemas.datasets import ExplicitDataset
from service.store import computations, jobs
from service.store.computations import FinishedComputation
from service.store.jobs import JobRequest
from service.store.rows import ComputationRow
from service.store.tables import RETRYABLE

NOT_HASHED = frozenset({"keep"})


class _TimedOutput(NamedTuple):
    """The output of a computation, and when it was computed."""

    output: ComputationOutput
    started_at: datetime
    finished_at: datetime
    seconds: float


async def get_or_submit(
    job_type: JobType[Any],
    request: ComputationRequest,
    services: Services,
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
    request_json = await to_thread.run_sync(_canonical_json, request)
    new_id = computation_id(job_type.prefix, request_json)
    async with services.lock(new_id):
        known = await to_thread.run_sync(_find, new_id, services)
        if known is not None:
            return known, False
        seconds = await to_thread.run_sync(_estimate, job_type, request, services)
        if not respond_async and seconds <= services.limits.max_sync_seconds:
            return await services.compute(
                _compute_and_store, job_type, new_id, request, request_json, services
            )
        if isinstance(request.dataset, ExplicitDataset):
            await services.compute(
                store_dataset, request.dataset, services.database, services.limits
            )
        return await to_thread.run_sync(_submit, job_type, new_id, request, request_json, services)


async def run_without_storing(
    job_type: JobType[Any],
    request: ComputationRequest,
    services: Services,
    *,
    respond_async: bool,
) -> ResponseModel:
    """Compute at once and return everything, without storing anything.

    Raises
    ------
    Invalid
        The request is contradictory or above a limit, or requires a job.
    LimitExceeded
        The computation takes too long to wait for.
    """
    if respond_async:
        raise Invalid("a job is always stored: omit respond-async, or keep the result", "/keep")
    seconds = await to_thread.run_sync(_estimate, job_type, request, services)
    services.limits.check_unkept(seconds)
    return await services.compute(_compute_response, job_type, request, services)


def _canonical_json(request: ComputationRequest) -> dict[str, Any]:
    return canonical_request(request, without=NOT_HASHED)


def _find(identifier: str, services: Services) -> ComputationRow | None:
    """Return the row of a computation if it does not have to be repeated."""
    with suppress(NotFound):
        row = computations.get(services.database, identifier)
        if row.status not in RETRYABLE:
            return row
    return None


def _estimate(job_type: JobType[Any], request: ComputationRequest, services: Services) -> float:
    """Check a request and estimate the seconds that it takes; raises Invalid."""
    size = dataset_size(request.dataset, services.database, services.limits)
    job_type.check(request, size, services.limits)
    return job_type.estimate_seconds(request, size)


def _compute(
    job_type: JobType[Any], request: ComputationRequest, dataset: ResolvedDataset
) -> _TimedOutput:
    started_at, start = datetime.now(UTC), perf_counter()
    output = job_type.compute(request, dataset)
    return _TimedOutput(output, started_at, datetime.now(UTC), perf_counter() - start)


def _compute_and_store(
    job_type: JobType[Any],
    new_id: str,
    request: ComputationRequest,
    request_json: dict[str, Any],
    services: Services,
) -> tuple[ComputationRow, bool]:
    dataset = resolve_dataset(request.dataset, services.database, services.limits)
    timed = _compute(job_type, request, dataset)
    if isinstance(request.dataset, ExplicitDataset):
        store_resolved(dataset, services.database, services.limits)
    finished = FinishedComputation(
        id=new_id,
        kind=job_type.kind,
        request=request_json,
        result_version=RESULT_VERSION,
        result=timed.output.result_json(),
        progress_done=timed.output.done,
        progress_total=request.n_iterations,
        created_at=timed.started_at,
        started_at=timed.started_at,
        finished_at=timed.finished_at,
        compute_seconds=timed.seconds,
        dataset_id=request_json["dataset"].get("id"),
    )
    return computations.record(services.database, finished, timed.output.arrays)


def _submit(
    job_type: JobType[Any],
    new_id: str,
    request: ComputationRequest,
    request_json: dict[str, Any],
    services: Services,
) -> tuple[ComputationRow, bool]:
    job = JobRequest(
        id=new_id,
        kind=job_type.kind,
        request=request_json,
        result_version=RESULT_VERSION,
        progress_total=request.n_iterations,
        dataset_id=request_json["dataset"].get("id"),
    )
    return jobs.submit(services.database, job, services.enqueue)


def _compute_response(
    job_type: JobType[Any], request: ComputationRequest, services: Services
) -> ResponseModel:
    dataset = resolve_dataset(request.dataset, services.database, services.limits)
    timed = _compute(job_type, request, dataset)
    arrays: dict[str, Any] = {job_type.arrays_field: timed.output.arrays}
    # Built without validation: every field comes from this service.
    return job_type.response_model.model_construct(
        id=None,
        status="succeeded",
        request=_canonical_json(request),
        result_version=RESULT_VERSION,
        **timed.output.result.__dict__,
        progress=Progress.model_construct(done=timed.output.done, total=request.n_iterations),
        attempt=1,
        error=None,
        created_at=timed.started_at,
        started_at=timed.started_at,
        finished_at=timed.finished_at,
        compute_seconds=timed.seconds,
        links=None,
        **arrays,
    )
