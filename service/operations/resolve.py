"""Resolve the sources that a request names: a dataset to its arrays, a model to its weights."""

from collections.abc import Callable
from math import isfinite
from typing import NamedTuple, TypeAlias

import numpy as np

from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import Objective, Precomputed, make_objective
from service.engine.types import Array, Weights
from service.errors import Conflict
from service.operations import precomputed_arrays
from service.operations.ids import check_id
from service.operations.limits import Limits
from service.operations.work_estimates import DatasetSize
from service.schemas.datasets import (
    CountOnesDataset,
    DatasetSource,
    ExplicitDataset,
    StoredDataset,
)
from service.schemas.predict import RunModel, WeightsModel
from service.store import computations, datasets
from service.store.database import Database
from service.store.rows import ComputationRow

LoadArrays: TypeAlias = Callable[[Database, str], tuple[Array, Array]]


class ResolvedDataset(NamedTuple):
    """A dataset, and what is known about it besides its arrays."""

    dataset: Dataset
    precomputed: Precomputed | None = None

    @property
    def size(self) -> DatasetSize:
        """N and T, and whether the moments are known."""
        known = self.precomputed is not None
        return DatasetSize(self.dataset.n_samples, self.dataset.n_steps, has_moments=known)

    def objective(self, network: Network) -> Objective:
        """Return the cost of a network over the dataset."""
        return make_objective(self.dataset, network, self.precomputed)


def resolve_dataset(
    source: DatasetSource,
    database: Database,
    limits: Limits | None,
    load: LoadArrays = datasets.load,
) -> ResolvedDataset:
    """Resolve a dataset. Its arrays are drawn or read when they are first needed.

    Parameters
    ----------
    limits
        None for the dataset of a job, which was accepted before.
    load
        Reads the arrays of a stored dataset.

    Raises
    ------
    LimitExceeded
        The dataset is larger than the limits allow.
    NotFound
        No dataset with that id is stored.
    """
    if isinstance(source, CountOnesDataset):
        if limits is not None:
            limits.check_cells(source.n_samples, source.n_steps)
        return from_count_ones(source)
    if isinstance(source, ExplicitDataset):
        if limits is not None:
            limits.check_cells(*source.inputs.shape)
        return from_arrays(source.inputs, source.targets)
    row = datasets.get(database, check_id("ds", source.id))
    if limits is not None:  # it may have been stored under other limits
        limits.check_cells(row.n_samples, row.n_steps)
    dataset = Dataset(row.n_samples, row.n_steps, lambda: load(database, row.id))
    extra_arrays = datasets.load_extra_arrays(database, row.id, precomputed_arrays.NAMES)
    precomputed = precomputed_arrays.from_stored_arrays(extra_arrays, row.n_samples)
    return ResolvedDataset(dataset, precomputed)


def from_count_ones(source: CountOnesDataset) -> ResolvedDataset:
    """Return a count-ones dataset, drawn when its arrays are first needed."""

    def draw() -> tuple[Array, Array]:
        return count_ones(source.n_samples, source.n_steps, source.seed, source.noise)

    return ResolvedDataset(Dataset(source.n_samples, source.n_steps, draw))


def from_arrays(inputs: Array, targets: Array) -> ResolvedDataset:
    """Return a dataset for arrays that the caller passes.

    -0.0 becomes 0.0 in place, since both have the same id. A copy could double the memory in use.
    """
    for array in (inputs, targets):
        np.add(array, 0.0, out=array)
    return ResolvedDataset(Dataset.from_arrays(inputs, targets))


def dataset_size(source: DatasetSource, database: Database, limits: Limits) -> DatasetSize:
    """Return the size of a dataset without resolving it; raises as `resolve_dataset`."""
    if isinstance(source, StoredDataset):
        row = datasets.get(database, check_id("ds", source.id))
        known = precomputed_arrays.MOMENTS in datasets.list_extra_arrays(database, row.id)
        size = DatasetSize(row.n_samples, row.n_steps, known)
    elif isinstance(source, CountOnesDataset):
        size = DatasetSize(source.n_samples, source.n_steps)
    else:
        size = DatasetSize(*source.inputs.shape)
    limits.check_cells(size.n_samples, size.n_steps)
    return size


def get_succeeded(prefix: str, computation_id: str, database: Database) -> ComputationRow:
    """Return a computation that has a result; raises NotFound or Conflict."""
    row = computations.get(database, check_id(prefix, computation_id))
    if row.status != "succeeded":
        raise Conflict(f"{computation_id} is {row.status}: it has no result yet")
    return row


def resolve_model(model: WeightsModel | RunModel, database: Database) -> tuple[Weights, Network]:
    """Resolve a model to its weights and its network.

    Raises
    ------
    NotFound
        There is no such run.
    Conflict
        The run has not succeeded, or it diverged and has no finite weights.
    """
    if isinstance(model, WeightsModel):
        network = Network(str(model.activation), model.initial_state)
        return Weights(model.w_in, model.w_rec), network
    row = get_succeeded("run", model.id, database)
    final = (row.result or {})["final"]["weights"]
    weights = [final[name] for name in Weights._fields]
    if not all(each is not None and isfinite(each) for each in weights):
        raise Conflict(f"the run {model.id} diverged: it has no finite weights")
    return Weights(*weights), Network(**row.request["network"])
