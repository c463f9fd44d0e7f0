"""Prepare pictures: name them by the request that makes them, check limits, load what to draw."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import rfc8785

from service import __version__
from service.engine.data import DatasetSize
from service.errors import Invalid
from service.figures import RENDERER_VERSION
from service.operations.ids import RESULT_VERSION, canonical_request, check_id
from service.operations.limits import Limits
from service.operations.resolve import get_succeeded, resolve_dataset
from service.operations.work_estimates import evaluation_seconds, trace_seconds
from service.rendering.approximation import choose_approximation
from service.rendering.requests import (
    BASIN_MAP_SIZE,
    TRACE_SIZE,
    BasinMapPictureRequest,
    PictureData,
    PictureRequest,
    RunPath,
    SurfacePictureRequest,
    TracePictureRequest,
    TrajectoryPictureRequest,
    figure_style,
    optimizer_title,
    trajectory_weights,
)
from service.schemas.basin_maps import BasinMapRequest, BasinMapResult
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset, DatasetSource, ExplicitDataset, StoredDataset
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions
from service.schemas.training_runs import TrainingRunRequest, TrainingRunResult
from service.store import computations, datasets
from service.store.database import Database
from service.store.rows import ComputationRow

# Whatever changes the bytes of a picture although its request is the same.
_VERSIONS: Final = rfc8785.dumps(
    [__version__, RESULT_VERSION, RENDERER_VERSION, version("matplotlib")]
)
INLINE: Final = 1000  # numbers of an explicit dataset that a picture contains

# Loads what a picture needs; called in a thread, and only if the picture has to be drawn.
Prepare: TypeAlias = Callable[[Database, Limits], PictureRequest]


SurfacePicture = TypeVar("SurfacePicture", SurfacePictureRequest, TrajectoryPictureRequest)


class PictureName(NamedTuple):
    """The request that makes a picture, as JSON, and the ETag of its bytes."""

    request: str
    etag: str


def name_picture(
    path: str,
    request: CostSurfaceRequest | GradientTraceRequest,
    options: PictureOptions,
    limits: Limits,
) -> PictureName:
    """Name the picture of a request.

    A picture contains a small explicit dataset. A large one appears by its id, and must be stored
    before the picture can be drawn again.
    """
    body = canonical_request(request)
    for window in body.get("windows", []):
        del window["resolution"]  # it has no effect on a picture
    dataset = request.dataset
    if isinstance(dataset, ExplicitDataset) and dataset.inputs.size <= INLINE:
        inputs, targets = dataset.inputs.tolist(), dataset.targets.tolist()
        body["dataset"] = {"kind": "explicit", "inputs": inputs, "targets": targets}
    made = {"method": "POST", "path": path, "query": _query(options), "body": body}
    return _name(made, limits)


def takes_long_to_name(dataset: DatasetSource) -> bool:
    """Return whether naming a picture takes long, since a large dataset has to be hashed."""
    return isinstance(dataset, ExplicitDataset) and dataset.inputs.size > INLINE // 10


def name_stored_picture(
    path: str, options: PictureOptions, source: str, request: Mapping[str, Any], limits: Limits
) -> PictureName:
    """Name the picture of a computation, which posting ``request`` to ``source`` creates."""
    made = {"method": "POST", "path": source, "body": request}
    return _name({"method": "GET", "path": path, "query": _query(options), "of": made}, limits)


def _query(options: PictureOptions) -> dict[str, Any]:
    return options.model_dump(mode="json", exclude_none=True)


def _name(request: dict[str, Any], limits: Limits) -> PictureName:
    canonical = rfc8785.dumps(request)
    # How the cost is approximated depends on the work limit.
    limit = rfc8785.dumps(limits.max_work_seconds)
    sha256 = hashlib.sha256(canonical + _VERSIONS + limit).hexdigest()
    return PictureName(canonical.decode(), f'"{sha256[:32]}"')


def check_surface_request(request: CostSurfaceRequest) -> None:
    """Raise Invalid for a resolution, or for marks that are unknown for the activation."""
    for i, window in enumerate(request.windows):
        if "resolution" in window.model_fields_set:
            detail = "a picture has no resolution: the cost is computed at every pixel"
            raise Invalid(detail, f"/windows/{i}/resolution")
    if request.marks and request.network.activation != "identity":
        detail = "the optimum and the valley are available for the identity activation only"
        raise Invalid(detail, "/marks")


def needs_database(request: CostSurfaceRequest | GradientTraceRequest) -> bool:
    """Return whether a request refers to a stored dataset or run."""
    return isinstance(request.dataset, StoredDataset) or bool(getattr(request, "runs", ()))


def check_references(
    request: CostSurfaceRequest | GradientTraceRequest, database: Database
) -> None:
    """Check what a request refers to, even if its picture is in the cache.

    Raises
    ------
    NotFound
        The dataset or a run is not stored.
    Conflict
        A run has not succeeded.
    """
    if isinstance(request.dataset, StoredDataset):
        datasets.get(database, check_id("ds", request.dataset.id))
    for run_id in getattr(request, "runs", ()):
        get_succeeded("run", run_id, database)


def prepare_surface(
    request: CostSurfaceRequest, options: PictureOptions, suffix: str, name: PictureName
) -> Prepare:
    """Return what loads a picture of cost surfaces."""

    def prepare(database: Database, limits: Limits) -> PictureRequest:
        data = _picture_data(request.dataset, database, limits)
        paths = [load_run_path(run_id, database) for run_id in request.runs]
        picture = SurfacePictureRequest(request, data, paths, options, suffix, name.request)
        data.load()
        return _approximate(picture, request.network.activation, limits)

    return prepare


def prepare_trace(
    request: GradientTraceRequest, options: PictureOptions, suffix: str, name: PictureName
) -> Prepare:
    """Return what loads a picture of gradient traces."""

    def prepare(database: Database, limits: Limits) -> PictureRequest:
        data = _picture_data(request.dataset, database, limits)
        figure_style(options, TRACE_SIZE)  # raises LimitExceeded for too many pixels
        limits.check_work(trace_seconds(_size(data), len(request.points)), "/points")
        data.load()
        return TracePictureRequest(request, data, options, suffix, name.request)

    return prepare


def prepare_trajectory(
    row: ComputationRow, options: PictureOptions, suffix: str, name: PictureName
) -> Prepare:
    """Return what loads a picture of a training run's trajectory."""

    def prepare(database: Database, limits: Limits) -> PictureRequest:
        request = TrainingRunRequest.model_validate(row.request)
        data = _picture_data(request.dataset, database, limits)
        result = TrainingRunResult.model_validate(row.result)
        picture = TrajectoryPictureRequest(
            optimizer_title(request.optimizer),
            request.network,
            request.target_cost,
            str(result.outcome),
            computations.load_arrays(database, row.id),
            result.optimum,
            data,
            options,
            suffix,
            name.request,
        )
        data.load()
        return _approximate(picture, request.network.activation, limits)

    return prepare


