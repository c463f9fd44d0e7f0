"""Pages of rows in a stable order."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import update

from service.errors import Invalid
from service.store import Database, datasets
from service.store.rows import DatasetRow
from service.store.tables import datasets as table
from tests.store.conftest import make_id


def add(database: Database, dataset_id: str) -> DatasetRow:
    return datasets.add(database, dataset_id, np.ones((2, 3)), np.ones(2))[0]


def list_all(
    database: Database, limit: int, between: Callable[[], object] = lambda: None
) -> list[str]:
    """Return the ids on all pages, and call ``between`` before each page after the first."""
    rows, cursor = datasets.list_page(database, limit)
    ids = [row.id for row in rows]
    while cursor is not None:
        assert re.fullmatch("[A-Za-z0-9_-]+", cursor)
        between()
        rows, cursor = datasets.list_page(database, limit, cursor)
        assert 0 < len(rows) <= limit
        ids += [row.id for row in rows]
    return ids


def test_pages_of_any_size_contain_all_rows_newest_first(database: Database) -> None:
    assert datasets.list_page(database, 5) == ([], None)
    ids = [add(database, make_id("ds", number)).id for number in range(7)]
    for limit in (1, 2, 3, 6, 7, 8):
        assert list_all(database, limit) == ids[::-1]


def test_rows_of_the_same_time_are_ordered_by_id(database: Database) -> None:
    ids = [add(database, make_id("ds", number)).id for number in range(7)]
    with database.transaction() as connection:
        time = datetime(2026, 11, 5, tzinfo=UTC)
        connection.execute(update(table).values(created_at=time))
    assert list_all(database, 2) == sorted(ids, reverse=True)


def test_pages_do_not_shift_when_rows_are_added_and_deleted(database: Database) -> None:
    ids = [add(database, make_id("ds", number)).id for number in range(9)]
    added = iter(range(100, 200))
    deleted = iter(ids[::-1])

    def add_and_delete() -> None:
        add(database, make_id("ds", next(added)))
        datasets.delete(database, next(deleted))  # always one that was already listed

    assert list_all(database, 2, add_and_delete) == ids[::-1]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "1",
        "1-ds_1 ",
        "-1-ds_1",
        "1-ds_\0",
        "١-ds_1",  # noqa: RUF001
        "99999999999999999-ds_1",
    ],
    ids=range(8),
)
def test_a_malformed_cursor_is_invalid(database: Database, cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        datasets.list_page(database, 5, cursor)
    assert [error.pointer for error in caught.value.errors] == ["/cursor"]


def test_the_cursor_of_another_list_is_only_a_position(database: Database) -> None:
    row = add(database, make_id("ds", 1))
    assert datasets.list_page(database, 5, "1-run_0") == ([], None)
    assert datasets.list_page(database, 5, "9999999999999999-ds_0") == ([row], None)
