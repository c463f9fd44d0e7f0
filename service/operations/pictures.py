"""Prepare pictures: name them by the request that makes them, check limits, load what to draw."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import rfc8785

from service import __version__
from service.engine.data import Step
from service.errors import Invalid
from service.figures import RENDERER_VERSION
from service.operations.basins import BASIN_MAP
from service.operations.fits import FIT, PROFILE, TABLE
from service.operations.ids import RESULT_VERSION, canonical_request
from service.operations.job_types import JobType
from service.operations.limits import Limits
from service.operations.resolve import get_succeeded, resolve_dataset
from service.operations.training import TRAINING_RUN
from service.operations.work_estimates import picture_seconds, trace_seconds
from service.rendering.approximation import choose_approximation
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
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions
from service.schemas.resolved_datasets import DatasetSize, ResolvedDataset
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

SurfacePicture = TypeVar("SurfacePicture", SurfacePictureRequest, TrajectoryPictureRequest)


class Picture(NamedTuple):
    """A picture that is drawn only if no cache has it.

    Attributes
    ----------
    etag
        The ETag of its bytes.
    suffix
        png, svg or pdf.
    prepare
        Loads what it shows; called in a thread.
    """

    etag: str
    suffix: str
    prepare: Callable[[Database], PictureRequest]


def check_surface_request(request: CostSurfaceRequest) -> None:
    """Raise Invalid for a resolution, or for marks that are unknown for the activation."""
    for i, window in enumerate(request.windows):
        if "resolution" in window.model_fields_set:
            detail = "a picture takes no resolution: its pixels follow from width, height and dpi"
            raise Invalid(detail, f"/windows/{i}/resolution")
    if request.marks and request.network.activation != "identity":
        detail = "the optimum and the valley are available for the identity activation only"
        raise Invalid(detail, "/marks")


def surface_picture(
    request: CostSurfaceRequest,
    dataset: ResolvedDataset,
    options: PictureOptions,
    suffix: str,
    limits: Limits,
) -> Picture:
    """Return the picture of cost surfaces."""
    http_request, etag = _name_request(f"/v1/cost-surface.{suffix}", request, options, limits)

    def prepare(database: Database) -> PictureRequest:
        picture = SurfacePictureRequest(
            surface=request,
            data=_load(dataset),
            paths=[load_run_path(run_id, database) for run_id in request.runs],
            style=figure_style(options, SURFACE_SIZE),
            suffix=suffix,
            http_request=http_request,
        )
        return _approximate(picture, dataset.size, request.network.activation, limits)

    return Picture(etag, suffix, prepare)


def trace_picture(
    request: GradientTraceRequest,
    dataset: ResolvedDataset,
    options: PictureOptions,
    suffix: str,
    limits: Limits,
) -> Picture:
    """Return the picture of gradient traces."""
    http_request, etag = _name_request(f"/v1/gradient-trace.{suffix}", request, options, limits)

    def prepare(_: Database) -> PictureRequest:
        limits.check_work(trace_seconds(dataset.size, len(request.points)), "/points")
        return TracePictureRequest(
            trace=request,
            data=_load(dataset),
            style=figure_style(options, TRACE_SIZE),
            suffix=suffix,
            http_request=http_request,
        )

    return Picture(etag, suffix, prepare)


def trajectory_picture(
    row: ComputationRow, options: PictureOptions, suffix: str, limits: Limits
) -> Picture:
    """Return the picture of a training run's trajectory."""
    http_request, etag = _name_computation(
        TRAINING_RUN, f"/trajectory.{suffix}", row, options, limits
    )

    def prepare(database: Database) -> PictureRequest:
        request = TrainingRunRequest.model_validate(row.request)
        dataset = resolve_dataset(request.dataset, database, limits)
        picture = TrajectoryPictureRequest(
            run=request,
            result=TrainingRunResult.model_validate(row.result),
            columns=computations.load_arrays(database, row.id),
            data=_load(dataset),
            style=figure_style(options, TRAJECTORY_SIZE),
            suffix=suffix,
            http_request=http_request,
        )
        return _approximate(picture, dataset.size, request.network.activation, limits)

    return Picture(etag, suffix, prepare)


def basin_map_picture(
    row: ComputationRow, options: PictureOptions, suffix: str, limits: Limits
) -> Picture:
    """Return the picture of a basin map."""
    http_request, etag = _name_computation(BASIN_MAP, f".{suffix}", row, options, limits)

    def prepare(database: Database) -> PictureRequest:
        return BasinMapPictureRequest(
            map=BasinMapRequest.model_validate(row.request),
            result=BasinMapResult.model_validate(row.result),
            arrays=computations.load_arrays(database, row.id),
            style=figure_style(options, BASIN_MAP_SIZE),
            suffix=suffix,
            http_request=http_request,
        )

    return Picture(etag, suffix, prepare)


