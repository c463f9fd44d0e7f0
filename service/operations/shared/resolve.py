"""Resolve the sources of a request: a dataset to its arrays, a model to its weights."""

from collections.abc import Callable
from typing import Any, TypeAlias

from service import store
from service.engine.data import Dataset, Precomputed, Step
from service.engine.network import Network
from service.engine.types import Array, Weights
from service.errors import Conflict, Invalid, NotFound
from service.operations.datasets import MOMENTS, NAMES, from_stored_arrays, load_series, read_notes
from service.operations.shared.ids import check_id
from service.operations.shared.limits import Limits
from service.rendering.requests import PictureData
from service.schemas.datasets import (
    ONE_TARGET_NEEDED,
    DatasetKind,
    StoredDataset,
    StoredSequences,
)
from service.schemas.resolved_datasets import (
    AnyDataset,
    DatasetSize,
    ResolvedDataset,
    ResolvedSeries,
)
from service.store.rows import ComputationRow

MAX_LISTED = 100  # sequences in an error

# A callable that runs a function on the database, and repeats it if necessary.
Retry: TypeAlias = Callable[[Callable[[], Any]], Any]


def check_targets(dataset: AnyDataset) -> ResolvedDataset:
    """Return a dataset with one target per sequence; raises Invalid for a series."""
    if isinstance(dataset, ResolvedSeries):
        raise Invalid(ONE_TARGET_NEEDED, "/dataset")
    return dataset


def resolve_dataset(
    source: DatasetKind,
    database: "store.Database",
    limits: Limits | None,
    retry: Retry = lambda read: read(),
) -> AnyDataset:
    """Resolve a dataset of any kind. Its arrays are generated or read when they are first needed.

    It raises NotFound, also for a sequence, and LimitExceeded unless ``limits`` is None. They are
    None for a job, whose dataset was accepted before.
    """
    if isinstance(source, StoredDataset):
        resolved = choose_sequence(_find_stored(source.id, database, retry), source)
    else:
        resolved = source.resolve()
    # A dataset may have been stored when the limits were different.
    return resolved if limits is None else check_size(resolved, limits)


def choose_sequence(dataset: AnyDataset, source: StoredDataset) -> AnyDataset:
    """Return the sequence that a source names, or the dataset; raises NotFound."""
    if not isinstance(source, StoredSequences) or source.sequence is None:
        return dataset
    if not isinstance(dataset, ResolvedSeries):
        raise NotFound(f"{source.id} is not a series, whose sequences can be chosen")
    names = dataset.series.labels
    if source.sequence not in names:
        detail = f"{source.id} has no sequence {source.sequence!r}"
        raise NotFound(detail, known=names[:MAX_LISTED])
    return ResolvedSeries.from_series(dataset.series.select(names.index(source.sequence)))


def check_size(dataset: AnyDataset, limits: Limits) -> AnyDataset:
    """Return a dataset; raises LimitExceeded if it is too large."""
    limits.check_cells(*dataset.size[:2], dataset.size.n_inputs)
    return dataset


def _find_stored(dataset_id: str, database: "store.Database", retry: Retry) -> AnyDataset:
    row = retry(lambda: store.datasets.get(database, check_id("ds", dataset_id)))
    if row.series is not None:
        n_inputs = len(row.series["inputs"])
        size = DatasetSize(row.n_samples, row.n_steps, n_inputs=n_inputs, is_series=True)
        step = Step(**row.series["step"])
        notes = read_notes(row)
        return ResolvedSeries(size, step, lambda: retry(lambda: load_series(row, database)), notes)
    is_precomputed = MOMENTS in retry(lambda: store.arrays.list_names(database, row.id))

    def load(*names: str) -> dict[str, Array]:
        return dict(retry(lambda: store.arrays.load(database, row.id, names)))

    def read_precomputed() -> Precomputed | None:
        return from_stored_arrays(load(*NAMES), row.n_samples)

    def read() -> tuple[Array, Array]:
        stored = load("inputs", "targets")
        return stored["inputs"], stored["targets"]

    dataset = Dataset(row.n_samples, row.n_steps, read)
    return ResolvedDataset(dataset, read_precomputed if is_precomputed else None)


def get_succeeded(prefix: str, computation_id: str, database: "store.Database") -> ComputationRow:
    """Return a computation that has a result; raises NotFound or Conflict."""
    row = store.computations.get(database, check_id(prefix, computation_id))
    if row.status != "succeeded":
        raise Conflict(f"{computation_id} is {row.status}: it has no result yet")
    return row


def resolve_run(run_id: str, database: "store.Database") -> tuple[Weights, Network]:
    """Return the final weights of a run, and its network.

    It raises NotFound, and Conflict if the run has not succeeded or has no finite weights.
    """
    row = get_succeeded("run", run_id, database)
    weights = (row.result or {})["final"]["weights"]
    if None in weights.values():
        raise Conflict(f"the run {run_id} diverged: it has no finite weights")
    return Weights(**weights), Network(**row.request["network"])


def load_data(dataset: ResolvedDataset) -> PictureData:
    """Read a stored dataset now, instead of while a rendering process waits for it."""
    dataset.dataset.load()
    return PictureData(dataset.dataset, dataset.precomputed)
