"""Training runs, basin maps and fits: their requests, progress and results."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy import delete as delete_from

from service.errors import Conflict, NotFound
from service.lifecycle import RETRYABLE, UNFINISHED, Kind, Status
from service.store import arrays, datasets
from service.store.database import Database
from service.store.errors import ConstraintError
from service.store.rows import ComputationRow
from service.store.tables import computations, fetch_page, get_row, insert
from service.values.array_codec import AnyArray


def record(
    database: Database, finished: ComputationRow, named: Mapping[str, AnyArray]
) -> tuple[ComputationRow, bool]:
    """Store a computation that succeeded within its request, and its arrays.

    A row of the same id that succeeded or is unfinished is unchanged. A failed or cancelled one is
    replaced, and its attempt is incremented. Any number of callers can record the same computation
    at the same time.

    Return the stored row, and True if this call stored it. Raises NotFound if the dataset does not
    exist.
    """
    database.check_space(sum(array.nbytes for array in named.values()))

    def store_arrays(connection: Connection, row: ComputationRow) -> None:
        if row.attempt > 1:
            arrays.delete(connection, row.id)
        arrays.write(connection, row.id, named)

    return insert_or_retry(database, finished, store_arrays)


def insert_or_retry(
    database: Database, new: ComputationRow, complete: Callable[[Connection, ComputationRow], None]
) -> tuple[ComputationRow, bool]:
    """Insert a row, or replace a failed or cancelled one with its next attempt; see `record`.

    ``complete`` is called in the same transaction after this call has written the row.
    """
    while True:  # a second round only if another call deletes the row in between
        try:
            with database.transaction() as connection:
                row = _upsert(connection, new)
                if row is not None:
                    complete(connection, row)
                    return row, True
            return get(database, new.id), False
        except ConstraintError:
            if new.dataset_id is not None:
                datasets.get(database, new.dataset_id)
            raise
        except NotFound:
            continue


def get(database: Database, computation_id: str) -> ComputationRow:
    """Return the row of a computation; raises NotFound."""
    with database.snapshot() as connection:
        return get_row(connection, ComputationRow, computation_id)


def list_page(
    database: Database,
    kind: Kind,
    limit: int,
    cursor: str | None = None,
    status: Status | None = None,
) -> tuple[list[ComputationRow], str | None]:
    """Return one page of the computations of a kind, optionally of a status; see `fetch_page`."""
    query: Select[Any] = select(computations).where(computations.c.kind == kind)
    if status is not None:
        query = query.where(computations.c.status == status)
    with database.snapshot() as connection:
        return fetch_page(connection, query, ComputationRow, limit=limit, cursor=cursor)


def delete(database: Database, computation_id: str) -> None:
    """Delete a computation and its arrays; raises NotFound, or Conflict if it is unfinished."""
    unfinished = computations.c.status.in_(UNFINISHED)
    statement = delete_from(computations).where(computations.c.id == computation_id, ~unfinished)
    with database.transaction() as connection:
        if connection.execute(statement.returning(computations.c.id)).first() is None:
            status = get_row(connection, ComputationRow, computation_id).status
            raise Conflict(f"{computation_id} is {status}; cancel it first")
        arrays.delete(connection, computation_id)


def _upsert(connection: Connection, new: ComputationRow) -> ComputationRow | None:
    """Insert a row or replace a retryable one; return None if another row is unchanged."""
    values = {column.name: getattr(new, column.name) for column in computations.c}
    attempt = connection.execute(_make_upsert(connection.dialect.name), values).scalar()
    return None if attempt is None else replace(new, attempt=attempt)


@lru_cache
def _make_upsert(dialect: str) -> Any:
    """Return the statement, built once because that takes longer than executing it."""
    statement = insert(dialect, computations)
    new = {column: statement.excluded[column.name] for column in computations.c}
    return statement.on_conflict_do_update(
        index_elements=[computations.c.id],
        set_=new | {computations.c.attempt: computations.c.attempt + 1},
        where=computations.c.status.in_(RETRYABLE),
    ).returning(computations.c.attempt)
