"""Deletion of old computations and of datasets that no computation uses."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy import exists, select

from service.errors import Conflict, NotFound
from service.lifecycle import UNFINISHED
from service.store import computations, datasets, rows
from service.store.database import Database


def delete_expired(database: Database, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` computations and datasets each that have expired; return how many.

    These are computations that finished before a time, and datasets that were stored before it and
    that no computation uses. Any number of processes may do so at the same time.
    """
    n_deleted = 0
    for computation_id in _find_computations(database, before, limit):
        with suppress(Conflict, NotFound):  # requested again, or deleted by another process
            computations.delete(database, computation_id)
            n_deleted += 1
    for dataset_id in _find_datasets(database, before, limit):
        with suppress(Conflict, NotFound):
            datasets.delete(database, dataset_id)
            n_deleted += 1
    return n_deleted


def _find_computations(database: Database, before: datetime, limit: int) -> list[str]:
    table = rows.computations
    finished = table.c.status.not_in(UNFINISHED)
    query = select(table.c.id).where(finished, table.c.finished_at < before).limit(limit)
    with database.snapshot() as connection:
        return list(connection.execute(query).scalars())


def _find_datasets(database: Database, before: datetime, limit: int) -> list[str]:
    table = rows.datasets
    is_used = exists().where(rows.computations.c.dataset_id == table.c.id)
    query = select(table.c.id).where(table.c.created_at < before, ~is_used).limit(limit)
    with database.snapshot() as connection:
        return list(connection.execute(query).scalars())
