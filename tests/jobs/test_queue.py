"""DBOS itself, on both databases: tickets come and go with the transactions that write rows."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from service.errors import StoreUnavailable
from service.jobs import queue as module
from service.jobs.queue import Deliveries
from service.store import Database


@pytest.fixture
def deliveries(database_url: str, database: Database) -> Iterator[Deliveries]:
    assert database.engine is not None
    deliveries = Deliveries(database_url)
    deliveries.migrate(1)
    yield deliveries
    deliveries.close()


def test_migrating_again_and_at_once_changes_nothing(
    database_url: str, deliveries: Deliveries, at_once: Callable[..., list[Any]]
) -> None:
    others = [Deliveries(database_url) for _ in range(4)]
    at_once(4, lambda number: others[number].migrate(1))
    for other in others:
        other.close()
    assert deliveries.under_way(["run_0.1"]) == {}


def test_a_ticket_is_delivered_with_its_transaction_or_not_at_all(
    database: Database, deliveries: Deliveries
) -> None:
    with database.transaction() as connection:
        deliveries.deliver(connection, "run_0.1", 1)
        deliveries.deliver(connection, "run_0.1", 1)

    def break_off() -> None:
        with database.transaction() as connection:
            deliveries.deliver(connection, "run_0.2", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert deliveries.under_way(["run_0.1", "run_0.2"]) == {"run_0.1": "ENQUEUED"}


def test_what_is_over_is_remembered_for_a_while(
    database: Database, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as connection:
        for ticket in ("run_0.1", "run_0.2"):
            deliveries.deliver(connection, ticket, 1)
    deliveries.forget("run_0.1")
    deliveries.clean()
    both = ["run_0.1", "run_0.2"]
    assert deliveries.under_way(both) == {"run_0.1": "CANCELLED", "run_0.2": "ENQUEUED"}
    monkeypatch.setattr(module, "KEEP", timedelta(seconds=-60))
    deliveries.clean()
    assert deliveries.under_way(both) == {"run_0.2": "ENQUEUED"}


def test_a_database_that_is_away_is_said_at_once() -> None:
    away = Deliveries("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable):
        away.under_way(["run_0.1"])
    away.close()
