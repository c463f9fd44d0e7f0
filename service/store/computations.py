"""Training runs and basin maps: what was asked, how far it is, what came out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy import delete as delete_from

from service.errors import Conflict, NotFound
from service.store import arrays, datasets, pagination
from service.store.array_codec import AnyArray
from service.store.database import Database
from service.store.errors import ConstraintError
from service.store.sql import check_id, insert
from service.store.tables import ASK_AGAIN, UNFINISHED, Kind, Status, computations

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class ComputationRow:
    """A computation without its arrays.

    ``result`` is there once it succeeded, ``error`` (a problem) when it failed. Progress counts
    iterations, ``compute_seconds`` the time spent computing. A question that failed or was
    cancelled and is asked again is a new ``attempt``, with a new ``created_at``. The last five are
    those of a job (see `service.store.jobs`); ``latest`` is what its last checkpoint tells.
    """

    id: str
    kind: Kind
    status: Status
    request: JsonObject
    result_version: int
    dataset_id: str | None
    result: JsonObject | None
    error: JsonObject | None
    attempt: int
    progress_done: int
    progress_total: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    compute_seconds: float | None
    ticket: str | None = None
    owner: str | None = None
    heartbeat_at: datetime | None = None
    deliveries: int = 0
    latest: JsonObject | None = None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A computation that succeeded while its caller waited. Its JSON holds finite numbers only."""

    id: str
    kind: Kind
    request: JsonObject
    result_version: int
    result: JsonObject
    progress_done: int
    progress_total: int
    created_at: datetime
    started_at: datetime
    finished_at: datetime
    compute_seconds: float
    dataset_id: str | None = None  # of a stored dataset, which then cannot be deleted before


def record(
    database: Database, finished: Finished, named: Mapping[str, AnyArray]
) -> tuple[ComputationRow, bool]:
    """Keep a finished computation and its arrays.

    A row of that id that succeeded or is not finished stays as it is; one that failed or was
    cancelled is replaced by this as its next attempt. Any number of callers may do this at once.

    Returns
    -------
    row, created
        What is kept now, and whether it came from this call.

    Raises
    ------
    NotFound
        The dataset it names is not there (any more).
    StoreError
        As `Database.transaction`; also for a number in its JSON that is not finite.
    """
    check_id(finished.id)
    database.check_room(sum(array.nbytes for array in named.values()))
    while True:  # once round, unless another call deletes it in between
        try:
            with database.transaction() as connection:
                row = _insert(connection, finished)
                if row is not None:
                    arrays.replace(connection, finished.id, named)
                    return row, True
            return get(database, finished.id), False
        except ConstraintError:
            if finished.dataset_id is not None:
                datasets.get(database, finished.dataset_id)
            raise
        except NotFound:
            continue


def get(database: Database, computation_id: str) -> ComputationRow:
    """Return a computation's row.

    Raises
    ------
    NotFound
        There is none.
    """
    with database.reading() as connection:
        return _get(connection, computation_id)


def load_array(database: Database, computation_id: str, name: str) -> AnyArray:
    """Return one array of a computation, float64 or int64, of the shape it had.

    Raises
    ------
    NotFound
        There is no such computation, or it has no array of that name.
    StoreError
        It is damaged.
    """
    with database.reading() as connection:
        _get(connection, computation_id)
        return arrays.read(connection, computation_id, name)


def load_arrays(database: Database, computation_id: str) -> dict[str, AnyArray]:
    """Return all arrays of a computation by name; raises as `load_array`."""
    with database.reading() as connection:
        _get(connection, computation_id)
        names = arrays.names(connection, computation_id)
        return {name: arrays.read(connection, computation_id, name) for name in names}


def page(
    database: Database,
    kind: Kind,
    limit: int,
    cursor: str | None = None,
    status: Status | None = None,
) -> tuple[list[ComputationRow], str | None]:
    """Return up to ``limit`` computations of a kind, newest first, and the next cursor or None.

    Raises
    ------
    Invalid
        The cursor is malformed.
    """
    query: Select[Any] = select(computations).where(computations.c.kind == kind)
    if status is not None:
        query = query.where(computations.c.status == status)
    with database.reading() as connection:
        return pagination.fetch(connection, query, computations, _row, limit=limit, cursor=cursor)


def delete(database: Database, computation_id: str) -> None:
    """Remove a finished computation and its arrays.

    Raises
    ------
    NotFound
        There is none.
    Conflict
        It is queued or running.
    """
    check_id(computation_id)
    unfinished = computations.c.status.in_(UNFINISHED)
    gone = delete_from(computations).where(computations.c.id == computation_id, ~unfinished)
    with database.transaction() as connection:
        if connection.execute(gone.returning(computations.c.id)).first() is None:
            status = _get(connection, computation_id).status
            raise Conflict(f"{computation_id} is {status}; cancel it first.")
        arrays.remove(connection, computation_id)


def _insert(connection: Connection, finished: Finished) -> ComputationRow | None:
    """Insert, or replace an attempt that came to nothing; None where another row stays."""
    values = asdict(finished) | {
        "status": "succeeded",
        "error": None,
        "ticket": None,
        "owner": None,
        "deliveries": 0,
        "latest": None,
    }
    new = insert(connection, computations).values(**values, attempt=1)
    new = new.on_conflict_do_update(
        index_elements=[computations.c.id],
        set_=values | {"attempt": computations.c.attempt + 1},
        where=computations.c.status.in_(ASK_AGAIN),
    )
    kept = connection.execute(new.returning(computations)).first()
    return None if kept is None else _row(kept)


def _get(connection: Connection, computation_id: str) -> ComputationRow:
    check_id(computation_id)
    query = select(computations).where(computations.c.id == computation_id)
    found = connection.execute(query).first()
    if found is None:
        raise NotFound(f"There is no computation {computation_id}.")
    return _row(found)


def _row(row: Row[Any]) -> ComputationRow:
    return ComputationRow(**row._asdict())
