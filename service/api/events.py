"""Waiting for jobs, and server-sent events of their progress.

All events are read from the database, so any replica can send them. One query, a few times per
second, serves all waiting requests. They occupy neither a thread nor a connection, so a thousand
event streams cost one query.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from time import monotonic
from typing import Any, TypeAlias

from anyio import to_thread
from fastapi.sse import format_sse_event

from service.errors import StoreError
from service.lifecycle import UNFINISHED
from service.schemas.base import ResponseModel, encode
from service.store.rows import ComputationRow

Rows: TypeAlias = dict[str, ComputationRow]
COMMENT_SECONDS = 15.0
RETRY_MILLISECONDS = 1000
QUERIES_PER_POLL = 10  # of rows that do not change
DONE = "done"


class JobWatcher:
    """An observer of jobs that requests wait for. ``get_rows`` finds rows by id, in a thread."""

    def __init__(self, get_rows: Callable[[list[str]], Rows], poll_seconds: float = 0.1) -> None:
        self.closing = False
        self._get_rows = get_rows
        self._poll_seconds = poll_seconds
        self._watched: Counter[str] = Counter()  # the number of waiting requests, by id
        self._poll: asyncio.Task[tuple[list[str], Rows]] | None = None
        self._seen: dict[str, object] = {}  # by the last query

    def close(self) -> None:
        """End all waiting because the server is stopping. A signal handler may call this."""
        self.closing = True

    async def watch(self, computation_id: str) -> AsyncIterator[ComputationRow | None]:
        """Yield the row when any watched row has changed, and about once per second.

        It ends when the server stops or the row is deleted. Where the database is unavailable, None
        is yielded instead.
        """
        self._watched[computation_id] += 1
        self._seen = {}  # the next query is the first for this request
        try:
            while not self.closing:
                poll = self._next_poll()
                await asyncio.wait([poll])  # unlike await, it does not cancel the poll
                try:
                    asked, rows = poll.result()
                except StoreError:
                    yield None
                    continue
                if computation_id in rows:
                    yield rows[computation_id]
                elif computation_id in asked:
                    return
        finally:
            self._watched[computation_id] -= 1

    async def wait(self, row: ComputationRow, seconds: float) -> ComputationRow:
        """Wait for a job to finish; return its latest row, finished or not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for current in self.watch(row.id):
                    row = current or row
                    if row.status not in UNFINISHED:
                        break
        return row

    def _next_poll(self) -> "asyncio.Task[tuple[list[str], Rows]]":
        """Return the poll shared by all waiting requests."""
        if self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._read())
        return self._poll

    async def _read(self) -> tuple[list[str], Rows]:
        """Return the ids that requests wait for by then, and their rows.

        All requests wake when it returns. Without a change, this is after ten queries.
        """
        for _ in range(QUERIES_PER_POLL):
            await asyncio.sleep(self._poll_seconds)
            self._watched = +self._watched  # without those for which none waits
            asked = [*self._watched]
            query = asyncio.ensure_future(to_thread.run_sync(self._get_rows, asked))
            # The database may not respond for a long time, during which the server may stop.
            while not self.closing and not query.done():
                await asyncio.wait([query], timeout=2 * self._poll_seconds)
            if self.closing:
                return [], {}
            rows = query.result()
            seen: dict[str, object] = {name: _version(rows.get(name)) for name in asked}
            if seen != self._seen:
                self._seen = seen
                break
        return asked, rows


def _version(row: ComputationRow | None) -> object:
    """Return what changes with the progress of a job."""
    return row and (row.lease, row.status, row.progress_done)


async def stream_events(
    row: ComputationRow,
    watcher: JobWatcher,
    describe: Callable[[ComputationRow], ResponseModel],
    comment_seconds: float = COMMENT_SECONDS,
) -> AsyncIterator[bytes]:
    """Yield the events of a computation, and a comment after some seconds without an event."""
    # With the first event: some clients treat it as an event of its own.
    retry: int | None = RETRY_MILLISECONDS
    sent: object = None
    sent_at = monotonic()
    if row.status in UNFINISHED:
        async for current in watcher.watch(row.id):
            row = current or row
            if row.status not in UNFINISHED:
                break
            if _version(row) != sent:
                sent, sent_at = _version(row), monotonic()
                yield _event("progress", str(row.progress_done), _progress(row), retry)
                retry = None
            elif monotonic() - sent_at >= comment_seconds:
                sent_at = monotonic()
                yield format_sse_event(comment="keep-alive")
    if row.status not in UNFINISHED:
        yield _event(DONE, DONE, describe(row), retry)


def _progress(row: ComputationRow) -> dict[str, Any]:
    latest = row.latest or {"weights": None, "cost": None}
    return {"done": row.progress_done, "total": row.progress_total, **latest}


def _event(name: str, event_id: str, data: Any, retry: int | None) -> bytes:
    text = encode(data).decode()
    return format_sse_event(event=name, id=event_id, data_str=text, retry=retry)
