"""The rows of the tables as immutable objects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from service.errors import NotFound
from service.store.sql import check_id
from service.store.tables import Kind, Status, computations, datasets

JsonObject = dict[str, Any]

# Built once, since building a statement takes longer than executing it.
_COMPUTATION_BY_ID = select(computations).where(computations.c.id == bindparam("id"))


@dataclass(frozen=True)
class DatasetRow:
    """A dataset without its arrays.

    ``n_bytes`` is their size as float64. ``created_by`` is the name of the API key that stored it.
    """

    id: str
    n_samples: int
    n_steps: int
    n_bytes: int
    input_min: float
    input_max: float
    target_min: float
    target_max: float
    created_at: datetime
    created_by: str | None = None


@dataclass(frozen=True)
class ComputationRow:
    """A computation without its arrays.

    ``result`` is set when the computation succeeded, ``error`` (the slug and detail of a problem)
    when it failed. Progress counts iterations. ``compute_seconds`` is the time spent computing.

    ``attempt`` is 1 at first and grows when a computation that failed or was cancelled is requested
    again. DBOS cannot count this, because it runs each workflow id once and then only replays its
    outcome.

    ``lease`` and later fields belong to jobs (see `service.store.jobs`). ``latest`` holds the
    weights and the cost at the last checkpoint. ``due`` is the Unix time of the submission plus the
    estimated seconds that remain. Jobs that are due earlier run first.

    ``created_by`` is the name of the API key that started this attempt.
    """

    id: str
    kind: Kind
    status: Status
    request: JsonObject
    result_version: int
    dataset_id: str | None
    result: JsonObject | None
    error: JsonObject | None
    attempt: int
    progress_done: int
    progress_total: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    compute_seconds: float | None
    lease: str | None = None
    owner: str | None = None
    heartbeat_at: datetime | None = None
    deliveries: int = 0
    latest: JsonObject | None = None
    estimated_seconds: float | None = None
    due: float | None = None
    created_by: str | None = None


def to_dataset(row: Row[Any]) -> DatasetRow:
    """Convert a row that has all columns of the table."""
    return DatasetRow(**row._asdict())


def to_computation(row: Row[Any]) -> ComputationRow:
    """Convert a row that has all columns of the table."""
    return ComputationRow(**dict(zip(computations.c.keys(), row, strict=True)))


def get_dataset(connection: Connection, dataset_id: str) -> DatasetRow:
    """Return the row of a dataset; raises NotFound."""
    check_id(dataset_id)
    row = connection.execute(select(datasets).where(datasets.c.id == dataset_id)).first()
    if row is None:
        raise dataset_not_found(dataset_id)
    return to_dataset(row)


def dataset_not_found(dataset_id: str) -> NotFound:
    """Return the exception for a dataset that does not exist."""
    return NotFound(f"{dataset_id!r} does not exist")


def get_computation(connection: Connection, computation_id: str) -> ComputationRow:
    """Return the row of a computation; raises NotFound."""
    check_id(computation_id)
    row = connection.execute(_COMPUTATION_BY_ID, {"id": computation_id}).first()
    if row is None:
        raise NotFound(f"{computation_id!r} does not exist")
    return to_computation(row)
