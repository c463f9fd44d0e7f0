"""Migrations without a configuration file: the scripts lie in this package."""

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
from service.store.locks import exclusive

_SCRIPTS = Path(__file__).parent / "migrations"
_log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()  # Alembic keeps its context in a module


def upgrade(engine: Engine, writing: Engine) -> None:
    """Bring the tables to the newest revision in one transaction, so that a crash leaves none half.

    Parameters
    ----------
    engine, writing
        The plain engine, and the one whose transactions are for writing.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with _one_at_a_time, exclusive(engine):
        if engine.dialect.name == "sqlite":
            _turn_on_log(engine)
        with writing.begin() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
            if found is not None and found not in _known(config):
                # A newer release has been here, and migrations only add: what this one needs is
                # still there, so an old process may start again while a new one takes over.
                _log.warning("the database is of a newer release (revision %s)", found)
                return
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreError("The tables cannot be brought up to date.") from error


def _known(config: Config) -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _turn_on_log(engine: Engine) -> None:
    """Switch the file to a write-ahead log, for good: readers and a writer no longer block."""
    with closing(engine.raw_connection()) as connection:  # it cannot be done in a transaction
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        if cursor.fetchone() != ("wal",):
            raise StoreUnavailable("The disk of the data directory has no write-ahead log.")
