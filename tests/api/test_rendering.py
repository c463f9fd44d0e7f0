"""Pictures over HTTP while renderers are busy."""

import asyncio
from typing import Any

from tests.conftest import until

URL = "/v1/gradient-trace.png"


def test_busy_over_http(make_api: Any, fake_renderers: Any) -> None:
    api = make_api(render_processes=1, max_waiting_pictures=0)

    async def first() -> Any:
        task = asyncio.gather(*(api.client.get(URL) for _ in range(3)))
        await until(lambda: fake_renderers and fake_renderers[0].drawn)
        return task

    task = api.runner.run(first())
    refused = api.get(f"{URL}?seed=2")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["type"] == "/problems/busy"
    assert api.get("/livez").status_code == 200
    assert api.get("/v1/gradient-trace.csv?seed=2").status_code == 200
    fake_renderers[0].open.set()

    async def finish() -> Any:
        return await task

    assert {response.content for response in api.runner.run(finish())} == {b"drawn"}
    assert api.get(URL).content == b"drawn"
    assert len(fake_renderers[0].drawn) == 1


def test_pictures_of_disconnected_clients_are_skipped(make_api: Any, fake_renderers: Any) -> None:
    api = make_api(render_processes=1)
    pool = api.app.state.service.render_pool

    async def hang_up() -> Any:
        tasks = [asyncio.ensure_future(api.client.get(URL))]
        await until(lambda: fake_renderers and fake_renderers[0].drawn)
        messages = [{"type": "http.request", "body": b""}]
        hung_up = asyncio.Event()

        async def receive() -> Any:
            if messages:
                return messages.pop()
            await hung_up.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            pass

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": URL,
            "query_string": b"seed=2",
            "headers": [],
        }
        tasks.append(asyncio.ensure_future(api.app(scope, receive, send)))
        await until(lambda: pool.counts.waiting == 1)
        tasks.append(asyncio.ensure_future(api.client.get(f"{URL}?seed=3")))
        await until(lambda: pool.counts.waiting == 2)
        hung_up.set()
        await until(lambda: pool.counts.waiting == 1)
        fake_renderers[0].open.set()
        return await asyncio.gather(*tasks)

    responses = api.runner.run(hang_up())
    assert responses[0].content == responses[2].content == b"drawn"
    assert [each.trace.dataset.seed for each in fake_renderers[0].drawn] == [1, 3]
