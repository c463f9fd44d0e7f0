"""Datasets: stored once and returned exactly."""

import numpy as np
from sqlalchemy import func, select

from service.errors import Conflict, NotFound
from service.store import Database, computations, datasets
from service.store.rows import DatasetRow
from service.store.rows import datasets as table
from service.store.tables import arrays
from tests.conftest import at_once
from tests.store.conftest import make_finished, make_id

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


def test_concurrent_adds_store_a_dataset_once(database: Database) -> None:
    results = at_once(20, lambda _: datasets.add(database, make_id("ds", 1), INPUTS, TARGETS))
    assert sorted(created for _, created in results) == [False] * 19 + [True]
    assert all(row == results[0][0] for row, _ in results)
    assert count_rows(database) == (1, 2)


def test_extra_arrays_are_stored_and_deleted_with_the_dataset(database: Database) -> None:
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
