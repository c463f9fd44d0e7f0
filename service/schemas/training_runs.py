"""Training runs."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from service.engine.training import Outcome
from service.schemas.arrays import IntegerVector, Vector
from service.schemas.base import NUMBER, Nullable, RequestModel, ResponseModel
from service.schemas.common import Evaluation, NetworkField, NetworkSchema, WeightsSchema
from service.schemas.computations import ComputationLifecycle, ComputationSummary
from service.schemas.cost_surface import OptimumResponse
from service.schemas.datasets import CountOnesDataset, DatasetSource
from service.schemas.optimizers import RPROP, AnyOptimizer, ClipSchema, OptimizerSchema

if TYPE_CHECKING:
    OptimizerField = OptimizerSchema
else:
    OptimizerField = AnyOptimizer

NOTE_START = WeightsSchema(w_in=-1.5, w_rec=2.0)
MAX_ITERATIONS = 10**9


class TrainingRunRequest(RequestModel):
    """What to train, from where, how and for how long."""

    dataset: DatasetSource = CountOnesDataset()
    network: NetworkField = NetworkSchema()
    initial_weights: Annotated[
        WeightsSchema, Field(description="The weights before the first iteration.")
    ] = NOTE_START
    optimizer: OptimizerField = RPROP
    n_iterations: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_ITERATIONS,
            description="The most iterations to do; the limit is 1,000,000 by default.",
        ),
        NUMBER,
    ] = 500
    target_cost: Annotated[
        Annotated[float, Field(ge=0), NUMBER] | None,
        Field(description="The run ends at the first cost that is not above this."),
    ] = None
    record_every: Annotated[
        int,
        Field(ge=1, le=MAX_ITERATIONS, description="Distance of the iterations recorded."),
        NUMBER,
    ] = 1
    clip: Annotated[
        ClipSchema | None,
        Field(description="Bounds the gradient, for optimizers that use its magnitude."),
    ] = None
    keep: Annotated[
        bool, Field(strict=True, description="False: answer with the trajectory, store nothing.")
    ] = True


class TrajectoryResponse(ResponseModel):
    """What a run recorded, as columns of one length."""

    iteration: Annotated[IntegerVector, Field(description="The iterations that were recorded.")]
    w_in: Annotated[Vector, Field(description="The input weight after each.")]
    w_rec: Annotated[Vector, Field(description="The recurrent weight after each.")]
    cost: Annotated[Vector, Field(description="Null beyond float64.")]
    log10_cost: Annotated[Vector, Field(description="Null only at a cost of 0.")]


class TrainingRunResult(ResponseModel):
    """What a finished run found; every field is null before."""

    outcome: Annotated[
        Outcome | None, Field(description="How it ended; null until it has succeeded.")
    ] = None
    initial: Annotated[Evaluation | None, Field(description="At the initial weights.")] = None
    final: Annotated[Evaluation | None, Field(description="At the final weights.")] = None
    iterations: Annotated[int | None, Field(description="Iterations done.")] = None
    optimum: Annotated[
        OptimumResponse | None, Field(description="The exact optimum, for the identity.")
    ] = None
    gap_to_optimum: Annotated[
        Nullable, Field(description="The final cost less the optimum's; null where unknown.")
    ] = None


class TrainingRun(ComputationLifecycle, TrainingRunResult, ComputationSummary):
    """A training run."""

    trajectory: Annotated[
        TrajectoryResponse | None,
        Field(description="Only in the answer to keep: false; otherwise a resource of its own."),
    ] = None


class TrainingRunPage(ResponseModel):
    """A page of training runs, newest first."""

    items: Annotated[list[TrainingRun], Field(description="Up to limit runs.")]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
