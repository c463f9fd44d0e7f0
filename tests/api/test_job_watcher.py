"""Waiting for jobs: one query for all requests, and an end when the server stops."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from service.api import job_watcher as module
from service.api.job_watcher import JobWatcher
from service.errors import StoreUnavailable
from service.store.database import Database
from service.store.rows import ComputationRow

NO_DATABASE = cast("Database", None)


def make_row(identifier: str, status: Any = "running", done: int = 0) -> ComputationRow:
    """Return a row of which only the id, the status and the progress matter."""
    values: dict[str, Any] = dict.fromkeys(ComputationRow.__dataclass_fields__)
    progress = {"progress_done": done, "progress_total": 9}
    return ComputationRow(**(values | {"id": identifier, "status": status} | progress))


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], Any]], list[list[str]]]:
    """Return a function that replaces the query, and returns the ids of all its calls."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)

    def replace(reply: Callable[[int], Any]) -> list[list[str]]:
        calls: list[list[str]] = []

        def get_many(_database: Database, ids: list[str]) -> Any:
            calls.append(ids)
            rows = reply(len(calls))
            if isinstance(rows, Exception):
                raise rows
            return {row.id: row for row in rows}

        monkeypatch.setattr("service.store.job_queries.get_many", get_many)
        return calls

    return replace


def test_all_requests_share_one_query(answer: Any) -> None:
    calls = answer(lambda _: [make_row("a", "succeeded"), make_row("b", "failed")])

    async def wait() -> Any:
        watcher = JobWatcher(NO_DATABASE)
        waits = (watcher.wait(make_row(each), 60.0) for each in ("a", "b", "a"))
        return await asyncio.gather(*waits)

    rows = asyncio.run(wait())
    assert [row.status for row in rows] == ["succeeded", "failed", "succeeded"]
    assert [sorted(ids) for ids in calls] == [["a", "b"]]


def test_the_latest_row_is_returned_after_the_time(answer: Any) -> None:
    calls = answer(lambda n: [make_row("a", done=n)])
    for seconds in (0.05, 0.5, 5.0, 50.0):
        row = asyncio.run(JobWatcher(NO_DATABASE).wait(make_row("a"), seconds))
        if calls:  # a busy machine may need more time for the first query
            break
    assert row.status == "running"
    assert 1 <= row.progress_done <= len(calls)


def test_an_unavailable_database_is_tried_again(answer: Any) -> None:
    calls = answer(lambda n: StoreUnavailable("") if n < 3 else [make_row("a", "succeeded")])
    row = asyncio.run(JobWatcher(NO_DATABASE).wait(make_row("a"), 60.0))
    assert (row.status, len(calls)) == ("succeeded", 3)


def test_a_deleted_job_ends_the_wait(answer: Any) -> None:
    answer(lambda _: [])
    row = asyncio.run(JobWatcher(NO_DATABASE).wait(make_row("a", done=4), 60.0))
    assert row.progress_done == 4


def test_any_other_error_reaches_the_request(answer: Any) -> None:
    answer(lambda _: ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        asyncio.run(JobWatcher(NO_DATABASE).wait(make_row("a"), 60.0))


def test_waiting_ends_when_the_server_stops(answer: Any) -> None:
    answer(lambda _: [make_row("a")])

    async def close_while_waiting() -> None:
        watcher = JobWatcher(NO_DATABASE)
        task = asyncio.create_task(watcher.wait(make_row("a"), 60.0))
        await asyncio.sleep(0.02)
        watcher.close()
        async with asyncio.timeout(60):
            assert (await task).status == "running"

    asyncio.run(close_while_waiting())
