"""Admission control: a priority queue of CPU work, shortest first, of bounded length."""

import asyncio
from asyncio import Future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from time import monotonic
from typing import Any, Final, NamedTuple, TypeVar, TypeVarTuple

from service.errors import Busy
from service.scheduling.work import DISCONNECTED, Budget, Work, current_work, disconnection

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

SHORT_SECONDS: Final = 0.1  # work with a longer estimate does not delay shorter work
SHORT_BUDGET: Final = 0.5  # CPU seconds after which short work goes on in the queue of long work
WATCH_SECONDS: Final = 0.05  # work that takes longer ends when its client disconnects
WAIT_SECONDS: Final = 60.0
# Work is overtaken by shorter work that arrives within this many seconds per second of its own
# estimate: 5 s for the longest short work, 50 s for the longest one with the default limits.
SHORT_MAX_DELAY_FACTOR: Final = 50.0
LONG_MAX_DELAY_FACTOR: Final = 5.0
CLOSING: Final = "the service is shutting down"


class QueueCounts(NamedTuple):
    """How much work of a queue waits and runs."""

    waiting: int
    running: int


class Scheduler:
    """Runs CPU work in threads, as much at a time as there are cores.

    Short and long work have a queue and slots each, so that short work never waits for long work.
    The operating system divides the cores between the two.

    Parameters
    ----------
    n_cores
        The number of slots of each queue.
    max_waiting
        How much work waits in each queue; more is refused.
    max_seconds
        The CPU seconds after which work ends that has no other limit.
    wait_seconds
        How long work waits for a slot before it is refused.
    clock
        Returns the monotonic time in seconds.
    """

    def __init__(
        self,
        n_cores: int,
        max_waiting: int,
        *,
        max_seconds: float = inf,
        wait_seconds: float = WAIT_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._max_seconds = max_seconds
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._short = SlotQueue(n_cores, max_waiting, SHORT_MAX_DELAY_FACTOR)
        self._long = SlotQueue(n_cores, max_waiting, LONG_MAX_DELAY_FACTOR)
        # Short work that turns out to be long keeps its thread while it waits for another slot.
        self._threads = ThreadPoolExecutor(2 * n_cores + max_waiting, "work")

    async def run(
        self,
        seconds: float,
        function: Callable[[*Arguments], T],
        *arguments: *Arguments,
        limit: float | None = None,
        is_wanted: Callable[[], bool] = lambda: False,
    ) -> T:
        """Call a function in a thread when a slot is free.

        Parameters
        ----------
        seconds
            The estimated duration. Shorter work runs first; work of 0 seconds runs at once, in
            the event loop.

        limit
            The CPU seconds after which the work ends, by default ``max_seconds``.
        is_wanted
            Returns whether the work goes on although its client has disconnected.

        Raises
        ------
        ServiceError
            The client has no budget left for the work.
        OverBudget
            The work took more CPU seconds than its limit.
        Busy
            Too much work waits, no slot became free in time, the client has disconnected, or the
            scheduler is closed.
        """
        if not seconds:
            return function(*arguments)
        work = current_work.get() or Work()
        await work.begin(seconds)
        slot = _Slot(self._short if seconds <= SHORT_SECONDS else self._long)
        await self._take(slot, slot.queue, seconds)
        loop = asyncio.get_running_loop()
        give_way = None
        if slot.queue is self._short:
            give_way = partial(self._change_queue, slot, seconds, loop)
        budget = Budget(self._max_seconds if limit is None else limit, SHORT_BUDGET, give_way)
        try:
            call = partial(copy_context().run, lambda: budget.call(function, *arguments))
            result = loop.run_in_executor(self._threads, call)
            await _watch(result, budget, is_wanted)
            return await result
        finally:
            slot.release()
            await work.end(budget.spent)

    def _change_queue(self, slot: "_Slot", seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        """Exchange a slot for one of long work, and wait for it in the thread; raises Busy."""

        async def exchange() -> None:
            slot.release()
            await self._take(slot, self._long, max(seconds, SHORT_BUDGET))

        asyncio.run_coroutine_threadsafe(exchange(), loop).result()

    async def _take(self, slot: "_Slot", queue: "SlotQueue", seconds: float) -> None:
        slot.is_taken = False
        slot.queue = queue
        await queue.take_slot(seconds, self._clock(), self._wait_seconds)
        slot.is_taken = True

    def counts(self) -> dict[str, QueueCounts]:
        """Return how much work waits and runs, by the name of the queue."""
        return {"short": self._short.counts, "long": self._long.counts}

    def close(self) -> None:
        """Refuse all work from now on, and at once what waits.

        Call it in the event loop when the service shuts down. Work that runs is completed.
        """
        self._short.close()
        self._long.close()

    def end_threads(self) -> None:
        """End the idle threads when no more requests arrive."""
        self._threads.shutdown(wait=False)


async def _watch(result: "Future[Any]", budget: Budget, is_wanted: Callable[[], bool]) -> None:
    """Wait for a result. Abandon the work if its client disconnects and it is not wanted."""
    wait_for_disconnection = disconnection.get()
    done, _ = await asyncio.wait({result}, timeout=WATCH_SECONDS)
    if done or wait_for_disconnection is None:
        return
    gone: Future[Any] = asyncio.ensure_future(wait_for_disconnection())
    try:
        await asyncio.wait({result, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not result.done() and not is_wanted():
            budget.abandon()
    finally:
        gone.cancel()


class _Slot:
    """The slot of some work, in a queue that may change."""

    def __init__(self, queue: "SlotQueue") -> None:
        self.queue = queue
        self.is_taken = False

    def release(self) -> None:
        """Give the slot to the next work in its queue."""
        if self.is_taken:
            self.is_taken = False
            self.queue.release_slot()


class _Entry(NamedTuple):
    """Work that waits for a slot; the first in order is the next to run."""

    due: float
    number: int
    slot: "Future[None]"


class SlotQueue:
    """Slots, and the work that waits for them in order of urgency.

    ``resource`` is what a slot stands for.
    """

    def __init__(
        self,
        n_slots: int,
        max_waiting: int,
        max_delay_factor: float = 0.0,
        resource: str = "a core",
    ) -> None:
        self._n_slots = self._n_free = n_slots
        self._max_waiting = max_waiting
        self._max_delay_factor = max_delay_factor
        self._resource = resource
        self._entries: list[_Entry] = []
        self._numbers = count()
        self._closed = False

    @property
    def counts(self) -> QueueCounts:
        """How much work waits and runs."""
        return QueueCounts(len(self._entries), self._n_slots - self._n_free)

    async def take_slot(self, seconds: float, now: float, wait_seconds: float) -> None:
        """Take a slot, waiting for it if none is free; raises Busy."""
        if self._closed:
            raise Busy(CLOSING)
        if self._n_free:
            self._n_free -= 1
            return
        if len(self._entries) >= self._max_waiting:
            raise Busy(f"{len(self._entries)} requests are already waiting for {self._resource}")
        slot = asyncio.get_running_loop().create_future()
        entry = _Entry(now + self._max_delay_factor * seconds, next(self._numbers), slot)
        heappush(self._entries, entry)
        try:
            await self._wait(slot, wait_seconds)
        except BaseException:
            self._withdraw(entry)
            raise

    def release_slot(self) -> None:
        """Give the slot to the next work in the queue, or free it."""
        if self._entries:
            heappop(self._entries).slot.set_result(None)
        else:
            self._n_free += 1

    def close(self) -> None:
        """Refuse everything that waits or comes later."""
        self._closed = True
        for entry in self._entries:
            entry.slot.set_exception(Busy(CLOSING))
        self._entries.clear()

    def _withdraw(self, entry: _Entry) -> None:
        """Remove work that no longer waits; release its slot if it has one by now."""
        if not entry.slot.done():
            self._entries.remove(entry)
            heapify(self._entries)
        elif entry.slot.exception() is None:
            self.release_slot()

    async def _wait(self, slot: "Future[None]", seconds: float) -> None:
        """Wait until a slot is free; raises Busy if it takes too long or the client disconnects."""
        wait_for_disconnection = disconnection.get()
        if wait_for_disconnection is None:
            gone = asyncio.get_running_loop().create_future()
        else:
            gone = asyncio.ensure_future(wait_for_disconnection())
        try:
            await asyncio.wait({slot, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if slot.done():
                slot.result()
            elif gone.done():
                raise Busy(DISCONNECTED)
            else:
                raise Busy(f"{self._resource} did not become available within {seconds:g} seconds")
        finally:
            gone.cancel()
