"""Basin maps."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from service.schemas.arrays import IntegerMatrix, Matrix, Vector
from service.schemas.base import NUMBER, Answer, Question
from service.schemas.common import NetworkSchema
from service.schemas.datasets import CountOnes, Dataset
from service.schemas.optimizers import RPROP, AnyOptimizer, ClipSchema, OptimizerSchema
from service.schemas.problems import Problem
from service.schemas.runs import MAX_ITERATIONS, Progress, Status
from service.schemas.surfaces import OptimumAnswer, Window

if TYPE_CHECKING:
    OptimizerField = OptimizerSchema
else:
    OptimizerField = AnyOptimizer


class BasinQuestion(Question):
    """From which starts to train, how and for how long."""

    dataset: Dataset = CountOnes()
    network: NetworkSchema = NetworkSchema()
    optimizer: OptimizerField = RPROP
    window: Annotated[Window, Field(description="The grid of initial weights.")] = Window()
    n_iterations: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_ITERATIONS,
            description="The most iterations from each start; the limit is 1,000,000 by default.",
        ),
        NUMBER,
    ] = 500
    target_cost: Annotated[
        float,
        Field(ge=0, description="A start succeeds at the first cost that is not above this."),
        NUMBER,
    ] = 0.01
    clip: Annotated[
        ClipSchema | None,
        Field(description="Bounds the gradient, for optimizers that use its magnitude."),
    ] = None
    keep: Annotated[
        bool, Field(strict=True, description="False: answer with the map itself, store nothing.")
    ] = True


class Shares(Answer):
    """How the starts ended, as parts of 1."""

    target_reached: float
    iterations_exhausted: float
    diverged: float


class BasinResult(Answer):
    """What a finished map found; every field is null before."""

    shares: Shares | None = None
    optimum: Annotated[
        OptimumAnswer | None, Field(description="The exact optimum, for the identity.")
    ] = None


class BasinArrays(Answer):
    """The map itself: rows are the initial w_rec, columns the initial w_in."""

    w_in: Vector
    w_rec: Vector
    cost: Annotated[Matrix, Field(description="Of the final weights; null beyond float64.")]
    iterations: Annotated[IntegerMatrix, Field(description="Iterations done from each start.")]
    outcome: Annotated[
        IntegerMatrix,
        Field(description="0 iterations exhausted, 1 target reached, 2 diverged."),
    ]


class BasinHead(Answer):
    """Which map it is, and where it stands."""

    id: Annotated[str | None, Field(description="Null for a map that was not kept.")]
    status: Status
    request: Annotated[
        dict[str, Any], Field(description="The request, defaults filled in, without keep.")
    ]
    result_version: Annotated[
        int, Field(description="Raised whenever the engine's results would change.")
    ]


class BasinAnswer(BasinResult, BasinHead):
    """A basin map."""

    progress: Progress
    attempt: int
    error: Annotated[Problem | None, Field(description="Why it failed.")]
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    compute_seconds: float | None
    links: dict[str, str] | None
    map: Annotated[
        BasinArrays | None,
        Field(description="Only in the answer to keep: false; otherwise .npz has it."),
    ] = None


class BasinPage(Answer):
    """A page of basin maps, newest first."""

    items: list[BasinAnswer]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
