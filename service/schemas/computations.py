"""Models shared by training runs, basin maps and fits: options and job status."""

from abc import abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from service.lifecycle import Status
from service.schemas.base import NUMBER, RequestModel, ResponseModel
from service.schemas.datasets import (
    CountOnesDataset,
    DatasetKind,
    DatasetSource,
    ObjectiveRequest,
)
from service.schemas.optimizers import RPROP, AnyOptimizer, ClipSchema, OptimizerSchema
from service.schemas.problems import Problem

if TYPE_CHECKING:
    OptimizerField = OptimizerSchema
else:
    OptimizerField = AnyOptimizer

MAX_ITERATIONS = 10**9


class ComputationRequest(RequestModel):
    """The dataset of a computation, and whether to store the result."""

    dataset: DatasetKind
    keep: Annotated[bool, Field(strict=True)] = True
    """True to store the result. If false, the response contains all of it."""

    @property
    @abstractmethod
    def progress_total(self) -> int:
        """The number of steps of the whole computation."""


class TrainingRequest(ObjectiveRequest, ComputationRequest):
    """The dataset, the network and the training options."""

    dataset: DatasetSource = CountOnesDataset()

    optimizer: OptimizerField = RPROP
    n_iterations: Annotated[int, Field(ge=0, le=MAX_ITERATIONS), NUMBER] = 500
    """The maximum number of iterations; the limit is 1,000,000 by default."""
    clip: ClipSchema | None = None
    """The clipping of the gradient, for optimizers that use its magnitude."""

    @property
    def progress_total(self) -> int:
        """The number of iterations."""
        return self.n_iterations


class Progress(ResponseModel):
    """The progress of a computation."""

    done: int
    """Iterations done, or steps of a fit."""
    total: int
    """Iterations requested, or steps of a fit: searches over delays, and stages of the verdict."""


class ComputationSummary(ResponseModel):
    """The identity and the status of a computation."""

    id: str | None
    """A hash of the request; null if not stored."""
    status: Status
    """The status."""
    request: Annotated[dict[str, Any], Field(title="Computed request")]
    """The request with all defaults filled in, without keep. An explicit dataset appears as the
    stored dataset with the same numbers."""
    result_version: int
    """A version that is incremented when the results of the service change."""


class ComputationLifecycle(ResponseModel):
    """The progress, the times and the links of a computation."""

    progress: Progress
    """The completed and the requested steps."""
    attempt: int
    """A number that is incremented when the request is repeated after a failure or cancellation."""
    error: Problem | None
    """The reason for a failure."""
    created_at: datetime | None
    """When it was accepted."""
    created_by: str | None = None
    """The name of the API key that started this attempt; null without keys."""
    started_at: datetime | None
    """When the computation started."""
    finished_at: datetime | None
    """When the computation ended."""
    compute_seconds: float | None
    """Seconds spent on the computation."""
    links: dict[str, str] | None
    """Paths of its parts; null if not stored."""
