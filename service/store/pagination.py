"""Lists newest first, a page at a time.

A cursor names the last row that was seen, not a number of rows: rows that come or go meanwhile
neither repeat nor hide others.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, Select, Table, literal, tuple_

from service.errors import Invalid

Item = TypeVar("Item")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_INSIDE: Final = re.compile(r"([0-9]{1,16}) ([a-z]+_[0-9a-f]{1,64})", re.ASCII)


def fetch(
    connection: Connection,
    statement: Select[Any],
    table: Table,
    make: Callable[[Row[Any]], Item],
    *,
    limit: int,
    cursor: str | None,
) -> tuple[list[Item], str | None]:
    """Run a query for one page.

    Parameters
    ----------
    statement
        Selects from ``table``, which has ``created_at`` and ``id``; neither ordered nor limited.
    make
        Makes an item of a row.
    limit
        Items on the page, at least 1.
    cursor
        What came with the page before, None for the first.

    Returns
    -------
    items, next_cursor
        ``next_cursor`` is None on the last page.

    Raises
    ------
    Invalid
        The cursor is none of ours.
    """
    position = (table.c.created_at, table.c.id)
    if cursor is not None:
        created_at, row_id = _decode(cursor)
        seen = (literal(created_at, table.c.created_at.type), literal(row_id))
        statement = statement.where(tuple_(*position) < tuple_(*seen))
    newest_first = statement.order_by(*(column.desc() for column in position))
    rows = connection.execute(newest_first.limit(limit + 1)).all()
    return [make(row) for row in rows[:limit]], _next_cursor(rows, limit)


def _next_cursor(rows: Sequence[Row[Any]], limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    inside = f"{(last.created_at - _EPOCH) // _MICROSECOND} {last.id}"
    return base64.urlsafe_b64encode(inside.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, str]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        inside = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        match = _INSIDE.fullmatch(inside)
        if match is not None:
            return _EPOCH + int(match[1]) * _MICROSECOND, match[2]
    except (binascii.Error, UnicodeError, OverflowError):
        pass
    raise Invalid("This is not a cursor that a list gave.", "/cursor")
