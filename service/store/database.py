"""Access to the database: transactions, snapshots and migration."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, getrlimit
from shutil import disk_usage
from typing import Final, TypeAlias

from sqlalchemy import Connection, Engine, func, select, text

from service.errors import DiskFull, StoreFull, StoreUnavailable
from service.store.engines import BEGIN, LOCK_SECONDS, close_engine, open_engine, sqlite_file
from service.store.errors import FULL, READ_ONLY, translate_errors
from service.store.tables import arrays
from service.store.watchdog import without_probes

RESERVE_BYTES: Final = 32 * 1024 * 1024
RELEASED_PAGES: Final = 4096  # at a time, because other writers wait meanwhile

FileIdentity: TypeAlias = tuple[int, int]


class Database:
    """A pool of connections to one SQLite file or PostgreSQL database.

    It is thread-safe. Each process must open a separate one.

    Parameters
    ----------
    url
        ``sqlite:///path`` or ``postgresql+psycopg://…``. The constructor neither connects nor
        creates anything. It raises Invalid for a malformed URL.
    max_bytes
        The quota for all stored data, None for no quota.
    """

    engine: Engine
    _identity: FileIdentity | None = None  # of the SQLite file, once it was migrated

    def __init__(self, url: str, max_bytes: int | None = None) -> None:
        self.engine = open_engine(url)
        self._max_bytes = max_bytes
        if self.engine.dialect.name == "sqlite":
            # In SQLite a transaction that reads first and then writes fails at once if another one
            # wrote in between. BEGIN IMMEDIATE makes writers wait for each other from the start.
            self._write_engine: Engine = self.engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
            self._read_engine: Engine = self.engine
        else:
            self._write_engine = self.engine
            self._read_engine = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction that writes. It commits at the end of the block.

        An exception rolls everything back. The block should be short, because it can block other
        writers.

        Raises
        ------
        StoreUnavailable
            The database is unreachable (detected within seconds), busy or read-only.
        DiskFull
            No space remains.
        StoreError
            Any other database error.
        """
        with translate_errors(), self._write_engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a transaction that reads. All its statements see the database at one time.

        It raises the same exceptions as `transaction`.
        """
        with translate_errors(), self._read_engine.begin() as connection:
            yield connection

    def migrate(self) -> None:
        """Migrate the tables to this release. Several processes can do so at the same time.

        It creates the directory of an SQLite file if it is missing. It does not change a database
        that a newer release has migrated. Its errors contain an unusable data directory.
        """
        # Alembic takes long to import, and commands usually store nothing.
        from service.store.migrate import migrate_tables  # noqa: PLC0415

        with translate_errors():
            migrate_tables(self.engine, self._write_engine)
        if self.engine.dialect.name == "sqlite":
            self._identity = _identify(sqlite_file(self.engine))

    def check_ready(self) -> None:
        """Check that the database responds and accepts a small change; raises StoreError.

        A deletion is a small change, so less space is required than for `check_space`.
        """
        if self.engine.dialect.name == "sqlite":
            self._check_file()
            self._write_page()
            return
        with without_probes(), self.snapshot() as connection:
            if connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one():
                raise StoreUnavailable(READ_ONLY)

    def check_space(self, n_bytes: int) -> None:
        """Check that the quota and the disk of an SQLite file have space for data.

        Raises StoreFull if the quota is reached, DiskFull if the disk is full, and StoreUnavailable
        if the file no longer exists, or is another one.
        """
        if self._max_bytes is not None and self._stored_bytes() + n_bytes > self._max_bytes:
            raise StoreFull(f"the stored data have reached their limit of {self._max_bytes} bytes")
        self._check_disk(n_bytes)

    def _check_disk(self, n_bytes: int) -> None:
        """Check the disk of an SQLite file.

        On a full disk even deletion would fail, so a reserve remains free. Free pages within the
        file count as space. The disk of PostgreSQL is not checked, because its server manages it.
        Data require space in the log and in the file.
        """
        if self.engine.dialect.name != "sqlite":
            return
        free = self._check_file()
        needed = 2 * n_bytes + RESERVE_BYTES
        if free >= needed:
            return  # usually; the free pages are counted by a query
        fits_in_log = free >= n_bytes + RESERVE_BYTES // 2
        if not fits_in_log or free + self._file_bytes()[1] < needed:
            raise DiskFull(FULL)

    def _check_file(self) -> int:
        """Check that an SQLite file still exists, and return the bytes by which it can grow.

        They are the free bytes of its disk, or the remainder up to the file size limit for the file
        and its log. SQLite would continue to write to a deleted file, which is lost at the end of
        the process.
        """
        file = Path(self.engine.url.database or "")
        try:
            identity = _identify(file)
            free = disk_usage(file).free
            limit, _ = getrlimit(RLIMIT_FSIZE)
            if limit != RLIM_INFINITY:
                log = file.with_name(f"{file.name}-wal")
                used = max(path.stat().st_size for path in (file, log) if path.exists())
                free = min(free, limit - used)
        except OSError as error:
            raise StoreUnavailable("the data directory no longer exists") from error
        if self._identity not in (None, identity):
            raise StoreUnavailable("the database file was replaced; restart the service")
        return free

    def release_space(self) -> bool:
        """Return free pages of an SQLite file to the disk, up to 16 MiB of them.

        PostgreSQL does so itself. Return True if the file became smaller.
        """
        if self.engine.dialect.name != "sqlite":
            return False
        with self.transaction() as connection:
            before = _read_pragma(connection, "freelist_count")
            cursor = connection.connection.cursor()  # SQLAlchemy would not fetch its empty rows
            cursor.execute(f"PRAGMA incremental_vacuum({RELEASED_PAGES})")
            cursor.fetchall()
            return _read_pragma(connection, "freelist_count") < before

    def _stored_bytes(self) -> int:
        """Return the size of the stored data: for PostgreSQL, of the arrays only."""
        if self.engine.dialect.name == "sqlite":
            n_bytes, n_free = self._file_bytes()
            return n_bytes - n_free
        size = func.sum(func.octet_length(arrays.c.data))
        with self.snapshot() as connection:
            return int(connection.execute(select(func.coalesce(size, 0))).scalar_one())

    def _file_bytes(self) -> tuple[int, int]:
        """Return the size of an SQLite file, and of the free pages in it."""
        names = ("page_size", "page_count", "freelist_count")
        with self.snapshot() as connection:
            page_size, n_pages, n_free = (_read_pragma(connection, name) for name in names)
        return n_pages * page_size, n_free * page_size

    def _write_page(self) -> None:
        """Check that an SQLite file can be written, without waiting for another writer."""
        file = sqlite_file(self.engine)
        if not all(os.access(path, os.W_OK) for path in (file, file.parent)):
            raise StoreUnavailable(READ_ONLY)
        with translate_errors(), closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("PRAGMA busy_timeout=0")
            try:
                cursor.execute("PRAGMA user_version=0")  # unused, but written to the disk
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # another writer is active
                    raise
            finally:
                cursor.execute(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")

    def size_bytes(self) -> int:
        """Return the size of the database on disk."""
        if self.engine.dialect.name == "sqlite":
            return self._file_bytes()[0]
        query = text("SELECT pg_database_size(current_database())")
        with self.snapshot() as connection:
            return int(connection.execute(query).scalar_one())

    def close(self) -> None:
        """Close the connections. Those in use are closed when they are returned to the pool."""
        with translate_errors():
            close_engine(self.engine)


def _read_pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def _identify(file: Path) -> FileIdentity:
    """Return the device and the inode of a file, which identify it independent of its name."""
    status = file.stat()
    return status.st_dev, status.st_ino
