"""From the sources that a request names to arrays and weights, through the store."""

import re
from collections.abc import Callable
from math import isfinite
from typing import TypeVar

from fastapi.concurrency import run_in_threadpool

from service.api.dependencies import AppState
from service.engine.data import DatasetSize
from service.engine.network import Network
from service.engine.types import Weights
from service.errors import Conflict, NotFound
from service.operations.resolve import (
    BESIDE,
    MOMENTS,
    ResolvedDataset,
    from_arrays,
    from_count_ones,
    from_store,
)
from service.rendering.requests import PictureData, RunPath, weights_of
from service.schemas.cost_surface import CostSurfaceRequest, OptimumRequest
from service.schemas.datasets import CountOnesDataset, ExplicitDataset, StoredDataset
from service.schemas.gradient_trace import GradientCheckRequest, GradientTraceRequest
from service.schemas.predict import RunModel, WeightsModel
from service.store import computations, datasets
from service.store.computations import ComputationRow

Q = TypeVar("Q", GradientTraceRequest, GradientCheckRequest, CostSurfaceRequest, OptimumRequest)
T = TypeVar("T")

_ID = re.compile(r"(ds|run|map)_[0-9a-f]{32}")


def known_id(prefix: str, text: str) -> str:
    """Return an id that can exist; raises NotFound for others, the store not being asked."""
    match = _ID.fullmatch(text)
    if match is None or match[1] != prefix:
        raise NotFound(f"there is no {text[:80]!r}")
    return text


def resolve_dataset(
    dataset: CountOnesDataset | ExplicitDataset | StoredDataset, state: AppState
) -> ResolvedDataset:
    """Resolve a dataset to its samples; stored ones are read when they are needed.

    Raises
    ------
    LimitExceeded
        It is larger than this service allows.
    NotFound
        No dataset of that id is stored.
    """
    if isinstance(dataset, CountOnesDataset):
        state.limits.check_cells(dataset.n_samples, dataset.n_steps)
        return from_count_ones(dataset)
    if isinstance(dataset, ExplicitDataset):
        state.limits.check_cells(*dataset.inputs.shape)
        return from_arrays(dataset.inputs, dataset.targets)
    row = datasets.get(state.database, known_id("ds", dataset.id))
    state.limits.check_cells(row.n_samples, row.n_steps)  # it may have been stored under others
    beside = datasets.load_beside(state.database, row.id, BESIDE)
    return from_store(
        row.n_samples, row.n_steps, lambda: datasets.load(state.database, row.id), beside
    )


async def computed(answer: Callable[[Q, AppState], T], question: Q, state: AppState) -> T:
    """Compute an answer about samples; the store is asked for them before a core is taken.

    So questions that need no store go on while it is away.
    """
    if isinstance(question.dataset, StoredDataset):
        dataset_id = known_id("ds", question.dataset.id)
        await run_in_threadpool(datasets.get, state.database, dataset_id)
    return await state.compute(answer, question, state)


def size_of(
    dataset: CountOnesDataset | ExplicitDataset | StoredDataset, state: AppState
) -> DatasetSize:
    """Return the size of a dataset; raises as ``resolve_dataset``."""
    if isinstance(dataset, StoredDataset):
        row = datasets.get(state.database, known_id("ds", dataset.id))
        known = MOMENTS in datasets.names_beside(state.database, row.id)
        size = DatasetSize(row.n_samples, row.n_steps, known)
    elif isinstance(dataset, CountOnesDataset):
        size = DatasetSize(dataset.n_samples, dataset.n_steps)
    else:
        size = DatasetSize(*dataset.inputs.shape)
    state.limits.check_cells(size.n_samples, size.n_steps)
    return size


def finished(prefix: str, computation_id: str, state: AppState) -> ComputationRow:
    """Return a computation that succeeded; raises NotFound or Conflict."""
    row = computations.get(state.database, known_id(prefix, computation_id))
    if row.status != "succeeded":
        raise Conflict(f"{computation_id} is {row.status}: it has no result yet")
    return row


def data_of(
    dataset: CountOnesDataset | ExplicitDataset | StoredDataset, state: AppState
) -> PictureData:
    """Resolve a dataset like ``resolve_dataset``, but leave it to others to draw samples."""
    if isinstance(dataset, CountOnesDataset):
        state.limits.check_cells(dataset.n_samples, dataset.n_steps)
        return PictureData(dataset)
    return PictureData(*resolve_dataset(dataset, state))


def path_of(run_id: str, state: AppState) -> RunPath:
    """Return the path of a kept run; raises NotFound or Conflict."""
    row = finished("run", run_id, state)
    columns = computations.load_arrays(state.database, row.id)
    return RunPath(row.request, weights_of(columns))


def model_of(model: WeightsModel | RunModel, state: AppState) -> tuple[Weights, Network]:
    """Resolve a model to its weights and network.

    Raises
    ------
    NotFound
        There is no such run.
    Conflict
        The run has not succeeded, or it diverged and has no weights.
    """
    if isinstance(model, WeightsModel):
        network = Network(str(model.activation), model.initial_state)
        return Weights(model.w_in, model.w_rec), network
    row = finished("run", model.id, state)
    final = (row.result or {})["final"]["weights"]
    weights = [final[name] for name in Weights._fields]
    if not all(each is not None and isfinite(each) for each in weights):
        raise Conflict(f"the run {model.id} diverged: it has no finite weights")
    return Weights(*weights), Network(**row.request["network"])
