"""Database URLs, directories, connections and their end."""

import gc
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import text

from service.errors import Invalid, StoreUnavailable
from service.store import Database
from tests.store.conftest import unprivileged


@pytest.mark.parametrize(
    "url",
    ["", "secret", "postgresql://user:secret@host:port/name"],
)
def test_a_malformed_url_is_rejected_without_showing_it(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        Database(url)
    assert "secret" not in caught.value.detail


def test_the_message_names_a_directory_without_permission(open_directory: Path) -> None:
    open_directory.chmod(0o555)
    with unprivileged():
        for file in ("data/store.sqlite3", "store.sqlite3"):
            with pytest.raises(StoreUnavailable, match="is not writable: Permission denied"):
                Database(f"sqlite:///{open_directory / file}").migrate()


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
