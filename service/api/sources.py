"""From the sources that a request names to arrays and weights, through the store."""

import re
from collections.abc import Callable
from math import isfinite
from typing import TypeVar

from fastapi.concurrency import run_in_threadpool

from service.api.state import State
from service.engine.data import DatasetSize
from service.engine.network import Network
from service.engine.types import Weights
from service.errors import Conflict, NotFound
from service.operations.resolve import BESIDE, MOMENTS, ResolvedDataset, drawn, given, stored
from service.rendering.requests import PictureData, RunPath, weights_of
from service.schemas.datasets import CountOnes, Explicit, Stored
from service.schemas.models import RunModel, WeightsModel
from service.schemas.surfaces import OptimumQuestion, SurfaceQuestion
from service.schemas.traces import GradientCheckQuestion, TraceQuestion
from service.store import computations, datasets
from service.store.computations import ComputationRow

Q = TypeVar("Q", TraceQuestion, GradientCheckQuestion, SurfaceQuestion, OptimumQuestion)
T = TypeVar("T")

_ID = re.compile(r"(ds|run|map)_[0-9a-f]{32}")


def known_id(prefix: str, text: str) -> str:
    """Return an id that can exist; raises NotFound for others, the store not being asked."""
    match = _ID.fullmatch(text)
    if match is None or match[1] != prefix:
        raise NotFound(f"there is no {text[:80]!r}")
    return text


def samples_of(dataset: CountOnes | Explicit | Stored, state: State) -> ResolvedDataset:
    """Resolve a dataset to its samples; stored ones are read when they are needed.

    Raises
    ------
    LimitExceeded
        It is larger than this service allows.
    NotFound
        No dataset of that id is stored.
    """
    if isinstance(dataset, CountOnes):
        state.limits.check_cells(dataset.n_samples, dataset.n_steps)
        return drawn(dataset)
    if isinstance(dataset, Explicit):
        state.limits.check_cells(*dataset.inputs.shape)
        return given(dataset.inputs, dataset.targets)
    row = datasets.get(state.database, known_id("ds", dataset.id))
    state.limits.check_cells(row.n_samples, row.n_steps)  # it may have been stored under others
    beside = datasets.load_beside(state.database, row.id, BESIDE)
    return stored(row.n_samples, row.n_steps, lambda: datasets.load(state.database, row.id), beside)


async def computed(answer: Callable[[Q, State], T], question: Q, state: State) -> T:
    """Compute an answer about samples; the store is asked for them before a core is taken.

    So questions that need no store go on while it is away.
    """
    if isinstance(question.dataset, Stored):
        dataset_id = known_id("ds", question.dataset.id)
        await run_in_threadpool(datasets.get, state.database, dataset_id)
    return await state.compute(answer, question, state)


def size_of(dataset: CountOnes | Explicit | Stored, state: State) -> DatasetSize:
    """Return the size of a dataset; raises as ``samples_of``."""
    if isinstance(dataset, Stored):
        row = datasets.get(state.database, known_id("ds", dataset.id))
        known = MOMENTS in datasets.names_beside(state.database, row.id)
        size = DatasetSize(row.n_samples, row.n_steps, known)
    elif isinstance(dataset, CountOnes):
        size = DatasetSize(dataset.n_samples, dataset.n_steps)
    else:
        size = DatasetSize(*dataset.inputs.shape)
    state.limits.check_cells(size.n_samples, size.n_steps)
    return size


def finished(prefix: str, computation_id: str, state: State) -> ComputationRow:
    """Return a computation that succeeded; raises NotFound or Conflict."""
    row = computations.get(state.database, known_id(prefix, computation_id))
    if row.status != "succeeded":
        raise Conflict(f"{computation_id} is {row.status}: it has no result yet")
    return row


def data_of(dataset: CountOnes | Explicit | Stored, state: State) -> PictureData:
    """Resolve a dataset like ``samples_of``, but leave it to others to draw samples."""
    if isinstance(dataset, CountOnes):
        state.limits.check_cells(dataset.n_samples, dataset.n_steps)
        return PictureData(dataset)
    return PictureData(*samples_of(dataset, state))


def path_of(run_id: str, state: State) -> RunPath:
    """Return the path of a kept run; raises NotFound or Conflict."""
    row = finished("run", run_id, state)
    columns = computations.load_arrays(state.database, row.id)
    return RunPath(row.request, weights_of(columns))


def model_of(model: WeightsModel | RunModel, state: State) -> tuple[Weights, Network]:
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
