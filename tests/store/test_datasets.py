"""Datasets: stored once and returned exactly."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from service.errors import Conflict, NotFound
from service.store import Database, computations, datasets
from service.store.rows import ComputationRow, DatasetRow
from service.store.rows import datasets as table
from service.store.tables import arrays

MakeId = Callable[[str, object], str]
AtOnce = Callable[[int, Callable[[int], Any]], list[Any]]

INPUTS = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
TARGETS = np.array([2.0, 0.75])


def add(database: Database, dataset_id: str) -> DatasetRow:
    row, created = datasets.add(database, dataset_id, INPUTS, TARGETS)
    assert created
    return row


def count_rows(database: Database) -> tuple[int, int]:
    """Return the numbers of datasets and of arrays."""
    queries = (
        select(func.count()).select_from(table),
        select(func.count()).where(arrays.c.part == 0),
    )
    counts = [query.scalar_subquery() for query in queries]
    with database.snapshot() as connection:
        n_datasets, n_arrays = connection.execute(select(*counts)).one()
    return n_datasets, n_arrays


def test_a_stored_dataset_is_described_and_loaded(database: Database, make_id: MakeId) -> None:
    before = datetime.now(UTC)
    row = add(database, make_id("ds", 1))
    assert before <= row.created_at <= datetime.now(UTC)
    assert row == DatasetRow(
        id=make_id("ds", 1),
        n_samples=2,
        n_steps=3,
        n_bytes=(6 + 2) * 8,
        input_min=0.0,
        input_max=1.0,
        target_min=0.75,
        target_max=2.0,
        created_at=row.created_at,
    )
    assert datasets.get(database, make_id("ds", 1)) == row
    inputs, targets = datasets.load(database, make_id("ds", 1))
    np.testing.assert_array_equal(inputs, INPUTS, strict=True)
    np.testing.assert_array_equal(targets, TARGETS, strict=True)


def test_a_second_add_changes_nothing(database: Database, make_id: MakeId) -> None:
    row = add(database, make_id("ds", 1))
    assert datasets.add(database, make_id("ds", 1), INPUTS, TARGETS) == (row, False)
    assert count_rows(database) == (1, 2)


def test_concurrent_adds_store_a_dataset_once(
    database: Database, make_id: MakeId, at_once: AtOnce
) -> None:
    results = at_once(20, lambda _: datasets.add(database, make_id("ds", 1), INPUTS, TARGETS))
    assert sorted(created for _, created in results) == [False] * 19 + [True]
    assert all(row == results[0][0] for row, _ in results)
    assert count_rows(database) == (1, 2)


def test_extra_arrays_are_stored_and_deleted_with_the_dataset(
    database: Database, make_id: MakeId
) -> None:
    dataset_id, sums = make_id("ds", 1), INPUTS.sum(axis=0)
    datasets.add(database, dataset_id, INPUTS, TARGETS, {"sums": sums})
    assert datasets.list_extra_arrays(database, dataset_id) == {"sums"}
    found = datasets.load_extra_arrays(database, dataset_id, ["sums", "others", "inputs"])
    assert found.keys() == {"sums"}
    np.testing.assert_array_equal(found["sums"], sums, strict=True)
    np.testing.assert_array_equal(datasets.load(database, dataset_id)[0], INPUTS)
    datasets.delete(database, dataset_id)
    assert datasets.load_extra_arrays(database, dataset_id, ["sums"]) == {}
    assert count_rows(database) == (0, 0)


def test_an_unknown_id_is_not_found(database: Database) -> None:
    for call in (datasets.get, datasets.load, datasets.delete):
        with pytest.raises(NotFound, match="'ds_0' does not exist"):
            call(database, "ds_0")


def test_a_deleted_dataset_can_be_added_again(database: Database, make_id: MakeId) -> None:
    add(database, make_id("ds", 1))
    datasets.delete(database, make_id("ds", 1))
    assert count_rows(database) == (0, 0)
    with pytest.raises(NotFound):
        datasets.get(database, make_id("ds", 1))
    add(database, make_id("ds", 1))


def test_a_dataset_in_use_is_not_deleted(
    database: Database, make_id: MakeId, make_finished: Callable[..., ComputationRow]
) -> None:
    dataset_id = make_id("ds", 1)
    row = add(database, dataset_id)
    runs = [
        computations.record(database, make_finished(number, dataset_id=dataset_id), {})[0].id
        for number in range(12)
    ]
    with pytest.raises(Conflict) as caught:
        datasets.delete(database, dataset_id)
    assert caught.value.referrers == runs[:1:-1]
    assert datasets.get(database, dataset_id) == row
    assert count_rows(database) == (1, 2)
    for run in runs:
        computations.delete(database, run)
    datasets.delete(database, dataset_id)


def test_a_dataset_is_used_or_deleted_but_not_both(
    database: Database,
    make_id: MakeId,
    at_once: AtOnce,
    make_finished: Callable[..., ComputationRow],
) -> None:
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
