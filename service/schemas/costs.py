"""The cost on grids of weights, at given weights, and at its exact optimum."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from service.schemas.arrays import Matrix, Vector
from service.schemas.base import NUMBER, Nullable, RequestModel, ResponseModel
from service.schemas.common import TUTORIAL_POINTS, Evaluation, NullableWeights, Points, Range
from service.schemas.datasets import ObjectiveRequest

MAX_WINDOWS = 4
MAX_RUNS = 8
JSON_RESOLUTION = 25  # a larger response is not useful in JSON
NPZ_RESOLUTION = 100

Resolution = Annotated[
    int,
    Field(
        ge=2, le=10_000, description="Grid points along each axis; the limit is 1,000 by default."
    ),
    NUMBER,
]


class PictureWindow(RequestModel):
    """A rectangle of weights."""

    w_in: Range = Range()
    """The range of the columns."""
    w_rec: Range = Range()
    """The range of the rows."""


class Window(PictureWindow):
    """A rectangle of weights, and the resolution of its grid."""

    resolution: Annotated[
        Resolution | None,
        Field(
            description=f"By default {JSON_RESOLUTION} in JSON and {NPZ_RESOLUTION} in npz.",
            examples=[JSON_RESOLUTION],
        ),
    ] = None


_RANGES = (Range(), Range(low=0.0, high=2.0))  # of both weights
TUTORIAL_PICTURE_WINDOWS = [PictureWindow(w_in=both, w_rec=both) for both in _RANGES]
TUTORIAL_WINDOWS = [Window(w_in=both, w_rec=both) for both in _RANGES]


class Mark(StrEnum):
    """The exact optimum, or the valley: the best w_in for each w_rec."""

    OPTIMUM = "optimum"
    VALLEY = "valley"


_WINDOWS = Field(min_length=1, max_length=MAX_WINDOWS, description="By default the tutorial's two.")


class CostSurfacePictureRequest(ObjectiveRequest):
    """The windows in which to draw the cost, at every pixel."""

    windows: Annotated[list[PictureWindow], _WINDOWS] = TUTORIAL_PICTURE_WINDOWS
    points: Points = TUTORIAL_POINTS
    runs: Annotated[
        list[Annotated[str, Field(examples=["run_" + "0" * 32])]],
        Field(default_factory=list, json_schema_extra={"default": []}, max_length=MAX_RUNS),
    ]
    """Stored training runs whose paths to draw in a picture."""
    marks: Annotated[list[Mark] | None, Field(max_length=len(Mark))] = None
    """Further marks in a picture, for the identity activation. By default both if runs are drawn,
    and none otherwise."""

    @property
    def annotations(self) -> frozenset[str]:
        """The marks, or the default ones."""
        if self.marks is None:
            return frozenset(Mark if self.runs else ())
        return frozenset(self.marks)


class CostSurfaceRequest(CostSurfacePictureRequest):
    """The windows in which to compute the cost, on grids."""

    windows: Annotated[list[Window], _WINDOWS] = TUTORIAL_WINDOWS  # type: ignore[assignment]

    def resolutions(self, default: int) -> list[int]:
        """Return the resolution of each window."""
        return [window.resolution or default for window in self.windows]


class GridMinimum(ResponseModel):
    """The lowest cost on a grid, and its weights."""

    weights: NullableWeights
    """The first such weights, row by row; null if every cost overflows."""
    cost: Nullable
    """Null if every cost overflows float64."""


class CostGrid(ResponseModel):
    """The cost on a grid of weights."""

    w_in: Vector
    """The w_in of each column."""
    w_rec: Vector
    """The w_rec of each row."""
    cost: Matrix
    """Rows are w_rec, columns are w_in; null where it overflows float64."""
    minimum: GridMinimum
    """The lowest cost on the grid."""
    n_overflowed: int
    """Grid points whose cost overflows float64."""


class CostSurfaceResponse(ResponseModel):
    """One grid per requested window, in the same order."""

    windows: list[CostGrid]
    """One grid per window."""


class EvaluateRequest(ObjectiveRequest):
    """The weights at which to evaluate the network."""

    points: Annotated[Points, Field(min_length=1)] = TUTORIAL_POINTS


class Curvature(ResponseModel):
    """The eigenvalues of the Hessian of the cost with respect to both weights."""

    largest: float
    """Near a minimum, gradient descent diverges if the learning rate exceeds 2 divided by this
    value."""
    smallest: float
    """Negative where the cost is concave in some direction."""


class PointEvaluation(Evaluation):
    """The cost, its gradient and curvature, and the outputs at one pair of weights."""

    curvature: Curvature | None
    """Null where it overflows float64."""
    outputs: Vector
    """The last state of each sequence; null where it overflows float64."""


class EvaluateResponse(ResponseModel):
    """One evaluation per requested point, in the same order."""

    evaluations: list[PointEvaluation]
    """One evaluation per point."""


class OptimumRequest(ObjectiveRequest):
    """The dataset and the network whose optimum is computed."""


class OptimumResponse(ResponseModel):
    """The exact global minimum of the cost, for the identity activation."""

    weights: NullableWeights
    """Null if the infimum is at infinity, or a weight is outside the float64 range."""
    cost: Nullable
    """The minimum, or the infimum if it is not attained."""
    log10_cost: Nullable
    """Its decimal logarithm; null where the cost is 0."""
    attained: bool
    """True if float64 weights have this cost; false if a weight is null."""
    unique: bool
    """True if it is attained, and all other minima are higher by more than the accuracy of
    costs."""
