"""The column types, and the tables without a class of their own.

Ids are the content hashes of the API. Times are in UTC. Arrays have a table of their own, so that
listing resources does not read their bytes. An array belongs to a dataset or a computation, whose
module writes and deletes both in one transaction. `service.store.rows` has the other tables.
"""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)


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


class FiniteJson(TypeDecorator[dict[str, Any]]):
    """JSON without NaN and Infinity, which Python writes but the standard forbids.

    The type is JSON, which stores the text unchanged. JSONB would turn 1e22 into an integer.
    """

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(
        self, value: dict[str, Any] | None, dialect: Dialect
    ) -> dict[str, Any] | None:
        """Reject numbers that are not finite; raises ValueError."""
        del dialect
        json.dumps(value, allow_nan=False)
        return value


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
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
