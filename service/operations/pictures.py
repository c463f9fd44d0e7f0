"""Prepare pictures: name them by the request that makes them, check limits, load what to draw."""

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import rfc8785

from service import __version__
from service.engine.data import Step
from service.errors import Invalid
from service.figures import RENDERER_VERSION
from service.operations.basins import BASIN_MAP
from service.operations.fits import FIT, PROFILE, TABLE
from service.operations.ids import RESULT_VERSION, canonical_request
from service.operations.job_types import Arrays, JobType
from service.operations.limits import Limits
from service.operations.resolve import check_targets, get_succeeded, resolve_dataset
from service.operations.traces import estimate_traces
from service.operations.training import TRAINING_RUN
from service.rendering.requests import (
    BASIN_MAP_SIZE,
    FIT_SIZE,
    PROFILE_SIZE,
    SURFACE_SIZE,
    TRACE_SIZE,
    TRAJECTORY_SIZE,
    BasinMapPictureRequest,
    FitPictureRequest,
    PictureData,
    PictureRequest,
    ProfilePictureRequest,
    RunPath,
    SurfacePictureRequest,
    TracePictureRequest,
    TrajectoryPictureRequest,
    figure_style,
    trajectory_weights,
)
from service.schemas.basin_maps import BasinMapRequest, BasinMapResult
from service.schemas.cost_surface import CostSurfacePictureRequest
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions
from service.schemas.resolved_datasets import ResolvedDataset
from service.schemas.training_runs import TrainingRunRequest, TrainingRunResult
from service.store import computations
from service.store.database import Database
from service.store.rows import ComputationRow

# Versions that are part of the ETag.
_VERSIONS: Final = rfc8785.dumps(
    [__version__, RESULT_VERSION, RENDERER_VERSION, version("matplotlib")]
)
INLINE: Final = 1000  # numbers of an explicit dataset that a picture contains
MAX_SEQUENCES: Final = 8  # of a fit in its picture, one per color
MAX_ROWS: Final = 1_000  # of sequences with one target, which are drawn side by side

Common: TypeAlias = dict[str, Any]  # what all picture requests have
LoadRequest: TypeAlias = Callable[
    [ComputationRow, Arrays, Common, Database, Limits], PictureRequest
]


class Picture(NamedTuple):
    """A picture that is drawn only if no cache has it."""

    etag: str  # of its bytes
    suffix: str  # png, svg or pdf
    prepare: Callable[[Database], PictureRequest]  # loads what it shows; called in a thread


def surface_picture(
    request: CostSurfacePictureRequest,
    dataset: ResolvedDataset,
    options: PictureOptions,
    suffix: str,
    limits: Limits,
) -> Picture:
    """Return the picture of cost surfaces; raises Invalid for marks that cannot be computed."""
    if request.marks and not request.network.to_network().is_linear:
        detail = "the optimum and the valley are available for the identity activation only"
        raise Invalid(detail, "/marks")
    common, etag = _name_request("cost-surface", request, options, suffix, SURFACE_SIZE, limits)

    def prepare(database: Database) -> PictureRequest:
        paths = [load_run_path(run_id, database) for run_id in request.runs]
        data = _load(dataset)
        return SurfacePictureRequest(surface=request, data=data, paths=paths, **common)

    return Picture(etag, suffix, prepare)


def trace_picture(
    request: GradientTraceRequest,
    dataset: ResolvedDataset,
    options: PictureOptions,
    suffix: str,
    limits: Limits,
) -> Picture:
    """Return the picture of gradient traces."""
    common, etag = _name_request("gradient-trace", request, options, suffix, TRACE_SIZE, limits)

    def prepare(_: Database) -> PictureRequest:
        limits.check_picture(estimate_traces(request, dataset, limits), "/points")
        return TracePictureRequest(trace=request, data=_load(dataset), **common)

    return Picture(etag, suffix, prepare)


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
        common, etag = _name({"method": "GET", "path": path, "of": made}, options, size, limits)

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
    result, data = TrainingRunResult.model_validate(row.result), _load(dataset)
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


def load_run_path(run_id: str, database: Database) -> RunPath:
    """Return the path of a stored run; raises NotFound or Conflict."""
    row = get_succeeded("run", run_id, database)
    columns = computations.load_arrays(database, row.id)
    return RunPath(row.request, trajectory_weights(columns))


def _name_request(
    name: str,
    request: CostSurfacePictureRequest | GradientTraceRequest,
    options: PictureOptions,
    suffix: str,
    size: tuple[int, int],
    limits: Limits,
) -> tuple[Common, str]:
    """Return what all picture requests have, and the ETag of the bytes of the picture.

    The HTTP request that makes the picture, as JSON, contains a small explicit dataset. A large one
    appears by its id, and must be stored before the picture can be drawn again.
    """
    body = canonical_request(request)
    if 0 < request.dataset.n_given <= INLINE:
        body["dataset"] = request.dataset.model_dump(mode="json")
    made = {"method": "POST", "path": f"/v1/{name}.{suffix}", "body": body}
    return _name(made, options, size, limits)


def _name(
    request: dict[str, Any], options: PictureOptions, size: tuple[int, int], limits: Limits
) -> tuple[Common, str]:
    query = options.model_dump(mode="json", exclude_none=True)
    canonical = rfc8785.dumps({**request, "query": query})
    # How the cost is approximated depends on the limit.
    limit = rfc8785.dumps(limits.max_picture_seconds)
    sha256 = hashlib.sha256(canonical + _VERSIONS + limit).hexdigest()
    suffix = request["path"].rpartition(".")[2]
    common = {
        "style": figure_style(options, size),
        "suffix": suffix,
        "http_request": canonical.decode(),
        "seconds": limits.max_picture_seconds,
    }
    return common, f'"{sha256[:32]}"'


def _load(dataset: ResolvedDataset) -> PictureData:
    """Read a stored dataset now, instead of while a rendering process waits for it."""
    dataset.dataset.load()
    return PictureData(dataset.dataset, dataset.precomputed)
