"""Computations that workers do, step by step: each row is the truth about its job.

A job is delivered to a worker under a ticket, a name drawn anew for every delivery. Whatever a
worker writes, it writes under its ticket while the row is running; a worker thought dead finds
another ticket there when it wakes, and changes nothing. Between two steps the arrays of a job are
its checkpoint: those named ``state`` are replaced, those named ``part`` are added to.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, case, func, literal, select, update
from sqlalchemy import delete as delete_from

from service.errors import NotFound
from service.store import arrays, datasets
from service.store.array_codec import AnyArray
from service.store.computations import ComputationRow, JsonObject, _get, _row, get
from service.store.database import Database
from service.store.errors import ConstraintError
from service.store.sql import check_id, insert
from service.store.tables import ASK_AGAIN, UNFINISHED, Kind, computations
from service.store.tables import arrays as arrays_table

MOST_DELIVERIES: Final = 3  # without a step done: the job itself ends its workers

# Brings the job of a ticket to a worker, as part of the transaction that it is given.
Deliver = Callable[[Connection, str, int], None]
Arrays = Mapping[str, AnyArray]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A computation that a worker is to do."""

    id: str
    kind: Kind
    request: JsonObject
    result_version: int
    progress_total: int
    dataset_id: str | None = None


class Checkpoint(NamedTuple):
    """Where a job stands: how far it is, what to tell, and the arrays that it goes on from.

    ``number`` counts the parts that were kept before this one.
    """

    number: int
    done: int
    latest: JsonObject | None
    state: Arrays
    part: Arrays
    seconds: float


def submit(database: Database, asked: Asked, deliver: Deliver) -> tuple[ComputationRow, bool]:
    """Accept a job and deliver it, both or neither.

    A row of that id that succeeded or is not finished stays as it is; one that failed or was
    cancelled begins its next attempt. Any number of callers may do this at once.

    Returns
    -------
    row, created
        What is kept now, and whether it is new by this call.

    Raises
    ------
    NotFound
        The dataset it names is not there (any more).
    StoreError
        As `Database.transaction`.
    """
    check_id(asked.id)
    while True:  # once round, unless another call deletes it in between
        try:
            with database.transaction() as connection:
                row = _insert(connection, asked)
                if row is not None:
                    arrays.remove(connection, asked.id)
                    deliver(connection, str(row.ticket), row.result_version)
                    return row, True
            return get(database, asked.id), False
        except ConstraintError:
            if asked.dataset_id is not None:
                datasets.get(database, asked.dataset_id)
            raise
        except NotFound:
            continue


def claim(database: Database, ticket: str, owner: str) -> ComputationRow | None:
    """Begin, or go on, with the job of a ticket; None if that is no longer its ticket.

    Whoever does not know whether its claim was kept, because the store went away, claims again.
    """
    with database.transaction() as connection:
        now = _now(connection)
        queued, held = (computations.c.status == status for status in ("queued", "running"))
        values = {
            "status": "running",
            "owner": owner,
            "heartbeat_at": now,
            "started_at": func.coalesce(computations.c.started_at, now),
            "deliveries": computations.c.deliveries + case((queued, 1), else_=0),
        }
        free = queued | (held & (computations.c.owner == owner))
        mine = (computations.c.ticket == ticket) & free
        change = update(computations).where(mine).values(values).returning(computations)
        found = connection.execute(change).first()
        return None if found is None else _row(found)


def beat(database: Database, ticket: str) -> bool:
    """Tell that the worker lives; False if the job is no longer its own."""
    with database.transaction() as connection:
        return _change(connection, ticket, heartbeat_at=_now(connection)) is not None


def save(database: Database, ticket: str, checkpoint: Checkpoint) -> bool:
    """Keep a checkpoint; False if the job is no longer this worker's, and nothing is kept.

    The same one may be kept again, by whoever does not know whether it was.
    """
    database.check_room(_size(checkpoint.state) + _size(checkpoint.part))
    with database.transaction() as connection:
        job = _change(
            connection,
            ticket,
            progress_done=checkpoint.done,
            latest=checkpoint.latest,
            compute_seconds=checkpoint.seconds,
            heartbeat_at=_now(connection),
            deliveries=1,
        )
        if job is None:
            return False
        _remove(connection, job.id, "state.")
        arrays.write(connection, job.id, _prefixed("state.", checkpoint.state))
        if checkpoint.part:
            prefix = f"part.{checkpoint.number}."
            _remove(connection, job.id, prefix)
            arrays.write(connection, job.id, _prefixed(prefix, checkpoint.part))
        return True


def load(database: Database, computation_id: str) -> tuple[dict[str, AnyArray], list[Arrays]]:
    """Return the state to go on from, empty before the first checkpoint, and all parts in order."""
    with database.reading() as connection:
        names = arrays.names(connection, computation_id)

        def under(prefix: str) -> dict[str, AnyArray]:
            return {
                name.removeprefix(prefix): arrays.read(connection, computation_id, name)
                for name in names
                if name.startswith(prefix)
            }

        parts = {name.split(".")[1] for name in names if name.startswith("part.")}
        return under("state."), [under(f"part.{i}.") for i in range(len(parts))]


