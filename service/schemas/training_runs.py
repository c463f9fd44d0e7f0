"""Training runs."""

from typing import Annotated

from pydantic import Field

from service.engine.training import Outcome
from service.schemas.arrays import IntegerVector, Vector
from service.schemas.base import NUMBER, Nullable, ResponseModel
from service.schemas.common import Evaluation, WeightsSchema
from service.schemas.computations import (
    MAX_ITERATIONS,
    ComputationLifecycle,
    ComputationSummary,
    TrainingRequest,
)
from service.schemas.optimum import OptimumResponse

TUTORIAL_START = WeightsSchema(w_in=-1.5, w_rec=2.0)


class TrainingRunRequest(TrainingRequest):
    """The dataset, the initial weights, the optimizer and the number of iterations."""

    initial_weights: Annotated[
        WeightsSchema, Field(description="The weights before the first iteration.")
    ] = TUTORIAL_START
    target_cost: Annotated[
        Annotated[float, Field(ge=0), NUMBER] | None,
        Field(description="The run ends at the first cost that is at most this."),
    ] = None
    record_every: Annotated[
        int,
        Field(
            ge=1,
            le=MAX_ITERATIONS,
            description="The number of iterations from one recorded iteration to the next.",
        ),
        NUMBER,
    ] = 1


class TrajectoryResponse(ResponseModel):
    """The recorded iterations of a run, as columns of equal length."""

    iteration: Annotated[IntegerVector, Field(description="The recorded iterations.")]
    w_in: Annotated[Vector, Field(description="The input weight after each iteration.")]
    w_rec: Annotated[Vector, Field(description="The recurrent weight after each iteration.")]
    cost: Annotated[Vector, Field(description="The cost; null where it overflows float64.")]
    log10_cost: Annotated[
        Vector, Field(description="Its decimal logarithm; null only where the cost is 0.")
    ]


class TrainingRunResult(ResponseModel):
    """The result of a run. Every field is null until the run has succeeded."""

    outcome: Annotated[Outcome | None, Field(description="How the run ended.")] = None
    initial: Annotated[Evaluation | None, Field(description="The cost at the initial weights.")] = (
        None
    )
    final: Annotated[Evaluation | None, Field(description="The cost at the final weights.")] = None
    iterations: Annotated[int | None, Field(description="Iterations done.")] = None
    optimum: Annotated[
        OptimumResponse | None,
        Field(description="The exact optimum; null unless the activation is the identity."),
    ] = None
    gap_to_optimum: Annotated[
        Nullable,
        Field(description="The final cost minus the cost of the optimum; null where unknown."),
    ] = None


class TrainingRun(ComputationLifecycle, TrainingRunResult, ComputationSummary):
    """A training run."""

    trajectory: Annotated[
        TrajectoryResponse | None,
        Field(description="With keep: false only. The trajectory of a stored run is a resource."),
    ] = None


class TrainingRunPage(ResponseModel):
    """One page of training runs, newest first."""

    items: Annotated[list[TrainingRun], Field(description="Up to limit runs.")]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
