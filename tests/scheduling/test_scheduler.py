"""Admission control: bounded, in order of urgency, and never stuck."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from threading import Event
from time import thread_time

import pytest

from service.engine.interruption import check_interruption
from service.errors import Busy
from service.scheduling.scheduler import Scheduler, SlotQueue
from service.scheduling.work import Work, current_client, current_work, disconnection
from service.values.budget import OverBudget

pytestmark = pytest.mark.anyio

SHORT, LONG = 0.01, 5.0


@pytest.fixture
def anyio_backend() -> str:
    """Return the event loop in which the tests of this module run."""
    return "asyncio"


class Crowd:
    """Work for a scheduler. That named ``blocker`` lasts until the event is set."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.order: list[str] = []

    def compute(self, name: str) -> str:
        if name == "blocker":
            assert self.go_on.wait(60)
        self.order.append(name)
        return name

    def ask(self, scheduler: Scheduler, name: str, seconds: float) -> "asyncio.Task[str]":
        return asyncio.create_task(scheduler.run(seconds, self.compute, name))


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """Return a crowd, whose blockers end with the test."""
    crowd = Crowd()
    yield crowd
    crowd.go_on.set()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_result_or_the_error_of_a_computation_is_returned() -> None:
    scheduler = Scheduler(1, 0)
    assert await scheduler.run(SHORT, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await scheduler.run(SHORT, divmod, 1, 0)
    assert await scheduler.run(SHORT, divmod, 8, 2) == (4, 0)


async def test_a_computation_has_the_context_of_its_request() -> None:
    work = Work()
    current_work.set(work)
    assert await Scheduler(1, 0).run(SHORT, current_work.get) is work


async def test_a_short_computation_does_not_wait_for_long_ones(crowd: Crowd) -> None:
    scheduler = Scheduler(2, 300)
    long_ones = [crowd.ask(scheduler, "blocker", LONG) for _ in range(300)]
    await settle()
    assert await scheduler.run(SHORT, crowd.compute, "short") == "short"
    assert crowd.order == ["short"]
    crowd.go_on.set()
    await asyncio.gather(*long_ones)


async def test_at_most_as_many_computations_of_a_queue_as_cores_run_at_once(crowd: Crowd) -> None:
    at_once: list[int] = []
    running: set[int] = set()

    def compute(number: int) -> None:
        running.add(number)
        at_once.append(len(running))
        Event().wait(0.002)
        running.discard(number)

    scheduler = Scheduler(3, 100)
    await asyncio.gather(*(scheduler.run(LONG, compute, number) for number in range(40)))
    assert len(at_once) == 40
    assert max(at_once) <= 3


async def test_the_shortest_work_is_next_but_long_work_does_not_starve(crowd: Crowd) -> None:
    now = 1000.0
    scheduler = Scheduler(1, 100, clock=lambda: now)
    tasks = [crowd.ask(scheduler, "blocker", LONG)]
    await settle()
    # 9 s of work are overtaken by 1 s of work only within the next 40 s.
    for name, seconds, later in (
        ("9 s", 9.0, 0.0),
        ("3 s", 3.0, 0.0),
        ("1 s", 1.0, 1.0),
        ("1 s, soon", 1.0, 39.0),
        ("1 s, late", 1.0, 41.0),
    ):
        now = 1000.0 + later
        tasks.append(crowd.ask(scheduler, name, seconds))
        await settle()
    crowd.go_on.set()
    await asyncio.gather(*tasks)
    assert crowd.order == ["blocker", "1 s", "3 s", "1 s, soon", "9 s", "1 s, late"]


@pytest.mark.parametrize("seconds", [SHORT, LONG])
async def test_too_many_computations_are_refused_at_once(crowd: Crowd, seconds: float) -> None:
    scheduler = Scheduler(1, 2)
    accepted = [crowd.ask(scheduler, "blocker", seconds) for _ in range(3)]
    await settle()
    with pytest.raises(Busy, match="2 requests are already waiting"):
        await scheduler.run(seconds, crowd.compute, "refused")
    other = LONG if seconds == SHORT else SHORT
    assert await scheduler.run(other, crowd.compute, "of the other queue")
    crowd.go_on.set()
    await asyncio.gather(*accepted)
    assert await scheduler.run(seconds, crowd.compute, "accepted")
    assert "refused" not in crowd.order


async def test_waiting_times_out(crowd: Crowd) -> None:
    scheduler = Scheduler(1, 1, wait_seconds=0.01)
    first = crowd.ask(scheduler, "blocker", LONG)
    await settle()
    with pytest.raises(Busy, match="a core did not become available"):
        await scheduler.run(LONG, crowd.compute, "late")
    crowd.go_on.set()
    await first
    assert await scheduler.run(LONG, crowd.compute, "next") == "next"
    assert crowd.order == ["blocker", "next"]


async def test_the_computation_of_a_disconnected_client_is_dropped(crowd: Crowd) -> None:
    scheduler = Scheduler(1, 1)
    first = crowd.ask(scheduler, "blocker", LONG)
    await settle()
    gone = asyncio.Event()

    async def leave() -> None:
        await gone.wait()

    disconnection.set(leave)
    abandoned = crowd.ask(scheduler, "abandoned", LONG)
    disconnection.set(None)
    await settle()
    gone.set()
    with pytest.raises(Busy, match="disconnected"):
        await abandoned
    last = crowd.ask(scheduler, "last", LONG)  # there is space for it in the queue
    await settle()
    crowd.go_on.set()
    await asyncio.gather(first, last)
    assert crowd.order == ["blocker", "last"]


def burn(seconds: float) -> float:
    """Spend CPU seconds in blocks of a millisecond; return the seconds spent."""
    start = thread_time()
    while thread_time() - start < seconds:
        block = thread_time()
        while thread_time() - block < 0.001:
            pass
        check_interruption()
    return thread_time() - start


@pytest.mark.parametrize("limit", [None, 0.05])
async def test_work_ends_within_a_block_of_its_budget(limit: float | None) -> None:
    work = Work()
    current_work.set(work)
    scheduler = Scheduler(1, 0, max_seconds=0.03)
    with pytest.raises(OverBudget) as caught:
        await scheduler.run(SHORT, burn, 5.0, limit=limit)
    allowed = limit or 0.03
    assert caught.value.members == {"limit": allowed, "spent": pytest.approx(allowed, abs=0.03)}
    assert work.spent == pytest.approx(allowed, abs=0.03)
    assert work.estimated == SHORT
    assert await scheduler.run(SHORT, burn, 0.01) >= 0.01


async def test_sleeping_spends_nothing() -> None:
    scheduler = Scheduler(1, 0, max_seconds=0.01)

    def sleep() -> str:
        Event().wait(0.05)
        check_interruption()
        return "rested"

    assert await scheduler.run(SHORT, sleep) == "rested"


async def test_short_work_that_turns_out_long_gives_its_slot_back(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.scheduling.scheduler.SHORT_BUDGET", 0.02)
    scheduler = Scheduler(1, 10)
    long_one = crowd.ask(scheduler, "blocker", LONG)
    await settle()
    surprise = asyncio.create_task(scheduler.run(SHORT, burn, 0.1))
    await settle()
    # It waits for the slot of long work, and other short work has its own.
    assert await scheduler.run(SHORT, crowd.compute, "short") == "short"
    assert scheduler.counts() == {"short": (0, 0), "long": (1, 1)}
    assert not surprise.done()
    crowd.go_on.set()
    await long_one
    assert await surprise >= 0.1
    assert scheduler.counts() == {"short": (0, 0), "long": (0, 0)}


@pytest.mark.parametrize("is_wanted", [False, True])
async def test_work_ends_when_its_client_leaves_unless_it_is_wanted(*, is_wanted: bool) -> None:
    gone = asyncio.Event()

    async def leave() -> None:
        await gone.wait()

    disconnection.set(leave)
    started = threading.Event()

    def compute() -> str:
        started.set()
        for _ in range(200 if is_wanted else 60_000):
            Event().wait(0.001)
            check_interruption()
        return "complete"

    scheduler = Scheduler(1, 1)
    task = asyncio.create_task(scheduler.run(LONG, compute, is_wanted=lambda: is_wanted))
    await asyncio.to_thread(started.wait, 60)
    gone.set()
    if is_wanted:
        assert await task == "complete"
    else:
        with pytest.raises(Busy, match="disconnected"):
            await task


@pytest.mark.parametrize("granted", [False, True])
async def test_a_cancelled_request_passes_its_slot_on(granted: bool) -> None:
    queue = SlotQueue(1, 2)
    await queue.take_slot()
    cancelled, last = (asyncio.create_task(queue.take_slot()) for _ in range(2))
    await settle()
    if granted:  # it gets a slot, but it is cancelled before it starts
        queue.release_slot()
    cancelled.cancel()
    if not granted:
        await settle()
        queue.release_slot()
    await last
    assert cancelled.cancelled()
    queue.release_slot()
    assert queue.counts == (0, 0)


async def test_the_thread_of_a_cancelled_request_ends_keeps_its_slot_and_is_charged() -> None:
    started, may_spend = Event(), Event()
    work = Work()
    current_work.set(work)

    def compute() -> None:
        started.set()
        assert may_spend.wait(60)
        start = thread_time()
        while thread_time() - start < 60:  # also beyond what gives its slot back
            check_interruption()

    scheduler = Scheduler(1, 1)
    task = asyncio.create_task(scheduler.run(SHORT, compute))
    await asyncio.to_thread(started.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert scheduler.counts()["short"].running == 1
    may_spend.set()
    assert await scheduler.run(SHORT, divmod, 7, 2) == (3, 1)
    assert 0 < work.spent < 1
    assert scheduler.counts() == {"short": (0, 0), "long": (0, 0)}


async def test_closing_refuses_what_waits_and_completes_what_runs(crowd: Crowd) -> None:
    scheduler = Scheduler(1, 10)
    running = [crowd.ask(scheduler, "blocker", seconds) for seconds in (SHORT, LONG)]
    await settle()
    waiting = [crowd.ask(scheduler, "waiting", seconds) for seconds in (SHORT, LONG, LONG)]
    await settle()
    scheduler.close()
    for refused in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(refused, Busy)
        assert "shutting down" in refused.detail
    with pytest.raises(Busy, match="shutting down"):
        await scheduler.run(SHORT, crowd.compute, "new")
    crowd.go_on.set()
    assert await asyncio.gather(*running) == ["blocker"] * 2
    assert crowd.order == ["blocker"] * 2


class Clients:
    """Clients that send long work to a scheduler with a slot, and what became of each request."""

    def __init__(self, crowd: Crowd, max_waiting: int) -> None:
        self.crowd = crowd
        self.scheduler = Scheduler(1, max_waiting)
        self.requests: list[tuple[str, asyncio.Task[str]]] = []

    async def send(self, client: str, n: int, seconds: float = LONG) -> None:
        current_client.set(client)
        for _ in range(n):
            name = client if self.requests else "blocker"
            self.requests.append((client, self.crowd.ask(self.scheduler, name, seconds)))
        await settle()

    async def count_refused(self) -> Counter[str]:
        """Let all work run; return how many requests of each client were refused."""
        self.crowd.go_on.set()
        tasks = [task for _, task in self.requests]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        refused: Counter[str] = Counter()
        for (client, _), result in zip(self.requests, results, strict=True):
            assert isinstance(result, (str, Busy))
            refused[client] += isinstance(result, Busy)
        return +refused


async def test_a_few_clients_do_not_take_all_places(crowd: Crowd) -> None:
    clients = Clients(crowd, 64)
    greedy = [f"address 10.0.0.{i}" for i in range(4)]
    for address in greedy:
        await clients.send(address, 40)
    others = [f"address 10.0.1.{i}" for i in range(20)]
    for address in others:
        await clients.send(address, 1)
    assert clients.scheduler.counts()["long"] == (64, 1)
    refused = await clients.count_refused()
    assert {*refused} == {*greedy}
    # One request runs, and the four share the places that the others do not need.
    assert refused.total() == 160 - 1 - 44
    assert max(refused.values()) - min(refused.values()) <= 2


async def test_clients_take_turns(crowd: Crowd) -> None:
    clients = Clients(crowd, 64)
    await clients.send("greedy", 21)
    for client in ("a", "b"):
        await clients.send(client, 2)
    assert not await clients.count_refused()
    assert crowd.order[:7] == ["blocker", "greedy", "a", "b", "greedy", "a", "b"]
    assert crowd.order[7:] == ["greedy"] * 18


async def test_work_that_turns_out_long_waits_as_that_of_its_client(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.scheduling.scheduler.SHORT_BUDGET", 0.02)
    clients = Clients(crowd, 2)
    await clients.send("greedy", 3)
    current_client.set("a")
    surprise = asyncio.create_task(clients.scheduler.run(SHORT, burn, 0.1))
    await settle()
    async with asyncio.timeout(60):
        while clients.scheduler.counts()["short"].running:
            await asyncio.sleep(0.001)
    await settle()
    assert await clients.count_refused() == Counter(["greedy"])
    assert await surprise >= 0.1


async def test_as_many_clients_as_places_are_equal(crowd: Crowd) -> None:
    clients = Clients(crowd, 8)
    for i in range(12):
        await clients.send(f"{i}", 1)
    assert await clients.count_refused() == Counter(["9", "10", "11"])
