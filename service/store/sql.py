"""SQL that differs between the two databases, and checks that all resources share."""

import re
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, func, literal
from sqlalchemy.dialects import postgresql, sqlite

from service.errors import NotFound
from service.store.tables import UtcDateTime

_ID: Final = re.compile(r"[a-z]+_[0-9a-f]{1,64}", re.ASCII)


def insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT statement that supports ON CONFLICT, for a dialect of this name."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def current_time(connection: Connection) -> ColumnElement[datetime]:
    """Return the current time by the clock of the database.

    SQLite has no clock of its own and uses that of the machine.
    """
    if connection.dialect.name == "sqlite":
        return literal(datetime.now(UTC), UtcDateTime())
    return func.clock_timestamp(type_=UtcDateTime())


def check_id(row_id: str) -> None:
    """Reject a malformed id before it reaches a driver, which may be unable to encode it.

    Raises
    ------
    NotFound
        The id is malformed, so no row can have it.
    """
    if not _ID.fullmatch(row_id):
        raise NotFound("the id is malformed, so no resource has it")
