"""Jobs in the store and their checkpoints: only the holder of the current lease can write."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from service.errors import Busy, NotFound, StoreUnavailable
from service.store import Database, arrays, checkpoints, computations, job_queries, jobs
from service.store.checkpoints import Checkpoint
from service.store.rows import ComputationRow
from tests.conftest import at_once
from tests.store.conftest import JOB, make_id

PROBLEM = {"type": "worker-lost", "detail": "d"}


def checkpoint(done: int, n_parts: int = 0) -> Checkpoint:
    state = {"head": np.array([float(done)])}
    return Checkpoint(n_parts, done, {"cost": 1.5}, state, {"record": np.arange(3.0)}, 0.5)


def test_a_job_from_its_request_to_its_result(database: Database, queue: Any) -> None:
    row, created = jobs.submit(database, JOB, queue.enqueue)
    assert (created, row.status, row.attempt, row.lease) == (True, "queued", 1, queue[0])
    assert jobs.submit(database, JOB, queue.enqueue) == (row, False)
    (lease,) = queue
    for _ in range(2):  # a worker may repeat its claim
        running = jobs.claim(database, lease, "worker")
        assert running is not None
        assert (running.status, running.owner, running.deliveries) == ("running", "worker", 1)
    assert running is not None
    assert running.started_at is not None
    assert jobs.claim(database, lease, "another") is None
    assert checkpoints.save(database, lease, checkpoint(5))
    assert jobs.succeed(database, lease, {"x": 1}, 10, 0.75, {"w_in": np.arange(2.0)})
    done = computations.get(database, JOB.id)
    assert (done.status, done.result, done.compute_seconds) == ("succeeded", {"x": 1}, 0.75)
    assert list(arrays.load(database, JOB.id)) == ["w_in"]
    assert jobs.cancel(database, JOB.id) == (done, False)


def test_an_old_lease_cannot_write(database: Database, queue: Any) -> None:
    jobs.submit(database, JOB, queue.enqueue)
    (old,) = queue
    jobs.claim(database, old, "suspended")
    checkpoints.save(database, old, checkpoint(5))
    assert jobs.requeue(database, old, queue.enqueue, PROBLEM) == "queued"
    assert jobs.requeue(database, old, queue.enqueue, PROBLEM) is None
    new = queue[1]

    def check_rejected() -> None:
        before = computations.get(database, JOB.id)
        assert not jobs.heartbeat(database, old)
        assert not checkpoints.save(database, old, checkpoint(9))
        assert not jobs.succeed(database, old, {"x": 0}, 10, 0.1, {"w": np.arange(1.0)})
        assert not jobs.fail(database, old, PROBLEM)
        assert computations.get(database, JOB.id) == before

    check_rejected()
    assert jobs.claim(database, old, "suspended") is None
    running = jobs.claim(database, new, "alive")
    assert running is not None
    assert (running.progress_done, running.attempt) == (5, 1)
    check_rejected()
    assert checkpoints.load(database, JOB.id)[0]["head"] == [5.0]
    assert jobs.heartbeat(database, new)


def test_a_cancelled_or_deleted_job_starts_again(database: Database, queue: Any) -> None:
    jobs.submit(database, JOB, queue.enqueue)
    jobs.claim(database, queue[0], "worker")
    checkpoints.save(database, queue[0], checkpoint(5))
    row, cancelled = jobs.cancel(database, JOB.id)
    assert (cancelled, row.status) == (True, "cancelled")
    assert not checkpoints.save(database, queue[0], checkpoint(6))
    row, created = jobs.submit(database, JOB, queue.enqueue)
    assert (created, row.attempt, row.progress_done, row.latest) == (True, 2, 0, None)
    assert checkpoints.load(database, JOB.id) == ({}, [])
    jobs.cancel(database, JOB.id)
    computations.delete(database, JOB.id)
    row, _ = jobs.submit(database, JOB, queue.enqueue)
    assert row.attempt == 1
    assert len(set(queue)) == 3
    assert jobs.claim(database, queue[0], "worker") is None


def test_a_job_that_ends_three_workers_fails(database: Database, queue: Any) -> None:
    jobs.submit(database, JOB, queue.enqueue)
    for _ in range(2):
        jobs.claim(database, queue[-1], "worker")
        assert jobs.requeue(database, queue[-1], queue.enqueue, PROBLEM) == "queued"
    jobs.claim(database, queue[-1], "worker")
    checkpoints.save(database, queue[-1], checkpoint(5))  # restarts the count
    for expected in ("queued", "queued", "failed"):
        assert jobs.requeue(database, queue[-1], queue.enqueue, PROBLEM) == expected
        if expected == "queued":
            jobs.claim(database, queue[-1], "worker")
    failed = computations.get(database, JOB.id)
    assert (failed.status, failed.error) == ("failed", PROBLEM)
    assert failed.finished_at is not None
    assert checkpoints.load(database, JOB.id) == ({}, [])


def test_a_job_that_cannot_be_enqueued_is_not_stored(database: Database) -> None:
    def enqueue(connection: Any, lease: str, result_version: int, due: float) -> None:
        raise StoreUnavailable("unavailable")

    with pytest.raises(StoreUnavailable):
        jobs.submit(database, JOB, enqueue)
    with pytest.raises(NotFound):
        computations.get(database, JOB.id)


def test_identical_requests_at_the_same_time_are_one_job(database: Database, queue: Any) -> None:
    results = at_once(8, lambda _: jobs.submit(database, JOB, queue.enqueue))
    assert sum(created for _, created in results) == 1
    assert len({row.lease for row, _ in results}) == 1
    claims = at_once(8, lambda number: jobs.claim(database, queue[0], str(number)))
    assert sum(claim is not None for claim in claims) == 1


def test_only_the_running_job_that_is_due_last_yields_to_one_that_is_due_earlier(
    database: Database, queue: Any
) -> None:
    leases = {}
    for seconds in (1e5, 1e3, 10.0):
        request = replace(JOB, id=make_id("run", seconds), estimated_seconds=seconds)
        row, _ = jobs.submit(database, request, queue.enqueue)
        assert row.due == pytest.approx(row.created_at.timestamp() + seconds, rel=0, abs=1e-3)
        leases[seconds] = queue[-1]
    for seconds in (1e5, 1e3):
        assert not jobs.must_yield(database, leases[seconds])  # it does not run
        jobs.claim(database, leases[seconds], "worker")
    assert jobs.must_yield(database, leases[1e5])
    assert not jobs.must_yield(database, leases[1e3])
    jobs.requeue(database, leases[1e5], queue.enqueue)
    assert jobs.must_yield(database, leases[1e3])
    jobs.claim(database, leases[10.0], "worker")
    assert not jobs.must_yield(database, leases[1e3])


def test_a_checkpoint_says_when_the_job_is_due(database: Database, queue: Any) -> None:
    request = replace(JOB, estimated_seconds=1000.0)
    submitted, _ = jobs.submit(database, request, queue.enqueue)
    jobs.claim(database, queue[0], "worker")
    for due, expected in ((None, submitted.due), (5.0, 5.0)):
        checkpoints.save(database, queue[0], Checkpoint(0, 4, None, {}, {}, 1.0, due))
        assert computations.get(database, request.id).due == expected
    jobs.requeue(database, queue[0], queue.enqueue)
    assert computations.get(database, request.id).due == 5.0


def test_the_number_of_queued_jobs_is_limited(database: Database, queue: Any) -> None:
    requests = [replace(JOB, id=make_id("run", number)) for number in range(4)]
    for request in requests[:2]:
        jobs.submit(database, request, queue.enqueue, max_queued=2)
    with pytest.raises(Busy, match="2 jobs"):
        jobs.submit(database, requests[2], queue.enqueue, max_queued=2)
    with pytest.raises(NotFound):
        computations.get(database, requests[2].id)
    assert not jobs.submit(database, requests[0], queue.enqueue, max_queued=2)[1]
    jobs.claim(database, queue[0], "worker")
    assert jobs.submit(database, requests[2], queue.enqueue, max_queued=2)[1]


def test_the_queued_jobs_of_each_client_are_limited(database: Database, queue: Any) -> None:
    names = ("key a", "key a", "address 10.0.0.7", None, "key a")
    requests = [
        replace(JOB, id=make_id("run", number), client=name) for number, name in enumerate(names)
    ]

    def submit(request: ComputationRow) -> bool:
        return jobs.submit(database, request, queue.enqueue, max_queued=9, max_per_client=1)[1]

    assert submit(requests[0])
    with pytest.raises(Busy, match="1 jobs of this client"):
        submit(requests[1])
    assert submit(requests[2])
    assert submit(requests[3])  # of no client
    # A running job takes no place in the queue, but takes it again if it is returned.
    jobs.claim(database, queue[0], "worker")
    assert submit(requests[1])
    with pytest.raises(Busy):
        submit(requests[4])
    jobs.cancel(database, requests[1].id)
    jobs.requeue(database, queue[0], queue.enqueue)
    with pytest.raises(Busy):
        submit(requests[4])


def test_the_client_of_a_job_is_forgotten_when_it_ends(database: Database, queue: Any) -> None:
    error = {"type": "internal", "detail": ""}

    def lose(lease: str) -> None:
        while jobs.requeue(database, lease, queue.enqueue, error) == "queued":
            lease = queue[-1]
            jobs.claim(database, lease, "worker")

    for number, end in enumerate(
        (
            lambda lease: jobs.succeed(database, lease, {}, 9, 1.0, {}),
            lambda lease: jobs.fail(database, lease, error),
            lambda lease: jobs.cancel(database, lease.partition(".")[0]),
            lose,
        )
    ):
        request = replace(JOB, id=make_id("run", number), client="address 10.0.0.7")
        row, _ = jobs.submit(database, request, queue.enqueue)
        assert row.client == "address 10.0.0.7"
        jobs.claim(database, queue[-1], "worker")
        end(queue[-1])
        row = computations.get(database, request.id)
        assert (row.client, row.status in {"queued", "running"}) == (None, False)


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


def test_running_and_queued_jobs_are_listed(database: Database, queue: Any) -> None:
    for number in range(3):
        job = replace(JOB, id=make_id("run", number), estimated_seconds=float(number))
        jobs.submit(database, job, queue.enqueue)
    row = jobs.claim(database, queue[1], "worker")
    assert row is not None
    running, *queued = job_queries.list_unfinished(database, 10)
    assert running == (queue[1], "running", row.heartbeat_at, row.result_version)
    assert [(job.lease, job.status) for job in queued] == [
        (queue[0], "queued"),
        (queue[2], "queued"),
    ]
    assert job_queries.list_unfinished(database, 2) == [running, queued[0]]
    assert job_queries.get_many(database, [row.id, "run_0"]) == {row.id: row}
