"""Jobs in the store: who holds the ticket writes, and nobody else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from service.errors import NotFound, StoreUnavailable
from service.store import Database, checkpoints, computations, job_queries, jobs
from service.store.checkpoints import Checkpoint
from service.store.jobs import JobRequest

POISON = {"type": "/problems/worker-lost", "title": "t", "status": 500, "detail": "d"}


class Delivered(list[str]):
    """Remembers what was delivered."""

    def __call__(self, connection: Any, ticket: str, result_version: int) -> None:
        assert connection.in_transaction()
        assert result_version == 1
        self.append(ticket)


@pytest.fixture
def delivered() -> Delivered:
    return Delivered()


@pytest.fixture
def asked(an_id: Callable[[str, object], str]) -> JobRequest:
    return JobRequest(
        id=an_id("run", 1),
        kind="training_run",
        request={"n_iterations": 10},
        result_version=1,
        progress_total=10,
    )


def checkpoint(done: int, number: int) -> Checkpoint:
    state = {"head": np.array([float(done)])}
    return Checkpoint(number, done, {"cost": 1.5}, state, {"record": np.arange(3.0)}, 0.5)


def test_a_job_from_its_request_to_its_result(
    database: Database, asked: JobRequest, delivered: Delivered
) -> None:
    row, created = jobs.submit(database, asked, delivered)
    assert (created, row.status, row.attempt, row.lease) == (True, "queued", 1, delivered[0])
    assert jobs.submit(database, asked, delivered) == (row, False)
    assert job_queries.list_queued_leases(database, 10) == [row.lease]
    (ticket,) = delivered
    begun = jobs.claim(database, ticket, "worker")
    assert begun is not None
    assert (begun.status, begun.owner, begun.deliveries) == ("running", "worker", 1)
    assert begun.started_at is not None
    assert jobs.claim(database, ticket, "another") is None
    assert checkpoints.load(database, asked.id) == ({}, [])
    for number in range(2):
        assert checkpoints.save(database, ticket, checkpoint(3 + number, number))
    state, parts = checkpoints.load(database, asked.id)
    assert state["head"] == [4.0]
    assert [list(part["record"]) for part in parts] == [[0.0, 1.0, 2.0]] * 2
    seen = job_queries.get_many(database, [asked.id, "run_0"])[asked.id]
    assert (seen.progress_done, seen.latest, seen.deliveries) == (4, {"cost": 1.5}, 1)
    assert jobs.succeed(database, ticket, {"x": 1}, 10, 0.75, {"w_in": np.arange(2.0)})
    done = computations.get(database, asked.id)
    assert (done.status, done.result, done.compute_seconds) == ("succeeded", {"x": 1}, 0.75)
    assert list(computations.load_arrays(database, asked.id)) == ["w_in"]
    assert jobs.cancel(database, asked.id) == (done, False)


def test_nobody_writes_without_the_ticket(
    database: Database, asked: JobRequest, delivered: Delivered
) -> None:
    jobs.submit(database, asked, delivered)
    (old,) = delivered
    jobs.claim(database, old, "asleep")
    checkpoints.save(database, old, checkpoint(5, 0))
    assert jobs.requeue(database, old, delivered, POISON) == "queued"
    assert jobs.requeue(database, old, delivered, POISON) is None
    new = delivered[1]

    def check_fenced() -> None:
        before = computations.get(database, asked.id)
        assert not jobs.heartbeat(database, old)
        assert not checkpoints.save(database, old, checkpoint(9, 1))
        assert not jobs.succeed(database, old, {"x": 0}, 10, 0.1, {"w": np.arange(1.0)})
        assert not jobs.fail(database, old, POISON)
        assert computations.get(database, asked.id) == before

    check_fenced()
    assert jobs.claim(database, old, "asleep") is None
    taken = jobs.claim(database, new, "awake")
    assert taken is not None
    assert (taken.progress_done, taken.attempt) == (5, 1)
    check_fenced()
    assert checkpoints.load(database, asked.id)[0]["head"] == [5.0]
    assert jobs.heartbeat(database, new)


def test_a_cancelled_job_begins_anew_even_after_it_was_deleted(
    database: Database, asked: JobRequest, delivered: Delivered
) -> None:
    jobs.submit(database, asked, delivered)
    jobs.claim(database, delivered[0], "worker")
    checkpoints.save(database, delivered[0], checkpoint(5, 0))
    row, changed = jobs.cancel(database, asked.id)
    assert (changed, row.status) == (True, "cancelled")
    assert not checkpoints.save(database, delivered[0], checkpoint(6, 1))
    row, created = jobs.submit(database, asked, delivered)
    assert (created, row.attempt, row.progress_done, row.latest) == (True, 2, 0, None)
    assert checkpoints.load(database, asked.id) == ({}, [])
    jobs.cancel(database, asked.id)
    computations.delete(database, asked.id)
    row, _ = jobs.submit(database, asked, delivered)
    assert row.attempt == 1
    assert len(set(delivered)) == 3
    assert jobs.claim(database, delivered[0], "worker") is None


def test_a_job_that_ends_three_workers_fails(
    database: Database, asked: JobRequest, delivered: Delivered
) -> None:
    jobs.submit(database, asked, delivered)
    for _ in range(2):
        jobs.claim(database, delivered[-1], "worker")
        assert jobs.requeue(database, delivered[-1], delivered, POISON) == "queued"
    jobs.claim(database, delivered[-1], "worker")
    checkpoints.save(database, delivered[-1], checkpoint(5, 0))  # a step done: it counts anew
    for expected in ("queued", "queued", "failed"):
        assert jobs.requeue(database, delivered[-1], delivered, POISON) == expected
        if expected == "queued":
            jobs.claim(database, delivered[-1], "worker")
    failed = computations.get(database, asked.id)
    assert (failed.status, failed.error) == ("failed", POISON)
    assert failed.finished_at is not None


def test_giving_back_is_no_death(
    database: Database, asked: JobRequest, delivered: Delivered
) -> None:
    jobs.submit(database, asked, delivered)
    for _ in range(5):
        jobs.claim(database, delivered[-1], "worker")
        assert jobs.requeue(database, delivered[-1], delivered) == "queued"
    assert computations.get(database, asked.id).deliveries == 0


def test_what_was_kept_although_nobody_was_told_may_be_kept_again(
    database: Database, asked: JobRequest, delivered: Delivered
) -> None:
    jobs.submit(database, asked, delivered)
    for _ in range(2):
        row = jobs.claim(database, delivered[0], "worker")
        assert row is not None
        assert row.status == "running"
    assert computations.get(database, asked.id).deliveries == 1
    assert jobs.claim(database, delivered[0], "another") is None
    for number in (0, 1, 1, 2, 2):
        assert checkpoints.save(database, delivered[0], checkpoint(number, number))
    state, parts = checkpoints.load(database, asked.id)
    assert (state["head"].tolist(), len(parts)) == ([2.0], 3)


def test_what_cannot_be_delivered_is_not_accepted(database: Database, asked: JobRequest) -> None:
    def away(connection: Any, ticket: str, result_version: int) -> None:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        jobs.submit(database, asked, away)
    with pytest.raises(NotFound):
        computations.get(database, asked.id)


def test_many_at_once_are_one_job(
    database: Database,
    asked: JobRequest,
    delivered: Delivered,
    at_once: Callable[[int, Callable[[int], Any]], list[Any]],
) -> None:
    answers = at_once(8, lambda _: jobs.submit(database, asked, delivered))
    assert sum(created for _, created in answers) == 1
    tickets = {row.lease for row, _ in answers}
    assert len(tickets) == 1
    claims = at_once(8, lambda number: jobs.claim(database, delivered[0], str(number)))
    assert sum(claim is not None for claim in claims) == 1


def test_a_missing_dataset_is_not_found(
    database: Database, asked: JobRequest, delivered: Delivered, an_id: Callable[[str, object], str]
) -> None:
    question = JobRequest(**{**asked.__dict__, "dataset_id": an_id("ds", 1)})
    with pytest.raises(NotFound):
        jobs.submit(database, question, delivered)
    with pytest.raises(NotFound):
        jobs.cancel(database, asked.id)
