"""The column types: times in UTC and finite JSON."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from sqlalchemy import update

from service.errors import NotFound, StoreError
from service.store import Database, computations, datasets
from service.store.rows import datasets as table
from tests.store.conftest import make_finished, make_id


def test_times_are_stored_in_utc(database: Database) -> None:
    row, _ = datasets.add(database, make_id("ds", 1), np.ones((2, 3)), np.ones(2))
    local = row.created_at.astimezone(timezone(timedelta(hours=5.5)))
    with database.transaction() as connection:
        connection.execute(update(table).values(created_at=local))
    stored = datasets.get(database, row.id)
    assert stored == row
    assert stored.created_at.tzinfo is UTC
    with pytest.raises(StoreError), database.transaction() as connection:
        connection.execute(update(table).values(created_at=datetime(2026, 1, 1)))


def test_json_is_stored_number_by_number(database: Database) -> None:
    content = {
        "floats": [0.1, 1e22, 5e-324, 1.7976931348623157e308, -0.0, 1.0, 1],
        "text": "é \U0001f4c8 \0 \"'",
        "none": None,
        "order": {"b": 1, "a": [True, []]},
    }
    row, _ = computations.record(database, make_finished(request=content, result=content), {})
    stored = computations.get(database, row.id)
    assert repr(stored.request) == repr(content)
    assert repr(stored.result) == repr(content)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_json_with_a_number_that_is_not_finite_is_rejected(
    database: Database, number: float
) -> None:
    with pytest.raises(StoreError):
        computations.record(database, make_finished(result={"cost": number}), {})
    with pytest.raises(NotFound):
        computations.get(database, make_finished().id)
