"""The queue with DBOS itself, on both databases."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from service.errors import StoreUnavailable
from service.jobs import queue as module
from service.jobs.queue import JobQueue
from service.store import Database


@pytest.fixture
def queue(database_url: str, database: Database) -> Iterator[JobQueue]:
    """Return a queue in a database with its tables."""
    queue = JobQueue(database_url)
    queue.migrate()
    yield queue
    queue.close()


def test_concurrent_migrations_change_nothing(
    database_url: str, queue: JobQueue, at_once: Callable[..., list[Any]]
) -> None:
    others = [JobQueue(database_url) for _ in range(4)]
    at_once(4, lambda number: others[number].migrate())
    for other in others:
        other.close()
    assert queue.get_statuses(["run_0.1"]) == {}


def test_a_lease_is_enqueued_only_if_its_transaction_commits(
    database: Database, queue: JobQueue
) -> None:
    with database.transaction() as connection:
        queue.enqueue(connection, "run_0.1", 1)
        queue.enqueue(connection, "run_0.1", 1)

    def roll_back() -> None:
        with database.transaction() as connection:
            queue.enqueue(connection, "run_0.2", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        roll_back()
    assert queue.get_statuses(["run_0.1", "run_0.2"]) == {"run_0.1": "ENQUEUED"}


def test_finished_entries_are_deleted_after_a_while(
    database: Database, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = ["run_0.1", "run_0.2"]
    with database.transaction() as connection:
        for lease in leases:
            queue.enqueue(connection, lease, 1)
    queue.cancel("run_0.1")
    queue.delete_finished()
    assert queue.get_statuses(leases) == {"run_0.1": "CANCELLED", "run_0.2": "ENQUEUED"}
    monkeypatch.setattr(module, "RETENTION", timedelta(seconds=-60))
    queue.delete_finished()
    assert queue.get_statuses(leases) == {"run_0.2": "ENQUEUED"}


def test_an_unavailable_database_is_reported_at_once() -> None:
    queue = JobQueue("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable):
        queue.get_statuses(["run_0.1"])
    queue.close()