def prepare_basin_map(
    row: ComputationRow, options: PictureOptions, suffix: str, name: PictureName
) -> Prepare:
    """Return what loads a picture of a basin map."""

    def prepare(database: Database, _limits: Limits) -> PictureRequest:
        figure_style(options, BASIN_MAP_SIZE)  # raises LimitExceeded for too many pixels
        optimizer = optimizer_title(BasinMapRequest.model_validate(row.request).optimizer)
        optimum = BasinMapResult.model_validate(row.result).optimum
        arrays = computations.load_arrays(database, row.id)
        return BasinMapPictureRequest(optimizer, optimum, arrays, options, suffix, name.request)

    return prepare


def load_run_path(run_id: str, database: Database) -> RunPath:
    """Return the path of a stored run; raises NotFound or Conflict."""
    row = get_succeeded("run", run_id, database)
    columns = computations.load_arrays(database, row.id)
    return RunPath(row.request, trajectory_weights(columns))


def _picture_data(source: DatasetSource, database: Database, limits: Limits) -> PictureData:
    """Resolve a dataset; count-ones data are drawn in the process that renders the picture."""
    if isinstance(source, CountOnesDataset):
        limits.check_cells(source.n_samples, source.n_steps)
        return PictureData(source)
    resolved = resolve_dataset(source, database, limits)
    return PictureData(resolved.dataset, resolved.precomputed)


def _size(data: PictureData) -> DatasetSize:
    dataset, precomputed = data
    return DatasetSize(dataset.n_samples, dataset.n_steps, precomputed is not None)


def _approximate(picture: SurfacePicture, activation: str, limits: Limits) -> SurfacePicture:
    """Return the picture, with an approximation of the cost if the exact one takes too long.

    Raises
    ------
    LimitExceeded
        The picture has too many pixels.
    """
    width, height = picture.style.pixels
    size = _size(picture.data)

    def seconds(n_samples: int, n_costs: float) -> float:
        known = size.has_moments and n_samples == size.n_samples
        return evaluation_seconds(activation, DatasetSize(n_samples, size.n_steps, known), n_costs)

    approximation = choose_approximation(
        seconds, size.n_samples, width * height, limits.max_work_seconds
    )
    return replace(picture, approximation=approximation)
