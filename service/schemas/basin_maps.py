"""Basin maps."""

from typing import Annotated, Any

from pydantic import Field, create_model

from service.engine.training import Outcome
from service.schemas.arrays import IntegerMatrix, Matrix, Vector
from service.schemas.base import NUMBER, Page, ResponseModel
from service.schemas.computations import ComputationLifecycle, ComputationSummary, TrainingRequest
from service.schemas.costs import OptimumResponse, Resolution, Window


class MapWindow(Window):
    """A rectangle of initial weights, and the resolution of its grid."""

    resolution: Resolution = 100


class BasinMapRequest(TrainingRequest):
    """The dataset, the grid of initial weights, the optimizer and the number of iterations."""

    window: MapWindow = MapWindow()
    """The grid of initial weights."""
    target_cost: Annotated[float, Field(ge=0), NUMBER] = 0.01
    """Training succeeds at the first cost that does not exceed this value."""


_SHARES: dict[str, Any] = {
    outcome.value: (Annotated[float, Field(description=outcome.meaning)], ...)
    for outcome in Outcome
}
OutcomeShares = create_model(
    "OutcomeShares",
    __base__=ResponseModel,
    __doc__="The share of initial weights with each outcome, from 0 to 1.",
    **_SHARES,
)


class BasinMapResult(ResponseModel):
    """The result of a map. Every field is null until the map has succeeded."""

    shares: OutcomeShares | None = None  # type: ignore[valid-type]
    """The shares of the outcomes of training."""
    optimum: OptimumResponse | None = None
    """The exact optimum; null unless the activation is the identity."""


class BasinMapArrays(ResponseModel):
    """The map itself: the rows are the initial w_rec, the columns the initial w_in."""

    w_in: Vector
    """The initial w_in of each column."""
    w_rec: Vector
    """The initial w_rec of each row."""
    cost: Matrix
    """The cost of the final weights; null where it overflows float64."""
    iterations: IntegerMatrix
    """Iterations done from each grid point."""
    outcome: list[list[Outcome]]
    """The outcome of training from each grid point."""


class BasinMap(ComputationLifecycle, BasinMapResult, ComputationSummary):
    """A basin map."""

    map: BasinMapArrays | None = None
    """With keep: false only. The arrays of a stored map are in .npz."""


class BasinMapPage(Page[BasinMap]):
    """One page of basin maps, newest first."""
