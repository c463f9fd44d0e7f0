"""One look at the store for all who wait for jobs, a few times a second.

Whoever waits holds no thread and no connection; a thousand streams cost one query.
"""

import asyncio
from collections.abc import AsyncIterator

from fastapi.concurrency import run_in_threadpool

from service.errors import StoreError
from service.store import job_queries
from service.store.database import Database
from service.store.rows import ComputationRow
from service.store.tables import UNFINISHED

LOOK_SECONDS = 0.1

Look = asyncio.Future[ComputationRow | None]


class JobWatcher:
    """The jobs that somebody waits for. ``closing`` ends all waiting: the server is to stop."""

    def __init__(self, database: Database) -> None:
        self.closing = False
        self._database = database
        self._asked: dict[str, list[Look]] = {}
        self._task: asyncio.Task[None] | None = None

    def close(self) -> None:
        """End all waiting; fit for a signal handler."""
        self.closing = True

    def look(self, computation_id: str) -> Look:
        """Return the row as it will be at the next look, None if it is gone, or a StoreError."""
        future: Look = asyncio.get_running_loop().create_future()
        self._asked.setdefault(computation_id, []).append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return future

    async def looks(self, computation_id: str) -> AsyncIterator[ComputationRow | None]:
        """Yield the row at every look, None while the store is away, until the server stops."""
        while True:
            look = self.look(computation_id)
            # The store may be silent for long: the stop is looked for meanwhile.
            while not self.closing and not look.done():
                await asyncio.wait([look], timeout=2 * LOOK_SECONDS)
            if self.closing:
                look.cancel()
                return
            try:
                row = look.result()
            except StoreError:
                yield None
                continue
            if row is None:
                return
            yield row

    async def finished(self, row: ComputationRow, seconds: float) -> ComputationRow:
        """Wait for a job to end; return how it then stands, ended or not."""
        try:
            async with asyncio.timeout(seconds):
                async for seen in self.looks(row.id):
                    row = seen or row
                    if row.status not in UNFINISHED:
                        break
        except TimeoutError:
            pass
        return row

    async def _run(self) -> None:
        while self._asked:
            await asyncio.sleep(LOOK_SECONDS)
            asked, self._asked = self._asked, {}
            try:
                rows = await run_in_threadpool(job_queries.get_many, self._database, list(asked))
            except Exception as error:  # whatever it is, nobody may wait for ever
                for future in _waiting(asked):
                    future.set_exception(error)
                continue
            for computation_id, futures in asked.items():
                for future in futures:
                    if not future.done():
                        future.set_result(rows.get(computation_id))


def _waiting(asked: dict[str, list[Look]]) -> list[Look]:
    return [future for futures in asked.values() for future in futures if not future.done()]
