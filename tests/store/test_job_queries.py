"""Queries over many jobs."""

from dataclasses import replace
from typing import Any

from service.store import Database, job_queries, jobs
from service.store.job_queries import RunningJob
from tests.store.conftest import JOB, make_id


def test_queued_and_running_jobs_are_listed(database: Database, queue: Any) -> None:
    for number in range(3):
        jobs.submit(database, replace(JOB, id=make_id("run", number)), queue.enqueue)
    assert job_queries.list_queued_leases(database, 10) == queue
    assert job_queries.list_queued_leases(database, 2) == queue[:2]
    assert job_queries.list_running(database) == []
    row = jobs.claim(database, queue[1], "worker")
    assert row is not None
    assert job_queries.list_running(database) == [RunningJob(queue[1], row.heartbeat_at)]
    assert job_queries.list_queued_leases(database, 10) == [queue[0], queue[2]]
    assert job_queries.get_many(database, [row.id, "run_0"]) == {row.id: row}
