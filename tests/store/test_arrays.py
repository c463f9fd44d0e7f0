"""Arrays under the id of their owner."""

import tracemalloc

import numpy as np
import pytest
from sqlalchemy import select, update

from service.errors import NotFound, StoreError
from service.store import Database, arrays
from service.store.tables import arrays as table
from tests.store.conftest import count_arrays


def test_arrays_are_replaced_and_deleted_by_owner_and_prefix(database: Database) -> None:
    with database.transaction() as connection:
        for owner in ("run_1", "run_2"):
            arrays.write(connection, owner, {"a.x": np.ones(2), "a.y": np.ones(3), "b": np.ones(1)})
        arrays.delete(connection, "run_1", "a.")
        arrays.replace(connection, "run_2", {"c": np.zeros(2)})
        assert arrays.list_names(connection, "run_1") == ["b"]
        assert arrays.list_names(connection, "run_2") == ["c"]
        assert arrays.read(connection, "run_2", "c").tolist() == [0.0, 0.0]
        arrays.delete(connection, "run_1")
        with pytest.raises(NotFound, match="run_1 has no array b"):
            arrays.read(connection, "run_1", "b")
    assert count_arrays(database) == 2


def test_reading_a_large_array_needs_its_size_once(database: Database) -> None:
    large = np.random.default_rng(1).random((5000, 1000))
    with database.transaction() as connection:
        arrays.write(connection, "ds_1", {"inputs": large})
    assert count_arrays(database) == 1 + -(-40_000_000 // 2**20)
    with database.snapshot() as connection:
        tracemalloc.start()
        stored = arrays.read(connection, "ds_1", "inputs")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    np.testing.assert_array_equal(stored, large, strict=True)
    assert peak < 40_000_000 + 20_000_000


def test_a_damaged_array_is_reported(database: Database) -> None:
    with database.transaction() as connection:
        arrays.write(connection, "ds_1", {"inputs": np.linspace(0, 1, 5)})
        elements = table.c.part == 1
        data = connection.execute(select(table.c.data).where(elements)).scalar_one()
        connection.execute(update(table).where(elements).values(data=data[:-1] + b"\xff"))
    with pytest.raises(StoreError, match="damaged"), database.snapshot() as connection:
        arrays.read(connection, "ds_1", "inputs")
