"""Migration of the tables with Alembic, without a configuration file."""

import logging
import threading
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine

from service.errors import StoreError, StoreUnavailable
from service.store.locks import migration_lock

_SCRIPTS = Path(__file__).parent / "migrations"
_log = logging.getLogger(__name__)
_alembic_lock = threading.Lock()  # Alembic has its context in a module


def migrate_tables(engine: Engine, write_engine: Engine) -> None:
    """Migrate the tables to the newest revision in one transaction.

    Parameters
    ----------
    engine, write_engine
        The plain engine, and the one whose transactions write.

    Raises
    ------
    StoreError
        A migration failed. The tables are unchanged.
    StoreUnavailable
        The lock is not available, or the disk does not support a write-ahead log.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with _alembic_lock, migration_lock(engine):
        if engine.dialect.name == "sqlite":
            _configure_file(engine)
        with write_engine.begin() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
            if revision is not None and revision not in _known_revisions(config):
                # Migrations only add, so this release works with the tables of a newer one. An old
                # process may therefore start again during an upgrade.
                _log.warning("a newer release has migrated the database (revision %s)", revision)
                return
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreError("the tables cannot be migrated") from error


def _known_revisions(config: Config) -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _configure_file(engine: Engine) -> None:
    """Set the options that an SQLite file keeps.

    With a write-ahead log, readers and a writer do not block each other. Pages that become free can
    be returned to the disk if that is set before the first table is created.
    """
    with closing(engine.raw_connection()) as connection:  # not possible in a transaction
        cursor = connection.cursor()
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
        cursor.execute("PRAGMA journal_mode=WAL")
        if cursor.fetchone() != ("wal",):
            raise StoreUnavailable(
                "the disk of the data directory does not support a write-ahead log"
            )
