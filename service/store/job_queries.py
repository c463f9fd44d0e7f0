"""Queries over many jobs, for the reaper and for requests that wait for jobs."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from service.store.database import Database
from service.store.rows import ComputationRow, to_computation
from service.store.tables import computations


class RunningJob(NamedTuple):
    """A job that a worker executes, and the last heartbeat of that worker."""

    lease: str
    owner: str | None
    heartbeat_at: datetime | None


def list_running(database: Database) -> list[RunningJob]:
    """Return the jobs that workers execute."""
    columns = computations.c.lease, computations.c.owner, computations.c.heartbeat_at
    query = select(*columns).where(
        computations.c.status == "running", computations.c.lease.is_not(None)
    )
    with database.snapshot() as connection:
        return [RunningJob(*row) for row in connection.execute(query)]


def list_queued_leases(database: Database, limit: int) -> list[str]:
    """Return the leases of the queued jobs, in the order in which they run."""
    query = (
        select(computations.c.lease)
        .where(computations.c.status == "queued", computations.c.lease.is_not(None))
        .order_by(func.coalesce(computations.c.due, 0.0), computations.c.created_at)
        .limit(limit)
    )
    with database.snapshot() as connection:
        return list(connection.execute(query).scalars())


def get_many(database: Database, ids: Collection[str]) -> dict[str, ComputationRow]:
    """Return those of the computations with these ids that exist."""
    query = select(computations).where(computations.c.id.in_(ids))
    with database.snapshot() as connection:
        return {row.id: to_computation(row) for row in connection.execute(query)}
