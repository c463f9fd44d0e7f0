"""Queries over many jobs, for the reaper and for requests that wait for jobs."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, get_args

from sqlalchemy import exists, func, select

from service.lifecycle import UNFINISHED, Kind
from service.store.database import Database
from service.store.rows import ComputationRow, computations
from service.store.sql import current_time


class UnfinishedJobs(NamedTuple):
    """How many jobs of a kind and a status there are, and the age of the oldest in seconds."""

    kind: str
    status: str
    n: int
    oldest_seconds: float


class RunningJob(NamedTuple):
    """A job that a worker executes, and the last heartbeat of that worker."""

    lease: str
    heartbeat_at: datetime | None


def list_running(database: Database) -> list[RunningJob]:
    """Return the jobs that workers execute."""
    columns = computations.c.lease, computations.c.heartbeat_at
    query = select(*columns).where(computations.c.status == "running")
    with database.snapshot() as connection:
        return [RunningJob(*row) for row in connection.execute(query)]


def list_queued_leases(database: Database, limit: int) -> list[str]:
    """Return the leases of the queued jobs, in the order in which they run."""
    query = (
        select(computations.c.lease)
        .where(computations.c.status == "queued")
        .order_by(computations.c.due, computations.c.created_at)
        .limit(limit)
    )
    with database.snapshot() as connection:
        return list(connection.execute(query).scalars())


def list_outdated_leases(database: Database, result_version: int) -> list[str]:
    """Return the leases of queued jobs of earlier result versions, unless such a job is running."""
    job, other = computations, computations.alias()
    is_running = exists().where(
        other.c.status == "running", other.c.result_version < result_version
    )
    query = select(job.c.lease).where(
        job.c.status == "queued", job.c.result_version < result_version, ~is_running
    )
    with database.snapshot() as connection:
        return list(connection.execute(query).scalars())


def get_many(database: Database, ids: Collection[str]) -> dict[str, ComputationRow]:
    """Return those of the computations with these ids that exist."""
    query = select(computations).where(computations.c.id.in_(ids))
    with database.snapshot() as connection:
        return {row.id: ComputationRow.of(row) for row in connection.execute(query)}


def count_unfinished(database: Database) -> list[UnfinishedJobs]:
    """Return how many jobs are queued and running, and how old they are, by kind and status.

    Every combination is included, with 0 where there are no jobs.
    """
    with database.snapshot() as connection:
        query = (
            select(
                computations.c.kind,
                computations.c.status,
                func.count(),
                func.min(computations.c.created_at),
            )
            .where(computations.c.status.in_(UNFINISHED))
            .group_by(computations.c.kind, computations.c.status)
        )
        rows = connection.execute(query).all()
        now: datetime = connection.execute(select(current_time(connection))).scalar_one()
    counts = {
        (kind, status): UnfinishedJobs(kind, status, n, max(0.0, (now - oldest).total_seconds()))
        for kind, status, n, oldest in rows
    }
    return [
        counts.get((kind, status), UnfinishedJobs(kind, status, 0, 0.0))
        for kind in get_args(Kind)
        for status in UNFINISHED
    ]
