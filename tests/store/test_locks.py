"""The lock under which the schema changes."""

import pytest

from service.errors import StoreUnavailable
from service.store import Database, locks


def test_the_wait_for_the_migration_lock_is_limited(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.1)
    other = Database(database_url)
    with (
        locks.migration_lock(database.engine),
        pytest.raises(StoreUnavailable, match=r"busy|still migrating"),
    ):
        other.migrate()
    other.migrate()
    other.close()
