"""Resources of the API and the command line, one per kind of computation.

`RESOURCES` declares all of them. Routes and the files of commands are derived from it.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from service import store
from service.figures.formats import PICTURE_FORMATS
from service.operations.computations import fit_files
from service.operations.computations.basins import BASIN_MAP, basin_map_npz
from service.operations.computations.fits import FIT
from service.operations.computations.job_types import Arrays, JobType
from service.operations.computations.training import TRAINING_RUN, trajectory_csv
from service.operations.shared.approximations import choose_approximations
from service.operations.shared.context import Context
from service.operations.shared.downloads import (
    Common,
    Download,
    Picture,
    conflict_if_outdated,
    name_picture,
)
from service.operations.shared.limits import Limits
from service.operations.shared.resolve import check_targets, load_data, resolve_dataset
from service.rendering.requests import (
    BasinMapPictureRequest,
    PictureRequest,
    TrajectoryPictureRequest,
)
from service.schemas.base import ResponseModel
from service.schemas.basin_maps import BasinMapPage, BasinMapRequest, BasinMapResult
from service.schemas.fit_results import FitPage
from service.schemas.pictures import FitPictureOptions, PictureOptions
from service.schemas.training_runs import TrainingRunPage, TrainingRunRequest, TrainingRunResult
from service.store.rows import ComputationRow


class ResultFile(NamedTuple):
    """A file of a result, in the formats of pictures or with its numbers, or a document."""

    job_type: JobType[Any]
    name: str
    path: str  # below that of the resource
    size: tuple[int, int]  # of the picture if the options have none
    # Loads what the picture shows. Its docstring is the documentation of the API.
    load: Callable[[ComputationRow, Arrays, Common, "store.Database", Limits], PictureRequest]
    # Returns the numbers by their path, except for a document.
    download: Callable[[str, ComputationRow, "store.Database"], Download] | None
    table: str = "csv"  # the format of the numbers, or of a document
    options: type[PictureOptions] = PictureOptions

    @property
    def suffixes(self) -> tuple[str, ...]:
        """All formats."""
        return (self.table,) if self.download is None else (*PICTURE_FORMATS, self.table)

    def make(
        self, row: ComputationRow, suffix: str, options: PictureOptions, context: Context
    ) -> Download | Picture:
        """Return the file of a computation in one of the formats.

        The name of a picture contains its computation and the request of its file.
        """
        job_type, limits = self.job_type, context.limits
        path = f"{job_type.path}/{row.id}{self.path}.{suffix}"
        if suffix == self.table and self.download is not None:
            return self.download(path, row, context.database)
        made = {"method": "POST", "path": job_type.path, "body": row.request}
        request = {"method": "GET", "path": path, "of": made}
        common, etag = name_picture(request, options, self.size, limits)

        def prepare(database: "store.Database") -> PictureRequest:
            arrays = store.arrays.load(database, row.id)
            with conflict_if_outdated(row):
                return self.load(row, arrays, common, database, limits)

        return Picture(etag, suffix, prepare)


class Resource(NamedTuple):
    """A kind of computation."""

    job_type: JobType[Any]
    page_model: type[ResponseModel]
    tag: str
    name: str  # of the operation that creates it
    summary: str
    effect: str  # of this operation, as a sentence
    files: tuple[ResultFile, ...]


def _load_trajectory(
    row: ComputationRow, arrays: Arrays, common: Common, database: "store.Database", limits: Limits
) -> PictureRequest:
    """Draw the path of the weights on the cost surface, or list it as CSV."""
    request = TrainingRunRequest.model_validate(row.request)
    dataset = check_targets(resolve_dataset(request.dataset, database, limits))
    return TrajectoryPictureRequest(
        run=request,
        result=TrainingRunResult.model_validate(row.result),
        columns=arrays,
        data=load_data(dataset),
        approximations=choose_approximations(request.network.activation, dataset.size, common),
        **common,
    )


def _load_basin_map(row: ComputationRow, arrays: Arrays, common: Common, *_: Any) -> PictureRequest:
    """Draw the initial weights that reach the target cost, and the number of iterations.

    The npz file contains the arrays.
    """
    request = BasinMapRequest.model_validate(row.request)
    result = BasinMapResult.model_validate(row.result)
    return BasinMapPictureRequest(map=request, result=result, arrays=arrays, **common)


TRAJECTORY: Final = ResultFile(
    TRAINING_RUN, "trajectory", "/trajectory", (1000, 440), _load_trajectory, trajectory_csv
)
MAP: Final = ResultFile(
    BASIN_MAP, "basin_map", "", (720, 560), _load_basin_map, basin_map_npz, "npz"
)
FITTED: Final = ResultFile(
    FIT, "fit", "", (900, 520), fit_files.load_fit, fit_files.fit_csv, options=FitPictureOptions
)
FIT_PROFILE: Final = ResultFile(
    FIT, "fit_profile", "/profile", (760, 440), fit_files.load_profile, fit_files.profile_csv
)
FIT_RESPONSE: Final = ResultFile(
    FIT, "fit_response", "/response", (760, 440), fit_files.load_response, fit_files.response_csv
)
FIT_CONTRIBUTIONS: Final = ResultFile(
    FIT,
    "fit_contributions",
    "/contributions",
    (900, 520),
    fit_files.load_contributions,
    fit_files.contributions_csv,
)
FIT_GROUPS: Final = ResultFile(
    FIT, "fit_groups", "/groups", (900, 520), fit_files.load_groups, fit_files.groups_csv
)
FIT_REPORT: Final = ResultFile(
    FIT,
    "fit_report",
    "/report",
    (900, 520),
    fit_files.load_report,
    None,
    "html",
    FitPictureOptions,
)
RESOURCES: Final = (
    Resource(
        TRAINING_RUN,
        TrainingRunPage,
        "Training",
        "train",
        "Train the network",
        "Train from the initial weights, and return the outcome of the training.",
        (TRAJECTORY,),
    ),
    Resource(
        BASIN_MAP,
        BasinMapPage,
        "Basin maps",
        "map_basins",
        "Train from every point of a grid",
        "Train from every pair of weights on a grid, and return the outcomes.",
        (MAP,),
    ),
    Resource(
        FIT,
        FitPage,
        "Fits",
        "fit",
        "Fit a recurrence",
        "Fit all unknowns of S_k = w_rec S_{k-1} + w_in x_k, and return the least-squares optimum, "
        "its intervals, and a verdict on them.",
        (FITTED, FIT_PROFILE, FIT_RESPONSE, FIT_CONTRIBUTIONS, FIT_GROUPS, FIT_REPORT),
    ),
)
