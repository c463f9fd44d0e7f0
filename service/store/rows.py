"""Rows of the tables as dataclasses, without their arrays. They need no database.

Ids are the content hashes of the API. Times are in UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from service.lifecycle import Kind, Status

if TYPE_CHECKING:
    from sqlalchemy import Row

JsonObject = dict[str, Any]


class _Base:
    @classmethod
    def of(cls, row: "Row[Any]") -> Self:
        """Convert a row that has all columns of the table."""
        return cls(**row._asdict())


@dataclass(kw_only=True)
class DatasetRow(_Base):
    """A dataset without its arrays.

    ``n_bytes`` is their size as float64. ``created_by`` is the name of the API key that stored it.
    ``name`` is descriptive, and can be changed. ``series`` contains the names and the step of a
    series, and is None for a dataset with one target per sequence.
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
    name: str | None = None
    series: JsonObject | None = None


@dataclass(kw_only=True)
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

    id: str
    kind: Kind
    request: JsonObject
    result_version: int
    progress_total: int
    created_at: datetime
    status: Status = "queued"
    dataset_id: str | None = None
    result: JsonObject | None = None
    error: JsonObject | None = None
    attempt: int = 1
    progress_done: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    compute_seconds: float | None = None
    created_by: str | None = None
    lease: str | None = None
    owner: str | None = None
    heartbeat_at: datetime | None = None
    deliveries: int = 0
    latest: JsonObject | None = None
    estimated_seconds: float | None = None
    due: float | None = None
    client: str | None = None
