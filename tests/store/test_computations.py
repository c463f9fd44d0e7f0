"""Computations: stored once, and replaced only if they failed or were cancelled."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from sqlalchemy import update

from service.errors import NotFound
from service.lifecycle import Kind, Status
from service.store import Database, computations, datasets
from service.store.array_codec import AnyArray
from service.store.errors import ConstraintError
from service.store.rows import ComputationRow
from service.store.rows import computations as table
from tests.conftest import at_once
from tests.store.conftest import count_arrays, make_finished, make_id

Named = dict[str, AnyArray]


def record(database: Database, finished: ComputationRow) -> ComputationRow:
    row, created = computations.record(database, finished, {})
    assert created
    return row


def set_status(database: Database, run: str, status: str, **changes: Any) -> None:
    statement = update(table).where(table.c.id == run).values(status=status, **changes)
    with database.transaction() as connection:
        connection.execute(statement)


def test_a_run_that_succeeded_is_not_replaced(database: Database, trajectory: Named) -> None:
    row, _ = computations.record(database, make_finished(), trajectory)
    other = make_finished(result={"outcome": "diverged"}, compute_seconds=9.0)
    assert computations.record(database, other, {"iteration": np.zeros(1)}) == (row, False)
    assert list(computations.load_arrays(database, row.id)) == ["iteration", "trajectory"]


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
def test_a_failed_or_cancelled_run_is_replaced(
    database: Database, trajectory: Named, status: Status
) -> None:
    first, _ = computations.record(database, make_finished(), trajectory)
    set_status(database, first.id, status, result=None, error={"type": "job"}, attempt=3)
    second, created = computations.record(database, make_finished(), {"cost": np.ones(2)})
    assert created
    assert second.created_at > first.created_at
    assert second == replace(first, attempt=4, created_at=second.created_at)
    assert computations.get(database, first.id) == second
    assert list(computations.load_arrays(database, first.id)) == ["cost"]


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
    assert computations.load_arrays(database, stored.id)["number"].tolist() == [winner]


def test_a_run_requires_its_dataset(database: Database, trajectory: Named) -> None:
    dataset_id = make_id("ds", 1)
    with pytest.raises(NotFound, match=dataset_id):
        computations.record(database, make_finished(dataset_id=dataset_id), trajectory)
    assert count_arrays(database) == 0
    datasets.add(database, dataset_id, np.ones((1, 1)), np.ones(1))
    row = record(database, make_finished(dataset_id=dataset_id))
    assert row.dataset_id == dataset_id


@pytest.mark.parametrize(
    ("column", "values"), [("kind", get_args(Kind)), ("status", get_args(Status))]
)
def test_only_known_kinds_and_statuses_are_stored(
    database: Database, column: str, values: tuple[str, ...]
) -> None:
    row = record(database, make_finished())
    for value in values:
        with database.transaction() as connection:
            connection.execute(update(table).values({column: value}))
        assert getattr(computations.get(database, row.id), column) == value
    with pytest.raises(ConstraintError), database.transaction() as connection:
        connection.execute(update(table).values({column: "other"}))


def test_a_deleted_run_leaves_no_array(database: Database, trajectory: Named) -> None:
    row, _ = computations.record(database, make_finished(), trajectory)
    computations.delete(database, row.id)
    assert count_arrays(database) == 0
    with pytest.raises(NotFound):
        computations.get(database, row.id)
    assert record(database, make_finished()).attempt == 1
