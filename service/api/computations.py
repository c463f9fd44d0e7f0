"""How a question that can be kept is answered: training runs and basin maps alike."""

from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple

from fastapi.concurrency import run_in_threadpool

from service.api.dependencies import AppState
from service.api.errors import job_problem
from service.api.prefer import Preference
from service.api.responses import OrjsonResponse
from service.api.routes.datasets import keep, keep_samples
from service.errors import Invalid, NotFound
from service.operations.ids import RESULT_VERSION, canonical_request, computation_id
from service.operations.job_types import ComputationOutput, JobType
from service.operations.resolve import ResolvedDataset, dataset_size, resolve_dataset
from service.schemas.computations import Progress
from service.schemas.datasets import ExplicitDataset
from service.store import computations, jobs
from service.store.computations import FinishedComputation
from service.store.jobs import JobRequest
from service.store.rows import ComputationRow
from service.store.tables import RETRYABLE, UNFINISHED

NOT_HASHED = frozenset({"keep"})


class Ran(NamedTuple):
    """A computation that was done now: what came out, and when."""

    computed: ComputationOutput
    request: dict[str, Any]
    started_at: datetime
    finished_at: datetime
    seconds: float


def run(computation: JobType[Any], question: Any, samples: ResolvedDataset) -> Ran:
    """Compute at once what was found to be small enough."""
    started_at, began = datetime.now(UTC), perf_counter()
    computed = computation.compute(question, samples)
    seconds = perf_counter() - began
    request = canonical_request(question, without=NOT_HASHED)
    return Ran(computed, request, started_at, datetime.now(UTC), seconds)


async def once(
    computation: JobType[Any], question: Any, state: AppState, preference: Preference
) -> Ran:
    """Compute without keeping anything; raises Invalid where that takes too long."""
    if preference.respond_async:
        raise Invalid("what becomes a job is kept: leave out respond-async, or keep it", "/keep")
    seconds = await run_in_threadpool(checked, computation, question, state)
    state.limits.check_unkept(seconds)

    def resolve_and_run() -> Ran:
        return run(
            computation, question, resolve_dataset(question.dataset, state.database, state.limits)
        )

    return await state.compute(resolve_and_run)


async def kept(
    computation: JobType[Any], question: Any, state: AppState, preference: Preference
) -> tuple[ComputationRow, bool]:
    """Return the question's row: computed now, done before, or a job.

    The second value tells whether it is there by this very call. Identical questions at once
    wait for the first of them.
    """
    request = await run_in_threadpool(canonical_request, question, without=NOT_HASHED)
    asked = computation_id(computation.prefix, request)
    async with state.asking(asked):
        known = await run_in_threadpool(_known, asked, state)
        if known is not None:
            row, created = known, False
        else:
            seconds = await run_in_threadpool(checked, computation, question, state)
            if preference.respond_async or seconds > state.limits.max_sync_seconds:
                if isinstance(question.dataset, ExplicitDataset):
                    await state.compute(keep, question.dataset, state)
                row, created = await run_in_threadpool(
                    _submitted, computation, asked, question, request, state
                )
            else:
                row, created = await state.compute(_kept, computation, asked, question, state)
    if row.status in UNFINISHED and preference.wait:
        row = await state.watch.finished(row, preference.wait)
    return row, created


def checked(computation: JobType[Any], question: Any, state: AppState) -> float:
    """Return how many seconds a question takes, by estimate; raises Invalid for bad ones."""
    size = dataset_size(question.dataset, state.database, state.limits)
    computation.check(question, size, state.limits)
    return computation.seconds(question, size)


def answered(
    row: ComputationRow, created: bool, answer: Any, here: str, preference: Preference
) -> OrjsonResponse:
    """Answer 202 while a job is unfinished, else 201 if this call began it, else 200."""
    headers = dict(preference.headers)
    unfinished = row.status in UNFINISHED
    if unfinished or created:
        headers["Location"] = here
    if unfinished:
        headers["Retry-After"] = "1"
    return OrjsonResponse(answer, 202 if unfinished else 201 if created else 200, headers)


def _known(asked: str, state: AppState) -> ComputationRow | None:
    """Return the row of a question that needs no computing."""
    with suppress(NotFound):
        known = computations.get(state.database, asked)
        if known.status not in RETRYABLE:
            return known
    return None


def _submitted(
    computation: JobType[Any],
    asked: str,
    question: Any,
    request: dict[str, Any],
    state: AppState,
) -> tuple[ComputationRow, bool]:
    job = JobRequest(
        id=asked,
        kind=computation.kind,
        request=request,
        result_version=RESULT_VERSION,
        progress_total=computation.total(question),
        dataset_id=request["dataset"].get("id"),
    )
    return jobs.submit(state.database, job, state.queue.enqueue)


def _kept(
    computation: JobType[Any], asked: str, question: Any, state: AppState
) -> tuple[ComputationRow, bool]:
    samples = resolve_dataset(question.dataset, state.database, state.limits)
    ran = run(computation, question, samples)
    if isinstance(question.dataset, ExplicitDataset):
        keep_samples(samples, state)
    finished = FinishedComputation(
        id=asked,
        kind=computation.kind,
        request=ran.request,
        result_version=RESULT_VERSION,
        result=ran.computed.plain_result(),
        progress_done=ran.computed.done,
        progress_total=computation.total(question),
        created_at=ran.started_at,
        started_at=ran.started_at,
        finished_at=ran.finished_at,
        compute_seconds=ran.seconds,
        dataset_id=ran.request["dataset"].get("id"),
    )
    return computations.record(state.database, finished, ran.computed.arrays)


def described(row: ComputationRow, links: dict[str, str]) -> dict[str, Any]:
    """Return the fields that every kept answer has, and those of its result."""
    return {
        "id": row.id,
        "status": row.status,
        "request": row.request,
        "result_version": row.result_version,
        **(row.result or {}),
        "progress": Progress(done=row.progress_done, total=row.progress_total),
        "attempt": row.attempt,
        "error": job_problem(row.error),
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "compute_seconds": row.compute_seconds,
        "links": links,
    }


def unkept(ran: Ran, total: int) -> dict[str, Any]:
    """Return the same fields for an answer that is not kept."""
    return {
        "id": None,
        "status": "succeeded",
        "request": ran.request,
        "result_version": RESULT_VERSION,
        **ran.computed.result.__dict__,
        "progress": Progress(done=ran.computed.done, total=total),
        "attempt": 1,
        "error": None,
        "created_at": ran.started_at,
        "started_at": ran.started_at,
        "finished_at": ran.finished_at,
        "compute_seconds": ran.seconds,
        "links": None,
    }
