"""What the API and the command line offer of each kind of computation.

`RESOURCES` declares all of them. Their routes follow from that, and the files that commands write.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from service.figures.formats import PICTURE_FORMATS
from service.operations.basins import BASIN_MAP, basin_map_npz
from service.operations.downloads import Download, Picture
from service.operations.fits import FIT, fit_csv, profile_csv
from service.operations.job_types import JobType
from service.operations.limits import Limits
from service.operations.pictures import (
    basin_map_picture,
    fit_picture,
    profile_picture,
    trajectory_picture,
)
from service.operations.training import TRAINING_RUN, trajectory_csv
from service.schemas.base import ResponseModel
from service.schemas.basin_maps import BasinMapPage
from service.schemas.fit_results import FitPage
from service.schemas.pictures import PictureOptions
from service.schemas.training_runs import TrainingRunPage
from service.store.database import Database
from service.store.rows import ComputationRow


class ResultFile(NamedTuple):
    """A file of a result, in the formats of pictures or with its numbers."""

    name: str
    path: str  # below that of the resource
    description: str
    draw: Callable[[ComputationRow, PictureOptions, str, Limits], Picture]
    table: str  # the format of the numbers
    download: Callable[[ComputationRow, Database], Download]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """All formats."""
        return (*PICTURE_FORMATS, self.table)


class Resource(NamedTuple):
    """A kind of computation."""

    job_type: JobType[Any]
    page_model: type[ResponseModel]
    tag: str
    name: str  # of the operation that creates it
    summary: str
    effect: str  # of this operation, as a sentence
    files: tuple[ResultFile, ...]


TRAJECTORY: Final = ResultFile(
    "trajectory",
    "/trajectory",
    "Draw the path of the weights on the cost surface, or list it as CSV.",
    trajectory_picture,
    "csv",
    trajectory_csv,
)
MAP: Final = ResultFile(
    "basin_map",
    "",
    "Draw which initial weights reach the target cost, and after how many iterations.\n\nThe npz "
    "file contains the arrays.",
    basin_map_picture,
    "npz",
    basin_map_npz,
)
FITTED: Final = ResultFile(
    "fit",
    "",
    "Draw targets and fit over time with the residuals, or list them as CSV.\n\nA table begins at "
    "the first target of each sequence. Its columns are `sequence`, from 0, `step`, from 1, "
    "`target`, `prediction`, the band of the prediction, `low` and `high`, and `residual`. A field "
    "without a number is empty.",
    fit_picture,
    "csv",
    fit_csv,
)
PROFILE: Final = ResultFile(
    "fit_profile",
    "/profile",
    "Draw the lowest mean squared error, `cost`, with each `w_rec`, or list it as CSV.",
    profile_picture,
    "csv",
    profile_csv,
)
RESOURCES: Final = (
    Resource(
        TRAINING_RUN,
        TrainingRunPage,
        "Training",
        "train",
        "Train the network",
        "Train from the initial weights, and return how the training ended.",
        (TRAJECTORY,),
    ),
    Resource(
        BASIN_MAP,
        BasinMapPage,
        "Basin maps",
        "map_basins",
        "Train from every point of a grid",
        "Train from every pair of weights on a grid, and return which of them succeed.",
        (MAP,),
    ),
    Resource(
        FIT,
        FitPage,
        "Fits",
        "fit",
        "Fit a recurrence",
        "Fit S_k = w_rec S_{k-1} + w_in x_k with all its unknowns, and return the least-squares "
        "optimum, its intervals, and whether to trust them.",
        (FITTED, PROFILE),
    ),
)
