"""A database with computations."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service.operations.context import Context
from service.operations.job_types import JobType
from service.operations.limits import Limits
from service.operations.submit import get_or_submit
from service.scheduling import Scheduler
from service.store import Database
from service.store.rows import ComputationRow

LIMITS = Limits()


@pytest.fixture(scope="module")
def local_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Return an SQLite database in which the tests of a module store different things."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('operations') / 'store.sqlite3'}")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def compute(local_database: Database) -> Iterator[Callable[..., ComputationRow]]:
    """Return a function that computes and stores a computation, or makes a job of it."""
    scheduler = Scheduler(1, 10)
    context = Context(
        database=local_database, limits=LIMITS, enqueue=lambda *_: None, scheduler=scheduler
    )

    def submit(
        job_type: JobType[Any], *, respond_async: bool = False, **body: Any
    ) -> ComputationRow:
        request = job_type.request_model.model_validate(body)
        call = get_or_submit(job_type, request, context, respond_async=respond_async)
        return asyncio.run(call)[0]

    yield submit
    scheduler.end_threads()
