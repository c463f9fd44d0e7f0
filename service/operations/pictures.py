"""Pictures of stored computations."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

from service.engine.data import Step
from service.operations.basins import BASIN_MAP
from service.operations.downloads import Picture, name_picture
from service.operations.fits import FIT, PROFILE, TABLE
from service.operations.job_types import Arrays, JobType
from service.operations.limits import Limits
from service.operations.resolve import check_targets, load_data, resolve_dataset
from service.operations.training import TRAINING_RUN
from service.rendering.requests import (
    BASIN_MAP_SIZE,
    FIT_SIZE,
    PROFILE_SIZE,
    TRAJECTORY_SIZE,
    BasinMapPictureRequest,
    FitPictureRequest,
    PictureRequest,
    ProfilePictureRequest,
    TrajectoryPictureRequest,
)
from service.schemas.basin_maps import BasinMapRequest, BasinMapResult
from service.schemas.pictures import PictureOptions
from service.schemas.training_runs import TrainingRunRequest, TrainingRunResult
from service.store import computations
from service.store.database import Database
from service.store.rows import ComputationRow

MAX_SEQUENCES: Final = 8  # of a fit in its picture, one per color
MAX_ROWS: Final = 1_000  # of sequences with one target, which are drawn side by side

Common: TypeAlias = dict[str, Any]  # what all picture requests have
LoadRequest: TypeAlias = Callable[
    [ComputationRow, Arrays, Common, Database, Limits], PictureRequest
]


def _picture_of(
    job_type: JobType[Any], stem: str, size: tuple[int, int], load: LoadRequest
) -> Callable[[ComputationRow, PictureOptions, str, Limits], Picture]:
    """Return the function that returns a picture of a computation, in the file ``stem.suffix``."""

    def picture(
        row: ComputationRow, options: PictureOptions, suffix: str, limits: Limits
    ) -> Picture:
        """Return the picture: its name says how to compute it, and how to request its file."""
        path = f"{job_type.path}/{row.id}{stem}.{suffix}"
        made = {"method": "POST", "path": job_type.path, "body": row.request}
        request = {"method": "GET", "path": path, "of": made}
        common, etag = name_picture(request, options, size, limits)

        def prepare(database: Database) -> PictureRequest:
            arrays = computations.load_arrays(database, row.id)
            return load(row, arrays, common, database, limits)

        return Picture(etag, suffix, prepare)

    return picture


def _load_trajectory(
    row: ComputationRow, arrays: Arrays, common: Common, database: Database, limits: Limits
) -> PictureRequest:
    request = TrainingRunRequest.model_validate(row.request)
    dataset = check_targets(resolve_dataset(request.dataset, database, limits))
    result, data = TrainingRunResult.model_validate(row.result), load_data(dataset)
    return TrajectoryPictureRequest(run=request, result=result, columns=arrays, data=data, **common)


def _load_basin_map(row: ComputationRow, arrays: Arrays, common: Common, *_: Any) -> PictureRequest:
    request = BasinMapRequest.model_validate(row.request)
    result = BasinMapResult.model_validate(row.result)
    return BasinMapPictureRequest(map=request, result=result, arrays=arrays, **common)


def _load_fit(row: ComputationRow, arrays: Arrays, common: Common, *_: Any) -> PictureRequest:
    starts = np.flatnonzero(np.diff(arrays["sequence"], prepend=-1))
    n_sequences, end = len(starts), MAX_ROWS
    if len(arrays["sequence"]) > n_sequences > MAX_SEQUENCES:
        end = int(starts[MAX_SEQUENCES])
    columns = {name: arrays[name][:end] for name in TABLE}
    return FitPictureRequest(columns=columns, n_sequences=n_sequences, **_fit_fields(row), **common)


def _load_profile(row: ComputationRow, arrays: Arrays, common: Common, *_: Any) -> PictureRequest:
    columns = {name: arrays[name] for name in PROFILE.values()}
    return ProfilePictureRequest(columns=columns, **_fit_fields(row), **common)


def _fit_fields(row: ComputationRow) -> dict[str, Any]:
    step, confidence = Step(**row.request["step"]), row.request["confidence"]
    return {"result": row.result, "step": step, "confidence": confidence}


trajectory_picture = _picture_of(TRAINING_RUN, "/trajectory", TRAJECTORY_SIZE, _load_trajectory)
basin_map_picture = _picture_of(BASIN_MAP, "", BASIN_MAP_SIZE, _load_basin_map)
fit_picture = _picture_of(FIT, "", FIT_SIZE, _load_fit)
profile_picture = _picture_of(FIT, "/profile", PROFILE_SIZE, _load_profile)
