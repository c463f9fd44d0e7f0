"""Watch jobs: one query, a few times a second, for all requests that wait.

A waiting request occupies neither a thread nor a connection, so a thousand event streams cost one
query.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from anyio import to_thread

from service.errors import StoreError
from service.lifecycle import UNFINISHED
from service.store.rows import ComputationRow

RowFuture: TypeAlias = "asyncio.Future[ComputationRow | None]"


class JobWatcher:
    """Watches the jobs that requests wait for. ``get_rows`` finds rows by id, in a thread."""

    def __init__(
        self, get_rows: Callable[[list[str]], dict[str, ComputationRow]], poll_seconds: float = 0.1
    ) -> None:
        self.closing = False
        self._get_rows = get_rows
        self._poll_seconds = poll_seconds
        self._waiting: dict[str, list[RowFuture]] = {}
        self._task: asyncio.Task[None] | None = None

    def close(self) -> None:
        """End all waiting because the server is stopping. A signal handler may call this."""
        self.closing = True

    async def watch(self, computation_id: str) -> AsyncIterator[ComputationRow | None]:
        """Yield the row at every poll until the server stops or the row is deleted.

        Where the database is unavailable, None is yielded instead.
        """
        while True:
            future = self._next_row(computation_id)
            # The database may not respond for a long time, during which the server may stop.
            while not self.closing and not future.done():
                await asyncio.wait([future], timeout=2 * self._poll_seconds)
            if self.closing:
                future.cancel()
                return
            try:
                row = future.result()
            except StoreError:
                yield None
                continue
            if row is None:
                return
            yield row

    async def wait(self, row: ComputationRow, seconds: float) -> ComputationRow:
        """Wait for a job to finish; return its latest row, finished or not."""
        try:
            async with asyncio.timeout(seconds):
                async for current in self.watch(row.id):
                    row = current or row
                    if row.status not in UNFINISHED:
                        break
        except TimeoutError:
            pass
        return row

    def _next_row(self, computation_id: str) -> RowFuture:
        """Return the row as of the next poll: None if it is deleted, or a StoreError."""
        future: RowFuture = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(computation_id, []).append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll())
        return future

    async def _poll(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._poll_seconds)
            waiting, self._waiting = self._waiting, {}
            try:
                rows = await to_thread.run_sync(self._get_rows, list(waiting))
            except Exception as error:  # any error: a request must not wait without end
                for future in _pending(waiting):
                    future.set_exception(error)
                continue
            for computation_id, futures in waiting.items():
                for future in futures:
                    if not future.done():
                        future.set_result(rows.get(computation_id))


def _pending(waiting: dict[str, list[RowFuture]]) -> list[RowFuture]:
    return [future for futures in waiting.values() for future in futures if not future.done()]
