"""Sources of datasets and models."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from service.engine.data import count_ones
from service.engine.network import Network
from service.engine.types import Weights
from service.errors import Conflict, LimitExceeded, NotFound
from service.operations import resolve
from service.operations.ids import dataset_id
from service.operations.limits import Limits
from service.operations.precomputed_arrays import arrays_to_store
from service.operations.resolve import (
    dataset_size,
    from_arrays,
    get_succeeded,
    resolve_dataset,
    resolve_model,
)
from service.operations.work_estimates import DatasetSize
from service.schemas.datasets import CountOnesDataset, ExplicitDataset, StoredDataset
from service.schemas.predict import RunModel, WeightsModel
from service.store import Database, computations, datasets
from service.store.computations import FinishedComputation
from service.store.rows import ComputationRow

LIMITS = Limits()
RUN = "run_" + "1" * 32


def explicit(n_samples: int = 3, n_steps: int = 2, value: float = 1.0) -> ExplicitDataset:
    numbers = [[value] * n_steps] * n_samples
    body = {"kind": "explicit", "inputs": numbers, "targets": [value] * n_samples}
    return ExplicitDataset.model_validate(body)


def store(database: Database, value: float, *, with_moments: bool = True) -> StoredDataset:
    """Store a dataset of three sequences of two steps."""
    resolved = from_arrays(np.full((3, 2), value), np.full(3, value))
    inputs, targets = resolved.dataset.inputs, resolved.dataset.targets
    identifier = dataset_id(inputs, targets)
    extra = arrays_to_store(resolved.dataset, None, LIMITS) if with_moments else {}
    datasets.add(database, identifier, inputs, targets, extra)
    return StoredDataset(kind="stored", id=identifier)


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the arguments of each dataset that is drawn."""
    calls: list[Any] = []

    def draw(*arguments: Any) -> Any:
        calls.append(arguments)
        return count_ones(*arguments)

    monkeypatch.setattr(resolve, "count_ones", draw)
    return calls


def test_a_dataset_is_drawn_when_it_is_needed(local_database: Database, draws: list[Any]) -> None:
    source = CountOnesDataset(n_samples=4, n_steps=3, seed=9, noise=0.5)
    resolved = resolve_dataset(source, local_database, LIMITS)
    assert resolved.size == DatasetSize(4, 3, has_moments=False)
    assert draws == []
    np.testing.assert_array_equal(resolved.dataset.targets, count_ones(4, 3, 9, 0.5)[1])
    assert resolved.dataset.inputs.shape == (4, 3)
    assert draws == [(4, 3, 9, 0.5)]


def test_a_stored_dataset_is_read_when_it_is_needed(local_database: Database) -> None:
    source = store(local_database, 2.0)
    reads: list[str] = []

    def load(database: Database, identifier: str) -> Any:
        reads.append(identifier)
        return datasets.load(database, identifier)

    resolved = resolve_dataset(source, local_database, LIMITS, load)
    assert resolved.size == DatasetSize(3, 2, has_moments=True)
    by_moments = resolved.objective(Network()).costs(np.ones((1, 2)), np.ones((1, 1)))
    assert by_moments[0] == pytest.approx([4.0, 4.0])  # the outputs are 4, the targets 2
    assert reads == []
    np.testing.assert_array_equal(resolved.dataset.inputs, np.full((3, 2), 2.0))
    assert reads == [source.id]


def test_a_negative_zero_becomes_zero_in_place() -> None:
    inputs, targets = np.full((2, 2), -0.0), np.array([-0.0, 1.0])
    dataset = from_arrays(inputs, targets).dataset
    assert np.shares_memory(dataset.inputs, inputs)
    assert not np.signbit(dataset.inputs).any()
    assert not np.signbit(dataset.targets).any()


