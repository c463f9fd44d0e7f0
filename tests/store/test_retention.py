"""Which computations and datasets expire."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from service.errors import NotFound
from service.store import Database, computations, datasets, jobs
from service.store.retention import delete_expired
from tests.conftest import at_once
from tests.store.conftest import JOB, make_finished, make_id

OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC)
BEFORE = NEW - timedelta(days=1)


def add_dataset(database: Database, dataset_id: str) -> str:
    datasets.add(database, dataset_id, np.ones((2, 3)), np.ones(2))
    return dataset_id


def exists(get: Callable[..., Any], database: Database, identifier: str) -> bool:
    try:
        get(database, identifier)
    except NotFound:
        return False
    return True


def test_finished_computations_expire(database: Database, queue: Any) -> None:
    arrays = {"w_in": np.ones(10)}
    old = [make_finished(f"old {number}", finished_at=OLD).id for number in range(3)]
    for number in range(3):
        finished = make_finished(f"old {number}", finished_at=OLD)
        computations.record(database, finished, arrays)
    new, _ = computations.record(database, make_finished("new", finished_at=NEW), arrays)
    queued, _ = jobs.submit(database, JOB, queue.enqueue)
    assert delete_expired(database, BEFORE, 2) == 2
    assert delete_expired(database, BEFORE, 2) == 1
    assert delete_expired(database, BEFORE, 2) == 0
    assert not any(exists(computations.get, database, each) for each in old)
    for remaining in (new.id, queued.id):
        assert exists(computations.get, database, remaining)
    assert computations.load_arrays(database, new.id).keys() == {"w_in"}


def test_a_dataset_expires_with_the_last_computation_that_uses_it(database: Database) -> None:
    used, free = (add_dataset(database, make_id("ds", name)) for name in ("used", "free"))
    computations.record(database, make_finished(1, finished_at=OLD, dataset_id=used), {})
    computations.record(database, make_finished(2, finished_at=NEW, dataset_id=used), {})
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert delete_expired(database, BEFORE, 10) == 1  # the datasets are new
    assert exists(datasets.get, database, free)
    computations.delete(database, make_finished(2).id)
    computations.record(database, make_finished(3, finished_at=later, dataset_id=used), {})
    assert delete_expired(database, later, 10) == 1
    assert not exists(datasets.get, database, free)
    assert exists(datasets.get, database, used)
    assert delete_expired(database, later + timedelta(seconds=1), 10) == 2
    assert not exists(datasets.get, database, used)


def test_processes_may_delete_at_the_same_time(database: Database) -> None:
    for number in range(12):
        computations.record(database, make_finished(number, finished_at=OLD), {})
    counts = at_once(3, lambda _: delete_expired(database, BEFORE, 20))
    assert sum(counts) == 12
    with pytest.raises(NotFound):
        computations.get(database, make_finished(0).id)
