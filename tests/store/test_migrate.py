"""Migrations: of new, current, newer and unexpected databases, and at the same time."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from service.errors import StoreError
from service.store import Database
from service.store.tables import metadata
from tests.conftest import at_once

TABLES = ["alembic_version", "arrays", "computations", "datasets"]


def list_tables(database: Database) -> list[str]:
    return sorted(inspect(database.engine).get_table_names())


def test_a_second_migration_leaves_the_tables_of_the_module(database: Database) -> None:
    database.migrate()
    assert list_tables(database) == TABLES
    with database.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_threads_can_migrate_at_the_same_time(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(8)]
    at_once(8, lambda number: databases[number].migrate())
    assert list_tables(databases[0]) == TABLES
    for database in databases:
        database.close()


def test_a_failed_migration_changes_nothing(database_url: str) -> None:
    database = Database(database_url)
    if database.engine.dialect.name == "sqlite":
        Path(str(database.engine.url.database)).parent.mkdir()
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE arrays (taken INTEGER)"))
    with pytest.raises(StoreError):
        database.migrate()
    assert list_tables(database) == ["arrays"]
    with database.transaction() as connection:
        connection.execute(text("DROP TABLE arrays"))
    database.migrate()
    assert list_tables(database) == TABLES
    database.close()


@pytest.mark.parametrize("revision", ["0001", "0006"])
def test_a_database_from_before_the_first_release_is_refused(
    database: Database, revision: str
) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    with pytest.raises(StoreError, match="delete it, or name a new one"):
        database.migrate()


def test_a_newer_database_is_not_changed(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.migrate()
    assert "newer release has migrated the database (revision 9999)" in caplog.text
    query = text("SELECT version_num FROM alembic_version")
    with database.snapshot() as connection:
        assert connection.execute(query).scalar() == "9999"
