"""Computations: kept once, replaced where they came to nothing, never half."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import numpy as np
import pytest
from sqlalchemy import func, insert, select, update

from service.errors import Conflict, NotFound, StoreError
from service.store import Database, computations, datasets
from service.store import arrays as stored
from service.store.array_codec import AnyArray
from service.store.computations import FinishedComputation
from service.store.errors import ConstraintError
from service.store.rows import ComputationRow
from service.store.tables import Kind, Status, arrays
from service.store.tables import computations as table

Make = Callable[..., FinishedComputation]
AtOnce = Callable[[int, Callable[[int], Any]], list[Any]]
Named = dict[str, AnyArray]


def record(database: Database, finished: FinishedComputation) -> ComputationRow:
    row, created = computations.record(database, finished, {})
    assert created
    return row


def become(database: Database, run: str, status: str, **changes: Any) -> None:
    """Change a row as those will that let computations fail or wait."""
    changed = update(table).where(table.c.id == run).values(status=status, **changes)
    with database.transaction() as connection:
        connection.execute(changed)


def n_parts(database: Database) -> int:
    with database.snapshot() as connection:
        return connection.execute(select(func.count()).select_from(arrays)).scalar_one()


def test_a_finished_run_comes_back(database: Database, finished: Make, trajectory: Named) -> None:
    run = finished()
    row, created = computations.record(database, run, trajectory)
    assert created
    assert row == ComputationRow(**vars(run), status="succeeded", error=None, attempt=1)
    assert computations.get(database, row.id) == row
    back = computations.load_arrays(database, row.id)
    assert list(back) == ["iteration", "trajectory"]
    for name, array in trajectory.items():
        np.testing.assert_array_equal(back[name], array, strict=True)
        one = computations.load_array(database, row.id, name)
        np.testing.assert_array_equal(one, array, strict=True)


def test_json_comes_back_number_by_number(database: Database, finished: Make) -> None:
    said = {
        "floats": [0.1, 1e22, 5e-324, 1.7976931348623157e308, -0.0, 1.0, 1],
        "text": "é \U0001f4c8 \0 \"'",
        "none": None,
        "order": {"b": 1, "a": [True, []]},
    }
    row = record(database, finished(request=said, result=said))
    back = computations.get(database, row.id)
    assert repr(back.request) == repr(said)
    assert repr(back.result) == repr(said)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_json_stays_finite(database: Database, finished: Make, number: float) -> None:
    with pytest.raises(StoreError):
        computations.record(database, finished(result={"cost": number}), {})
    with pytest.raises(NotFound):
        computations.get(database, finished().id)


def test_what_succeeded_stays(database: Database, finished: Make, trajectory: Named) -> None:
    row, _ = computations.record(database, finished(), trajectory)
    other = finished(result={"outcome": "diverged"}, compute_seconds=9.0)
    assert computations.record(database, other, {"iteration": np.zeros(1)}) == (row, False)
    assert list(computations.load_arrays(database, row.id)) == ["iteration", "trajectory"]


@pytest.mark.parametrize("status", ["queued", "running"])
def test_what_is_not_finished_stays(database: Database, finished: Make, status: Status) -> None:
    row = record(database, finished())
    become(database, row.id, status, result=None, finished_at=None, compute_seconds=None)
    kept, created = computations.record(database, finished(), {})
    assert not created
    assert kept == replace(row, status=status, result=None, finished_at=None, compute_seconds=None)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_what_came_to_nothing_is_tried_anew(
    database: Database, finished: Make, trajectory: Named, status: Status
) -> None:
    first, _ = computations.record(database, finished(), trajectory)
    become(database, first.id, status, result=None, error={"title": "Lost"}, attempt=3)
    second, created = computations.record(database, finished(), {"cost": np.ones(2)})
    assert created
    assert second.created_at > first.created_at
    assert second == replace(first, attempt=4, created_at=second.created_at)
    assert computations.get(database, first.id) == second
    assert list(computations.load_arrays(database, first.id)) == ["cost"]


@pytest.mark.parametrize("status", [None, "failed"])
def test_twenty_records_at_once_keep_one(
    database: Database, finished: Make, at_once: AtOnce, status: Status | None
) -> None:
    if status is not None:
        become(database, record(database, finished()).id, status)

    def one(number: int) -> tuple[ComputationRow, bool]:
        mine = finished(result={"number": number})
        return computations.record(database, mine, {"number": np.array([number])})

    answers = at_once(20, one)
    (winner,) = (number for number, (_, created) in enumerate(answers) if created)
    assert len({row.created_at for row, _ in answers}) == 1
    kept = computations.get(database, finished().id)
    assert kept.result == {"number": winner}
    assert kept.attempt == (1 if status is None else 2)
    assert computations.load_array(database, kept.id, "number").tolist() == [winner]


def test_the_dataset_must_be_there(
    database: Database, finished: Make, trajectory: Named, an_id: Callable[[str, object], str]
) -> None:
    missing = an_id("ds", 1)
    with pytest.raises(NotFound, match=missing):
        computations.record(database, finished(dataset_id=missing), trajectory)
    assert n_parts(database) == 0
    datasets.add(database, missing, np.ones((1, 1)), np.ones(1))
    assert record(database, finished(dataset_id=missing)).dataset_id == missing


@pytest.mark.parametrize(
    ("column", "known"), [("kind", get_args(Kind)), ("status", get_args(Status))]
)
def test_only_known_words_are_kept(
    database: Database, finished: Make, column: str, known: tuple[str, ...]
) -> None:
    row = record(database, finished())
    for word in known:
        with database.transaction() as connection:
            connection.execute(update(table).values({column: word}))
        assert getattr(computations.get(database, row.id), column) == word
    with pytest.raises(ConstraintError), database.transaction() as connection:
        connection.execute(update(table).values({column: "other"}))


def test_a_broken_constraint_is_not_taken_for_a_missing_dataset(
    database: Database, finished: Make, an_id: Callable[[str, object], str]
) -> None:
    datasets.add(database, an_id("ds", 1), np.ones((1, 1)), np.ones(1))
    for dataset_id in (None, an_id("ds", 1)):
        with pytest.raises(ConstraintError):
            computations.record(database, finished(kind="other", dataset_id=dataset_id), {})


def test_deleting_leaves_nothing(database: Database, finished: Make, trajectory: Named) -> None:
    row, _ = computations.record(database, finished(), trajectory)
    computations.delete(database, row.id)
    assert n_parts(database) == 0
    with pytest.raises(NotFound):
        computations.get(database, row.id)
    assert record(database, finished()).attempt == 1


@pytest.mark.parametrize("status", ["queued", "running"])
def test_what_is_not_finished_is_not_deleted(
    database: Database, finished: Make, trajectory: Named, status: Status
) -> None:
    row, _ = computations.record(database, finished(), trajectory)
    become(database, row.id, status)
    with pytest.raises(Conflict, match=status):
        computations.delete(database, row.id)
    assert list(computations.load_arrays(database, row.id)) == ["iteration", "trajectory"]


@pytest.mark.parametrize("name", ["", "run_0", "run_\0", "run_\ud800", "RUN_1"])
def test_what_is_not_there_is_not_found(database: Database, finished: Make, name: str) -> None:
    for call in (computations.get, computations.load_arrays, computations.delete):
        with pytest.raises(NotFound):
            call(database, name)
    with pytest.raises(NotFound):
        computations.load_array(database, name, "trajectory")
    with pytest.raises(NotFound, match="no array cost"):
        computations.load_array(database, record(database, finished()).id, "cost")


def test_an_array_missing_at_its_end_is_damaged(database: Database, finished: Make) -> None:
    large = {"cost": np.random.default_rng(1).random(1_000_000)}
    row, _ = computations.record(database, finished(), large)
    assert n_parts(database) == 2
    with database.transaction() as connection:
        connection.execute(arrays.delete().where(arrays.c.part == 1))
    with pytest.raises(StoreError, match="damaged"):
        computations.load_array(database, row.id, "cost")


def test_pages_are_of_one_kind_and_any_or_one_status(database: Database, finished: Make) -> None:
    runs = [record(database, finished(number)) for number in range(6)]
    maps = [
        record(database, finished(number, kind="basin_map", id=f"map_{number}"))
        for number in range(2)
    ]
    for row in runs[::2]:
        become(database, row.id, "failed")

    def ids(kind: Kind, **filters: Any) -> list[str]:
        rows, cursor = computations.list_page(database, kind, 2, **filters)
        found = [row.id for row in rows]
        return found if cursor is None else found + ids(kind, **filters | {"cursor": cursor})

    newest_first = [row.id for row in reversed(runs)]
    assert ids("training_run") == newest_first
    assert ids("training_run", status="failed") == newest_first[1::2]
    assert ids("training_run", status="succeeded") == newest_first[::2]
    assert ids("training_run", status="queued") == []
    assert ids("basin_map") == [row.id for row in reversed(maps)]


def test_there_is_room_for_work_that_waits_and_resumes(database: Database, finished: Make) -> None:
    """A job's life, in statements of its own: queued, a checkpoint, fenced by its attempt."""
    asked = finished()
    row = {
        "id": asked.id,
        "kind": asked.kind,
        "status": "queued",
        "request": asked.request,
        "result_version": 1,
        "attempt": 1,
        "progress_done": 0,
        "progress_total": 10**12,
        "created_at": datetime.now(UTC) - timedelta(days=1),
    }
    with database.transaction() as connection:
        connection.execute(insert(table), row)
    assert computations.get(database, asked.id).started_at is None

    def step(attempt: int, done: int) -> bool:
        mine = (table.c.id == asked.id) & (table.c.attempt == attempt)
        moved = update(table).where(mine).values(status="running", progress_done=done)
        with database.transaction() as connection:
            if connection.execute(moved).rowcount == 0:
                return False
            stored.replace(connection, asked.id, {"checkpoint": np.array([done])})
            return True

    assert step(1, 10**11)
    assert not step(2, 5)
    assert computations.get(database, asked.id).progress_done == 10**11
    assert computations.load_array(database, asked.id, "checkpoint").tolist() == [10**11]
