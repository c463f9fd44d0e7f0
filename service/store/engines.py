"""Engines, tuned for each of the two databases.

Both wait a bounded time for everything: a call into the store ends within seconds, whatever
happened to the database, unless that is at work on it.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from service.errors import Invalid, StoreUnavailable
from service.store.watchdog import CircuitBreaker

LOCK_SECONDS: Final = 15  # how long a writer waits for another, and a call for a connection
BEGIN: Final = "sqlite_begin"  # the execution option that names SQLite's BEGIN

_POOL: dict[str, Any] = {"pool_size": 5, "pool_timeout": LOCK_SECONDS}

# A server that is gone is noticed by connect_timeout when connecting, by tcp_user_timeout when a
# statement is sent, and by keepalives while an answer is awaited; one that is frozen by its
# silence.
_POSTGRESQL_DEFAULTS: dict[str, str | int] = {
    "application_name": "linear-rnn",
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}

# The other way round: a client that vanished in mid-transaction holds its row locks no longer
# than this.
_POSTGRESQL_SESSION = (
    f"SET lock_timeout = '{LOCK_SECONDS}s'; SET idle_in_transaction_session_timeout = '20s'"
)


def open_engine(url: str) -> Engine:
    """Make the engine for a URL; connects to nothing yet.

    Raises
    ------
    Invalid
        The URL is none, or of a database that is not known here. The message does not repeat it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise Invalid("The database URL cannot be understood.") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed)
        case "postgresql":
            return _postgresql(parsed, max_overflow=15, **_POOL)
    raise Invalid("The database URL must begin with sqlite:/// or postgresql+psycopg://.")


def open_queue_engine(url: str, n_connections: int) -> Engine | None:
    """Make the engine for a queue in the same database; None where the queue makes its own."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return None
    return _postgresql(
        parsed, pool_size=n_connections, max_overflow=0, pool_timeout=2 * LOCK_SECONDS
    )


def close(engine: Engine) -> None:
    """Close the connections that are not in use now, and the others when they are given back.

    An engine that was closed may be used again, but keeps no connections from then on.
    """
    event.listen(engine, "checkin", _close_connection)
    engine.dispose()


def _close_connection(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def sqlite_file(engine: Engine) -> Path:
    """Return the file of an SQLite engine itself, whatever symbolic links lead there."""
    return Path(engine.url.database or "").resolve()


def make_directory(engine: Engine) -> None:
    """Make the directory of an SQLite file when it is missing.

    Raises
    ------
    StoreUnavailable
        It cannot be made; the message names it.
    """
    if engine.dialect.name != "sqlite":
        return
    directory = sqlite_file(engine).parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The data directory {directory} cannot be made: {error.strerror}."
        ) from error


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:" or url.query:
        raise Invalid("An SQLite database is a file: sqlite:///path, without options.")
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        connect_args={"timeout": LOCK_SECONDS},
        max_overflow=35,  # a thread each for the API's forty
        **_POOL,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    """Set what SQLite keeps per connection.

    FULL and not NORMAL: with a write-ahead log, NORMAL does not sync the log on commit, so the
    last transactions before a power cut can be gone although their calls were answered. FULL costs
    one sync a commit. ``fullfsync`` asks macOS for a sync that reaches the disk itself.
    """
    connection.isolation_level = None  # the driver begins nothing by itself; see _begin_sqlite
    for pragma in (
        "foreign_keys=ON",
        "synchronous=FULL",
        "fullfsync=ON",
        "journal_size_limit=67108864",  # a large array does not leave a large log behind
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))


def _postgresql(url: URL, **pool: Any) -> Engine:
    url = url.set(drivername="postgresql+psycopg")
    defaults = {k: v for k, v in _POSTGRESQL_DEFAULTS.items() if k not in url.query}
    engine = create_engine(url, connect_args=defaults, pool_pre_ping=True, **pool)
    door = CircuitBreaker()

    def connect(_dialect: Any, _record: Any, arguments: Any, parameters: Any) -> Any:
        return door.connect(*arguments, **parameters)

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.autocommit = True  # else the rollback of the pool undoes it
    connection.execute(_POSTGRESQL_SESSION)
    connection.autocommit = False
