"""Watch jobs: one query, a few times a second, for all requests that wait.

A waiting request occupies neither a thread nor a connection, so a thousand event streams cost one
query.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from anyio import to_thread

from service.errors import StoreError
from service.lifecycle import UNFINISHED
from service.store.rows import ComputationRow

Rows: TypeAlias = dict[str, ComputationRow]


class JobWatcher:
    """Watches the jobs that requests wait for. ``get_rows`` finds rows by id, in a thread."""

    def __init__(self, get_rows: Callable[[list[str]], Rows], poll_seconds: float = 0.1) -> None:
        self.closing = False
        self._get_rows = get_rows
        self._poll_seconds = poll_seconds
        self._watched: Counter[str] = Counter()  # how many requests wait, by id
        self._poll: asyncio.Task[tuple[list[str], Rows]] | None = None

    def close(self) -> None:
        """End all waiting because the server is stopping. A signal handler may call this."""
        self.closing = True

    async def watch(self, computation_id: str) -> AsyncIterator[ComputationRow | None]:
        """Yield the row at every poll until the server stops or the row is deleted.

        Where the database is unavailable, None is yielded instead.
        """
        self._watched[computation_id] += 1
        try:
            while True:
                poll = self._next_poll()
                # The database may not respond for a long time, during which the server may stop.
                while not self.closing and not poll.done():
                    await asyncio.wait([poll], timeout=2 * self._poll_seconds)
                if self.closing:
                    return
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
        try:
            async with asyncio.timeout(seconds):
                async for current in self.watch(row.id):
                    row = current or row
                    if row.status not in UNFINISHED:
                        break
        except TimeoutError:
            pass
        return row

    def _next_poll(self) -> "asyncio.Task[tuple[list[str], Rows]]":
        """Return the poll that all requests wait for."""
        if self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._read())
        return self._poll

    async def _read(self) -> tuple[list[str], Rows]:
        """Return the ids that requests wait for by then, and their rows."""
        await asyncio.sleep(self._poll_seconds)
        self._watched = +self._watched  # without those for which none waits
        asked = [*self._watched]
        return asked, await to_thread.run_sync(self._get_rows, asked)
