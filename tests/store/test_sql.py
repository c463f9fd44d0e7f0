"""SQL for both databases, and the form of ids."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from service.errors import NotFound
from service.store import Database
from service.store.sql import check_id, current_time, insert
from service.store.tables import datasets


@pytest.mark.parametrize("row_id", ["ds_0", "run_" + "f" * 64, "map_0123456789abcdef"])
def test_well_formed_ids_reach_the_database(row_id: str) -> None:
    check_id(row_id)


@pytest.mark.parametrize(
    "row_id",
    [
        "",
        "ds_",
        "ds0",
        "_0",
        "ds_G",
        "ds_A",
        "DS_0",
        "ds_0\n",
        "\nds_0",
        "ds_0 ",
        "ds_0\0",
        "ds_٣",  # a digit, but not of ASCII
        "ds_\ud800",  # which no driver can encode
        "run_" + "f" * 65,
        "ds_0_0",
    ],
)
def test_malformed_ids_are_not_found(row_id: str) -> None:
    with pytest.raises(NotFound) as caught:
        check_id(row_id)
    caught.value.detail.encode()


def test_the_clock_of_the_database_has_a_time_zone(database: Database) -> None:
    with database.snapshot() as connection:
        before = datetime.now(UTC)
        first, second = (connection.scalar(select(current_time(connection))) for _ in range(2))
        after = datetime.now(UTC)
    assert first is not None
    assert second is not None
    assert first.tzinfo is UTC
    # The clock of PostgreSQL runs within a transaction, too.
    assert first < second
    assert before - timedelta(seconds=1) < first < after + timedelta(seconds=1)


def test_an_insert_may_leave_a_row_as_it_is(database: Database) -> None:
    values = {
        "id": "ds_0",
        "n_samples": 1,
        "n_steps": 2,
        "n_bytes": 24,
        "input_min": 0.0,
        "input_max": 1.0,
        "target_min": 0.5,
        "target_max": 0.5,
        "created_at": datetime.now(UTC),
    }
    for n_samples in (1, 9):
        with database.transaction() as connection:
            dialect = connection.dialect.name
            statement = insert(dialect, datasets).values(values | {"n_samples": n_samples})
            connection.execute(statement.on_conflict_do_nothing())
    with database.snapshot() as connection:
        assert connection.scalars(select(datasets.c.n_samples)).all() == [1]
