"""SQL that differs between the two databases."""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Table, func, literal
from sqlalchemy.dialects import postgresql, sqlite

from service.store.tables import UtcDateTime


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
