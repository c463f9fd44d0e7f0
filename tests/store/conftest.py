"""Computations to store, and directories with restricted permissions."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, insert, select

from service.store import Database
from service.store.rows import ComputationRow
from service.store.tables import arrays

STARTED = datetime(2026, 11, 5, 12, 30, 15, 123456, tzinfo=UTC)


def make_id(prefix: str, seed: object) -> str:
    """Return a valid id with a prefix."""
    return f"{prefix}_{sha256(repr(seed).encode()).hexdigest()[:32]}"


def make_finished(seed: object = "run", **changes: Any) -> ComputationRow:
    """Return a finished training run; keywords change its fields."""
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


def count_arrays(database: Database) -> int:
    """Return how many parts of arrays are stored."""
    with database.snapshot() as connection:
        return connection.execute(select(func.count()).select_from(arrays)).scalar_one()


def add_array(database: Database, name: str, data: bytes = b"x") -> None:
    """Store one part of an array."""
    with database.transaction() as connection:
        row = {"owner": "ds_1", "name": name, "part": 0, "data": data}
        connection.execute(insert(arrays), row)


@pytest.fixture
def trajectory() -> dict[str, np.ndarray[Any, Any]]:
    """Return arrays like those of a training run."""
    draws = np.random.default_rng(1)
    return {"iteration": np.arange(501), "trajectory": draws.random((501, 2))}


JOB = ComputationRow(
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


@contextmanager
def unprivileged() -> Iterator[None]:
    """Let file permissions apply, unlike for root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
