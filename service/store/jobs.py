"""Jobs: computations that workers execute step by step. The row of a job contains its state.

The queue delivers a job to a worker under a *lease*, a new random id for each delivery. A worker
writes only while its lease is the one in the row and the job is running. A worker that was declared
dead but resumes therefore writes nothing. A *heartbeat* shows that the worker is alive.

The queue orders jobs by ``due``, the time of the submission plus the estimated remaining seconds. A
short job therefore overtakes long ones, but none is overtaken for longer than its own estimate. A
worker returns its job at a checkpoint if another job should run instead (`must_yield`).

``deliveries`` counts claims since the last checkpoint, except those of workers that returned the
job, or that failed together with the whole service.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, case, exists, func, select, update

from service.errors import Busy
from service.lifecycle import UNFINISHED, Status
from service.store import arrays
from service.store.computations import insert_or_retry
from service.store.database import Database
from service.store.rows import ComputationRow, JsonObject
from service.store.tables import computations, current_time, get_row
from service.values.array_codec import AnyArray

MAX_DELIVERIES: Final = 3  # without a checkpoint; then the job is the cause

# A function that enqueues a lease for a result version and a due time, in a transaction.
Enqueue = Callable[[Connection, str, int, float], None]

Arrays = Mapping[str, AnyArray]


def submit(
    database: Database,
    job: ComputationRow,
    enqueue: Enqueue,
    *,
    max_queued: int | None = None,
    max_per_client: int | None = None,
    result_bytes: int = 0,
    checkpoint: Arrays = MappingProxyType({}),
) -> tuple[ComputationRow, bool]:
    """Store a job and enqueue it in the same transaction.

    A row of the same id that succeeded or is unfinished is unchanged. A failed or cancelled one is
    queued again, and its attempt is incremented. Any number of callers can submit the same job at
    the same time. ``max_queued`` and ``max_per_client`` limit the queued jobs, in total and per
    client; ``result_bytes`` is the approximate size of the result. The job resumes from the arrays
    of a ``checkpoint``, if there are any.

    Return the stored row, and True if this call queued it. Raises NotFound if the dataset does not
    exist, and Busy if too many jobs are queued.
    """
    database.check_space(result_bytes + sum(array.nbytes for array in checkpoint.values()))
    due = job.created_at.timestamp() + (job.estimated_seconds or 0.0)
    queued = replace(job, lease=_draw_lease(job.id), due=due)

    def discard_checkpoint_and_enqueue(connection: Connection, row: ComputationRow) -> None:
        n_queued, n_own = _count_queued(connection, row.client)
        if max_queued is not None and n_queued > max_queued:
            raise Busy(f"{max_queued} jobs are already queued")
        if max_per_client is not None and n_own > max_per_client:
            raise Busy(f"{max_per_client} jobs of this client are already queued")
        arrays.replace(connection, row.id, checkpoint)
        enqueue(connection, str(row.lease), row.result_version, due)

    return insert_or_retry(database, queued, discard_checkpoint_and_enqueue)


def claim(database: Database, lease: str, owner: str) -> ComputationRow | None:
    """Mark the job of a lease as running; return None if the lease is no longer valid.

    An owner that lost the connection, and therefore the outcome of its claim, can repeat it.
    """
    with database.transaction() as connection:
        now = current_time(connection)
        queued, running = (computations.c.status == status for status in ("queued", "running"))
        values = {
            "status": "running",
            "owner": owner,
            "heartbeat_at": now,
            "started_at": func.coalesce(computations.c.started_at, now),
            "deliveries": computations.c.deliveries + case((queued, 1), else_=0),
        }
        claimable = queued | (running & (computations.c.owner == owner))
        statement = (
            update(computations)
            .where(computations.c.lease == lease, claimable)
            .values(values)
            .returning(computations)
        )
        row = connection.execute(statement).first()
        return None if row is None else ComputationRow.of(row)


def heartbeat(database: Database, lease: str) -> bool:
    """Record that the worker of a job is alive; return False if its lease is no longer valid."""
    with database.transaction() as connection:
        return update_running(connection, lease, heartbeat_at=current_time(connection)) is not None


def succeed(
    database: Database, lease: str, result: JsonObject, done: int, seconds: float, named: Arrays
) -> bool:
    """End a job with its result; return False if the lease is no longer valid.

    The arrays in ``named`` replace those of the checkpoint.
    """
    database.check_space(sum(array.nbytes for array in named.values()))
    values = {"result": result, "progress_done": done, "compute_seconds": seconds}
    with database.transaction() as connection:
        return _end(connection, _is_running(lease), "succeeded", named, **values) is not None


def fail(database: Database, lease: str, error: JsonObject) -> bool:
    """End a job with a problem; return False if the lease is no longer valid."""
    with database.transaction() as connection:
        return _end(connection, _is_running(lease), "failed", error=error) is not None


def update_running(connection: Connection, lease: str, **values: Any) -> Row[Any] | None:
    """Update the running job of a lease and return its row, or None if there is none."""
    statement = update(computations).where(_is_running(lease)).values(values)
    return connection.execute(statement.returning(computations)).first()


def cancel(database: Database, computation_id: str) -> tuple[ComputationRow, bool]:
    """End an unfinished job. Its worker, if any, stops at its next heartbeat or checkpoint.

    Return the stored row, and True if this call cancelled it; raises NotFound.
    """
    is_unfinished = computations.c.status.in_(UNFINISHED)
    with database.transaction() as connection:
        row = _end(connection, is_unfinished & (computations.c.id == computation_id), "cancelled")
        if row is None:
            return get_row(connection, ComputationRow, computation_id), False
        return ComputationRow.of(row), True


def requeue(
    database: Database,
    lease: str,
    enqueue: Enqueue,
    error: JsonObject | None = None,
    max_deliveries: int = MAX_DELIVERIES,
) -> str | None:
    """Invalidate the lease of a job and enqueue the job under a new one, or fail the job.

    Return its new status, or None if the lease is not that of an unfinished job. ``error`` is the
    problem with which the job fails after ``max_deliveries`` without a checkpoint. If the job
    cannot be the cause, it is None, and the delivery is not counted.
    """
    with database.transaction() as connection:
        unfinished = computations.c.status.in_(UNFINISHED)
        query = select(computations).where(computations.c.lease == lease, unfinished)
        row = connection.execute(query.with_for_update()).first()
        if row is None:
            return None
        job = ComputationRow.of(row)
        if error is not None and job.deliveries >= max_deliveries:
            _end(connection, computations.c.id == job.id, "failed", error=error)
            return "failed"
        is_innocent = error is None and job.status == "running"
        deliveries = job.deliveries - 1 if is_innocent else job.deliveries
        new_lease = _draw_lease(job.id)
        values = {"status": "queued", "owner": None, "lease": new_lease, "deliveries": deliveries}
        connection.execute(update(computations).where(computations.c.id == job.id).values(values))
        enqueue(connection, new_lease, job.result_version, job.due or 0.0)
        return "queued"


def must_yield(database: Database, lease: str) -> bool:
    """Return True if the worker of a job should return it, because a queued job is due earlier.

    Of all running jobs, only the one that is due last yields.
    """
    mine, other = computations.alias(), computations.alias()
    queued_before = exists().where(
        other.c.status == "queued",
        other.c.result_version == mine.c.result_version,
        other.c.due < mine.c.due,
    )
    running_after = exists().where(other.c.status == "running", other.c.due > mine.c.due)
    running = (mine.c.lease == lease) & (mine.c.status == "running")
    query = select(mine.c.id).where(running, queued_before, ~running_after)
    with database.snapshot() as connection:
        return connection.execute(query).first() is not None


def _is_running(lease: str) -> ColumnElement[bool]:
    return (computations.c.lease == lease) & (computations.c.status == "running")


def _end(
    connection: Connection,
    condition: ColumnElement[bool],
    status: Status,
    named: Arrays = MappingProxyType({}),
    **values: Any,
) -> Row[Any] | None:
    """End the job that satisfies a condition, and replace its arrays; return its row."""
    values |= {"status": status, "finished_at": current_time(connection), "client": None}
    statement = update(computations).where(condition).values(values).returning(computations)
    row = connection.execute(statement).first()
    if row is not None:
        arrays.replace(connection, row.id, named)
    return row


def _count_queued(connection: Connection, client: str | None) -> tuple[int, int]:
    """Return the number of queued jobs, in total and of a client."""
    own = func.count().filter(computations.c.client == client)
    query = select(func.count(), own).where(computations.c.status == "queued")
    n_queued, n_own = connection.execute(query).one()
    return n_queued, n_own


def _draw_lease(computation_id: str) -> str:
    return f"{computation_id}.{uuid4().hex}"
