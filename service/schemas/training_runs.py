"""Training runs."""

from typing import Annotated

from pydantic import Field

from service.engine.training import Outcome
from service.schemas.arrays import IntegerVector, Vector
from service.schemas.base import NUMBER, Nullable, Page, ResponseModel
from service.schemas.common import Evaluation, WeightsSchema
from service.schemas.computations import (
    MAX_ITERATIONS,
    ComputationLifecycle,
    ComputationSummary,
    TrainingRequest,
)
from service.schemas.costs import OptimumResponse

TUTORIAL_START = WeightsSchema(w_in=-1.5, w_rec=2.0)


class TrainingRunRequest(TrainingRequest):
    """The dataset, the initial weights, the optimizer and the number of iterations."""

    initial_weights: WeightsSchema = TUTORIAL_START
    """The weights before the first iteration."""
    target_cost: Annotated[float, Field(ge=0), NUMBER] | None = None
    """The run ends at the first cost that does not exceed this value."""
    record_every: Annotated[int, Field(ge=1, le=MAX_ITERATIONS), NUMBER] = 1
    """The number of iterations from one recorded iteration to the next."""


class TrajectoryResponse(ResponseModel):
    """The recorded iterations of a run, as columns of equal length."""

    iteration: IntegerVector
    """The recorded iterations."""
    w_in: Vector
    """The input weight after each iteration."""
    w_rec: Vector
    """The recurrent weight after each iteration."""
    cost: Vector
    """The cost; null where it overflows float64."""
    log10_cost: Vector
    """Its decimal logarithm; null only where the cost is 0."""


class TrainingRunResult(ResponseModel):
    """The result of a run. Every field is null until the run has succeeded."""

    outcome: Outcome | None = None
    """The outcome of the run."""
    initial: Evaluation | None = None
    """The cost at the initial weights."""
    final: Evaluation | None = None
    """The cost at the final weights."""
    iterations: int | None = None
    """Iterations done."""
    optimum: OptimumResponse | None = None
    """The exact optimum; null unless the activation is the identity."""
    gap_to_optimum: Nullable = None
    """The final cost minus the cost of the optimum; null if unknown."""


class TrainingRun(ComputationLifecycle, TrainingRunResult, ComputationSummary):
    """A training run."""

    trajectory: TrajectoryResponse | None = None
    """With keep: false only. The trajectory of a stored run is a resource."""


class TrainingRunPage(Page[TrainingRun]):
    """One page of training runs, newest first."""
