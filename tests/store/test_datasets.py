"""Datasets: kept once, given back exactly, listed in a stable order."""

import base64
import re
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, func, select, update

from service.errors import Conflict, Invalid, NotFound, StoreError
from service.store import Database, computations, datasets
from service.store import arrays as stored
from service.store.computations import FinishedComputation
from service.store.rows import DatasetRow
from service.store.tables import arrays
from service.store.tables import datasets as table

AnId = Callable[[str, object], str]
AtOnce = Callable[[int, Callable[[int], Any]], list[Any]]

INPUTS = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
TARGETS = np.array([2.0, 0.75])


def add(database: Database, dataset_id: str) -> DatasetRow:
    row, created = datasets.add(database, dataset_id, INPUTS, TARGETS)
    assert created
    return row


def n_rows(database: Database) -> tuple[int, int]:
    counts = [select(func.count()).select_from(t).scalar_subquery() for t in (table, arrays)]
    with database.snapshot() as connection:
        n_datasets, n_parts = connection.execute(select(*counts)).one()
    return n_datasets, n_parts


def test_a_dataset_is_described_and_comes_back(database: Database, an_id: AnId) -> None:
    before = datetime.now(UTC)
    row = add(database, an_id("ds", 1))
    assert before <= row.created_at <= datetime.now(UTC)
    assert row == DatasetRow(
        id=an_id("ds", 1),
        n_samples=2,
        n_steps=3,
        n_bytes=(6 + 2) * 8,
        input_min=0.0,
        input_max=1.0,
        target_min=0.75,
        target_max=2.0,
        created_at=row.created_at,
    )
    again = datasets.get(database, an_id("ds", 1))
    assert again == row
    assert again.created_at.tzinfo is UTC
    inputs, targets = datasets.load(database, an_id("ds", 1))
    np.testing.assert_array_equal(inputs, INPUTS, strict=True)
    np.testing.assert_array_equal(targets, TARGETS, strict=True)


def test_adding_again_changes_nothing(database: Database, an_id: AnId) -> None:
    row = add(database, an_id("ds", 1))
    assert datasets.add(database, an_id("ds", 1), INPUTS, TARGETS) == (row, False)
    assert n_rows(database) == (1, 2)


def test_arrays_beside_a_dataset_come_and_go_with_it(database: Database, an_id: AnId) -> None:
    dataset_id, sums = an_id("ds", 1), INPUTS.sum(axis=0)
    datasets.add(database, dataset_id, INPUTS, TARGETS, {"sums": sums})
    assert datasets.list_extra_arrays(database, dataset_id) == {"sums"}
    found = datasets.load_extra_arrays(database, dataset_id, ["sums", "others", "inputs"])
    assert found.keys() == {"sums"}
    np.testing.assert_array_equal(found["sums"], sums, strict=True)
    np.testing.assert_array_equal(datasets.load(database, dataset_id)[0], INPUTS)
    datasets.delete(database, dataset_id)
    assert datasets.load_extra_arrays(database, dataset_id, ["sums"]) == {}


def test_twenty_adds_at_once_keep_one(database: Database, an_id: AnId, at_once: AtOnce) -> None:
    answers = at_once(20, lambda _: datasets.add(database, an_id("ds", 1), INPUTS, TARGETS))
    assert sorted(created for _, created in answers) == [False] * 19 + [True]
    assert len({row for row, _ in answers}) == 1
    assert n_rows(database) == (1, 2)


