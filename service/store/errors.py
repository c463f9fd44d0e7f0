"""From what databases raise to the exceptions of `service.errors`, in one place.

The messages are for callers: no statement, host, path or password is in them. The operator finds
the database's own words in the log.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from service.errors import StoreError, StoreFull, StoreUnavailable

_log = logging.getLogger(__name__)

FULL = "The store is full: there is no room to keep this."

_FULL = (StoreFull, FULL)
_AWAY = (StoreUnavailable, "The database cannot be reached; try again shortly.")
_BUSY = (StoreUnavailable, "The database is busy; try again shortly.")
_READ_ONLY = (StoreUnavailable, "The database can be read but not written.")
_CLOSED = (StoreUnavailable, "The database file cannot be opened.")
_DAMAGED = (StoreError, "The database file is damaged.")
_REFUSED = (StoreError, "The database refused a statement.")


class ConstraintError(StoreError):
    """A key, a reference or a check forbids the row; the resource's module says what it means."""


_Answer = tuple[type[StoreError], str]

_SQLITE: dict[int, _Answer] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_IOERR: (StoreUnavailable, "The disk under the database does not work."),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}

# By SQLSTATE: the whole code if it is here, else its class (the first two characters).
_POSTGRESQL: dict[str, _Answer] = {
    "53100": _FULL,
    "25006": _READ_ONLY,
    "55P03": _BUSY,
    "08": _AWAY,
    "25": _AWAY,  # the server ended a transaction that stood idle
    "40": _BUSY,
    "53": _BUSY,
    "57": _AWAY,
}


@contextmanager
def translated() -> Iterator[None]:
    """Let nothing of SQLAlchemy or of a driver out.

    Raises
    ------
    StoreUnavailable
        Trying again may help: away, busy, not writable.
    StoreFull
        The disk or the database's quota is full.
    ConstraintError
        A constraint forbids what was written.
    StoreError
        Anything else.
    """
    try:
        yield
    except (exc.SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        kind, detail = _answer(error)
        if kind is not ConstraintError:
            cause = error.orig if isinstance(error, exc.DBAPIError) else error
            _log.warning("%s (%s)", detail, cause)
        raise kind(detail) from error


def _answer(error: Exception) -> _Answer:
    if isinstance(error, exc.TimeoutError):  # every connection of the pool is in use
        return _BUSY
    if isinstance(error, exc.IntegrityError):
        return ConstraintError, "The database holds something that forbids this."
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        primary = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return _SQLITE.get(primary, _REFUSED)
    if isinstance(cause, psycopg.Error):
        return _postgresql(cause)
    return _REFUSED


def _postgresql(cause: psycopg.Error) -> _Answer:
    if cause.sqlstate is None:  # not connected (whatever the reason), or no longer
        lost = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        return _AWAY if lost else _REFUSED
    by_class = _POSTGRESQL.get(cause.sqlstate[:2], _REFUSED)
    return _POSTGRESQL.get(cause.sqlstate, by_class)
