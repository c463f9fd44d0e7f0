"""Large bodies in temporary files, against one limit."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from service.api.bodies import MEMORY_BYTES, BodyStore
from service.errors import Busy, StoreFull

CHUNK = bytes(range(256)) * 100


def make_request(n_chunks: int) -> Request:
    """Return a request with a body of that many chunks."""
    parts = [CHUNK] * n_chunks

    async def receive() -> dict[str, Any]:
        body = parts.pop() if parts else b""
        return {"type": "http.request", "body": body, "more_body": bool(parts)}

    return Request({"type": "http", "headers": []}, receive)


async def load(store: BodyStore, n_chunks: int, limit: int = 10**9) -> bytes:
    async with store.receive(make_request(n_chunks), limit) as body:
        assert body.size == n_chunks * len(CHUNK)
        return await body.read()


@pytest.mark.parametrize("n_chunks", [0, 1, 2, 3, 30])
def test_a_body_is_the_same_in_memory_and_in_a_file(tmp_path: Path, n_chunks: int) -> None:
    assert 2 * len(CHUNK) < MEMORY_BYTES < 3 * len(CHUNK)
    store = BodyStore(tmp_path, 30 * len(CHUNK))
    for _ in range(2):  # the space is free again afterwards
        assert asyncio.run(load(store, n_chunks)) == CHUNK * n_chunks
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("max_bytes", "directory", "error"), [(10**5, "", Busy), (10**9, "missing", StoreFull)]
)
def test_a_body_that_fits_nowhere_is_refused(
    tmp_path: Path, max_bytes: int, directory: str, error: type[Exception]
) -> None:
    store = BodyStore(tmp_path / directory, max_bytes)
    for _ in range(2):
        with pytest.raises(error):
            asyncio.run(load(store, 30))
    assert asyncio.run(load(store, 2)) == CHUNK * 2


def test_bodies_share_the_space() -> None:
    store = BodyStore(None, 30 * len(CHUNK))

    async def receive_two() -> None:
        async with store.receive(make_request(20), 10**9):
            assert await load(store, 10)
            with pytest.raises(Busy):
                await load(store, 11)

    asyncio.run(receive_two())
