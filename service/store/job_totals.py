"""The estimated and actual seconds of all jobs, by kind, for metrics.

Rows of jobs are deleted, but a metric that counts must not decrease. Therefore the seconds of a job
that ends are added to the totals of its kind, in the same transaction. Those of unfinished jobs are
in their rows. Both are whole milliseconds, since sums of floats depend on their order.
"""

from typing import Any, NamedTuple, get_args

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, cast, func, select

from service.lifecycle import UNFINISHED, Kind
from service.store.database import Database
from service.store.rows import computations
from service.store.sql import insert
from service.store.tables import job_totals

MILLISECONDS = 1000.0


class JobSeconds(NamedTuple):
    """The seconds of the jobs of one kind: of what they have done, as estimated and as measured."""

    kind: Kind
    estimated: float
    actual: float


def add(connection: Connection, computation_id: str) -> None:
    """Add a job that has just ended."""
    kind, estimated, actual = computations.c.kind, *_milliseconds()
    ended = select(kind, estimated, actual).where(computations.c.id == computation_id)
    statement = insert(connection.dialect.name, job_totals).from_select(list(job_totals.c), ended)
    added = {
        column.name: column + statement.excluded[column.name]
        for column in (job_totals.c.estimated_ms, job_totals.c.actual_ms)
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=[job_totals.c.kind], set_=added)
    )


def read(database: Database) -> list[JobSeconds]:
    """Return the seconds of all jobs of every kind, also of those that were deleted."""
    ended: Select[Any] = select(job_totals)
    unfinished = (
        select(computations.c.kind, *map(func.sum, _milliseconds()))
        .where(computations.c.status.in_(UNFINISHED))
        .group_by(computations.c.kind)
    )
    totals: dict[Kind, tuple[int, int]] = dict.fromkeys(get_args(Kind), (0, 0))
    with database.snapshot() as connection:
        for query in (ended, unfinished):
            for kind, estimated, actual in connection.execute(query):
                before = totals[kind]
                totals[kind] = before[0] + int(estimated), before[1] + int(actual)
    return [
        JobSeconds(kind, estimated / MILLISECONDS, actual / MILLISECONDS)
        for kind, (estimated, actual) in totals.items()
    ]


def _milliseconds() -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return the milliseconds of a job, as estimated for the iterations done and as measured."""
    columns = computations.c
    share = columns.progress_done * 1.0 / func.nullif(columns.progress_total, 0)
    return _whole(columns.estimated_seconds * share), _whole(columns.compute_seconds)


def _whole(seconds: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(seconds * MILLISECONDS, 0.0), BigInteger)
