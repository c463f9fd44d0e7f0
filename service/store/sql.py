"""What SQLAlchemy spells differently for the two databases, and what all resources share."""

import re
from typing import Final

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from service.errors import NotFound

_ID: Final = re.compile(r"[a-z]+_[0-9a-f]{1,64}", re.ASCII)


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def check_id(row_id: str) -> None:
    """Refuse what cannot be an id before it reaches a driver, which may not be able to send it.

    Raises
    ------
    NotFound
        Nothing has that name.
    """
    if not _ID.fullmatch(row_id):
        raise NotFound("Nothing has an id of that form.")