def fit_picture(
    row: ComputationRow, options: PictureOptions, suffix: str, limits: Limits
) -> Picture:
    """Return the picture of a fit over time."""
    http_request, etag = _name_computation(FIT, f".{suffix}", row, options, limits)

    def prepare(database: Database) -> PictureRequest:
        arrays = computations.load_arrays(database, row.id)
        starts = np.flatnonzero(np.diff(arrays["sequence"], prepend=-1))
        n_sequences, end = len(starts), MAX_ROWS
        if len(arrays["sequence"]) > n_sequences > MAX_SEQUENCES:
            end = int(starts[MAX_SEQUENCES])
        return FitPictureRequest(
            columns={name: arrays[name][:end] for name in TABLE},
            target=(row.result or {})["target"],
            n_sequences=n_sequences,
            style=figure_style(options, FIT_SIZE),
            suffix=suffix,
            http_request=http_request,
            **_describe_fit(row),
        )

    return Picture(etag, suffix, prepare)


def profile_picture(
    row: ComputationRow, options: PictureOptions, suffix: str, limits: Limits
) -> Picture:
    """Return the picture of the profile of a fit."""
    http_request, etag = _name_computation(FIT, f"/profile.{suffix}", row, options, limits)

    def prepare(database: Database) -> PictureRequest:
        arrays = computations.load_arrays(database, row.id)
        return ProfilePictureRequest(
            columns={name: arrays[name] for name in PROFILE.values()},
            style=figure_style(options, PROFILE_SIZE),
            suffix=suffix,
            http_request=http_request,
            **_describe_fit(row),
        )

    return Picture(etag, suffix, prepare)


def _describe_fit(row: ComputationRow) -> dict[str, Any]:
    """Return what both pictures of a fit contain."""
    step, confidence = Step(**row.request["step"]), row.request["confidence"]
    return {"result": row.result, "step": step, "confidence": confidence}


def load_run_path(run_id: str, database: Database) -> RunPath:
    """Return the path of a stored run; raises NotFound or Conflict."""
    row = get_succeeded("run", run_id, database)
    columns = computations.load_arrays(database, row.id)
    return RunPath(row.request, trajectory_weights(columns))


def _name_request(
    path: str,
    request: CostSurfaceRequest | GradientTraceRequest,
    options: PictureOptions,
    limits: Limits,
) -> tuple[str, str]:
    """Return the HTTP request that makes a picture, as JSON, and the ETag of its bytes.

    A picture contains a small explicit dataset. A large one appears by its id, and must be stored
    before the picture can be drawn again.
    """
    body = canonical_request(request)
    for window in body.get("windows", []):
        del window["resolution"]  # it has no effect on a picture
    if 0 < request.dataset.n_given <= INLINE:
        body["dataset"] = request.dataset.model_dump(mode="json")
    made = {"method": "POST", "path": path, "query": _query(options), "body": body}
    return _name(made, limits)


def _name_computation(
    job_type: JobType[Any], file: str, row: ComputationRow, options: PictureOptions, limits: Limits
) -> tuple[str, str]:
    """Return the same for a computation: how to compute it, and how to request its file."""
    made = {"method": "POST", "path": job_type.path, "body": row.request}
    path = f"{job_type.path}/{row.id}{file}"
    return _name({"method": "GET", "path": path, "query": _query(options), "of": made}, limits)


def _query(options: PictureOptions) -> dict[str, Any]:
    return options.model_dump(mode="json", exclude_none=True)


def _name(request: dict[str, Any], limits: Limits) -> tuple[str, str]:
    canonical = rfc8785.dumps(request)
    # How the cost is approximated depends on the work limit.
    limit = rfc8785.dumps(limits.max_work_seconds)
    sha256 = hashlib.sha256(canonical + _VERSIONS + limit).hexdigest()
    return canonical.decode(), f'"{sha256[:32]}"'


def _load(dataset: ResolvedDataset) -> PictureData:
    """Read a stored dataset now, instead of while a rendering process waits for it."""
    dataset.dataset.load()
    return PictureData(dataset.dataset, dataset.precomputed)


def _approximate(
    picture: SurfacePicture, size: DatasetSize, activation: str, limits: Limits
) -> SurfacePicture:
    """Return the picture, with an approximation of the cost if the exact one takes too long."""
    width, height = picture.style.pixels

    def seconds(n_samples: int, n_costs: float) -> float:
        known = size.is_precomputed and n_samples == size.n_samples
        return picture_seconds(activation, DatasetSize(n_samples, size.n_steps, known), n_costs)

    approximation = choose_approximation(
        seconds, size.n_samples, width * height, limits.max_work_seconds
    )
    return replace(picture, approximation=approximation)
