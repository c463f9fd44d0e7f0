"""What training runs and basin maps tell alike: which one it is, and its life."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from service.schemas.base import ResponseModel
from service.schemas.problems import Problem

# Where a computation stands in its life.
Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Progress(ResponseModel):
    """Iterations done, of how many."""

    done: Annotated[int, Field(description="Iterations done.")]
    total: Annotated[int, Field(description="Iterations asked for.")]


class ComputationSummary(ResponseModel):
    """Which computation it is, and where it stands."""

    id: Annotated[str | None, Field(description="A hash of the question; null if not kept.")]
    status: Annotated[Status, Field(description="Where it stands in its life.")]
    request: Annotated[
        dict[str, Any],
        Field(
            description="The request, defaults filled in, without keep. Samples that were given "
            "in it stand here as the stored dataset that they are, or would be if kept."
        ),
    ]
    result_version: Annotated[
        int, Field(description="Raised whenever the engine's results would change.")
    ]


class ComputationLifecycle(ResponseModel):
    """How a computation came about."""

    progress: Annotated[Progress, Field(description="Iterations done, of how many.")]
    attempt: Annotated[
        int, Field(description="One higher each time after it failed or was cancelled.")
    ]
    error: Annotated[Problem | None, Field(description="Why it failed.")]
    created_at: Annotated[datetime | None, Field(description="When it was accepted.")]
    started_at: Annotated[datetime | None, Field(description="When the computing began.")]
    finished_at: Annotated[datetime | None, Field(description="When the computing ended.")]
    compute_seconds: Annotated[float | None, Field(description="Time spent computing.")]
    links: Annotated[
        dict[str, str] | None, Field(description="Where its parts are; null if not kept.")
    ]
