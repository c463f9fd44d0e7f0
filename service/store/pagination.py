"""Pages of rows, newest first.

A cursor identifies the last row of the page before it rather than an offset. Rows that are added or
deleted between two requests therefore neither repeat nor hide other rows.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, literal, tuple_

from service.errors import Invalid
from service.store.rows import R

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_POSITION: Final = re.compile(r"([0-9]{1,16})-([a-z]+_[0-9a-f]{1,64})")


def fetch_page(
    connection: Connection,
    statement: Select[Any],
    model: type[R],
    *,
    limit: int,
    cursor: str | None,
) -> tuple[list[R], str | None]:
    """Return the items of one page, and the cursor of the next one: None after the last.

    ``statement`` selects from the table of ``model``, without an order or a limit. Raises Invalid
    if the cursor is malformed.
    """
    table = model.__table__
    position = (table.c.created_at, table.c.id)
    if cursor is not None:
        match = _POSITION.fullmatch(cursor)
        if match is None:
            raise Invalid("the cursor is invalid; use the next_cursor of a page", "/cursor")
        created_at = _EPOCH + int(match[1]) * _MICROSECOND
        last_seen = (literal(created_at, table.c.created_at.type), literal(match[2]))
        statement = statement.where(tuple_(*position) < tuple_(*last_seen))
    newest_first = statement.order_by(*(column.desc() for column in position))
    rows = connection.execute(newest_first.limit(limit + 1)).all()
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        next_cursor = f"{(last.created_at - _EPOCH) // _MICROSECOND}-{last.id}"
    return [model.of(row) for row in rows[:limit]], next_cursor
