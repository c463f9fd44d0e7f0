"""The gate in front of the cores: which computation runs next, and which are refused."""

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from heapq import heapify, heappop, heappush
from itertools import count
from time import monotonic, perf_counter
from typing import Final, NamedTuple, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

from service.errors import Busy

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

SHORT_SECONDS: Final = 0.1  # a computation with a longer estimate does not delay shorter ones
WAIT_SECONDS: Final = 60.0
# A computation is overtaken by shorter ones that arrive within this many seconds per second of its
# own estimate: 5 s for the longest short one, 50 s for the longest one with the default limits.
SHORT_PATIENCE: Final = 50.0
LONG_PATIENCE: Final = 5.0

disconnection: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar(
    "disconnection", default=None
)
"""Waits until the client of the current request disconnects. None if there is no client."""


class Work:
    """The computations of one request: their estimated and their actual seconds.

    ``charge`` takes estimated seconds from the budget of the client, and raises a ServiceError if
    they are too many. It is None where clients have no budget.
    """

    __slots__ = ("actual", "charge", "estimated")

    def __init__(self) -> None:
        self.estimated = 0.0
        self.actual = 0.0
        self.charge: Callable[[float], Awaitable[None]] | None = None


current_work: ContextVar[Work | None] = ContextVar("current_work", default=None)
"""What the current request computes. None outside of requests."""


async def charge_work(seconds: float) -> None:
    """Add estimated seconds to the current request; raises a ServiceError if they are too many."""
    work = current_work.get()
    if work is not None:
        if work.charge is not None:
            await work.charge(seconds)
        work.estimated += seconds


class LaneCounts(NamedTuple):
    """How many computations of a lane wait and run."""

    waiting: int
    running: int


class ComputationGate:
    """Runs computations in threads, as many at a time as there are cores.

    Short and long computations have a lane each, so that no short one waits for a long one. The
    operating system divides the cores between the two.

    Parameters
    ----------
    n_cores
        How many computations of each lane run at the same time.
    max_waiting
        How many of each lane wait for their turn; further ones are refused.
    """

    def __init__(self, n_cores: int, max_waiting: int) -> None:
        self._short = _Lane(n_cores, max_waiting, SHORT_PATIENCE)
        self._long = _Lane(n_cores, max_waiting, LONG_PATIENCE)
        # AnyIO's threads take 30 µs more per call.
        self._threads = ThreadPoolExecutor(2 * n_cores, "computations")
        self._writers = CapacityLimiter(n_cores)

    async def run(
        self, seconds: float, function: Callable[[*Arguments], T], *arguments: *Arguments
    ) -> T:
        """Call a function in a thread, when its turn comes.

        Parameters
        ----------
        seconds
            The estimated duration. Shorter computations run first.

        Raises
        ------
        ServiceError
            The client has no budget left for the computation.
        Busy
            Too many computations wait, the turn did not come in time, the client has disconnected,
            or the gate is closed.
        """
        lane = self._short if seconds <= SHORT_SECONDS else self._long
        await charge_work(seconds)
        work = current_work.get() or Work()
        await lane.enter(seconds)
        start, loop = perf_counter(), asyncio.get_running_loop()
        try:
            call = copy_context().run
            return await loop.run_in_executor(self._threads, call, function, *arguments)
        finally:
            work.actual += perf_counter() - start
            lane.leave()

    async def iterate(self, parts: Iterator[T]) -> AsyncIterator[T]:
        """Yield the parts of a file, each of which is written in a thread when it is needed.

        As many are written at the same time as there are cores. None of them takes long, so they
        do not wait for computations.
        """
        work = current_work.get() or Work()
        while True:
            part = await to_thread.run_sync(_advance, parts, work, limiter=self._writers)
            if part is None:
                return
            yield part

    def counts(self) -> dict[str, LaneCounts]:
        """Return how many computations wait and run, by the name of the lane."""
        return {"short": self._short.counts, "long": self._long.counts}

    def close(self) -> None:
        """Refuse all computations from now on, and at once those that wait.

        Call it in the event loop when the service shuts down. Computations that run are completed.
        """
        self._short.close()
        self._long.close()

    def end_threads(self) -> None:
        """End the threads that do not compute, when no more requests arrive."""
        self._threads.shutdown(wait=False)


class _Entry(NamedTuple):
    """A waiting computation; the first in order is the next to run."""

    due: float
    number: int
    turn: "Future[None]"


class _Lane:
    """The computations of one class: a number of slots, and a queue in order of urgency."""

    def __init__(self, n_slots: int, max_waiting: int, patience: float) -> None:
        self._n_slots = self._n_free = n_slots
        self._max_waiting = max_waiting
        self._patience = patience
        self._queue: list[_Entry] = []
        self._numbers = count()
        self._closed = False

    @property
    def counts(self) -> LaneCounts:
        """How many computations wait and run."""
        return LaneCounts(len(self._queue), self._n_slots - self._n_free)

    async def enter(self, seconds: float) -> None:
        """Take a slot, waiting for it if none is free; raises Busy."""
        if self._closed:
            raise _closing()
        if self._n_free:
            self._n_free -= 1
            return
        if len(self._queue) >= self._max_waiting:
            raise Busy(f"{len(self._queue)} computations are already waiting for a core")
        due = monotonic() + self._patience * seconds
        turn = asyncio.get_running_loop().create_future()
        entry = _Entry(due, next(self._numbers), turn)
        heappush(self._queue, entry)
        try:
            await _wait(entry.turn)
        except BaseException:
            self._withdraw(entry)
            raise

    def leave(self) -> None:
        """Give the slot to the next computation in the queue, or free it."""
        if self._queue:
            heappop(self._queue).turn.set_result(None)
        else:
            self._n_free += 1

    def close(self) -> None:
        """Refuse everything that waits or comes later."""
        self._closed = True
        for entry in self._queue:
            entry.turn.set_exception(_closing())
        self._queue.clear()

    def _withdraw(self, entry: _Entry) -> None:
        """Remove a computation that no longer waits; if its turn has come, end that."""
        if not entry.turn.done():
            self._queue.remove(entry)
            heapify(self._queue)
        elif entry.turn.exception() is None:
            self.leave()


async def _wait(turn: "Future[None]") -> None:
    """Wait until a future is done; raises Busy if that takes too long or the client leaves."""
    wait_for_disconnection = disconnection.get()
    if wait_for_disconnection is None:
        gone = asyncio.get_running_loop().create_future()
    else:
        gone = asyncio.ensure_future(wait_for_disconnection())
    try:
        await asyncio.wait({turn, gone}, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if turn.done():
            turn.result()
        elif gone.done():
            raise Busy("the client has disconnected")
        else:
            raise Busy(f"no core became available within {WAIT_SECONDS:g} seconds")
    finally:
        gone.cancel()


def _advance(parts: Iterator[T], work: Work) -> T | None:
    start = perf_counter()
    part = next(parts, None)
    work.actual += perf_counter() - start
    return part


def _closing() -> Busy:
    return Busy("the service is shutting down")
