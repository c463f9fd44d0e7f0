"""Name a picture by the request that makes it, and check its limits before it is drawn."""

import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final, NamedTuple

import rfc8785

from service import __version__
from service.engine.data import DatasetSize
from service.errors import Invalid
from service.figures import RENDERER_VERSION
from service.figures.style import Style
from service.operations import work_estimates
from service.operations.ids import RESULT_VERSION, canonical_request, digest
from service.operations.limits import Limits
from service.operations.resolve import get_succeeded, resolve_dataset
from service.rendering.requests import (
    BASINS_SIZE,
    TRACE_SIZE,
    BasinMapPictureRequest,
    PictureData,
    PictureRequest,
    RunPath,
    SurfacePictureRequest,
    TracePictureRequest,
    TrajectoryPictureRequest,
    style_of,
    weights_of,
)
from service.schemas.base import RequestModel
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset, DatasetSource, ExplicitDataset, StoredDataset
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions
from service.store import computations
from service.store.database import Database

# Whatever changes bytes without changing what was asked; Matplotlib's next version may, too.
VERSIONS: Final[list[str | int]] = [
    __version__,
    RESULT_VERSION,
    RENDERER_VERSION,
    version("matplotlib"),
]
_VERSIONS: Final = rfc8785.dumps([*VERSIONS])
INLINE = 1000  # numbers of explicit samples that are written into a picture


class Asked(NamedTuple):
    """A picture by name: the request that makes it, as JSON, and the ETag of its bytes."""

    request: str
    etag: str


def posted(
    path: str, question: CostSurfaceRequest | GradientTraceRequest, look: PictureOptions
) -> Asked:
    """Name the picture of a question that is answered at once.

    A few explicit samples become part of the picture; many are named by their hash, under which
    they have to be stored before the picture can be made again.
    """
    body = canonical_request(question)
    for window in body.get("windows", []):
        del window["resolution"]  # a picture has none
    dataset = question.dataset
    if isinstance(dataset, ExplicitDataset) and dataset.inputs.size <= INLINE:
        inputs, targets = dataset.inputs.tolist(), dataset.targets.tolist()
        body["dataset"] = {"kind": "explicit", "inputs": inputs, "targets": targets}
    return _asked({"method": "POST", "path": path, "query": _query(look), "body": body})


def fetched(path: str, look: PictureOptions, source: str, question: Mapping[str, Any]) -> Asked:
    """Name the picture of something kept, which ``question`` posted to ``source`` brings about."""
    made = {"method": "POST", "path": source, "body": question}
    return _asked({"method": "GET", "path": path, "query": _query(look), "of": made})


def _query(look: PictureOptions) -> dict[str, Any]:
    return look.model_dump(mode="json", exclude_none=True)


def _asked(request: dict[str, Any]) -> Asked:
    canonical = rfc8785.dumps(request)
    named = hashlib.sha256(canonical + _VERSIONS).hexdigest()
    return Asked(canonical.decode(), f'"{named[:32]}"')


def table_etag(path: str, question: RequestModel | str) -> str:
    """Name the bytes of a table or an archive by everything that decides them."""
    asked = question if isinstance(question, str) else canonical_request(question)
    return f'"{digest({"path": path, "question": asked, "versions": VERSIONS[:2]})[:32]}"'


def is_large(dataset: CountOnesDataset | ExplicitDataset | StoredDataset) -> bool:
    """Tell whether naming a picture takes long because these samples have to be hashed."""
    return isinstance(dataset, ExplicitDataset) and dataset.inputs.size > INLINE // 10


def refuse_resolution(question: CostSurfaceRequest) -> None:
    """Refuse a resolution for pictures, which are exact at their own pixels; raises Invalid."""
    for i, window in enumerate(question.windows):
        if "resolution" in window.model_fields_set:
            pointer = f"/windows/{i}/resolution"
            raise Invalid("pictures are exact at every pixel: they take no resolution", pointer)


def check_marks(question: CostSurfaceRequest) -> None:
    """Refuse marks that nobody knows where to put; raises Invalid."""
    if question.marks and question.network.activation != "identity":
        message = "the exact optimum and the valley are known for the identity activation only"
        raise Invalid(message, "/marks")


def picture_data(source: DatasetSource, database: Database, limits: Limits) -> PictureData:
    """Resolve a dataset for a picture; raises as `resolve_dataset`.

    Count-ones data are drawn in the process that renders the picture.
    """
    if isinstance(source, CountOnesDataset):
        limits.check_cells(source.n_samples, source.n_steps)
        return PictureData(source)
    resolved = resolve_dataset(source, database, limits)
    return PictureData(resolved.dataset, resolved.precomputed)


def load_run_path(run_id: str, database: Database) -> RunPath:
    """Return the path of a stored run; raises NotFound or Conflict."""
    row = get_succeeded("run", run_id, database)
    columns = computations.load_arrays(database, row.id)
    return RunPath(row.request, weights_of(columns))


def check_pixels(activation: str, size: DatasetSize, style: Style, allowed: Limits) -> None:
    """Refuse pictures whose field would take too long; raises LimitExceeded."""
    n_pixels = style.pixels[0] * style.pixels[1]
    allowed.check_work(work_estimates.evaluation_seconds(activation, size, n_pixels), "/dpi")


def size_of(data: PictureData) -> DatasetSize:
    """Return the size of a picture's dataset, and whether its moments are known."""
    dataset, precomputed = data
    return DatasetSize(dataset.n_samples, dataset.n_steps, precomputed is not None)


def check(drawing: PictureRequest, allowed: Limits) -> None:
    """Refuse a drawing that is too large or would take too long; raises LimitExceeded."""
    match drawing:
        case SurfacePictureRequest():
            style = drawing.style
            activation = drawing.surface.network.activation
            check_pixels(activation, size_of(drawing.data), style, allowed)
        case TrajectoryPictureRequest():
            style = drawing.style
            activation = drawing.network.activation
            check_pixels(activation, size_of(drawing.data), style, allowed)
        case TracePictureRequest():
            style_of(drawing.options, TRACE_SIZE)
            n_points = len(drawing.trace.points)
            allowed.check_work(
                work_estimates.trace_seconds(size_of(drawing.data), n_points), "/points"
            )
        case BasinMapPictureRequest():
            style_of(drawing.options, BASINS_SIZE)
