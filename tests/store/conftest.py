"""Computations to store, and directories with restricted permissions."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from service.store.rows import ComputationRow

STARTED = datetime(2026, 11, 5, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def make_id() -> Callable[[str, object], str]:
    """Return a function that makes a valid id from a prefix and an object to hash."""
    return lambda prefix, seed: f"{prefix}_{sha256(repr(seed).encode()).hexdigest()[:32]}"


@pytest.fixture
def make_finished(make_id: Callable[[str, object], str]) -> Callable[..., ComputationRow]:
    """Return a function that makes a finished training run; keywords change its fields."""

    def make(seed: object = "run", **changes: Any) -> ComputationRow:
        fields: dict[str, Any] = {
            "id": make_id("run", seed),
            "kind": "training_run",
            "status": "succeeded",
            "request": {"n_iterations": 500, "network": {"activation": "identity"}},
            "result_version": 1,
            "result": {"outcome": "iterations_exhausted", "final": {"cost": 1.8e-06}},
            "progress_done": 500,
            "progress_total": 500,
            "created_at": datetime.now(UTC),
            "started_at": STARTED,
            "finished_at": STARTED + timedelta(seconds=0.25),
            "compute_seconds": 0.125,
        }
        return ComputationRow(**(fields | changes))

    return make


@pytest.fixture
def trajectory() -> dict[str, np.ndarray[Any, Any]]:
    """Return arrays like those of a training run."""
    draws = np.random.default_rng(1)
    return {"iteration": np.arange(501), "trajectory": draws.random((501, 2))}


class FakeQueue(list[str]):
    """A queue without DBOS: the list of the leases that were enqueued."""

    def enqueue(self, connection: Any, lease: str, result_version: int, due: float) -> None:
        """Append a lease."""
        assert connection.in_transaction()
        assert result_version == 1
        assert due >= 0
        self.append(lease)


@pytest.fixture
def queue() -> FakeQueue:
    """Return an empty queue."""
    return FakeQueue()


@pytest.fixture
def job_request(make_id: Callable[[str, object], str]) -> ComputationRow:
    """Return the request of a job."""
    return ComputationRow(
        id=make_id("run", 1),
        kind="training_run",
        request={"n_iterations": 10},
        result_version=1,
        progress_total=10,
        created_at=datetime.now(UTC),
    )


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Return an empty directory that every user may enter, unlike those of pytest."""
    with TemporaryDirectory(prefix="rnn-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """Return a context manager in which file permissions apply, unlike for root."""

    @contextmanager
    def become_nobody() -> Iterator[None]:
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)

    return become_nobody
