"""Readers of files under test, and a database with computations."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from service.engine.data.dataset import Dataset
from service.errors import Invalid, ServiceError
from service.operations import csv_reader, npz_reader
from service.operations.context import Context
from service.operations.job_types import JobType
from service.operations.limits import Limits
from service.operations.resolve import ResolvedDataset
from service.operations.submit import get_or_submit
from service.scheduling import Scheduler
from service.store import Database
from service.store.rows import ComputationRow

LIMITS = Limits()


class Reading:
    """A reader of files under test."""

    def __init__(self, reader: Callable[[bytes, Limits], ResolvedDataset]) -> None:
        self.reader = reader

    def __call__(self, body: bytes, limits: Limits = LIMITS) -> Dataset:
        """Read a file."""
        return self.reader(body, limits).dataset

    def gives(self, body: bytes, inputs: Any, targets: Any) -> None:
        """Fail unless the file has exactly these numbers."""
        found = self(body)
        np.testing.assert_array_equal(found.inputs, inputs)
        np.testing.assert_array_equal(found.targets, targets)
        assert found.inputs.dtype == found.targets.dtype == np.float64
        assert found.inputs.flags.c_contiguous

    def refuses(self, body: bytes, pointer: str, *words: str) -> None:
        """Fail unless the file is rejected with this pointer."""
        with pytest.raises(Invalid) as caught:
            self(body)
        (field,) = caught.value.errors
        assert field.pointer == pointer
        for word in words:
            assert word in field.detail

    def if_it_can(self, body: bytes) -> Dataset | None:
        """Return the dataset, or None if it is rejected with a ServiceError."""
        try:
            return self(body)
        except ServiceError as caught:
            error = caught
        assert len(error.detail) < 300
        return None


@pytest.fixture(scope="session")
def read_csv() -> Reading:
    """Return the reader of tables."""
    return Reading(csv_reader.read_csv)


@pytest.fixture(scope="session")
def read_npz() -> Reading:
    """Return the reader of archives."""
    return Reading(npz_reader.read_npz)


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
