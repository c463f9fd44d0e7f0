"""The seconds of all jobs, which never decrease."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.store import Database, checkpoints, computations, job_totals, jobs
from service.store.checkpoints import Checkpoint
from service.store.jobs import MAX_DELIVERIES
from tests.store.conftest import JOB, make_id

PROBLEM = {"type": "worker-lost", "detail": "d"}


@pytest.fixture
def start_job(database: Database, queue: Any) -> Callable[[int], str]:
    """Return a function that starts a job and returns its lease: 4 of its 10 iterations are done.

    They took 0.3 seconds instead of the estimated 0.8.
    """

    def start(number: int) -> str:
        request = replace(JOB, id=make_id("run", number), estimated_seconds=2.0)
        jobs.submit(database, request, queue.enqueue)
        lease: str = queue[-1]
        jobs.claim(database, lease, "worker")
        assert checkpoints.save(database, lease, Checkpoint(0, 4, None, {}, {}, 0.3))
        return lease

    return start


def read(database: Database, kind: str = "training_run") -> tuple[float, float]:
    """Return the estimated and the actual seconds of a kind."""
    ((estimated, actual),) = [each[1:] for each in job_totals.read(database) if each.kind == kind]
    return estimated, actual


def test_without_jobs_all_totals_are_zero(database: Database) -> None:
    kinds = ("training_run", "basin_map", "fit")
    assert job_totals.read(database) == [(kind, 0.0, 0.0) for kind in kinds]


def test_jobs_count_while_they_run_and_after_they_end(
    database: Database, start_job: Callable[[int], str]
) -> None:
    lease = start_job(1)
    assert read(database) == (0.8, 0.3)
    assert jobs.succeed(database, lease, {}, 10, 0.5, {})
    assert read(database) == (2.0, 0.5)
    start_job(2)
    assert read(database) == (2.8, 0.8)
    assert read(database, "basin_map") == (0.0, 0.0)


def test_no_end_of_a_job_decreases_the_totals(
    database: Database, start_job: Callable[[int], str], queue: Any
) -> None:
    assert jobs.fail(database, start_job(1), PROBLEM)
    start_job(2)
    jobs.cancel(database, make_id("run", 2))
    start_job(3)
    for _ in range(MAX_DELIVERIES):
        jobs.requeue(database, queue[-1], queue.enqueue, PROBLEM)
        jobs.claim(database, queue[-1], "worker")
    assert computations.get(database, make_id("run", 3)).status == "failed"
    for number in (1, 2, 3):
        assert read(database) == pytest.approx((2.4, 0.9), rel=1e-12)
        computations.delete(database, make_id("run", number))
    start_job(1)  # the same request again
    assert read(database) == pytest.approx((3.2, 1.2), rel=1e-12)