@pytest.mark.parametrize("limits", [Limits(max_cells=5), Limits(max_steps=1)])
def test_every_source_has_the_same_limits(local_database: Database, limits: Limits) -> None:
    for source in (
        CountOnesDataset(n_samples=3, n_steps=2),
        explicit(),
        store(local_database, 3.0),
    ):
        for check in (resolve_dataset, dataset_size):
            with pytest.raises(LimitExceeded):
                check(source, local_database, limits)
        assert resolve_dataset(source, local_database, None).size[:2] == (3, 2)  # of a job


@pytest.mark.parametrize("identifier", ["ds_" + "0" * 32, "ds_1", "run_" + "0" * 32, "../x"])
def test_unknown_datasets(local_database: Database, identifier: str) -> None:
    source = StoredDataset.model_construct(kind="stored", id=identifier)
    for find in (resolve_dataset, dataset_size):
        with pytest.raises(NotFound):
            find(source, local_database, LIMITS)


@pytest.mark.parametrize("with_moments", [True, False])
def test_the_size_is_known_without_the_arrays(
    local_database: Database, draws: list[Any], monkeypatch: pytest.MonkeyPatch, with_moments: bool
) -> None:
    source = store(local_database, 4.0 + with_moments, with_moments=with_moments)
    monkeypatch.setattr(datasets, "load_extra_arrays", pytest.fail)
    assert dataset_size(source, local_database, LIMITS) == DatasetSize(3, 2, with_moments)
    assert dataset_size(CountOnesDataset(), local_database, LIMITS) == DatasetSize(20, 10)
    assert dataset_size(explicit(4, 1), local_database, LIMITS) == DatasetSize(4, 1)
    assert draws == []


@pytest.fixture
def record(local_database: Database) -> Iterator[Callable[..., None]]:
    """Return a function that stores the result of a run, which is deleted after the test."""

    def record(w_in: float | None, w_rec: float | None) -> None:
        now = datetime.now(UTC)
        finished = FinishedComputation(
            id=RUN,
            kind="training_run",
            request={"network": {"activation": "tanh", "initial_state": 0.5}},
            result_version=1,
            result={"final": {"weights": {"w_in": w_in, "w_rec": w_rec}}},
            progress_done=1,
            progress_total=1,
            created_at=now,
            started_at=now,
            finished_at=now,
            compute_seconds=0.0,
        )
        computations.record(local_database, finished, {})

    yield record
    computations.delete(local_database, RUN)


def test_the_weights_of_a_request(local_database: Database) -> None:
    model = WeightsModel.model_validate({"kind": "weights", "w_in": 1, "w_rec": 2})
    assert resolve_model(model, local_database) == (Weights(1.0, 2.0), Network("identity", 0.0))


def test_the_weights_and_the_network_of_a_run(local_database: Database, record: Any) -> None:
    record(0.25, -1.5)
    found = resolve_model(RunModel(kind="run", id=RUN), local_database)
    assert found == (Weights(0.25, -1.5), Network("tanh", 0.5))


def test_a_diverged_run_has_no_weights(local_database: Database, record: Any) -> None:
    record(1.0, None)
    with pytest.raises(Conflict, match="diverged"):
        resolve_model(RunModel(kind="run", id=RUN), local_database)


@pytest.mark.parametrize("status", ["queued", "running", "failed", "cancelled"])
def test_only_a_computation_that_succeeded_has_a_result(
    local_database: Database, record: Any, monkeypatch: pytest.MonkeyPatch, status: Any
) -> None:
    record(1.0, 1.0)
    assert get_succeeded("run", RUN, local_database).id == RUN
    with pytest.raises(NotFound):
        get_succeeded("map", RUN, local_database)
    get = computations.get

    def get_unfinished(*arguments: Any) -> Any:
        return ComputationRow(**{**vars(get(*arguments)), "status": status})

    monkeypatch.setattr(computations, "get", get_unfinished)
    with pytest.raises(Conflict, match=status):
        get_succeeded("run", RUN, local_database)
