"""How a question that can be kept is answered: training runs and basin maps alike."""

from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple

from fastapi.concurrency import run_in_threadpool

from service.api.datasets import keep
from service.api.sources import samples_of
from service.api.state import State
from service.errors import NotFound
from service.operations.computed import Computation, Computed
from service.operations.identity import RESULT_VERSION, question_id, resolved
from service.schemas.computations import Progress
from service.schemas.datasets import Explicit
from service.store import computations
from service.store.computations import ComputationRow, Finished

NOT_HASHED = frozenset({"keep"})


class Ran(NamedTuple):
    """A computation that was done now: what came out, and when."""

    computed: Computed
    request: dict[str, Any]
    started_at: datetime
    finished_at: datetime
    seconds: float


def run(computation: Computation[Any], question: Any, state: State) -> Ran:
    """Compute at once; raises Invalid where that would take too long."""
    samples = samples_of(question.dataset, state)
    computation.check(question, samples, state.limits)
    started_at, began = datetime.now(UTC), perf_counter()
    computed = computation.compute(question, samples)
    seconds = perf_counter() - began
    request = resolved(question, without=NOT_HASHED)
    return Ran(computed, request, started_at, datetime.now(UTC), seconds)


async def kept(
    computation: Computation[Any], question: Any, state: State
) -> tuple[ComputationRow, bool]:
    """Return the question's row, computing it now unless that was done before.

    The second value tells whether it was computed for this very call. Identical questions at
    once wait for the first of them.
    """
    request = await run_in_threadpool(resolved, question, without=NOT_HASHED)
    asked = question_id(computation.prefix, request)
    async with state.asking(asked):
        return await run_in_threadpool(_kept, computation, asked, question, state)


def _kept(
    computation: Computation[Any], asked: str, question: Any, state: State
) -> tuple[ComputationRow, bool]:
    with suppress(NotFound):
        known = computations.get(state.database, asked)
        if known.status == "succeeded":
            return known, False
    ran = run(computation, question, state)
    if isinstance(question.dataset, Explicit):
        keep(question.dataset, state)
    finished = Finished(
        id=asked,
        kind=computation.kind,
        request=ran.request,
        result_version=RESULT_VERSION,
        result=ran.computed.plain_result(),
        progress_done=ran.computed.done,
        progress_total=computation.total(question),
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
        "error": row.error,
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
