"""The one door to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from shutil import disk_usage
from typing import Final

from sqlalchemy import Connection, Engine, text

from service.errors import StoreFull, StoreUnavailable
from service.store.engines import BEGIN, close, make_directory, open_engine, sqlite_file
from service.store.errors import FULL, translated
from service.store.migrate import upgrade

RESERVE_BYTES: Final = 32 * 1024 * 1024


class Database:
    """A pool of connections to one SQLite file or PostgreSQL database.

    Threads may share it; processes may not: each opens its own.

    Parameters
    ----------
    url
        ``sqlite:///path`` or ``postgresql+psycopg://…``; nothing is connected or made yet.

    Raises
    ------
    Invalid
        The URL is of no database known here.
    """

    engine: Engine

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        if self.engine.dialect.name == "sqlite":
            # A transaction that reads first and then writes fails at once when another wrote in
            # between, however long it may wait; so a writer queues at its very beginning.
            self._writing: Engine = self.engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
            self._reading: Engine = self.engine
        else:
            self._writing = self.engine
            self._reading = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write: all of it is committed at the end of the block, or none after an exception.

        Keep the block short, it may hold up every other writer.

        Raises
        ------
        StoreUnavailable
            The database is away (noticed within seconds), busy or not writable.
        StoreFull
            There is no room left.
        StoreError
            Anything else that went wrong in the database.
        """
        with translated(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read: every statement in the block sees the same moment; raises as `transaction`."""
        with translated(), self._reading.begin() as connection:
            yield connection

    def migrate(self) -> None:
        """Bring the tables to this release, under a lock: any number of processes may call it.

        The directory of an SQLite file is made when missing.
        A database that a newer release has migrated is left as it is.

        Raises
        ------
        StoreUnavailable, StoreFull, StoreError
            As `transaction`; the message of a data directory that cannot be used names it.
        """
        make_directory(self.engine)
        with translated():
            upgrade(self.engine, self._writing)

    def ping(self) -> None:
        """Return if the database answers, else raise as `transaction`."""
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))

    def check_room(self, n_bytes: int) -> None:
        """Refuse to add so much that an SQLite disk is full: then not even deleting would work.

        A server's disk is left to the server. Room that deleting left within the file counts.

        Raises
        ------
        StoreFull
            There is no room for these bytes, once in the log and once in the file, and a reserve.
        """
        if self.engine.dialect.name != "sqlite":
            return
        try:
            free = disk_usage(sqlite_file(self.engine).parent).free
        except OSError as error:
            raise StoreUnavailable("The data directory is not there any more.") from error
        in_log = free >= n_bytes + RESERVE_BYTES // 2
        if not in_log or free + self._reusable_bytes() < 2 * n_bytes + RESERVE_BYTES:
            raise StoreFull(FULL)

    def _reusable_bytes(self) -> int:
        with self.reading() as connection:
            n_pages = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        return int(n_pages) * int(size)

    def close(self) -> None:
        """Close the connections: those in use when they are given back."""
        with translated():
            close(self.engine)
