"""Work that becomes a job: the Prefer header, waiting, and server-sent events."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from httpx_sse import ServerSentEvent, aconnect_sse
from starlette.requests import Request

from service.api.dependencies import Preference, get_preference
from service.api.events import JobWatcher, stream_events
from service.api.examples import RUN_ID
from service.errors import StoreUnavailable
from service.store.rows import ComputationRow
from tests.api.conftest import make_row

RUNS = "/v1/training-runs"
LARGE = {"n_iterations": 1_000_000, "network": {"activation": "tanh"}}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Preference()),
        ("respond-async", Preference(respond_async=True)),
        ("Respond-Async, wait=10", Preference(respond_async=True, wait=10)),
        ('wait = "7"; x=1', Preference(wait=7)),
        ("wait=600", Preference(wait=60)),
        ("wait=99999999999", Preference(wait=60)),
        ("wait=" + "9" * 50_000, Preference(wait=60)),
        ("wait=" + "0" * 50_000 + "7", Preference(wait=7)),
        ("wait=" + "0" * 50_000 + "x", Preference()),
        ("wait=0", Preference(wait=0)),
        ("wait=5, wait=6", Preference(wait=5)),
        ("wait=-1", Preference()),
        ("wait=soon, handling=lenient", Preference()),
        ("return=minimal", Preference()),
    ],
)
def test_prefer_headers(header: str, expected: Preference) -> None:
    request = Request({"type": "http", "headers": [(b"prefer", header.encode())]})
    assert asyncio.run(get_preference(request)) == expected


def test_large_work_becomes_a_job(stored_api: Any) -> None:
    for _ in range(2):  # there are no workers, so it stays queued
        response = stored_api.post(RUNS, LARGE)
        assert response.status_code == 202
        job = response.json()
        assert response.headers["location"] == f"{RUNS}/{job['id']}"
        assert int(response.headers["retry-after"]) > 0
        assert "preference-applied" not in response.headers
        assert (job["status"], job["attempt"], job["started_at"]) == ("queued", 1, None)
        assert job["progress"]["done"] == 0
    listed = stored_api.get(RUNS, params={"status": "queued"}).json()["items"]
    assert [each["id"] for each in listed] == [job["id"]]
    assert stored_api.get(RUNS, params={"status": "succeeded"}).json()["items"] == []
    assert stored_api.delete(response.headers["location"]).status_code == 409
    cancelled = stored_api.post(job["links"]["cancel"])
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    assert stored_api.post(job["links"]["cancel"]).status_code == 200
    done = stored_api.get(job["links"]["events"])
    assert re.fullmatch(r"event: done\ndata: {.*}\nid: done\nretry: 1000\n\n", done.text)
    assert done.headers["content-type"].startswith("text/event-stream")
    nothing = stored_api.get(job["links"]["events"], headers={"last-event-id": "done"})
    assert nothing.status_code == 204
    again = stored_api.post(RUNS, LARGE).json()
    assert (again["id"], again["attempt"], again["status"]) == (job["id"], 2, "queued")


def test_small_work_becomes_a_job_on_request(stored_api: Any) -> None:
    response = stored_api.post(RUNS, {}, headers={"prefer": "respond-async"})
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "respond-async"
    waited = stored_api.post(RUNS, {}, headers={"prefer": "wait=1"})
    assert waited.status_code == 202
    assert waited.headers["preference-applied"] == "wait=1"
    assert waited.json()["id"] == response.json()["id"]
    stored_api.post(response.json()["links"]["cancel"])
    again = stored_api.post(RUNS, {})
    assert (again.status_code, again.json()["id"]) == (201, response.json()["id"])
    assert (again.json()["status"], again.json()["attempt"]) == ("succeeded", 2)


def test_results_that_are_not_stored_must_be_small_and_synchronous(api: Any, make_api: Any) -> None:
    body = {"n_iterations": 1, "keep": False}
    assert api.post(RUNS, body).status_code == 200
    refused = api.post(RUNS, body, headers={"prefer": "respond-async"})
    api.refused(refused, "/keep", "respond-async")
    large = {**LARGE, "keep": False, "record_every": 10_000}
    hurried = make_api(max_sync_seconds=0.1)
    hurried.refused(hurried.post(RUNS, large), "/keep", "without storing")


def test_unknown_jobs_cannot_be_cancelled_or_followed(api: Any) -> None:
    for path in (f"{RUNS}/run_{'0' * 32}", f"{RUNS}/run_1", f"/v1/basin-maps/map_{'0' * 32}"):
        assert api.post(f"{path}/cancel").status_code == 404
        assert api.get(f"{path}/events").status_code == 404


def test_reading_a_job_waits_for_it(stored_api: Any) -> None:
    path = stored_api.post(RUNS, LARGE).headers["location"]
    for header, applied in [("wait=1", "wait=1"), ("wait=0, respond-async", "wait=0")]:
        read = stored_api.get(path, headers={"prefer": header})  # no worker finishes it
        assert (read.status_code, read.json()["status"]) == (200, "queued")
        assert read.headers["preference-applied"] == applied
    assert "preference-applied" not in stored_api.get(path).headers
    stored_api.post(f"{path}/cancel")
    assert stored_api.get(path, headers={"prefer": "wait=60"}).json()["status"] == "cancelled"


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


def test_requests_wake_when_a_row_changes_and_seldom_otherwise() -> None:
    rows = Rows(lambda n: [make_row(id="a", progress_done=0 if n < 25 else 1)])

    async def watch() -> list[int]:
        """Return the number of queries before each of the first rows."""
        n_queries = []
        async for row in rows.watcher().watch("a"):
            n_queries.append(len(rows.queries))
            if row is not None and row.progress_done:
                break
        return n_queries

    assert asyncio.run(watch()) == [1, 11, 21, 25]


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


def test_several_prefer_headers_are_combined(stored_api: Any) -> None:
    lines = [("prefer", "handling=lenient"), ("prefer", "respond-async"), ("prefer", "wait=0")]
    for path in (RUNS, "/v1/basin-maps"):
        response = stored_api.post(path, {}, headers=lines)
        assert response.status_code == 202
        assert response.headers["preference-applied"] == "respond-async, wait=0"
