"""Admission control: queues of CPU work of bounded length, in which clients take turns.

Of one client, the shortest work is next.
"""

import asyncio
from asyncio import Future
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import inf
from time import monotonic
from typing import Final, NamedTuple, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, from_thread, to_thread
from cachetools import LRUCache

from service.errors import Busy
from service.scheduling.work import add_work, current_client, watch_disconnection
from service.values.budget import DISCONNECTED, Budget

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

SHORT_SECONDS: Final = 0.1  # work with a longer estimate does not delay shorter work
SHORT_BUDGET: Final = 0.5  # CPU seconds after which short work continues in the queue of long work
WATCH_SECONDS: Final = 0.05  # longer work ends when its client disconnects
WAIT_SECONDS: Final = 60.0
# Work is overtaken by shorter work that arrives within this many seconds per second of its own
# estimate: 5 s for the longest short work, 50 s for the longest one with the default limits.
SHORT_MAX_DELAY_FACTOR: Final = 50.0
LONG_MAX_DELAY_FACTOR: Final = 5.0
CLOSING: Final = "the service is shutting down"
MAX_TURNS: Final = 1000  # clients whose latest turns are stored


class QueueCounts(NamedTuple):
    """The amounts of waiting and running work of a queue."""

    waiting: int
    running: int


class Scheduler:
    """A scheduler that runs CPU work in threads, with one slot per core.

    Short and long work have separate queues and slots, so that short work never waits for long
    work. The operating system divides the cores between the two.

    Parameters
    ----------
    n_cores
        The number of slots of each queue.
    max_waiting
        The maximum amount of waiting work in each queue; more is rejected.
    max_seconds
        The CPU seconds after which work without another limit ends.
    wait_seconds
        The time after which work waiting for a slot is rejected.
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
        short, long = (
            SlotQueue(n_cores, max_waiting, wait_seconds, factor, clock)
            for factor in (SHORT_MAX_DELAY_FACTOR, LONG_MAX_DELAY_FACTOR)
        )
        self._short, self._long = short, long

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
            Returns True if the work continues although its client has disconnected.

        Raises
        ------
        OverBudget
            The work took more CPU seconds than its limit.
        Busy
            Too much work waits, no slot became free in time, the client has disconnected, or the
            scheduler is closed.
        """
        if not seconds:
            return function(*arguments)
        add_work(estimated=seconds)
        is_short = seconds <= SHORT_SECONDS
        held = [self._short if is_short else self._long]  # the queue that has given its slot
        await held[0].take_slot(seconds)

        async def change_queue() -> None:
            held.pop().release_slot()
            await self._long.take_slot(SHORT_BUDGET)
            held.append(self._long)

        async def call() -> T:
            try:
                # The slots limit the threads, so each call has a separate limiter.
                return await to_thread.run_sync(
                    budget.call, function, *arguments, limiter=CapacityLimiter(1)
                )
            finally:
                for queue in held:
                    queue.release_slot()
                add_work(spent=budget.spent)

        give_way = partial(from_thread.run, change_queue) if is_short else None
        budget = Budget(self._max_seconds if limit is None else limit, SHORT_BUDGET, give_way)
        return await _wait_for(asyncio.create_task(call()), budget, is_wanted)

    def counts(self) -> dict[str, QueueCounts]:
        """Return the amounts of waiting and running work, by the name of the queue."""
        return {"short": self._short.counts, "long": self._long.counts}

    def close(self) -> None:
        """Reject all further work, and all waiting work.

        Call it in the event loop when the service shuts down. Work that runs is completed.
        """
        self._short.close()
        self._long.close()


class _Entry(NamedTuple):
    """Work that waits for a slot; the first in order is the next to run."""

    due: float
    number: int
    client: str | None
    slot: "Future[None]"


