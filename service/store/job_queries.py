"""Which jobs are held or wait, for those who watch over them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from service.store.computations import ComputationRow, _row
from service.store.database import Database
from service.store.tables import computations


class Held(NamedTuple):
    """A job that a worker holds, and when that worker was last heard of."""

    ticket: str
    owner: str | None
    heartbeat_at: datetime | None


def held(database: Database) -> list[Held]:
    """Return the jobs that workers hold."""
    columns = computations.c.ticket, computations.c.owner, computations.c.heartbeat_at
    query = select(*columns).where(computations.c.status == "running")
    with database.reading() as connection:
        return [Held(*row) for row in connection.execute(query) if row.ticket is not None]


def waiting(database: Database, limit: int) -> list[str]:
    """Return the tickets of the jobs that have waited longest."""
    query = (
        select(computations.c.ticket)
        .where(computations.c.status == "queued", computations.c.ticket.is_not(None))
        .order_by(computations.c.created_at)
        .limit(limit)
    )
    with database.reading() as connection:
        return list(connection.execute(query).scalars())


def look(database: Database, ids: list[str]) -> dict[str, ComputationRow]:
    """Return the rows of these ids that are there."""
    query = select(computations).where(computations.c.id.in_(ids))
    with database.reading() as connection:
        return {row.id: _row(row) for row in connection.execute(query)}
