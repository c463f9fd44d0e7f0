"""Resolve the sources that a request names: a dataset to its arrays, a model to its weights."""

from collections.abc import Callable
from math import isfinite
from typing import Protocol, TypeVar

from service.engine.data import Dataset, Precomputed
from service.engine.network import Network
from service.engine.types import Weights
from service.errors import Conflict
from service.operations import precomputed_arrays
from service.operations.ids import check_id
from service.operations.limits import Limits
from service.schemas.datasets import DatasetSource, ResolvedDataset
from service.schemas.predict import RunModel, WeightsModel
from service.store import computations, datasets
from service.store.database import Database
from service.store.rows import ComputationRow

T = TypeVar("T")


class Retry(Protocol):
    """Calls a function that reads from the database, once or again."""

    def __call__(self, read: Callable[[], T], /) -> T:
        """Return what the function returns."""


def call_once(read: Callable[[], T]) -> T:
    """Call a function."""
    return read()


def resolve_dataset(
    source: DatasetSource,
    database: Database,
    limits: Limits | None,
    retry: Retry = call_once,
) -> ResolvedDataset:
    """Resolve a dataset. Its arrays are drawn or read when they are first needed.

    Parameters
    ----------
    limits
        None for the dataset of a job, which was accepted before.
    retry
        Calls a function that reads from the database, once or again.

    Raises
    ------
    LimitExceeded, NotFound
        The dataset is larger than the limits allow, or not stored.
    """

    def find_stored(dataset_id: str) -> ResolvedDataset:
        row = retry(lambda: datasets.get(database, check_id("ds", dataset_id)))
        names = retry(lambda: datasets.list_extra_arrays(database, row.id))
        dataset = Dataset(
            row.n_samples, row.n_steps, lambda: retry(lambda: datasets.load(database, row.id))
        )

        def read_precomputed() -> Precomputed | None:
            arrays = retry(
                lambda: datasets.load_extra_arrays(database, row.id, precomputed_arrays.NAMES)
            )
            return precomputed_arrays.from_stored_arrays(arrays, row.n_samples)

        is_precomputed = precomputed_arrays.MOMENTS in names
        return ResolvedDataset(dataset, read_precomputed if is_precomputed else None)

    resolved = source.resolve(find_stored)
    if limits is not None:  # a dataset may have been stored under other limits
        limits.check_cells(resolved.dataset.n_samples, resolved.dataset.n_steps)
    return resolved


def get_succeeded(prefix: str, computation_id: str, database: Database) -> ComputationRow:
    """Return a computation that has a result; raises NotFound or Conflict."""
    row = computations.get(database, check_id(prefix, computation_id))
    if row.status != "succeeded":
        raise Conflict(f"{computation_id} is {row.status}: it has no result yet")
    return row


def resolve_model(model: WeightsModel | RunModel, database: Database) -> tuple[Weights, Network]:
    """Resolve a model to its weights and its network.

    A run raises NotFound, or Conflict if it has not succeeded or has no finite weights.
    """
    if isinstance(model, WeightsModel):
        return model.to_weights(), model.to_network()
    row = get_succeeded("run", model.id, database)
    final = (row.result or {})["final"]["weights"]
    weights = [final[name] for name in Weights._fields]
    if not all(weight is not None and isfinite(weight) for weight in weights):
        raise Conflict(f"the run {model.id} diverged: it has no finite weights")
    return Weights(*weights), Network(**row.request["network"])
