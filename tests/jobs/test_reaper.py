"""Which workers are presumed dead, by a clock that the test controls."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from service.errors import StoreUnavailable
from service.jobs.reaper import LOST_SECONDS, MAX_GAP_SECONDS, Reaper
from service.operations.shared.ids import RESULT_VERSION
from service.store import Database, computations, job_queries, jobs
from service.store.rows import ComputationRow

RUN = "run_" + "0" * 32
REQUEST = ComputationRow(
    id=RUN,
    kind="training_run",
    request={},
    result_version=RESULT_VERSION,
    progress_total=1,
    created_at=datetime.now(UTC),
)


@pytest.fixture(autouse=True)
def _queued(database: Database, queue: Any) -> None:
    jobs.submit(database, REQUEST, queue.enqueue)


@pytest.fixture
def reaper(database: Database, queue: Any) -> Reaper:
    return Reaper(database, queue)


def reap(reaper: Reaper, start: float, seconds: float = 0.0) -> int:
    """Reap every second for a while, and return how often that requeued a job."""
    n_requeued = 0
    for second in range(int(seconds) + 1):
        reaper.clock = partial(float, start + second)
        n_requeued += reaper.reap()
    return n_requeued


def current_lease(database: Database) -> str:
    return str(computations.get(database, RUN).lease)


def test_workers_are_woken_while_jobs_wait(database: Database, queue: Any, reaper: Reaper) -> None:
    """Another process, which does not supervise these workers, may have accepted the jobs."""
    reaper.reap()
    assert queue.n_wakes == 1
    jobs.claim(database, current_lease(database), "worker")
    reaper.reap()
    assert queue.n_wakes == 1


def test_a_silent_worker_is_presumed_dead(database: Database, queue: Any, reaper: Reaper) -> None:
    lease = current_lease(database)
    jobs.claim(database, lease, "worker")
    for second in range(30):
        jobs.heartbeat(database, lease)
        assert reap(reaper, 100.0 + second) == 0
    assert reap(reaper, 130.0, LOST_SECONDS - 2) == 0
    assert reap(reaper, 130.0 + LOST_SECONDS - 1, 2) == 1
    assert queue.cancelled == [lease]
    assert current_lease(database) != lease
    assert computations.get(database, RUN).status == "queued"


def get_status(database: Database) -> str:
    return computations.get(database, RUN).status


@pytest.mark.parametrize(
    ("version", "expected"), [(RESULT_VERSION - 1, "failed"), (RESULT_VERSION + 1, "queued")]
)
def test_a_queued_job_of_an_earlier_release_fails_unless_a_worker_is_left(
    database: Database, queue: Any, reaper: Reaper, version: int, expected: str
) -> None:
    jobs.cancel(database, RUN)
    jobs.submit(database, replace(REQUEST, result_version=version), queue.enqueue)
    other = replace(REQUEST, id="run_" + "1" * 32, result_version=version)
    jobs.submit(database, other, queue.enqueue)
    lease = str(computations.get(database, other.id).lease)
    jobs.claim(database, lease, "worker of an earlier release")
    for second in range(2 * int(LOST_SECONDS)):
        jobs.heartbeat(database, lease)
        reap(reaper, 100.0 + second)
    assert get_status(database) == "queued"
    jobs.succeed(database, lease, {}, 1, 1.0, {})
    reap(reaper, 200.0, LOST_SECONDS - 1)
    assert get_status(database) == "queued"
    reap(reaper, 200.0 + LOST_SECONDS)
    row = computations.get(database, RUN)
    assert row.status == expected
    if expected == "failed":
        assert row.error is not None
        assert "earlier release" in row.error["detail"]


def test_a_gap_restarts_the_observation(database: Database, queue: Any, reaper: Reaper) -> None:
    jobs.claim(database, current_lease(database), "worker")
    assert reap(reaper, 100.0, LOST_SECONDS - 1) == 0
    awake = 100.0 + LOST_SECONDS + MAX_GAP_SECONDS
    assert reap(reaper, awake, LOST_SECONDS - 1) == 0
    assert reap(reaper, awake + LOST_SECONDS) == 1


@pytest.mark.parametrize(
    ("owner", "name"), [(job_queries, "list_unfinished"), (Database, "check_ready")]
)
def test_a_failed_observation_restarts_it(
    database: Database,
    queue: Any,
    reaper: Reaper,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
) -> None:
    jobs.claim(database, current_lease(database), "worker")
    assert reap(reaper, 100.0, LOST_SECONDS - 1) == 0

    def fail(*_: Any) -> None:
        raise StoreUnavailable("unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        with pytest.raises(StoreUnavailable):
            reap(reaper, 100.0 + LOST_SECONDS)
    assert reap(reaper, 101.0 + LOST_SECONDS, LOST_SECONDS - 1) == 0
    assert reap(reaper, 101.0 + 2 * LOST_SECONDS) == 1


@pytest.mark.parametrize("status", [None, "PENDING", "ERROR", "SUCCESS", "CANCELLED"])
def test_a_queued_job_that_the_queue_lost_is_requeued(
    database: Database, queue: Any, reaper: Reaper, status: str | None
) -> None:
    queue.statuses = {} if status is None else {current_lease(database): status}
    assert reap(reaper, 100.0, LOST_SECONDS - 1) == 0
    assert reap(reaper, 100.0 + LOST_SECONDS) == 1
    assert queue.statuses[current_lease(database)] == "ENQUEUED"
    assert reap(reaper, 101.0 + LOST_SECONDS, 60) == 0


def test_workers_that_no_reaper_saw_alive_do_not_count(database: Database, queue: Any) -> None:
    for _ in range(jobs.MAX_DELIVERIES + 1):
        jobs.claim(database, current_lease(database), "worker")
        assert reap(Reaper(database, queue), 100.0, LOST_SECONDS) == 1
    row = computations.get(database, RUN)
    assert (row.status, row.deliveries) == ("queued", 0)


def test_a_worker_that_dies_counts(database: Database, queue: Any, reaper: Reaper) -> None:
    reap(reaper, 100.0)
    jobs.claim(database, current_lease(database), "worker")
    assert reap(reaper, 101.0, LOST_SECONDS) == 1
    assert computations.get(database, RUN).deliveries == 1


def test_expired_computations_are_deleted_a_few_at_a_time(database: Database, queue: Any) -> None:
    ids = [f"run_{number:032x}" for number in range(1, 4)]
    for run_id in ids:
        jobs.submit(database, replace(REQUEST, id=run_id), queue.enqueue)
        jobs.cancel(database, run_id)

    def count(retention: timedelta | None) -> int:
        reaper = Reaper(database, queue, retention, max_expired=2)
        reaper.reap()
        return len(job_queries.get_many(database, ids))

    assert count(None) == 3
    assert count(timedelta(days=1)) == 3
    assert [count(timedelta(0)) for _ in range(2)] == [1, 0]
