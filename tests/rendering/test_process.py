"""Rendering processes that are stopped, killed and replaced, and the queue in front of them."""

import asyncio
import gc
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from service.errors import Busy
from service.figures.style import Style
from service.rendering import pool as module
from service.rendering import process
from service.rendering.draw import draw
from service.rendering.process import RendererError
from service.rendering.requests import Drawing, PictureData, TracePictureRequest
from service.schemas.gradients import GradientTraceRequest
from service.values.budget import OverBudget
from tests.conftest import FakeRenderer, until
from tests.rendering.conftest import surface

OWNER = """
import asyncio
from service.rendering.pool import RenderPool

async def main():
    pool = RenderPool(2, 1)
    pool.start()
    async with asyncio.timeout(240):
        while not all(each.pid for each in pool.renderers):
            await asyncio.sleep(0.01)
    print(*(each.pid for each in pool.renderers), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def processes(start_pool: Any) -> Any:
    """Return a pool of two processes."""
    return start_pool(2)


SPINNER = """
from service.rendering.process import limit_cpu

limit_cpu(0.01)
while True:
    pass
"""


def test_a_block_that_does_not_end_is_ended_by_the_operating_system() -> None:
    ended = subprocess.run([sys.executable, "-c", SPINNER], check=False, timeout=600)
    assert ended.returncode == -signal.SIGXCPU


class Doomed(NamedTuple):
    """A picture that a signal ends: its process, on receiving it, sends the signal to itself."""

    number: signal.Signals
    seconds: float = 0.5

    def __reduce__(self) -> Any:
        return signal.raise_signal, (self.number,)


def test_a_process_that_was_ended_for_its_time_is_replaced(start_pool: Any) -> None:
    run = start_pool(1)
    (pid,) = run.pids()
    with pytest.raises(OverBudget) as caught:
        run.draw(Doomed(signal.SIGXCPU))  # what the operating system sends
    assert caught.value.members == {"limit": 0.5, "spent": 1.5}
    assert run.draw(surface()) == draw(surface())
    assert run.pids() != {pid}


def test_a_picture_above_its_budget_leaves_its_process(processes: Any) -> None:
    pids = processes.pids()
    tanh = {"network": {"activation": "tanh"}, "dataset": {"n_samples": 1000, "n_steps": 1000}}
    body = {**tanh, "points": [{"w_in": 1, "w_rec": 1}] * 50}
    trace = GradientTraceRequest.model_validate(body)
    data = PictureData(trace.dataset.resolve().dataset)
    options: dict[str, Any] = {"style": Style(320, 240), "suffix": "png", "http_request": "{}"}
    with pytest.raises(OverBudget):
        processes.draw(TracePictureRequest(trace=trace, data=data, seconds=0.2, **options))
    assert processes.draw(surface()) == draw(surface())
    assert processes.pids() == pids


def await_end(pids: set[int]) -> None:
    """Return when all processes have ended."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        assert select.select([handle], [], [], 240)[0], "it did not end"
        os.close(handle)


def test_errors_are_raised_in_the_service(processes: Any) -> None:
    before = processes.pids()
    with pytest.raises(RendererError, match=r"Traceback(.|\n)*gif"):
        processes.draw(surface(suffix="gif"))
    assert processes.draw(surface()) == draw(surface())
    assert processes.pids() == before


def test_a_process_without_memory_says_so(processes: Any) -> None:
    before = processes.pids()
    huge = replace(surface(), style=Style(2_000_000, 2_000_000))
    with pytest.raises(MemoryError, match=r"TiB|bad_alloc"):  # of numpy, or of Matplotlib
        processes.draw(huge)
    assert processes.pids() == before


def test_killed_idle_processes_are_replaced(processes: Any) -> None:
    before = processes.pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    await_end(before)

    async def draw_two() -> Any:
        return await asyncio.gather(*(processes.pool.draw(surface(seed)) for seed in (2, 3)))

    assert processes.runner.run(draw_two()) == [draw(surface(2)), draw(surface(3))]
    assert not processes.pids() & before


def test_a_picture_whose_process_ends_is_drawn_again(processes: Any) -> None:
    before = processes.pids()
    for pid in before:
        os.kill(pid, signal.SIGSTOP)

    async def lose() -> Any:
        drawings = [processes.pool.draw(surface(seed)) for seed in (3, 4)]
        tasks = [asyncio.ensure_future(each) for each in drawings]
        await until(lambda: processes.pool.counts.running == 2)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        return await asyncio.gather(*tasks)

    assert processes.runner.run(lose()) == [draw(surface(3)), draw(surface(4))]
    assert not processes.pids() & before


def test_a_picture_that_ends_two_processes_is_refused(
    processes: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Busy, match="2 rendering processes"):
        processes.draw(Doomed(signal.SIGKILL))
    assert caplog.text.count("ended while drawing") == 2
    assert processes.draw(surface()) == draw(surface())


