"""Translation of database exceptions to those of `service.errors`.

The messages are for callers and contain no statement, host, path or password. The log contains the
original message for the operator.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from service.errors import DiskFull, StoreError, StoreUnavailable

_log = logging.getLogger(__name__)

FULL = "the database is full: there is no space to store this"
READ_ONLY = "the database is read-only"

_Translation = tuple[type[StoreError], str]

_FULL: _Translation = (DiskFull, FULL)
_UNREACHABLE: _Translation = (StoreUnavailable, "the database is unavailable; try again later")
_BUSY: _Translation = (StoreUnavailable, "the database is busy; try again later")
_READ_ONLY: _Translation = (StoreUnavailable, READ_ONLY)
_DAMAGED: _Translation = (StoreError, "the database file is damaged")
_REJECTED: _Translation = (StoreError, "the database rejected a statement")


class ConstraintError(StoreError):
    """A row violates a key, a reference or a check constraint."""


# By the extended code if it is listed, otherwise by the primary code.
_SQLITE: dict[int, _Translation] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR_WRITE: _FULL,  # a disk quota, or a file size limit
    sqlite3.SQLITE_IOERR_SHMSIZE: _FULL,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _UNREACHABLE,
    sqlite3.SQLITE_IOERR: _UNREACHABLE,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}

# By SQLSTATE: the whole code if it is listed, otherwise its class (the first two characters).
_POSTGRESQL: dict[str, _Translation] = {
    "53100": _FULL,
    "25006": _READ_ONLY,
    "55P03": _BUSY,
    "08": _UNREACHABLE,
    "25": _UNREACHABLE,  # the server ended an idle transaction
    "40": _BUSY,
    "53": _BUSY,
    "57": _UNREACHABLE,
}


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise a StoreError instead of an exception of SQLAlchemy or a driver in the block."""
    try:
        yield
    except (exc.SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        kind, detail = _translate(error)
        if kind is not ConstraintError:
            _log.warning("%s (%s)", detail, _driver_error(error))
        raise kind(detail) from error


def _translate(error: Exception) -> _Translation:
    if isinstance(error, exc.TimeoutError):  # all connections of the pool are in use
        return _BUSY
    if isinstance(error, exc.IntegrityError):
        return ConstraintError, "the row violates a constraint of the database"
    cause = _driver_error(error)
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return _SQLITE.get(code, _SQLITE.get(code & 0xFF, _REJECTED))
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        by_class = _POSTGRESQL.get(cause.sqlstate[:2], _REJECTED)
        return _POSTGRESQL.get(cause.sqlstate, by_class)
    # Without a code, there is no connection, or it was lost.
    lost = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
    return _UNREACHABLE if lost else _REJECTED


def _driver_error(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, exc.DBAPIError) else error
