"""The life cycle of a computation: kinds, statuses, and reasons of failed jobs."""

from enum import StrEnum
from typing import Final, Literal

Kind = Literal["training_run", "basin_map", "fit"]
Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]

UNFINISHED: Final[tuple[Status, ...]] = ("queued", "running")
RETRYABLE: Final[tuple[Status, ...]] = ("failed", "cancelled")  # a repetition is a new attempt


class JobProblem(StrEnum):
    """The slug of the problem of a failed job."""

    FAILED = "job"
    WORKER_LOST = "worker-lost"
    INTERNAL = "internal"
    STORE_FULL = "store-full"
    LIMIT = "limit-exceeded"
    INVALID = "invalid"