def test_starting_a_process_is_tried_again_for_the_next_picture(
    start_pool: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = start_pool(1)

    def fail() -> None:
        raise OSError("no more processes")

    with monkeypatch.context() as patch:
        patch.setattr(process, "_context", fail)
        with pytest.raises(Busy, match="cannot be started"):
            run.draw(surface())
    assert "no more processes" in caplog.text
    assert run.draw(surface()) == draw(surface())


def test_a_process_that_hangs_is_killed(start_pool: Any) -> None:
    run = start_pool(1, timeout_seconds=15.0)
    (pid,) = run.pids()
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Busy, match="too long"):
        run.draw(surface())
    assert run.draw(surface()) == draw(surface())
    assert run.pids() != {pid}


def test_stopping_ends_processes_even_while_they_draw(start_pool: Any) -> None:
    run = start_pool(1)
    pids = run.pids()
    os.kill(next(iter(pids)), signal.SIGSTOP)

    async def stop() -> Any:
        task = asyncio.ensure_future(run.pool.draw(surface()))
        await until(lambda: run.pool.counts.running == 1)
        await run.pool.stop()
        return (await asyncio.gather(task, return_exceptions=True))[0]

    assert isinstance(run.runner.run(stop()), (Busy, asyncio.CancelledError))
    await_end(pids)


def test_stopping_processes_while_they_start_is_no_error(
    start_pool: Any, caplog: pytest.LogCaptureFixture
) -> None:
    run = start_pool(1)

    async def stop() -> None:
        run.pool.start()
        await until(lambda: run.pool.counts.running == 1)
        await run.pool.stop()

    run.runner.run(stop())
    assert caplog.text == ""


@pytest.mark.slow
def test_processes_end_when_the_service_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pids = set(map(int, owner.stdout.readline().split()))
        assert len(pids) == 2
        owner.kill()
    await_end(pids)


def raise_no_directory() -> str:
    raise FileNotFoundError("no usable temporary directory")


@pytest.mark.parametrize("directory", [raise_no_directory, lambda: 71 * "d"], ids=["none", "long"])
def test_processes_start_where_a_fork_server_can_have_no_socket(
    start_pool: Any, monkeypatch: pytest.MonkeyPatch, directory: Callable[[], str]
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", directory)
    assert start_pool(1).draw(surface()) == draw(surface())


def test_a_renderer_finishes_a_cancelled_picture(start_pool: Any, fake_renderers: Any) -> None:
    run = start_pool(1)

    async def cancel() -> Any:
        first = asyncio.ensure_future(run.pool.draw(surface(1)))
        await until(lambda: fake_renderers and fake_renderers[0].drawn)
        first.cancel()
        second = asyncio.ensure_future(run.pool.draw(surface(2)))
        await asyncio.gather(first, return_exceptions=True)
        assert first.cancelled()
        assert len(fake_renderers[0].drawn) == 1
        fake_renderers[0].open.set()
        return await second

    assert run.runner.run(cancel()) == Drawing(b"drawn")
    assert len(fake_renderers[0].drawn) == 2


def test_the_failure_of_a_cancelled_picture_is_not_logged(
    start_pool: Any, fake_renderers: Any
) -> None:
    run = start_pool(1)
    errors: list[Any] = []

    async def cancel() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, error: errors.append(error))
        drawing = asyncio.ensure_future(run.pool.draw(surface()))
        await until(lambda: fake_renderers and fake_renderers[0].drawn)
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        fake_renderers[0].stop()
        await until(lambda: not run.pool.counts.running)
        gc.collect()

    run.runner.run(cancel())
    assert not errors


def test_waiting_times_out(start_pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = threading.Event()

    class SlowRenderer(FakeRenderer):
        """A renderer that starts slowly."""

        def start(self) -> None:
            assert ready.wait(60)

    monkeypatch.setattr(module, "RenderProcess", SlowRenderer)
    run = start_pool(1, timeout_seconds=0.01)

    async def draw() -> None:
        run.pool.start()
        await until(lambda: run.pool.counts.running)
        await run.pool.draw(surface())

    with pytest.raises(Busy, match="a renderer did not become available"):
        run.runner.run(draw())
    ready.set()


def test_a_closed_pool_finishes_what_is_drawn(start_pool: Any, fake_renderers: Any) -> None:
    run = start_pool(1)

    async def close() -> list[Any]:
        tasks = [asyncio.ensure_future(run.pool.draw(surface(seed))) for seed in range(3)]
        await until(lambda: fake_renderers and fake_renderers[0].drawn)
        run.pool.close()
        refused = await asyncio.gather(
            *tasks[1:], run.pool.draw(surface(3)), return_exceptions=True
        )
        fake_renderers[0].open.set()
        return [await tasks[0], *refused]

    drawn, *refused = run.runner.run(close())
    assert drawn == Drawing(b"drawn")
    assert [type(each) for each in refused] == [Busy] * 3
