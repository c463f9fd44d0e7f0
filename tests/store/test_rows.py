"""Rows as objects."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
from sqlalchemy import Table

from service.errors import NotFound
from service.store import Database, computations, datasets, tables
from service.store.computations import FinishedComputation
from service.store.rows import ComputationRow, DatasetRow, get_computation, get_dataset


@pytest.mark.parametrize(
    ("kind", "table"), [(DatasetRow, tables.datasets), (ComputationRow, tables.computations)]
)
def test_an_object_has_the_columns_of_its_table(kind: type, table: Table) -> None:
    assert {each.name for each in fields(kind)} == set(table.c.keys())


def test_a_row_is_found_by_its_id(
    database: Database,
    make_id: Callable[[str, object], str],
    make_finished: Callable[..., FinishedComputation],
) -> None:
    dataset, _ = datasets.add(database, make_id("ds", 1), np.ones((2, 3)), np.ones(2))
    rows = [computations.record(database, make_finished(seed), {})[0] for seed in (1, 2)]
    with database.snapshot() as connection:
        assert get_dataset(connection, dataset.id) == dataset
        assert [get_computation(connection, row.id) for row in rows] == rows
        for find, row_id in [(get_dataset, "ds_0"), (get_computation, "run_0")]:
            with pytest.raises(NotFound, match=f"^'{row_id}' does not exist$"):
                find(connection, row_id)
            with pytest.raises(NotFound, match="malformed"):
                find(connection, "\0")
