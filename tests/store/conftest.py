"""Datasets and computations to keep, and ways to make a database unwell."""

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

from service.store.computations import FinishedComputation

STARTED = datetime(2026, 11, 5, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def an_id() -> Callable[[str, object], str]:
    """Return a function that makes well-formed ids: a prefix and what it hashes."""
    return lambda prefix, of: f"{prefix}_{sha256(repr(of).encode()).hexdigest()[:32]}"


@pytest.fixture
def finished(an_id: Callable[[str, object], str]) -> Callable[..., FinishedComputation]:
    """Return a function that makes a finished training run; keywords change its fields."""

    def make(of: object = "run", **changes: Any) -> FinishedComputation:
        fields: dict[str, Any] = {
            "id": an_id("run", of),
            "kind": "training_run",
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
        return FinishedComputation(**(fields | changes))

    return make


@pytest.fixture
def trajectory() -> dict[str, np.ndarray[Any, Any]]:
    """Return arrays as a training run keeps them."""
    draws = np.random.default_rng(1)
    return {"iteration": np.arange(501), "trajectory": draws.random((501, 2))}


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Return an empty directory that anybody may enter, which pytest's own are not."""
    with TemporaryDirectory(prefix="rnn-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """Return a context in which file permissions hold, as they do not for root."""

    @contextmanager
    def as_nobody() -> Iterator[None]:
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)

    return as_nobody
