"""The tables after the newest migration.

Ids are the content hashes of the API. Times are in UTC. Arrays have a table of their own, so that
listing resources does not read their bytes. An array belongs to a dataset or a computation, whose
module writes and deletes both in one transaction.
"""

import json
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

Kind = Literal["training_run", "basin_map"]
Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]

UNFINISHED: tuple[Status, ...] = ("queued", "running")
RETRYABLE: tuple[Status, ...] = ("failed", "cancelled")  # the same request starts a new attempt


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
    """JSON without NaN and Infinity, which Python writes but the standard forbids."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(
        self, value: dict[str, Any] | None, dialect: Dialect
    ) -> dict[str, Any] | None:
        """Reject numbers that are not finite; raises ValueError."""
        del dialect
        json.dumps(value, allow_nan=False)
        return value


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("n_samples", BigInteger, nullable=False),
    Column("n_steps", BigInteger, nullable=False),
    Column("n_bytes", BigInteger, nullable=False),  # as float64, before encoding
    Column("input_min", Double, nullable=False),
    Column("input_max", Double, nullable=False),
    Column("target_min", Double, nullable=False),
    Column("target_max", Double, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text),  # the name of an API key
    Index(None, "created_at", "id"),
)

# Training runs and basin maps share a table, since both are computations with the same life cycle.
# The type is JSON, which stores the text unchanged. JSONB would turn 1e22 into an integer.
computations = Table(
    "computations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("request", FiniteJson, nullable=False),
    Column("result_version", Integer, nullable=False),
    Column("dataset_id", Text, ForeignKey("datasets.id", ondelete="RESTRICT"), index=True),
    Column("result", FiniteJson),
    Column("error", FiniteJson),
    Column("attempt", Integer, nullable=False),
    Column("progress_done", BigInteger, nullable=False),
    Column("progress_total", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("compute_seconds", Double),
    # The columns of a job (see `service.store.jobs`).
    Column("ticket", Text, key="lease"),
    Column("owner", Text),
    Column("heartbeat_at", UtcDateTime),
    Column("deliveries", Integer, nullable=False, server_default="0"),
    Column("latest", FiniteJson),
    Column("estimated_seconds", Double),
    Column("due", Double),
    Column("created_by", Text),
    CheckConstraint(_one_of("kind", get_args(Kind)), name="kind"),
    CheckConstraint(_one_of("status", get_args(Status)), name="status"),
    Index(None, "kind", "created_at", "id"),
    Index(None, "kind", "status", "created_at", "id"),
    Index(None, "lease", unique=True),
    Index(None, "status", "created_at"),
)

arrays = Table(
    "arrays",
    metadata,
    Column("owner", Text, primary_key=True),  # the id of a dataset or a computation
    Column("name", Text, primary_key=True),
    Column("part", Integer, primary_key=True),  # 0, 1, … in order
    Column("data", LargeBinary, nullable=False),
)

job_totals = Table(
    "job_totals",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("estimated_ms", BigInteger, nullable=False),
    Column("actual_ms", BigInteger, nullable=False),
)
