"""Datasets and computations: stored once, returned exactly, and deleted when they expire."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, update

from service.errors import Conflict, NotFound
from service.lifecycle import Status
from service.store import Database, arrays, computations, datasets, jobs, tables
from service.store.retention import delete_expired
from service.store.rows import ComputationRow, DatasetRow
from service.values.array_codec import AnyArray
from tests.conftest import at_once
from tests.store.conftest import JOB, count_arrays, make_finished, make_id

INPUTS = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
TARGETS = np.array([2.0, 0.75])


def add(database: Database, dataset_id: str) -> DatasetRow:
    row, created = datasets.add(database, dataset_id, INPUTS, TARGETS)
    assert created
    return row


def count_rows(database: Database) -> tuple[int, int]:
    """Return the numbers of datasets and of arrays."""
    queries = (
        select(func.count()).select_from(tables.datasets),
        select(func.count()).where(tables.arrays.c.part == 0),
    )
    counts = [query.scalar_subquery() for query in queries]
    with database.snapshot() as connection:
        n_datasets, n_arrays = connection.execute(select(*counts)).one()
    return n_datasets, n_arrays


def test_concurrent_adds_store_a_dataset_once(database: Database) -> None:
    results = at_once(20, lambda _: datasets.add(database, make_id("ds", 1), INPUTS, TARGETS))
    assert sorted(created for _, created in results) == [False] * 19 + [True]
    assert all(row == results[0][0] for row, _ in results)
    assert count_rows(database) == (1, 2)


def test_extra_arrays_are_stored_and_deleted_with_the_dataset(database: Database) -> None:
    dataset_id, sums = make_id("ds", 1), INPUTS.sum(axis=0)
    datasets.add(database, dataset_id, INPUTS, TARGETS, {"sums": sums})
    assert arrays.list_names(database, dataset_id) == ["inputs", "sums", "targets"]
    found = arrays.load(database, dataset_id, ["sums", "others", "inputs"])
    assert found.keys() == {"inputs", "sums"}
    np.testing.assert_array_equal(found["sums"], sums, strict=True)
    np.testing.assert_array_equal(found["inputs"], INPUTS)
    datasets.delete(database, dataset_id)
    with pytest.raises(NotFound):
        arrays.load(database, dataset_id, ["sums"])
    assert count_rows(database) == (0, 0)


def test_a_dataset_is_used_or_deleted_but_not_both(database: Database) -> None:
    def use_or_delete(number: int) -> str:
        try:
            if number % 2:
                datasets.delete(database, dataset_id)
            else:
                run = make_finished((dataset_id, number), dataset_id=dataset_id)
                computations.record(database, run, {})
        except (NotFound, Conflict) as error:
            return type(error).__name__
        return "deleted" if number % 2 else "used"

    for round_ in range(5):
        dataset_id = make_id("ds", round_)
        add(database, dataset_id)
        results = at_once(6, use_or_delete)
        assert ("used" in results) != ("deleted" in results)
        assert results.count("deleted") <= 1


Named = dict[str, AnyArray]


def record(database: Database, finished: ComputationRow) -> ComputationRow:
    row, created = computations.record(database, finished, {})
    assert created
    return row


def set_status(database: Database, run: str, status: str, **changes: Any) -> None:
    statement = (
        update(tables.computations)
        .where(tables.computations.c.id == run)
        .values(status=status, **changes)
    )
    with database.transaction() as connection:
        connection.execute(statement)


def test_a_run_that_succeeded_is_not_replaced(database: Database, trajectory: Named) -> None:
    row, _ = computations.record(database, make_finished(), trajectory)
    other = make_finished(result={"outcome": "diverged"}, compute_seconds=9.0)
    assert computations.record(database, other, {"iteration": np.zeros(1)}) == (row, False)
    assert list(arrays.load(database, row.id)) == ["iteration", "trajectory"]


@pytest.mark.parametrize("status", ["queued", "running"])
def test_an_unfinished_run_is_not_replaced(database: Database, status: Status) -> None:
    row = record(database, make_finished())
    set_status(database, row.id, status, result=None, finished_at=None, compute_seconds=None)
    stored, created = computations.record(database, make_finished(), {})
    assert not created
    assert stored == replace(
        row, status=status, result=None, finished_at=None, compute_seconds=None
    )


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_failed_run_is_replaced(database: Database, trajectory: Named, status: Status) -> None:
    first, _ = computations.record(database, make_finished(), trajectory)
    set_status(database, first.id, status, result=None, error={"type": "job"}, attempt=3)
    second, created = computations.record(database, make_finished(), {"cost": np.ones(2)})
    assert created
    assert second.created_at > first.created_at
    assert second == replace(first, attempt=4, created_at=second.created_at)
    assert computations.get(database, first.id) == second
    assert list(arrays.load(database, first.id)) == ["cost"]


@pytest.mark.parametrize("status", [None, "failed"])
def test_concurrent_records_store_a_run_once(database: Database, status: Status | None) -> None:
    if status is not None:
        set_status(database, record(database, make_finished()).id, status)

    def record_one(number: int) -> tuple[ComputationRow, bool]:
        finished = make_finished(result={"number": number})
        return computations.record(database, finished, {"number": np.array([number])})

    results = at_once(20, record_one)
    (winner,) = (number for number, (_, created) in enumerate(results) if created)
    assert len({row.created_at for row, _ in results}) == 1
    stored = computations.get(database, make_finished().id)
    assert stored.result == {"number": winner}
    assert stored.attempt == (1 if status is None else 2)
    assert arrays.load(database, stored.id)["number"].tolist() == [winner]


def test_a_run_requires_its_dataset(database: Database, trajectory: Named) -> None:
    dataset_id = make_id("ds", 1)
    with pytest.raises(NotFound, match=dataset_id):
        computations.record(database, make_finished(dataset_id=dataset_id), trajectory)
    assert count_arrays(database) == 0
    datasets.add(database, dataset_id, np.ones((1, 1)), np.ones(1))
    row = record(database, make_finished(dataset_id=dataset_id))
    assert row.dataset_id == dataset_id


def test_a_deleted_run_leaves_no_array(database: Database, trajectory: Named) -> None:
    row, _ = computations.record(database, make_finished(), trajectory)
    computations.delete(database, row.id)
    assert count_arrays(database) == 0
    with pytest.raises(NotFound):
        computations.get(database, row.id)
    assert record(database, make_finished()).attempt == 1


OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC)
BEFORE = NEW - timedelta(days=1)


def add_dataset(database: Database, dataset_id: str) -> str:
    datasets.add(database, dataset_id, np.ones((2, 3)), np.ones(2))
    return dataset_id


def exists(get: Callable[..., Any], database: Database, identifier: str) -> bool:
    try:
        get(database, identifier)
    except NotFound:
        return False
    return True


def test_finished_computations_expire(database: Database, queue: Any) -> None:
    named = {"w_in": np.ones(10)}
    old = [make_finished(f"old {number}", finished_at=OLD).id for number in range(3)]
    for number in range(3):
        finished = make_finished(f"old {number}", finished_at=OLD)
        computations.record(database, finished, named)
    new, _ = computations.record(database, make_finished("new", finished_at=NEW), named)
    queued, _ = jobs.submit(database, JOB, queue.enqueue)
    assert delete_expired(database, BEFORE, 2) == 2
    assert delete_expired(database, BEFORE, 2) == 1
    assert delete_expired(database, BEFORE, 2) == 0
    assert not any(exists(computations.get, database, each) for each in old)
    for remaining in (new.id, queued.id):
        assert exists(computations.get, database, remaining)
    assert arrays.load(database, new.id).keys() == {"w_in"}


def test_a_dataset_expires_with_the_last_computation_that_uses_it(database: Database) -> None:
    used, free = (add_dataset(database, make_id("ds", name)) for name in ("used", "free"))
    computations.record(database, make_finished(1, finished_at=OLD, dataset_id=used), {})
    computations.record(database, make_finished(2, finished_at=NEW, dataset_id=used), {})
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert delete_expired(database, BEFORE, 10) == 1  # the datasets are new
    assert exists(datasets.get, database, free)
    computations.delete(database, make_finished(2).id)
    computations.record(database, make_finished(3, finished_at=later, dataset_id=used), {})
    assert delete_expired(database, later, 10) == 1
    assert not exists(datasets.get, database, free)
    assert exists(datasets.get, database, used)
    assert delete_expired(database, later + timedelta(seconds=1), 10) == 2
    assert not exists(datasets.get, database, used)


def test_processes_may_delete_at_the_same_time(database: Database) -> None:
    for number in range(12):
        computations.record(database, make_finished(number, finished_at=OLD), {})
    counts = at_once(3, lambda _: delete_expired(database, BEFORE, 20))
    assert sum(counts) == 12
    with pytest.raises(NotFound):
        computations.get(database, make_finished(0).id)
