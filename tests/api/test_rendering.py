"""Pictures over HTTP while renderers are busy, starting or in several processes."""

import asyncio
import threading
from typing import Any

import pytest

from service.rendering import pool as module
from tests.conftest import FakeRenderer, until


def test_busy_over_http(make_api: Any, fake_renderers: Any) -> None:
    api = make_api(render_processes=1, max_waiting_pictures=0)
    url = "/v1/gradient-trace.png"

    async def first() -> Any:
        task = asyncio.ensure_future(api.client.get(url))
        await until(lambda: fake_renderers and fake_renderers[0].drawn)
        return task

    task = api.runner.run(first())
    refused = api.get(f"{url}?seed=2")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["type"] == "/problems/busy"
    assert api.get("/livez").status_code == 200
    assert api.get("/v1/gradient-trace.csv?seed=2").status_code == 200
    fake_renderers[0].open.set()

    async def finish() -> Any:
        return await task

    assert api.runner.run(finish()).content == b"drawn"
    assert api.get(url).content == b"drawn"
    assert len(fake_renderers[0].drawn) == 1


def test_pictures_of_disconnected_clients_are_skipped(make_api: Any, fake_renderers: Any) -> None:
    api = make_api(render_processes=1)

    async def hang_up() -> Any:
        tasks, waiting = [asyncio.ensure_future(api.client.get("/v1/gradient-trace.png"))], []
        await until(lambda: fake_renderers and fake_renderers[0].drawn)
        for method, query in (("GET", b"seed=2"), ("POST", b"width=500")):
            messages = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]

            waiting.append(hung_up := asyncio.Event())

            async def receive(left: Any = messages, hung_up: Any = hung_up) -> Any:
                if len(left) > 1:
                    return left.pop(0)
                await hung_up.wait()
                return left[0]

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
        await until(lambda: api.app.state.service.render_pool.n_waiting == 2)
        tasks.append(asyncio.ensure_future(api.client.get("/v1/gradient-trace.png?seed=3")))
        await until(lambda: api.app.state.service.render_pool.n_waiting == 3)
        for hung_up in waiting:
            hung_up.set()
        await until(lambda: api.app.state.service.render_pool.n_waiting == 1)
        fake_renderers[0].open.set()
        return await asyncio.gather(*tasks)

    responses = api.runner.run(hang_up())
    assert responses[0].content == responses[3].content == b"drawn"
    assert [each.trace.dataset.seed for each in fake_renderers[0].drawn] == [1, 3]


def test_no_answer_waits_for_renderers(make_api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    began, warm = threading.Event(), threading.Event()

    class SlowRenderer(FakeRenderer):
        """A renderer that starts slowly, and then draws at once."""

        def start(self) -> None:
            began.set()
            assert warm.wait(60)
            self.open.set()

    monkeypatch.setattr(module, "RenderProcess", SlowRenderer)
    api = make_api(render_processes=2)
    assert began.wait(60)
    assert api.get("/livez").status_code == 200
    assert api.get("/v1/optimizers").status_code == 200
    warm.set()
    assert api.get("/v1/gradient-trace.png").content == b"drawn"
