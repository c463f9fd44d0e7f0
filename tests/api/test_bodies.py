"""Bodies in memory and on disk, against one budget."""

import asyncio
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from service.api.bodies import BLOCK_BYTES, BodyStore
from service.errors import Busy, StoreFull

CHUNK = bytes(range(256)) * 256


def make_request(n_chunks: int, **headers: str) -> Request:
    """Return a request with a body of that many chunks."""
    parts = [CHUNK] * n_chunks

    async def receive() -> dict[str, Any]:
        body = parts.pop() if parts else b""
        return {"type": "http.request", "body": body, "more_body": bool(parts)}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw}, receive)


async def load(store: BodyStore, n_chunks: int, limit: int = 10**9) -> bytes:
    async with store.receive(make_request(n_chunks), limit) as body:
        assert body.size == n_chunks * len(CHUNK)
        return body.load()


@pytest.mark.parametrize("memory", [0, len(CHUNK), 3 * len(CHUNK), 10**9])
@pytest.mark.parametrize("n_chunks", [0, 1, 2, 4, 5, 30])
def test_a_body_is_the_same_in_memory_and_on_disk(
    tmp_path: Path, memory: int, n_chunks: int
) -> None:
    store = BodyStore(tmp_path, memory, 10**9)
    assert asyncio.run(load(store, n_chunks)) == CHUNK * n_chunks
    assert (store.free_memory, store.free_disk) == (memory, 10**9)
    assert not any(tmp_path.iterdir())


def test_a_body_in_tiny_parts_takes_little_more_memory_than_its_bytes() -> None:
    n_parts = 100_000

    async def fill() -> int:
        async with BodyStore(None, 10**9, 0).receive(make_request(0), 10**9) as body:
            tracemalloc.start()
            for i in range(n_parts):
                await body.append((i % 65_536).to_bytes(2))
            size, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return size

    assert asyncio.run(fill()) < 3 * 2 * n_parts


def test_all_bodies_together_use_the_memory_of_the_budget() -> None:
    budget = 5 * BLOCK_BYTES
    store = BodyStore(None, budget, 10**9)

    async def hold() -> None:
        bodies = [store.receive(make_request(30), 10**9) for _ in range(20)]
        opened = [await each.__aenter__() for each in bodies]
        in_memory = budget - store.free_memory
        assert in_memory <= budget + len(bodies) * BLOCK_BYTES
        assert in_memory + 10**9 - store.free_disk == sum(each.size for each in opened)
        for each in bodies:
            await each.__aexit__(None, None, None)

    asyncio.run(hold())
    assert (store.free_memory, store.free_disk) == (budget, 10**9)


@pytest.mark.parametrize(
    ("disk", "directory", "error"), [(10**6, "", Busy), (10**9, "missing", StoreFull)]
)
def test_a_body_that_fits_nowhere_is_refused(
    tmp_path: Path, disk: int, directory: str, error: type[Exception]
) -> None:
    store = BodyStore(tmp_path / directory, 0, disk)
    with pytest.raises(error):
        asyncio.run(load(store, 30))
    assert (store.free_memory, store.free_disk) == (0, disk)


def test_a_body_above_the_limit_is_refused() -> None:
    store = BodyStore()
    free = store.free_memory
    with pytest.raises(HTTPException) as caught:
        asyncio.run(load(store, 3, limit=100_000))
    assert caught.value.status_code == 413
    assert store.free_memory == free


def test_a_json_body_above_its_limit_is_refused_with_advice(make_api: Callable[..., Any]) -> None:
    api = make_api(max_json_bytes=200_000)
    inputs = [[0.25] * 100] * 1000
    for path in ("/v1/predict", "/v1/gradient-trace", "/v1/datasets"):
        response = api.post(path, {"inputs": inputs})
        assert response.status_code == 413
        assert "200000 bytes" in response.json()["detail"]
        assert "application/x-npz" in response.json()["detail"]
    table = b"1,2\r\n" * 45_000
    csv = {"content-type": "text/csv"}
    assert api.post("/v1/datasets", content=table, headers=csv).status_code == 201


def test_bodies_that_are_too_large(make_api: Any) -> None:
    api = make_api(max_body_bytes=1024)
    json = {"content-type": "application/json"}
    for path in ("/v1/predict", "/v1/training-runs", "/v1/cost-surface.npz", "/v1/datasets"):
        response = api.post_text(path, b" " * 1023 + b"{}")
        assert response.status_code == 413
        assert response.json()["type"] == "/problems/too-large"
        assert "1024" in response.json()["detail"]

    async def endless() -> Any:
        while True:
            yield b" " * 100

    response = api.request("POST", "/v1/predict", content=endless(), headers=json)
    assert response.status_code == 413
    for length in ("-1", "1e3", "9" * 5000):
        claimed = {**json, "content-length": length}
        response = api.request("POST", "/v1/predict", content=b"{}", headers=claimed)
        assert response.status_code == 413
    assert api.post_text("/v1/predict", b" " * 1022 + b"{}").status_code == 200
