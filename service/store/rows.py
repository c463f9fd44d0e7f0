"""The tables, their rows as dataclasses without arrays, pages of them, and SQL of both databases.

Ids are the content hashes of the API. Times are in UTC. Arrays are in a separate table, so that
lists of resources do not read their bytes. An array belongs to a dataset or a computation, whose
module writes and deletes both in one transaction.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Self, TypeVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    TypeDecorator,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from service.errors import Invalid, NotFound
from service.lifecycle import Kind, Status

JsonObject = dict[str, Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_POSITION: Final = re.compile(r"([0-9]{1,16})-([a-z]+_[0-9a-f]{1,64})")


class UtcDateTime(TypeDecorator[datetime]):
    """A time that is time-zone-aware and in UTC in Python, on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. SQLite stores text, which sorts by time only without an offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time must have a time zone")
        time = value.astimezone(UTC)
        return time.replace(tzinfo=None) if dialect.name == "sqlite" else time

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. PostgreSQL returns times in the time zone of the session."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

arrays = Table(
    "arrays",
    metadata,
    Column("owner", Text, primary_key=True),  # the id of a dataset or a computation
    Column("name", Text, primary_key=True),
    Column("part", Integer, primary_key=True),  # 0, 1, … in order
    Column("data", LargeBinary, nullable=False),
)

charges = Table(
    "charges",
    metadata,
    Column("client", Text, primary_key=True),  # as in the rows of its jobs
    Column("seconds", Double, nullable=False),  # spent by workers and not yet charged
)


class _Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    metadata = metadata
    type_annotation_map: ClassVar = {
        str: Text,
        int: BigInteger,
        float: Double,
        datetime: UtcDateTime,
        # It stores the text unchanged, whereas JSONB would convert 1e22 to an integer.
        JsonObject: JSON(none_as_null=True),
    }

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Convert a row that has all columns of the table."""
        return cls(**row._asdict())


R = TypeVar("R", bound=_Base)


class DatasetRow(_Base):
    """A dataset without its arrays.

    ``n_bytes`` is their size as float64. ``created_by`` is the name of the API key that stored it.
    ``name`` is descriptive, and can be changed. ``series`` contains the names and the step of a
    series, and is None for a dataset with one target per sequence.
    """

    __tablename__ = "datasets"
    __table_args__ = (Index(None, "created_at", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    n_samples: Mapped[int]
    n_steps: Mapped[int]
    n_bytes: Mapped[int]
    input_min: Mapped[float]
    input_max: Mapped[float]
    target_min: Mapped[float]
    target_max: Mapped[float]
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(default=None)
    name: Mapped[str | None] = mapped_column(default=None)
    series: Mapped[JsonObject | None] = mapped_column(default=None)


class ComputationRow(_Base):
    """A computation without its arrays: a training run, a basin map or a fit.

    ``result`` is set when the computation succeeded, ``error`` (the slug and detail of a problem)
    when it failed. Progress counts iterations, or the steps of a fit. ``compute_seconds`` is the
    time spent computing.

    ``attempt`` is 1 at first and is incremented when a failed or cancelled computation is requested
    again.

    ``lease`` and later fields belong to jobs (see `service.store.jobs`). ``latest`` contains the
    weights and the cost at the last checkpoint. ``due`` is the Unix time of the submission plus the
    estimated remaining seconds. Jobs that are due earlier run first.

    ``created_by`` is the name of the API key that started this attempt. ``client`` is that of an
    unfinished job, or the address to which its share of the queue belongs.
    """

    __tablename__ = "computations"
    __table_args__ = (
        Index(None, "kind", "created_at", "id"),
        Index(None, "kind", "status", "created_at", "id"),
        Index(None, "status", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(Text)
    request: Mapped[JsonObject]
    result_version: Mapped[int]
    progress_total: Mapped[int]
    created_at: Mapped[datetime]
    status: Mapped[Status] = mapped_column(Text, default="queued")
    dataset_id: Mapped[str | None] = mapped_column(
        ForeignKey("datasets.id", ondelete="RESTRICT"), default=None, index=True
    )
    result: Mapped[JsonObject | None] = mapped_column(default=None)
    error: Mapped[JsonObject | None] = mapped_column(default=None)
    attempt: Mapped[int] = mapped_column(default=1)
    progress_done: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    finished_at: Mapped[datetime | None] = mapped_column(default=None)
    compute_seconds: Mapped[float | None] = mapped_column(default=None)
    created_by: Mapped[str | None] = mapped_column(default=None)
    lease: Mapped[str | None] = mapped_column(default=None, index=True, unique=True)
    owner: Mapped[str | None] = mapped_column(default=None)
    heartbeat_at: Mapped[datetime | None] = mapped_column(default=None)
    deliveries: Mapped[int] = mapped_column(default=0)
    latest: Mapped[JsonObject | None] = mapped_column(default=None)
    estimated_seconds: Mapped[float | None] = mapped_column(default=None)
    due: Mapped[float | None] = mapped_column(default=None)
    client: Mapped[str | None] = mapped_column(default=None)


datasets = cast("Table", DatasetRow.__table__)
computations = cast("Table", ComputationRow.__table__)


def get_row(connection: Connection, model: type[R], identifier: str) -> R:
    """Return the row with an id; raises NotFound."""
    table = model.__table__
    row = connection.execute(select(table).where(table.c.id == identifier)).first()
    if row is None:
        raise NotFound(f"{identifier!r} does not exist")
    return model.of(row)


def insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT statement that supports ON CONFLICT, for a dialect of this name."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def current_time(connection: Connection) -> ColumnElement[datetime]:
    """Return the current time by the clock of the database.

    SQLite uses the clock of the machine.
    """
    if connection.dialect.name == "sqlite":
        return literal(datetime.now(UTC), UtcDateTime())
    return func.clock_timestamp(type_=UtcDateTime())


def fetch_page(
    connection: Connection,
    statement: Select[Any],
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
