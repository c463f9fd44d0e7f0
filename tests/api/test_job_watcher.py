"""Waiting for jobs: one query for all requests, and an end when the server stops."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from service.api.job_watcher import JobWatcher
from service.errors import StoreUnavailable
from service.store.rows import ComputationRow
from tests.api.conftest import make_row


class Rows:
    """Returns rows that depend on the number of the query, and records the ids of all queries."""

    def __init__(self, reply: Callable[[int], list[ComputationRow]]) -> None:
        self.queries: list[list[str]] = []
        self._reply = reply

    def __call__(self, ids: list[str]) -> dict[str, ComputationRow]:
        self.queries.append(ids)
        return {row.id: row for row in self._reply(len(self.queries))}

    def watcher(self) -> JobWatcher:
        return JobWatcher(self, poll_seconds=0.001)


def fail(error: Exception) -> list[ComputationRow]:
    raise error


def test_all_requests_share_one_query() -> None:
    rows = Rows(lambda _: [make_row(id="a", status="succeeded"), make_row(id="b", status="failed")])

    async def wait() -> Any:
        watcher = rows.watcher()
        waits = (watcher.wait(make_row(id=each), 60.0) for each in ("a", "b", "a"))
        return await asyncio.gather(*waits)

    found = asyncio.run(wait())
    assert [row.status for row in found] == ["succeeded", "failed", "succeeded"]
    assert [sorted(ids) for ids in rows.queries] == [["a", "b"]]


def test_an_unavailable_database_is_tried_again() -> None:
    rows = Rows(
        lambda n: fail(StoreUnavailable("")) if n < 3 else [make_row(id="a", status="succeeded")]
    )
    row = asyncio.run(rows.watcher().wait(make_row(id="a"), 60.0))
    assert (row.status, len(rows.queries)) == ("succeeded", 3)


def test_a_deleted_job_ends_the_wait() -> None:
    rows = Rows(lambda _: [])
    row = asyncio.run(rows.watcher().wait(make_row(id="a", progress_done=4), 60.0))
    assert row.progress_done == 4


def test_any_other_error_reaches_the_request() -> None:
    rows = Rows(lambda _: fail(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(rows.watcher().wait(make_row(id="a"), 60.0))
