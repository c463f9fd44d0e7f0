"""The settings of a worker process."""

from datetime import timedelta
from pathlib import Path

import pytest

from service.errors import StoreFull
from service.jobs.main import make_worker
from service.settings import Settings


def test_a_worker_has_the_quota_and_the_retention(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, max_stored_bytes=5, retention_days=1.5)
    worker = make_worker(settings, "name", pytest.fail)
    worker.database.migrate()
    with pytest.raises(StoreFull, match="limit of 5 bytes"):
        worker.database.check_space(1)
    assert worker.reaper.retention == timedelta(hours=36)
    worker.queue.close()
    worker.database.close()