@dataclass(eq=False)
class SlotQueue:
    """Slots, and the work that waits for them.

    The client that has not had a slot for the longest time is next, with its most urgent work.

    Parameters
    ----------
    n_slots, max_waiting, wait_seconds, clock
        As in `Scheduler`.
    max_delay_factor
        Work can be overtaken by work of the same client that arrives within this many seconds per
        second of its estimate.
    resource
        The resource of a slot, for messages.
    """

    n_slots: int
    max_waiting: int
    wait_seconds: float = WAIT_SECONDS
    max_delay_factor: float = 0.0
    clock: Callable[[], float] = monotonic
    resource: str = "a core"
    _n_running: int = field(default=0, init=False)
    _entries: list[_Entry] = field(default_factory=list, init=False)  # in order
    _numbers: Iterator[int] = field(default_factory=count, init=False)
    # The latest turns, by client.
    _turns: LRUCache[str | None, int] = field(
        default_factory=lambda: LRUCache(MAX_TURNS), init=False
    )
    _closed: bool = field(default=False, init=False)

    @property
    def counts(self) -> QueueCounts:
        """The amounts of waiting and running work."""
        return QueueCounts(len(self._entries), self._n_running)

    async def take_slot(self, seconds: float = 0.0) -> None:
        """Take a slot for work of estimated seconds, and wait if none is free; raises Busy."""
        if self._closed:
            raise Busy(CLOSING)
        if self._n_running < self.n_slots:
            self._n_running += 1
            return
        client = current_client.get()
        if len(self._entries) >= self.max_waiting:
            self._make_space(client)
        due = self.clock() + self.max_delay_factor * seconds
        slot = asyncio.get_running_loop().create_future()
        entry = _Entry(due, next(self._numbers), client, slot)
        insort(self._entries, entry)
        try:
            with watch_disconnection(partial(self._refuse, entry, DISCONNECTED)):
                await asyncio.wait({entry.slot}, timeout=self.wait_seconds)
        except asyncio.CancelledError:
            self._refuse(entry, DISCONNECTED)
            if entry.slot.exception() is None:
                self.release_slot()
            raise
        self._refuse(
            entry, f"{self.resource} did not become available within {self.wait_seconds:g} seconds"
        )
        entry.slot.result()

    def release_slot(self) -> None:
        """Give the slot to the next work in the queue, or free it."""
        if not self._entries:
            self._n_running -= 1
            return
        entry = min(self._entries, key=lambda entry: (self._turns.get(entry.client, -1), entry))
        self._entries.remove(entry)
        self._turns[entry.client] = next(self._numbers)
        entry.slot.set_result(None)

    def close(self) -> None:
        """Reject all waiting and all further work."""
        self._closed = True
        for entry in [*self._entries]:
            self._refuse(entry, CLOSING)

    def _make_space(self, client: str | None) -> None:
        """Reject the newest work of the client with the most waiting work; Busy for this one."""
        counts = Counter(entry.client for entry in self._entries)
        most = max(counts.values(), default=0)
        reason = f"{len(self._entries)} requests are already waiting for {self.resource}"
        if most <= counts[client] + 1:
            raise Busy(reason)
        newest = max(
            (entry for entry in self._entries if counts[entry.client] == most),
            key=lambda entry: entry.number,
        )
        self._refuse(newest, f"{reason}, most of them of this client")

    def _refuse(self, entry: _Entry, reason: str) -> None:
        """End the wait of a waiting entry; its work raises Busy."""
        if entry in self._entries:
            self._entries.remove(entry)
            entry.slot.set_exception(Busy(reason))


async def _wait_for(calling: asyncio.Task[T], budget: Budget, is_wanted: Callable[[], bool]) -> T:
    """Return the result of a call in a thread, and abandon its work if no request waits for it."""

    def abandon() -> None:
        if not is_wanted():
            budget.abandon()

    try:
        with watch_disconnection(abandon, WATCH_SECONDS):
            await asyncio.wait({calling})
    except asyncio.CancelledError:  # the thread occupies its slot until it ends
        budget.abandon()
        calling.add_done_callback(lambda done: done.cancelled() or done.exception())
        raise
    return calling.result()
