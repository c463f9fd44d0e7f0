"""Basin maps."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from service.schemas.arrays import IntegerMatrix, Matrix, Vector
from service.schemas.base import NUMBER, RequestModel, ResponseModel
from service.schemas.common import NetworkField, NetworkSchema
from service.schemas.computations import ComputationLifecycle, ComputationSummary
from service.schemas.cost_surface import OptimumResponse, Window
from service.schemas.datasets import CountOnesDataset, DatasetSource
from service.schemas.optimizers import RPROP, AnyOptimizer, ClipSchema, OptimizerSchema
from service.schemas.training_runs import MAX_ITERATIONS

if TYPE_CHECKING:
    OptimizerField = OptimizerSchema
else:
    OptimizerField = AnyOptimizer


class BasinMapRequest(RequestModel):
    """From which starts to train, how and for how long."""

    dataset: DatasetSource = CountOnesDataset()
    network: NetworkField = NetworkSchema()
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


class OutcomeShares(ResponseModel):
    """How the starts ended, as parts of 1."""

    target_reached: Annotated[float, Field(description="The cost came down to the target.")]
    iterations_exhausted: Annotated[float, Field(description="The iterations ran out first.")]
    diverged: Annotated[float, Field(description="A weight did not stay finite.")]


class BasinMapResult(ResponseModel):
    """What a finished map found; every field is null before."""

    shares: Annotated[OutcomeShares | None, Field(description="How the starts ended.")] = None
    optimum: Annotated[
        OptimumResponse | None, Field(description="The exact optimum, for the identity.")
    ] = None


class BasinMapArrays(ResponseModel):
    """The map itself: rows are the initial w_rec, columns the initial w_in."""

    w_in: Annotated[Vector, Field(description="Initial w_in: the columns.")]
    w_rec: Annotated[Vector, Field(description="Initial w_rec: the rows.")]
    cost: Annotated[Matrix, Field(description="Of the final weights; null beyond float64.")]
    iterations: Annotated[IntegerMatrix, Field(description="Iterations done from each start.")]
    outcome: Annotated[
        IntegerMatrix,
        Field(description="0 iterations exhausted, 1 target reached, 2 diverged."),
    ]


class BasinMap(ComputationLifecycle, BasinMapResult, ComputationSummary):
    """A basin map."""

    map: Annotated[
        BasinMapArrays | None,
        Field(description="Only in the answer to keep: false; otherwise .npz has it."),
    ] = None


class BasinMapPage(ResponseModel):
    """A page of basin maps, newest first."""

    items: Annotated[list[BasinMap], Field(description="Up to limit maps.")]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
