"""The queue in front of the renderers: bounded, and never stuck."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from service.errors import Busy
from service.rendering import pool as module
from service.rendering.process import ProcessLost
from tests.conftest import FakeRenderer, until
from tests.rendering.conftest import surface


@pytest.fixture
def doomed() -> Callable[[], Any]:
    """Return a function that makes a renderer that ends while it draws its first picture."""

    def make() -> Any:
        renderer: Any = FakeRenderer()

        def draw(_: Any) -> bytes:
            renderer.dead = True
            raise ProcessLost

        renderer.draw = draw
        return renderer

    return make


def test_a_picture_that_ends_two_processes_is_refused(
    start_pool: Any,
    monkeypatch: pytest.MonkeyPatch,
    doomed: Callable[[], Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "RenderProcess", doomed)
    with pytest.raises(Busy, match="2 rendering processes"):
        start_pool(1).draw(surface())
    assert caplog.text.count("ended while drawing") == 2


def test_starting_a_process_is_tried_again_for_the_next_picture(
    start_pool: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = []

    def make() -> Any:
        made.append(FakeRenderer())
        if len(made) == 1:
            raise OSError("no more processes")
        made[-1].open.set()
        return made[-1]

    monkeypatch.setattr(module, "RenderProcess", make)
    run = start_pool(1)
    with pytest.raises(Busy, match="cannot be started"):
        run.draw(surface())
    assert run.draw(surface()) == b"drawn"
    assert "no more processes" in caplog.text


def test_a_renderer_finishes_the_picture_of_a_cancelled_request(
    start_pool: Any, fake_renderers: Any
) -> None:
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

    assert run.runner.run(cancel()) == b"drawn"
    assert len(fake_renderers[0].drawn) == 2


def test_waiting_times_out(start_pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = threading.Event()

    def make() -> Any:
        assert ready.wait(60)
        return FakeRenderer()

    monkeypatch.setattr(module, "RenderProcess", make)
    run = start_pool(1, timeout_seconds=0.01)

    async def draw() -> None:
        run.pool.start()
        await until(lambda: run.pool.n_drawing)
        await run.pool.draw(surface())

    with pytest.raises(Busy, match="a renderer did not become available"):
        run.runner.run(draw())
    ready.set()


def test_a_closed_pool_refuses_what_waits_and_finishes_what_is_drawn(
    start_pool: Any, fake_renderers: Any
) -> None:
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
    assert drawn == b"drawn"
    assert [type(each) for each in refused] == [Busy] * 3
