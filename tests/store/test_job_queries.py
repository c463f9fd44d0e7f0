"""Queries over many jobs."""

from collections.abc import Callable
from typing import Any

from service.store import Database, job_queries, jobs
from service.store.job_queries import RunningJob
from service.store.jobs import JobRequest


def test_queued_and_running_jobs_are_listed(
    database: Database, queue: Any, make_id: Callable[[str, object], str]
) -> None:
    for number in range(3):
        request = JobRequest(
            id=make_id("run", number),
            kind="training_run",
            request={},
            result_version=1,
            progress_total=1,
        )
        jobs.submit(database, request, queue.enqueue)
    assert job_queries.list_queued_leases(database, 10) == queue
    assert job_queries.list_queued_leases(database, 2) == queue[:2]
    assert job_queries.list_running(database) == []
    row = jobs.claim(database, queue[1], "worker")
    assert row is not None
    assert job_queries.list_running(database) == [RunningJob(queue[1], "worker", row.heartbeat_at)]
    assert job_queries.list_queued_leases(database, 10) == [queue[0], queue[2]]
    assert job_queries.get_many(database, [row.id, "run_0"]) == {row.id: row}
