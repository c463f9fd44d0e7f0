"""Checkpoints: the state of a job and the parts of its results."""

from typing import Any

import numpy as np

from service.store import Database, checkpoints, computations, jobs
from service.store.checkpoints import Checkpoint
from tests.store.conftest import JOB


def checkpoint(done: int, n_parts: int) -> Checkpoint:
    state = {"head": np.array([float(done)])}
    return Checkpoint(n_parts, done, {"cost": 1.5}, state, {"record": np.arange(3.0)}, 0.5)


def test_a_checkpoint_replaces_the_state_and_adds_a_part(database: Database, queue: Any) -> None:
    jobs.submit(database, JOB, queue.enqueue)
    jobs.claim(database, queue[0], "worker")
    assert checkpoints.load(database, JOB.id) == ({}, [])
    for number in range(2):
        assert checkpoints.save(database, queue[0], checkpoint(3 + number, number))
    state, parts = checkpoints.load(database, JOB.id)
    assert state["head"] == [4.0]
    assert [list(part["record"]) for part in parts] == [[0.0, 1.0, 2.0]] * 2
    row = computations.get(database, JOB.id)
    assert (row.progress_done, row.latest, row.compute_seconds) == (4, {"cost": 1.5}, 0.5)


def test_many_parts_are_loaded_in_order(database: Database, queue: Any) -> None:
    jobs.submit(database, JOB, queue.enqueue)
    jobs.claim(database, queue[0], "worker")
    for number in range(12):
        part = {"record": np.array([float(number)])}
        checkpoints.save(database, queue[0], Checkpoint(number, number, None, {}, part, 0.5))
    _, parts = checkpoints.load(database, JOB.id)
    assert [part["record"][0] for part in parts] == list(range(12))


def test_a_worker_may_repeat_a_checkpoint(database: Database, queue: Any) -> None:
    jobs.submit(database, JOB, queue.enqueue)
    jobs.claim(database, queue[0], "worker")
    for number in (0, 1, 1, 2, 2):
        assert checkpoints.save(database, queue[0], checkpoint(number, number))
    state, parts = checkpoints.load(database, JOB.id)
    assert (state["head"].tolist(), len(parts)) == ([2.0], 3)
