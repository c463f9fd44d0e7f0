"""Cost surfaces and the exact optimum."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from service.schemas.arrays import Matrix, Vector
from service.schemas.base import NUMBER, Nullable, RequestModel, ResponseModel
from service.schemas.common import NetworkField, NetworkSchema, NullableWeights, Range
from service.schemas.datasets import CountOnesDataset, DatasetSource
from service.schemas.gradient_trace import NOTE_POINTS, Points

MAX_WINDOWS = 4
MAX_RUNS = 8

Resolution = Annotated[
    int,
    Field(
        ge=2,
        le=10_000,
        description="Grid points along each axis; the limit is 1,000 by default.",
    ),
    NUMBER,
]


class Window(RequestModel):
    """A rectangle of weights and how finely to look at it."""

    w_in: Annotated[Range, Field(description="The columns' weights, from low to high.")] = Range()
    w_rec: Annotated[Range, Field(description="The rows' weights, from low to high.")] = Range()
    resolution: Resolution = 100


NOTE_WINDOWS = [
    Window(),
    Window(w_in=Range(low=0.0, high=2.0), w_rec=Range(low=0.0, high=2.0)),
]


class Mark(StrEnum):
    """The exact optimum, or the valley: the best w_in for each w_rec."""

    OPTIMUM = "optimum"
    VALLEY = "valley"


class CostSurfaceRequest(RequestModel):
    """Which cost surface to compute or draw."""

    dataset: DatasetSource = CountOnesDataset()
    network: NetworkField = NetworkSchema()
    windows: Annotated[
        list[Window],
        Field(min_length=1, max_length=MAX_WINDOWS, description="By default the note's two."),
    ] = NOTE_WINDOWS
    points: Points = NOTE_POINTS
    runs: Annotated[
        list[Annotated[str, Field(examples=["run_" + "0" * 32])]],
        Field(
            default_factory=list,
            json_schema_extra={"default": []},
            max_length=MAX_RUNS,
            description="Kept runs whose paths pictures draw.",
        ),
    ]
    marks: Annotated[
        list[Mark] | None,
        Field(
            max_length=len(Mark),
            description="What pictures mark besides, for the identity activation. Null marks "
            "both where runs are drawn, and nothing otherwise.",
        ),
    ] = None


class GridMinimum(ResponseModel):
    """The lowest cost on a grid, and where it is."""

    weights: Annotated[
        NullableWeights,
        Field(description="The first of them, row by row; null if every cost is beyond float64."),
    ]
    cost: Annotated[Nullable, Field(description="Null if every cost is beyond float64.")]


class CostGrid(ResponseModel):
    """The cost on a grid of weights."""

    w_in: Annotated[Vector, Field(description="The columns' weights.")]
    w_rec: Annotated[Vector, Field(description="The rows' weights.")]
    cost: Annotated[Matrix, Field(description="Rows are w_rec, columns w_in; null beyond float64.")]
    minimum: Annotated[GridMinimum, Field(description="The lowest cost on the grid.")]
    n_overflowed: Annotated[int, Field(description="Grid points beyond float64.")]


class CostSurfaceResponse(ResponseModel):
    """A surface for each window asked for, in that order."""

    windows: Annotated[list[CostGrid], Field(description="One surface a window.")]


class OptimumRequest(RequestModel):
    """Whose global minimum to find."""

    dataset: DatasetSource = CountOnesDataset()
    network: NetworkField = NetworkSchema()


class OptimumResponse(ResponseModel):
    """The exact global minimum of the cost for the identity activation."""

    weights: Annotated[
        NullableWeights, Field(description="Null where they lie at infinity or beyond float64.")
    ]
    cost: Annotated[Nullable, Field(description="The minimum, or the infimum if not attained.")]
    log10_cost: Annotated[Nullable, Field(description="Null where the cost is 0.")]
    attained: Annotated[bool, Field(description="False where the infimum lies at infinity.")]
    unique: Annotated[bool, Field(description="Whether no other weights do as well.")]
    w_in_sign: Annotated[
        Nullable, Field(description="Of the minimiser: -1 or 1, and 0 at 0 or if not attained.")
    ]
    log10_abs_w_in: Annotated[
        Nullable,
        Field(description="Tells w_in where it is beyond float64; null at 0 or if not attained."),
    ]
