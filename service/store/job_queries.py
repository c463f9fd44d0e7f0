"""Queries over many jobs, for the reaper and for requests that wait for jobs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, get_args

from sqlalchemy import func, select

from service.lifecycle import UNFINISHED, Kind
from service.store.database import Database
from service.store.rows import ComputationRow
from service.store.tables import computations, current_time


class UnfinishedJobs(NamedTuple):
    """The number of jobs of a kind and a status, and the age of the oldest in seconds."""

    kind: str
    status: str
    n: int
    oldest_seconds: float


def list_unfinished(database: Database, limit: int) -> Sequence[Any]:
    """Return jobs: running ones, then queued ones in the order of execution.

    A row has the ``lease``, the ``status``, ``heartbeat_at`` and the ``result_version``.
    """
    job = computations.c
    query = (
        select(job.lease, job.status, job.heartbeat_at, job.result_version)
        .where(job.status.in_(UNFINISHED))
        .order_by(job.status.desc(), job.due, job.created_at)
        .limit(limit)
    )
    with database.snapshot() as connection:
        return connection.execute(query).all()


def get_many(database: Database, ids: Collection[str]) -> dict[str, ComputationRow]:
    """Return the existing computations with these ids."""
    query = select(computations).where(computations.c.id.in_(ids))
    with database.snapshot() as connection:
        return {row.id: ComputationRow.of(row) for row in connection.execute(query)}


def count_unfinished(database: Database) -> list[UnfinishedJobs]:
    """Return the number and the ages of queued and running jobs, by kind and status.

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
