"""Requests for the same resource wait for the first of them."""

import asyncio

import pytest

from service.operations.context import SharedLock


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_lock_knows_whether_another_request_waits(anyio_backend: str) -> None:
    assert anyio_backend == "asyncio"
    lock = SharedLock()

    async def wait() -> None:
        async with lock:
            assert not lock.is_awaited()

    async with lock:
        assert not lock.is_awaited()
        first, second = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.sleep(0)
        assert lock.is_awaited()
        second.cancel()
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert not lock.is_awaited()
    await asyncio.gather(wait())
    assert lock.n_users == 0
