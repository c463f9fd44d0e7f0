"""SQLAlchemy engines for the two databases.

Both limit every wait. A call into the store ends within seconds, even if the database fails, unless
the database is executing its statement.
"""

import json
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from service.errors import Invalid
from service.store.watchdog import CircuitBreaker

LOCK_SECONDS: Final = 15  # longest wait for another writer, or for a free connection
BEGIN: Final = "sqlite_begin"  # the execution option with the BEGIN statement of SQLite

_OPTIONS: dict[str, Any] = {
    "pool_size": 5,
    "pool_timeout": LOCK_SECONDS,
    # Python would write NaN and Infinity, which are not valid JSON. They raise ValueError.
    "json_serializer": partial(json.dumps, allow_nan=False),
}

# These detect a failed server: connect_timeout while connecting, tcp_user_timeout while sending a
# statement, keepalives while waiting for the response. The watchdog detects a frozen server.
_POSTGRESQL_DEFAULTS: dict[str, str | int] = {
    "application_name": "linear-rnn",
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}

# The second setting limits the row locks of a client that disappeared during a transaction.
_POSTGRESQL_SESSION = (
    f"SET lock_timeout = '{LOCK_SECONDS}s'; SET idle_in_transaction_session_timeout = '20s'"
)


def open_engine(url: str) -> Engine:
    """Return the engine for a URL; raises Invalid, without the URL and its password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise Invalid("the database URL is malformed") from None
    if parsed.get_backend_name() == "postgresql":
        return _open_postgresql(parsed, max_overflow=15, **_OPTIONS)
    return _open_sqlite(parsed)


def open_queue_engine(url: str, n_connections: int) -> Engine | None:
    """Return an engine for the job queue in the same database, None on SQLite.

    On SQLite the queue opens a separate engine.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return None
    return _open_postgresql(
        parsed, pool_size=n_connections, max_overflow=0, pool_timeout=2 * LOCK_SECONDS
    )


def close_engine(engine: Engine) -> None:
    """Close the idle connections now, and those in use when they are returned to the pool.

    The engine remains usable, but closes every connection after its use.
    """
    event.listen(engine, "checkin", _close_connection)
    engine.dispose()


def _close_connection(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def sqlite_file(engine: Engine) -> Path:
    """Return the file of an SQLite engine, with symbolic links resolved."""
    return Path(engine.url.database or "").resolve()


def _open_sqlite(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        connect_args={"timeout": LOCK_SECONDS},
        max_overflow=35,  # with the pool, one connection per thread of the API
        **_OPTIONS,
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    """Set the options of SQLite per connection.

    ``synchronous`` is FULL rather than NORMAL. With a write-ahead log, NORMAL does not sync the log
    on commit, so a power failure could lose transactions already confirmed. FULL costs one sync per
    commit. ``fullfsync`` makes macOS sync to the disk itself.
    """
    connection.isolation_level = None  # the driver issues no BEGIN; see _begin_sqlite
    for pragma in (
        "foreign_keys=ON",
        "synchronous=FULL",
        "fullfsync=ON",
        "journal_size_limit=67108864",  # truncates the log after a large array
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))


def _open_postgresql(url: URL, **pool: Any) -> Engine:
    url = url.set(drivername="postgresql+psycopg")
    defaults = {k: v for k, v in _POSTGRESQL_DEFAULTS.items() if k not in url.query}
    engine = create_engine(url, connect_args=defaults, pool_pre_ping=True, **pool)
    breaker = CircuitBreaker()

    def connect(_dialect: Any, _record: Any, arguments: Any, parameters: Any) -> Any:
        return breaker.connect(*arguments, **parameters)

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", _configure_postgresql)
    return engine


def _configure_postgresql(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.autocommit = True  # otherwise the rollback of the pool reverts the settings
    connection.execute(_POSTGRESQL_SESSION)
    connection.autocommit = False