def succeed(
    database: Database, ticket: str, result: JsonObject, done: int, seconds: float, named: Arrays
) -> bool:
    """End a job with its result, whose arrays replace the checkpoint; False if not its worker's."""
    database.check_room(_size(named))
    with database.transaction() as connection:
        job = _change(
            connection,
            ticket,
            status="succeeded",
            result=result,
            progress_done=done,
            compute_seconds=seconds,
            finished_at=_now(connection),
        )
        if job is None:
            return False
        arrays.replace(connection, job.id, named)
        return True


def fail(database: Database, ticket: str, error: JsonObject) -> bool:
    """End a job with a problem; False if it is not this worker's."""
    with database.transaction() as connection:
        ended = {"status": "failed", "error": error, "finished_at": _now(connection)}
        job = _change(connection, ticket, **ended)
        if job is not None:
            arrays.remove(connection, job.id)
        return job is not None


def cancel(database: Database, computation_id: str) -> tuple[ComputationRow, bool]:
    """End an unfinished job; the second value tells whether it was unfinished.

    A worker that is at it finds out at its next step. Raises NotFound.
    """
    check_id(computation_id)
    with database.transaction() as connection:
        mine = computations.c.id == computation_id
        change = (
            update(computations)
            .where(mine, computations.c.status.in_(UNFINISHED))
            .values(status="cancelled", finished_at=_now(connection))
        )
        found = connection.execute(change.returning(computations)).first()
        if found is None:
            return _get(connection, computation_id), False
        arrays.remove(connection, computation_id)
        return _row(found), True


def redeliver(
    database: Database, ticket: str, deliver: Deliver, poisoned: JsonObject | None = None
) -> str | None:
    """Take a job from its worker and deliver it under a new ticket, or fail it.

    Parameters
    ----------
    poisoned
        The problem that it fails with once it was delivered three times without a step done; None
        if its worker gives it back in good health.

    Returns
    -------
    status
        What the job is now; None if the ticket is no longer that of an unfinished job.
    """
    with database.transaction() as connection:
        unfinished = computations.c.status.in_(UNFINISHED)
        query = select(computations).where(computations.c.ticket == ticket, unfinished)
        found = connection.execute(query.with_for_update()).first()
        if found is None:
            return None
        values: dict[str, Any] = {"status": "queued", "owner": None, "ticket": _ticket(found.id)}
        if poisoned is None:
            fewer = computations.c.deliveries - 1
            values["deliveries"] = case((computations.c.deliveries > 0, fewer), else_=0)
        elif found.deliveries >= MOST_DELIVERIES:
            now = _now(connection)
            values = {"status": "failed", "error": poisoned, "finished_at": now}
            arrays.remove(connection, found.id)
        connection.execute(update(computations).where(computations.c.id == found.id).values(values))
        if values["status"] == "queued":
            deliver(connection, values["ticket"], found.result_version)
        return str(values["status"])


def _insert(connection: Connection, asked: Asked) -> ComputationRow | None:
    """Insert, or begin the next attempt; None where another row stays."""
    empty = dict.fromkeys(
        ("result", "error", "started_at", "finished_at", "compute_seconds", "owner", "latest")
    )
    values: dict[str, Any] = asdict(asked) | empty
    values |= {"status": "queued", "progress_done": 0, "deliveries": 0}
    values |= {"created_at": datetime.now(UTC), "ticket": _ticket(asked.id)}
    new = insert(connection, computations).values(**values, attempt=1)
    new = new.on_conflict_do_update(
        index_elements=[computations.c.id],
        set_=values | {"attempt": computations.c.attempt + 1},
        where=computations.c.status.in_(ASK_AGAIN),
    )
    kept = connection.execute(new.returning(computations)).first()
    return None if kept is None else _row(kept)


def _ticket(computation_id: str) -> str:
    return f"{computation_id}.{uuid4().hex}"


def _change(connection: Connection, ticket: str, **values: Any) -> Row[Any] | None:
    """Change the running job of a ticket and return its row; None if there is none."""
    mine = (computations.c.ticket == ticket) & (computations.c.status == "running")
    change = update(computations).where(mine).values(values).returning(computations)
    return connection.execute(change).first()


def _now(connection: Connection) -> ColumnElement[datetime]:
    """Return the database's time. SQLite has none of its own: it shares the machine's."""
    column = computations.c.heartbeat_at
    if connection.dialect.name == "sqlite":
        return literal(datetime.now(UTC), column.type)
    return func.clock_timestamp(type_=column.type)


def _prefixed(prefix: str, named: Arrays) -> dict[str, AnyArray]:
    return {prefix + name: array for name, array in named.items()}


def _remove(connection: Connection, computation_id: str, prefix: str) -> None:
    mine = arrays_table.c.owner == computation_id
    connection.execute(
        delete_from(arrays_table).where(mine, arrays_table.c.name.startswith(prefix))
    )


def _size(named: Arrays) -> int:
    return sum(array.nbytes for array in named.values())
