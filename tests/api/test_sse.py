"""Server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

from httpx_sse import ServerSentEvent, aconnect_sse

from service.api.examples import RUN_ID
from service.api.job_watcher import JobWatcher
from service.api.sse import stream_events
from service.store.rows import ComputationRow
from tests.api.conftest import make_row


class FakeWatcher:
    """Yields the given rows."""

    def __init__(self, *rows: ComputationRow | None) -> None:
        self.rows = rows

    async def watch(self, _computation_id: str) -> AsyncIterator[ComputationRow | None]:
        for row in self.rows:
            yield row


def events(
    first: ComputationRow, *rows: ComputationRow | None, comment_seconds: float = 15.0
) -> list[str]:
    """Return the events of a job whose row changes like this."""
    describe: Any = lambda row: {"status": row.status}  # noqa: E731

    async def collect() -> list[str]:
        watcher = cast("JobWatcher", FakeWatcher(*rows))
        stream = stream_events(first, watcher, describe, comment_seconds)
        return [each.decode() async for each in stream]

    return asyncio.run(collect())


def test_progress_and_the_end() -> None:
    latest = {"weights": {"w_in": 1.0, "w_rec": 1.0}, "cost": 0.5}
    found = events(
        make_row(lease="1"),
        make_row(lease="1"),
        make_row(progress_done=3, latest=latest),
        make_row(status="succeeded"),
    )
    assert found == [
        'event: progress\ndata: {"done":0,"total":9,"weights":null,"cost":null}\nid: 0\n'
        "retry: 1000\n\n",
        'event: progress\ndata: {"done":3,"total":9,"weights":{"w_in":1.0,"w_rec":1.0},"cost":0.5}'
        "\nid: 3\n\n",
        'event: done\ndata: {"status":"succeeded"}\nid: done\n\n',
    ]


def test_unchanged_progress_is_not_repeated_but_kept_alive() -> None:
    row = make_row(lease="1")
    assert len(events(row, row, row, None)) == 1
    assert events(row, row, row, comment_seconds=0.0)[1:] == [": keep-alive\n\n"]


def test_httpx_sse_gets_no_event_without_data(api: Any) -> None:
    async def read() -> list[ServerSentEvent]:
        path = f"/v1/training-runs/{RUN_ID}/events"
        async with aconnect_sse(api.client, "GET", path) as source:
            return [event async for event in source.aiter_sse()]

    api.post("/v1/training-runs", {})
    (done,) = api.runner.run(read())
    assert (done.event, done.retry) == ("done", 1000)
    assert json.loads(done.data)["status"] == "succeeded"
