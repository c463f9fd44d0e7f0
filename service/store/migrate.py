"""Migration of the tables with Alembic, without a configuration file."""

import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from service.errors import StoreError, StoreUnavailable
from service.store.engines import sqlite_file

WAIT_SECONDS: Final = 120  # for another process that migrates
UNRELEASED: Final = (
    "the database is from a version before the first release and cannot be migrated: "
    "delete it, or set RNN_DATA_DIR or RNN_DATABASE_URL to a new one"
)
_SCRIPTS: Final = Path(__file__).parent / "migrations"
_LOCK_KEY: Final = int.from_bytes(b"RNNmigr8")  # arbitrary, but the same in every release
_log = logging.getLogger(__name__)
_alembic_lock = threading.Lock()  # Alembic's context is a module


def migrate_tables(engine: Engine, write_engine: Engine) -> None:
    """Migrate the tables to the newest revision in one transaction.

    Raises StoreError if a migration failed, which leaves the tables unchanged, or if they are older
    than the first release; StoreUnavailable if the lock is not available, or if the disk does not
    support a write-ahead log.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    with _alembic_lock, _prepare(engine), write_engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            _lock_schema(connection)
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision is not None and revision < revisions[-1]:
            raise StoreError(UNRELEASED)
        if revision is not None and revision not in revisions:
            # Migrations only add, so this release works with the tables of a newer one. An old
            # process may therefore start again during an upgrade.
            _log.warning("a newer release has migrated the database (revision %s)", revision)
            return
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError("the tables cannot be migrated") from error


def _lock_schema(connection: Connection) -> None:
    """Lock the migration for one process, until the end of its transaction."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})


@contextmanager
def _prepare(engine: Engine) -> Iterator[None]:
    """Create and configure an SQLite file, under a lock that ends with the process.

    The transaction of the migration does not suffice, because the options are set before it.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    file = sqlite_file(engine)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _configure_file(engine)
        yield


def _configure_file(engine: Engine) -> None:
    """Set the options that are stored in an SQLite file.

    With a write-ahead log, readers and a writer do not block each other. Free pages can be returned
    to the disk only if this option is set before the first table is created.
    """
    with closing(engine.raw_connection()) as connection:  # not possible in a transaction
        cursor = connection.cursor()
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
        cursor.execute("PRAGMA journal_mode=WAL")
        if cursor.fetchone() != ("wal",):
            raise StoreUnavailable(
                "the disk of the data directory does not support a write-ahead log"
            )
