"""Deletion of old computations and of datasets that no computation uses."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy import exists, select

from service.errors import Conflict, NotFound
from service.lifecycle import UNFINISHED
from service.store import computations, datasets, tables
from service.store.database import Database


def delete_expired(database: Database, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` expired computations and datasets each; return their number.

    These are computations that finished before a time, and unused datasets that were stored before
    it. Any number of processes can do so at the same time.
    """
    computation, dataset = tables.computations.c, tables.datasets.c
    is_finished = computation.status.not_in(UNFINISHED)
    finished = select(computation.id).where(is_finished, computation.finished_at < before)
    is_used = exists().where(computation.dataset_id == dataset.id)
    unused = select(dataset.id).where(dataset.created_at < before, ~is_used)
    n_deleted = 0
    for query, delete in ((finished, computations.delete), (unused, datasets.delete)):
        with database.snapshot() as connection:
            ids = connection.execute(query.limit(limit)).scalars().all()
        for identifier in ids:
            with suppress(Conflict, NotFound):  # requested again, or deleted by another process
                delete(database, identifier)
                n_deleted += 1
    return n_deleted
