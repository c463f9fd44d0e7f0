"""Who counts as dead, by a clock that the test turns."""

from typing import Any

import pytest

from service.jobs.reaper import DEAD_SECONDS, LONGEST_GAP, LOST_SECONDS, Reaper
from service.store import Database, computations, jobs
from service.store.jobs import JobRequest

RUN = "run_" + "0" * 32
ASKED = JobRequest(id=RUN, kind="training_run", request={}, result_version=1, progress_total=1)


class Queue:
    """Stands for DBOS: knows what was delivered, and says what the test puts there."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.forgotten: list[str] = []

    def deliver(self, _connection: Any, ticket: str, _version: int) -> None:
        self.known[ticket] = "ENQUEUED"

    def under_way(self, tickets: list[str]) -> dict[str, str]:
        return {ticket: self.known[ticket] for ticket in tickets if ticket in self.known}

    def forget(self, ticket: str) -> None:
        self.forgotten.append(ticket)

    def clean(self) -> None:
        pass


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def sweeper(database: Database, queue: Queue) -> Reaper:
    return Reaper(database, queue)  # type: ignore[arg-type]


def ticket(database: Database) -> str:
    return str(computations.get(database, RUN).lease)


def sweep(sweeper: Reaper, begin: float, seconds: float) -> int:
    """Sweep every second for a while."""
    return sum(sweeper.sweep(begin + second) for second in range(int(seconds) + 1))


def test_a_worker_that_beats_lives_and_one_that_does_not_is_dead(
    database: Database, queue: Queue, sweeper: Reaper
) -> None:
    jobs.submit(database, ASKED, queue.deliver)
    old = ticket(database)
    jobs.claim(database, old, "worker")
    for second in range(30):
        jobs.heartbeat(database, old)
        assert sweeper.sweep(100.0 + second) == 0
    assert sweep(sweeper, 130.0, DEAD_SECONDS - 2) == 0
    assert sweep(sweeper, 130.0 + DEAD_SECONDS - 1, 2) == 1
    assert queue.forgotten == [old]
    assert ticket(database) != old
    assert computations.get(database, RUN).status == "queued"


def test_a_gap_in_the_watch_kills_nobody(database: Database, queue: Queue, sweeper: Reaper) -> None:
    jobs.submit(database, ASKED, queue.deliver)
    jobs.claim(database, ticket(database), "worker")
    assert sweep(sweeper, 100.0, DEAD_SECONDS - 1) == 0
    asleep = 100.0 + DEAD_SECONDS + LONGEST_GAP
    assert sweep(sweeper, asleep, DEAD_SECONDS - 1) == 0
    assert sweep(sweeper, asleep + DEAD_SECONDS, 0) == 1


def test_what_waits_in_the_queue_is_left_there(
    database: Database, queue: Queue, sweeper: Reaper
) -> None:
    jobs.submit(database, ASKED, queue.deliver)
    assert sweep(sweeper, 100.0, 60) == 0


@pytest.mark.parametrize("state", [None, "PENDING", "ERROR", "SUCCESS", "CANCELLED"])
def test_what_has_left_the_queue_and_is_nowhere_is_delivered_again(
    database: Database, queue: Queue, sweeper: Reaper, state: str | None
) -> None:
    jobs.submit(database, ASKED, queue.deliver)
    old = ticket(database)
    queue.known = {} if state is None else {old: state}
    assert sweep(sweeper, 100.0, LOST_SECONDS - 1) == 0
    assert sweep(sweeper, 100.0 + LOST_SECONDS, 0) == 1
    assert queue.known[ticket(database)] == "ENQUEUED"
    assert sweep(sweeper, 101.0 + LOST_SECONDS, 60) == 0


def test_release_takes_jobs_from_some_or_from_all_but_some(
    database: Database, queue: Queue, sweeper: Reaper
) -> None:
    jobs.submit(database, ASKED, queue.deliver)
    cases: list[tuple[dict[str, Any], int]] = [
        ({"lost": ["another"]}, 0),
        ({"but": ["worker"]}, 0),
        ({"lost": ["worker"]}, 1),
        ({"but": ["another"]}, 1),
    ]
    for named, expected in cases:
        jobs.claim(database, ticket(database), "worker")
        assert sweeper.release(**named) == expected


def test_workers_that_were_ended_on_purpose_count_against_no_job(
    database: Database, queue: Queue, sweeper: Reaper
) -> None:
    jobs.submit(database, ASKED, queue.deliver)
    for _ in range(jobs.MAX_DELIVERIES + 1):
        jobs.claim(database, ticket(database), "worker")
        assert sweeper.release(["worker"], blameless=True) == 1
    row = computations.get(database, RUN)
    assert (row.status, row.deliveries) == ("queued", 0)


def test_two_sweepers_deliver_once(database: Database, queue: Queue, sweeper: Reaper) -> None:
    other = Reaper(database, queue)  # type: ignore[arg-type]
    jobs.submit(database, ASKED, queue.deliver)
    jobs.claim(database, ticket(database), "worker")
    total = 0
    for second in range(int(DEAD_SECONDS) + 2):
        total += sweeper.sweep(100.0 + second) + other.sweep(100.5 + second)
    assert total == 1
