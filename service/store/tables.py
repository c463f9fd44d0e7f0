"""The tables, pages of their rows (see `service.store.rows`), and SQL of both databases.

Arrays are in a separate table, so that lists of resources do not read their bytes. An array belongs
to a dataset or a computation, whose module writes and deletes both in one transaction.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, get_args, get_type_hints

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from service.errors import Invalid, NotFound
from service.lifecycle import Kind, Status
from service.store.rows import ComputationRow, DatasetRow, JsonObject

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_POSITION: Final = re.compile(r"([0-9]{1,16})-([a-z]+_[0-9a-f]{1,64})")


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A time that is time-zone-aware and in UTC in Python, on both databases."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Convert to UTC. SQLite stores text, which sorts by time only without an offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time must have a time zone")
        time = value.astimezone(UTC)
        return time.replace(tzinfo=None) if dialect.name == "sqlite" else time

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Convert to UTC. PostgreSQL returns times in the time zone of the session."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

arrays = sa.Table(
    "arrays",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),  # the id of a dataset or a computation
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),  # 0, 1, … in order
    sa.Column("data", sa.LargeBinary, nullable=False),
)

_TYPES: Final[dict[Any, Any]] = {
    str: sa.Text,
    Kind: sa.Text,
    Status: sa.Text,
    int: sa.BigInteger,
    float: sa.Double,
    datetime: UtcDateTime,
    # It stores the text unchanged, whereas JSONB would convert 1e22 to an integer.
    JsonObject: sa.JSON(none_as_null=True),
}


def _make_columns(row: type) -> Iterator[sa.Column[Any]]:
    """Yield a column per field of a row, whose primary key is the id."""
    for name, hint in get_type_hints(row).items():
        is_required = hint in _TYPES  # otherwise it is a union with None
        column_type = _TYPES[hint if is_required else get_args(hint)[0]]
        yield sa.Column(name, column_type, primary_key=name == "id", nullable=not is_required)


datasets = sa.Table(
    "datasets", metadata, *_make_columns(DatasetRow), sa.Index(None, "created_at", "id")
)

computations = sa.Table(
    "computations",
    metadata,
    *_make_columns(ComputationRow),
    sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], ondelete="RESTRICT"),
    sa.Index(None, "dataset_id"),
    sa.Index(None, "lease", unique=True),
    sa.Index(None, "kind", "created_at", "id"),
    sa.Index(None, "kind", "status", "created_at", "id"),
    sa.Index(None, "status", "created_at"),
)

R = TypeVar("R", DatasetRow, ComputationRow)

_TABLES: Final[dict[type, sa.Table]] = {DatasetRow: datasets, ComputationRow: computations}


def get_row(connection: sa.Connection, model: type[R], identifier: str) -> R:
    """Return the row with an id; raises NotFound."""
    table = _TABLES[model]
    row = connection.execute(sa.select(table).where(table.c.id == identifier)).first()
    if row is None:
        raise NotFound(f"{identifier!r} does not exist")
    return model.of(row)


def insert(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT statement that supports ON CONFLICT, for a dialect of this name."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def current_time(connection: sa.Connection) -> sa.ColumnElement[datetime]:
    """Return the current time by the clock of the database.

    SQLite uses the clock of the machine.
    """
    if connection.dialect.name == "sqlite":
        return sa.literal(datetime.now(UTC), UtcDateTime())
    return sa.func.clock_timestamp(type_=UtcDateTime())


def fetch_page(
    connection: sa.Connection,
    statement: sa.Select[Any],
    model: type[R],
    *,
    limit: int,
    cursor: str | None,
) -> tuple[list[R], str | None]:
    """Return the items of one page, newest first, and the cursor of the next one, if any.

    A cursor identifies the last row of the previous page rather than an offset. Rows that are added
    or deleted between two requests therefore neither repeat nor hide other rows.
    ``statement`` selects from the table of ``model``, without an order or a limit. Raises Invalid
    if the cursor is malformed.
    """
    table = _TABLES[model]
    position = (table.c.created_at, table.c.id)
    if cursor is not None:
        match = _POSITION.fullmatch(cursor)
        if match is None:
            raise Invalid("the cursor is invalid; use the next_cursor of a page", "/cursor")
        created_at = _EPOCH + int(match[1]) * _MICROSECOND
        last_seen = (sa.literal(created_at, table.c.created_at.type), sa.literal(match[2]))
        statement = statement.where(sa.tuple_(*position) < sa.tuple_(*last_seen))
    newest_first = statement.order_by(*(column.desc() for column in position))
    rows = connection.execute(newest_first.limit(limit + 1)).all()
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        next_cursor = f"{(last.created_at - _EPOCH) // _MICROSECOND}-{last.id}"
    return [model.of(row) for row in rows[:limit]], next_cursor