def test_large_arrays_take_their_size_once(database: Database, an_id: AnId) -> None:
    inputs = np.random.default_rng(1).random((5000, 1000))
    targets = inputs.sum(axis=1)
    datasets.add(database, an_id("ds", 1), inputs, targets)
    n_parts = 1 + -(-40_000_000 // 2**22)
    assert n_rows(database) == (1, n_parts)
    tracemalloc.start()
    back, _ = datasets.load(database, an_id("ds", 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(back, inputs, strict=True)
    assert peak < 40_000_000 + 20_000_000


def test_drawn_sequences_take_a_bit_a_step(database: Database, an_id: AnId) -> None:
    inputs = np.around(np.random.RandomState(1).rand(1000, 800))
    datasets.add(database, an_id("ds", 1), inputs, inputs.sum(axis=1))
    with database.snapshot() as connection:
        query = select(func.length(arrays.c.data)).where(arrays.c.name == "inputs")
        assert connection.execute(query).scalar_one() == 1000 * 800 / 8 + 32


@pytest.mark.parametrize(
    "name", ["", "ds_", "ds_0", "ds_\0", "ds_\ud800", "ds_é", "ds_" + "0" * 65, "'; --", "ds_1\n"]
)
def test_what_is_not_there_is_not_found(database: Database, name: str) -> None:
    for call in (datasets.get, datasets.load, datasets.delete):
        with pytest.raises(NotFound):
            call(database, name)


def test_ids_that_cannot_be_asked_for_are_not_kept(database: Database) -> None:
    with pytest.raises(NotFound):
        datasets.add(database, "ds_\0", INPUTS, TARGETS)


def test_deleting_leaves_nothing(database: Database, an_id: AnId) -> None:
    add(database, an_id("ds", 1))
    datasets.delete(database, an_id("ds", 1))
    assert n_rows(database) == (0, 0)
    with pytest.raises(NotFound):
        datasets.get(database, an_id("ds", 1))
    add(database, an_id("ds", 1))


def test_a_dataset_in_use_stays(
    database: Database, an_id: AnId, finished: Callable[..., FinishedComputation]
) -> None:
    dataset_id = an_id("ds", 1)
    row = add(database, dataset_id)
    runs = [
        computations.record(database, finished(number, dataset_id=dataset_id), {})[0].id
        for number in range(12)
    ]
    with pytest.raises(Conflict) as caught:
        datasets.delete(database, dataset_id)
    assert caught.value.referrers == runs[:1:-1]
    assert datasets.get(database, dataset_id) == row
    assert n_rows(database) == (1, 2)
    for run in runs:
        computations.delete(database, run)
    datasets.delete(database, dataset_id)


def test_a_dataset_is_used_or_deleted_but_not_both(
    database: Database, an_id: AnId, at_once: AtOnce, finished: Callable[..., FinishedComputation]
) -> None:
    def use_or_delete(number: int) -> str:
        try:
            if number % 2:
                datasets.delete(database, dataset_id)
            else:
                run = finished((dataset_id, number), dataset_id=dataset_id)
                computations.record(database, run, {})
        except (NotFound, Conflict) as error:
            return type(error).__name__
        return "deleted" if number % 2 else "used"

    for round_ in range(5):
        dataset_id = an_id("ds", round_)
        add(database, dataset_id)
        answers = at_once(6, use_or_delete)
        assert ("used" in answers) != ("deleted" in answers)
        assert answers.count("deleted") <= 1


def test_a_damaged_array_is_told(database: Database, an_id: AnId) -> None:
    add(database, an_id("ds", 1))
    with database.transaction() as connection:
        data = connection.execute(select(arrays.c.data).where(arrays.c.name == "inputs")).scalar()
        damaged = bytes(data or b"")[:-1] + b"\xff"
        connection.execute(update(arrays).where(arrays.c.name == "inputs").values(data=damaged))
    with pytest.raises(StoreError, match="damaged"):
        datasets.load(database, an_id("ds", 1))


def test_other_arrays_may_lie_beside(database: Database, an_id: AnId) -> None:
    add(database, an_id("ds", 1))
    with database.transaction() as connection:
        stored.write(connection, an_id("ds", 1), {"moments": np.ones(3)})
        assert stored.list_names(connection, an_id("ds", 1)) == ["inputs", "moments", "targets"]
    datasets.delete(database, an_id("ds", 1))
    assert n_rows(database) == (0, 0)


# Pages


def walk(database: Database, limit: int, between: Callable[[], object] = lambda: None) -> list[str]:
    rows, cursor = datasets.list_page(database, limit)
    ids = [row.id for row in rows]
    while cursor is not None:
        assert re.fullmatch("[A-Za-z0-9_-]+", cursor)
        between()
        rows, cursor = datasets.list_page(database, limit, cursor)
        assert 0 < len(rows) <= limit
        ids += [row.id for row in rows]
    return ids


def test_pages_of_any_size_hold_everything_newest_first(database: Database, an_id: AnId) -> None:
    assert datasets.list_page(database, 5) == ([], None)
    ids = [add(database, an_id("ds", number)).id for number in range(7)]
    for limit in (1, 2, 3, 6, 7, 8):
        assert walk(database, limit) == ids[::-1]


def test_pages_order_equal_moments_by_id(database: Database, an_id: AnId) -> None:
    ids = [add(database, an_id("ds", number)).id for number in range(7)]
    with database.transaction() as connection:
        moment = datetime(2026, 11, 5, tzinfo=UTC)
        connection.execute(update(table).values(created_at=moment))
    assert walk(database, 2) == sorted(ids, reverse=True)


def test_pages_stay_while_rows_come_and_go(database: Database, an_id: AnId) -> None:
    ids = [add(database, an_id("ds", number)).id for number in range(9)]
    new = iter(range(100, 200))
    gone = iter(ids[::-1])

    def come_and_go() -> None:
        add(database, an_id("ds", next(new)))
        datasets.delete(database, next(gone))  # always one that was already listed

    assert walk(database, 2, come_and_go) == ids[::-1]


def test_moments_are_utc_however_they_are_given(database: Database, an_id: AnId) -> None:
    row = add(database, an_id("ds", 1))
    east = row.created_at.astimezone(datetime.fromisoformat("2026-01-01T00:00+05:30").tzinfo)
    with database.transaction() as connection:
        connection.execute(update(table).values(created_at=east))
    assert datasets.get(database, row.id) == row
    with pytest.raises(StoreError), database.transaction() as connection:
        connection.execute(update(table).values(created_at=datetime(2026, 1, 1)))


def encode(inside: bytes) -> str:
    return base64.urlsafe_b64encode(inside).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "====",
        "é",
        "\0",
        "a/b+",
        encode(b""),
        encode(b"1"),
        encode(b"1 ds_1 "),
        encode(b"-1 ds_1"),
        encode(b"1 ds_\0"),
        encode(b"1 ds_1\n"),
        encode("١ ds_1".encode()),  # noqa: RUF001
        encode(b"9999999999999999 ds_1")[:-4],
        encode(b"99999999999999999 ds_1"),
        encode(b"\xff\xfe ds_1"),
    ],
)
def test_a_cursor_of_no_list_is_invalid(database: Database, cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        datasets.list_page(database, 5, cursor)
    assert [error.pointer for error in caught.value.errors] == ["/cursor"]


def test_a_cursor_from_elsewhere_only_begins_elsewhere(database: Database, an_id: AnId) -> None:
    row = add(database, an_id("ds", 1))
    assert datasets.list_page(database, 5, encode(b"1 run_0")) == ([], None)
    assert datasets.list_page(database, 5, encode(b"9999999999999999 ds_0")) == ([row], None)


def test_a_page_deep_down_is_found_by_the_index(database: Database) -> None:
    first = datetime(2026, 11, 5, tzinfo=UTC)
    described = {"n_samples": 1, "n_steps": 1, "n_bytes": 16}
    described |= {f"{kind}_{end}": 0 for kind in ("input", "target") for end in ("min", "max")}
    rows = [
        described | {"id": f"ds_{n:032x}", "created_at": first + timedelta(seconds=n)}
        for n in range(5000)
    ]
    explain = "EXPLAIN QUERY PLAN " if database.engine.dialect.name == "sqlite" else "EXPLAIN "
    with database.transaction() as connection:
        connection.execute(table.insert(), rows)
        connection.exec_driver_sql("ANALYZE")
    sent: list[tuple[str, Any]] = []
    event.listen(
        database.engine,
        "before_cursor_execute",
        lambda _c, _k, statement, parameters, _x, _m: sent.append((statement, parameters)),
    )
    position = (int(first.timestamp()) + 500) * 1_000_000
    page, _ = datasets.list_page(database, 20, encode(f"{position} ds_0".encode()))
    assert [row.id for row in page] == [f"ds_{n:032x}" for n in range(499, 479, -1)]
    (select_page,) = (one for one in sent if one[0].startswith("SELECT"))
    with database.snapshot() as connection:
        plan = str(connection.exec_driver_sql(explain + select_page[0], select_page[1]).all())
    assert "ix_datasets_created_at_id" in plan
    assert "sort" not in plan.lower()
    assert "b-tree" not in plan.lower()
