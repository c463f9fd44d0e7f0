"""A lock that all processes of one database share."""

import errno
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from sqlalchemy import Engine, text

from service.errors import StoreFull, StoreUnavailable
from service.store.engines import sqlite_file

WAIT_SECONDS: Final = 120
_KEY: Final = int.from_bytes(b"RNNmigr8")  # arbitrary, but the same in every release
_BUSY = "another process is still migrating the database"


@contextmanager
def migration_lock(engine: Engine) -> Iterator[None]:
    """Hold the lock under which the schema changes.

    On PostgreSQL it is an advisory lock, held by a transaction of its own. On SQLite it is a lock
    on a file beside the database. Both are released when their process dies.

    Raises
    ------
    StoreUnavailable
        Another process held the lock for two minutes, or the lock file cannot be written.
    StoreFull
        There is no space for the lock file.
    """
    if engine.dialect.name == "sqlite":
        file = sqlite_file(engine)
        with _open(file.with_name(f"{file.name}.lock")) as handle:
            _acquire(handle)
            yield
        return
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _KEY})
        yield


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        kind = StoreFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else StoreUnavailable
        raise kind(f"the data directory {path.parent} is not writable: {error.strerror}") from error


def _acquire(handle: IO[bytes]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StoreUnavailable(_BUSY) from None
            time.sleep(0.02)
        except OSError as error:  # some network file systems do not support locks
            raise StoreUnavailable(
                f"the data directory does not support file locks: {error.strerror}"
            ) from error
        else:
            return
