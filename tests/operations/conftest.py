"""A database."""

from collections.abc import Iterator

import pytest

from service.store import Database


@pytest.fixture(scope="module")
def local_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Return an SQLite database in which the tests of a module store different things."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('operations') / 'store.sqlite3'}")
    database.migrate()
    yield database
    database.close()
