"""Renderers: real processes that are stopped and killed, and a queue that cannot hang."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from service.errors import Busy, LimitExceeded
from service.rendering import pool as module
from service.rendering.cache import Contents
from service.rendering.draw import draw
from service.rendering.pool import Rendering
from service.rendering.process import Lost, RendererError
from service.rendering.requests import PictureData, SurfaceDrawing, TraceDrawing
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions
from service.settings import usable_cores

SURFACE = CostSurfaceRequest.model_validate({})
SMALL = PictureOptions(width=320, height=240)
OWNER = """
import asyncio
from service.rendering.pool import Rendering

async def main():
    rendering = Rendering(2, 1)
    rendering.start()
    while len(rendering.renderers) < 2:
        await asyncio.sleep(0.01)
    print(*(each.pid for each in rendering.renderers), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def surface(seed: int = 1, suffix: str = "png", look: PictureOptions = SMALL) -> SurfaceDrawing:
    data = PictureData(CountOnesDataset(seed=seed))
    return SurfaceDrawing(SURFACE, data, [], look, suffix, f'{{"seed":{seed}}}')


class Gate:
    """A renderer that draws nothing until it is let, and counts."""

    def __init__(self) -> None:
        self.open, self.dead = threading.Event(), False
        self.drawn: list[Any] = []

    def draw(self, drawing: Any) -> bytes:
        self.drawn.append(drawing)
        assert self.open.wait(60)
        if self.dead:
            raise Lost(overdue=True)
        return b"drawn"

    def is_alive(self) -> bool:
        return not self.dead

    def kill(self) -> None:
        self.dead = True
        self.open.set()


class Doomed(Gate):
    """A renderer that is lost with its first picture."""

    def draw(self, drawing: Any) -> bytes:
        self.drawn.append(drawing)
        self.dead = True
        raise Lost


class Run:
    """A queue of renderers and the loop that it lives in."""

    def __init__(self, closing: ExitStack, n_processes: int, max_waiting: int = 8) -> None:
        self.runner = closing.enter_context(asyncio.Runner())
        self.rendering = Rendering(n_processes, max_waiting)
        closing.callback(lambda: self.runner.run(self.rendering.stop()))

    def draw(self, drawing: Any) -> bytes:
        return self.runner.run(self.rendering.draw(drawing))

    def pids(self) -> set[int]:
        """Return the processes' numbers, once all are there."""

        async def wait() -> set[int]:
            self.rendering.start()
            await until(lambda: len(self.rendering.renderers) == self.rendering._size)
            return {each.pid for each in self.rendering.renderers}  # type: ignore[attr-defined]

        return self.runner.run(wait())


@pytest.fixture(scope="module")
def processes() -> Iterator[Run]:
    with ExitStack() as closing:
        yield Run(closing, 2)


@pytest.fixture
def make_run() -> Iterator[Callable[..., Run]]:
    with ExitStack() as closing:
        yield lambda *sizes: Run(closing, *sizes)


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> list[Gate]:
    """Put gates in the place of processes; return those that were made."""
    made: list[Gate] = []

    def make() -> Gate:
        made.append(Gate())
        return made[-1]

    monkeypatch.setattr(module, "RenderProcess", make)
    return made


async def until(holds: Callable[[], Any]) -> None:
    """Let others go on until something holds."""
    while not holds():
        await asyncio.sleep(0)


def await_end(pids: set[int]) -> None:
    """Return when all processes have ended."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        assert select.select([handle], [], [], 30)[0], "it did not end"
        os.close(handle)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_process_draws_the_same_bytes(processes: Run, suffix: str) -> None:
    for drawing in (
        surface(suffix=suffix),
        TraceDrawing(GradientTraceRequest(), PictureData(CountOnesDataset()), SMALL, suffix, "{}"),
    ):
        assert processes.draw(drawing) == draw(drawing)


def test_errors_come_over_whole(processes: Run) -> None:
    before = processes.pids()
    with pytest.raises(LimitExceeded) as caught:
        processes.draw(surface(look=PictureOptions(width=2400, height=1800, dpi=300)))
    assert [each.pointer for each in caught.value.errors] == ["/dpi"]
    with pytest.raises(RendererError, match=r"Traceback(.|\n)*gif"):
        processes.draw(surface(suffix="gif"))
    assert processes.draw(surface()) == draw(surface())
    assert processes.pids() == before


def test_idle_processes_that_are_killed_are_replaced(processes: Run) -> None:
    before = processes.pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    await_end(before)
    assert processes.draw(surface(2)) == draw(surface(2))
    assert not processes.pids() & before


def test_a_picture_lost_with_its_process_is_drawn_again(processes: Run) -> None:
    before = processes.pids()
    for pid in before:
        os.kill(pid, signal.SIGSTOP)

    async def lose() -> list[bytes]:
        drawings = [processes.rendering.draw(surface(seed)) for seed in (3, 4)]
        tasks = [asyncio.ensure_future(each) for each in drawings]
        await until(processes.rendering._idle.empty)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        return await asyncio.gather(*tasks)

    assert processes.runner.run(lose()) == [draw(surface(3)), draw(surface(4))]
    assert not processes.pids() & before


def test_a_process_that_hangs_is_ended(processes: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = processes.pids()
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Busy, match="too long"):
        processes.draw(surface())
    monkeypatch.undo()
    for pid in before:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    assert processes.draw(surface()) == draw(surface())


def test_stopping_ends_processes_and_what_they_draw() -> None:
    with ExitStack() as closing:
        run = Run(closing, 1)
        pids = run.pids()
        os.kill(next(iter(pids)), signal.SIGSTOP)

        async def stop() -> BaseException:
            task = asyncio.ensure_future(run.rendering.draw(surface()))
            await until(run.rendering._idle.empty)
            await run.rendering.stop()
            return (await asyncio.gather(task, return_exceptions=True))[0]  # type: ignore[return-value]

        assert isinstance(run.runner.run(stop()), (Busy, asyncio.CancelledError))
        await_end(pids)


def test_processes_end_with_an_owner_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pids = set(map(int, owner.stdout.readline().split()))
        assert len(pids) == 2
        owner.kill()
    await_end(pids)


def test_a_picture_that_ends_two_processes_is_given_up(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "RenderProcess", Doomed)
    with pytest.raises(Busy, match="two rendering processes"):
        make_run(1).draw(surface())
    assert caplog.text.count("was lost") == 2


def test_a_process_that_cannot_be_started_is_tried_again(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = []

    def make() -> Gate:
        made.append(Gate())
        if len(made) == 1:
            raise OSError("no more processes")
        made[-1].open.set()
        return made[-1]

    pauses = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(module, "RenderProcess", make)
    monkeypatch.setattr(asyncio, "sleep", pause)
    assert make_run(1).draw(surface()) == b"drawn"
    assert pauses == [1.0]
    assert "no more processes" in caplog.text


def test_so_many_wait_and_no_more(make_run: Callable[..., Run], gates: list[Gate]) -> None:
    run = make_run(1, 2)

    async def crowd() -> list[Any]:
        run.rendering.start()
        await run.rendering._next()
        run.rendering._idle.put_nowait(gates[0])
        tasks = []
        for seed in range(5):
            tasks.append(asyncio.ensure_future(run.rendering.draw(surface(seed))))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        gates[0].open.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = run.runner.run(crowd())
    assert answers[:3] == [b"drawn"] * 3
    assert [type(each) for each in answers[3:]] == [Busy, Busy]
    assert len(gates[0].drawn) == 3


def test_who_is_gone_is_passed_over(make_run: Callable[..., Run], gates: list[Gate]) -> None:
    run = make_run(1)

    async def gone() -> bool:
        return True

    async def here() -> bool:
        return False

    async def queue() -> list[Any]:
        tasks = [
            asyncio.ensure_future(run.rendering.draw(surface(seed), asks))
            for seed, asks in enumerate((here, gone, here))
        ]
        await asyncio.sleep(0)
        await until(lambda: gates)
        gates[0].open.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = run.runner.run(queue())
    assert answers[0] == answers[2] == b"drawn"
    assert isinstance(answers[1], Busy)
    assert [each.data.dataset.seed for each in gates[0].drawn] == [0, 2]


def test_a_cancelled_request_leaves_its_renderer_busy_until_it_is_done(
    make_run: Callable[..., Run], gates: list[Gate]
) -> None:
    run = make_run(1)

    async def cancel() -> bytes:
        first = asyncio.ensure_future(run.rendering.draw(surface(1)))
        await until(lambda: gates and gates[0].drawn)
        first.cancel()
        second = asyncio.ensure_future(run.rendering.draw(surface(2)))
        await asyncio.gather(first, return_exceptions=True)
        assert first.cancelled()
        assert len(gates[0].drawn) == 1
        gates[0].open.set()
        return await second

    assert run.runner.run(cancel()) == b"drawn"
    assert len(gates[0].drawn) == 2


def test_no_one_waits_for_ever(
    make_run: Callable[..., Run], gates: list[Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(1)

    async def wait() -> None:
        first = asyncio.ensure_future(run.rendering.draw(surface(1)))
        await until(lambda: gates and gates[0].drawn)
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
        with pytest.raises(Busy, match="no rendering process became free"):
            await run.rendering.draw(surface(2))
        gates[0].open.set()
        assert await first == b"drawn"

    run.runner.run(wait())


def test_busy_over_http(make_api: Callable[..., Any], gates: list[Gate]) -> None:
    api = make_api(render_processes=1, max_waiting_pictures=0)
    url = "/v1/gradient-trace.png"

    async def first() -> Any:
        task = asyncio.ensure_future(api._client.get(url))
        await until(lambda: gates and gates[0].drawn)
        return task

    task = api._runner.run(first())
    refused = api.get(f"{url}?seed=2")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["type"] == "/problems/busy"
    assert api.get("/livez").status_code == 200
    assert api.get("/v1/gradient-trace.csv?seed=2").status_code == 200
    gates[0].open.set()

    async def finish() -> Any:
        return await task

    assert api._runner.run(finish()).content == b"drawn"
    assert api.get(url).content == b"drawn"
    assert len(gates[0].drawn) == 1


def test_who_hangs_up_is_passed_over(make_api: Callable[..., Any], gates: list[Gate]) -> None:
    api = make_api(render_processes=1)

    async def hang_up() -> Any:
        tasks = [asyncio.ensure_future(api._client.get("/v1/gradient-trace.png"))]
        await until(lambda: gates and gates[0].drawn)
        for method, query in (("GET", b"seed=2"), ("POST", b"width=500")):
            messages = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]

            async def receive(left: Any = messages) -> Any:
                return left.pop(0) if len(left) > 1 else left[0]

            async def send(message: Any) -> None:
                pass

            scope = {
                "type": "http",
                "http_version": "1.1",
                "method": method,
                "path": "/v1/gradient-trace.png",
                "query_string": query,
                "headers": [],
            }
            tasks.append(asyncio.ensure_future(api.app(scope, receive, send)))
        await until(lambda: api.app.state.service.rendering._waiting == 2)
        tasks.append(asyncio.ensure_future(api._client.get("/v1/gradient-trace.png?seed=3")))
        await until(lambda: api.app.state.service.rendering._waiting == 3)
        gates[0].open.set()
        return await asyncio.gather(*tasks)

    answers = api._runner.run(hang_up())
    assert answers[0].content == answers[3].content == b"drawn"
    assert [each.data.dataset.seed for each in gates[0].drawn] == [1, 3]


def test_the_first_answers_do_not_wait_for_renderers(
    make_api: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, warm = threading.Event(), threading.Event()

    def make() -> Gate:
        began.set()
        assert warm.wait(60)
        gate = Gate()
        gate.open.set()
        return gate

    monkeypatch.setattr(module, "RenderProcess", make)
    api = make_api(render_processes=2)
    assert began.wait(60)
    assert api.get("/livez").status_code == 200
    assert api.get("/v1/optimizers").status_code == 200
    warm.set()
    assert api.get("/v1/gradient-trace.png").content == b"drawn"


def test_two_servers_draw_the_same_bytes(start_api: Callable[..., Any], tmp_path: Path) -> None:
    with ExitStack() as closing:
        servers = [
            start_api(closing, data_dir=tmp_path / str(n), render_processes=n) for n in (0, 2)
        ]
        run = servers[0].post("/v1/training-runs", {}).json()["id"]
        grid = {"window": {"resolution": 10}, "n_iterations": 50}
        basins = servers[0].post("/v1/basin-maps", grid).json()["id"]
        servers[1].post("/v1/training-runs", {})
        servers[1].post("/v1/basin-maps", grid)
        for path in (
            f"cost-surface.png?run={run}",
            "cost-surface.svg?mark=valley&theme=dark",
            "gradient-trace.png?n_steps=2000",
            f"training-runs/{run}/trajectory.pdf",
            f"basin-maps/{basins}.png?dpi=60",
        ):
            one, other = (server.get(f"/v1/{path}") for server in servers)
            assert one.status_code == 200, one.text
            assert one.content == other.content
            assert one.headers["etag"] == other.headers["etag"]
        explicit = {"kind": "explicit", "inputs": [[1, 0.5], [0, 2]], "targets": [1, 2]}
        for server in servers:
            server.post("/v1/datasets", {"seed": 4})
        stored = servers[0].post("/v1/datasets", {"seed": 4}).json()["id"]
        for dataset in (explicit, {"kind": "stored", "id": stored}):
            question = {"dataset": dataset, "runs": [run], "network": {"initial_state": 0.5}}
            one, other = (server.post("/v1/cost-surface.png", question) for server in servers)
            assert one.status_code == 200, one.text
            assert one.content == other.content


@pytest.mark.parametrize(
    ("text", "cores"),
    [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None), ("x y", None)],
)
def test_a_process_a_core_that_it_may_use(tmp_path: Path, text: str, cores: int | None) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    assert usable_cores(quota) == (cores or len(os.sched_getaffinity(0)))
    assert usable_cores(tmp_path / "none") == len(os.sched_getaffinity(0))


def test_without_a_place_for_a_socket_processes_are_spawned(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> str:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    assert make_run(1).draw(surface()) == draw(surface())


def test_contents_make_room() -> None:
    contents = Contents(100)
    for name, size in (("a", 25), ("b", 25), ("c", 25), ("d", 25)):
        contents.put(name, name.encode() * size)
    contents.put("large", b"x" * 26)
    assert contents.get("large") is None
    assert contents.get("a") == b"a" * 25
    contents.put("e", b"e" * 20)  # of the others, b was asked for least recently
    assert [name for name in "abcde" if contents.get(name) is not None] == list("acde")
    contents.put("e", b"f" * 10)
    assert contents.get("e") == b"f" * 10
    assert (len(contents), contents.n_bytes) == (4, 85)


def test_contents_of_no_size_keep_nothing() -> None:
    contents = Contents(0)
    contents.put("a", b"a")
    assert contents.get("a") is None


def test_contents_stand_threads() -> None:
    contents = Contents(4000)

    def work(start: int) -> None:
        for i in range(2000):
            name = str((start * 7 + i) % 50)
            contents.put(name, b"x" * (100 + i % 7))
            found = contents.get(name)
            assert found is None or 100 <= len(found) <= 106

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert contents.n_bytes == sum(len(each) for each in contents._kept.values()) <= 4000
