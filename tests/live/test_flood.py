"""Floods of long computations: refused in part, and dropped if their clients disconnect."""

import asyncio
import json
import os
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.live.liveness import responsive

N_LONG = 300
N_CHUNKED = 60  # clients
N_TURNS = 12  # of the event loop, at least; it would need a few if each could take any time
REQUEST = (
    b"POST /v1/gradient-check HTTP/1.1\r\nhost: localhost\r\n"
    b"content-type: application/json\r\ncontent-length: %d\r\n\r\n"
)
SMALL = {"kind": "explicit", "inputs": [[float(k)] for k in range(10)], "targets": [1.0] * 10}


def long_check(seed: int) -> dict[str, Any]:
    """Return a request that takes about a second."""
    dataset = {"n_samples": 300_000, "n_steps": 20, "seed": seed}
    return {"network": {"activation": "tanh"}, "dataset": dataset}


@pytest.mark.slow
def test_a_flood_delays_no_short_request(server: Any) -> None:
    limits = httpx.Limits(max_connections=N_LONG)

    async def flood() -> int:
        async with httpx.AsyncClient(base_url=server.url, timeout=600, limits=limits) as clients:

            async def check(seed: int) -> httpx.Response:
                return await clients.post("/v1/gradient-check", json=long_check(seed))

            checks = [asyncio.create_task(check(seed)) for seed in range(N_LONG)]
            refused = 0
            while refused < N_LONG - 100:  # the others run or wait
                done, _ = await asyncio.wait(checks, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    response = each.result()
                    refused += response.status_code == 503
                    if response.status_code == 503:
                        assert response.json()["type"] == "/problems/busy"
                        assert int(response.headers["retry-after"]) > 0
                    checks.remove(each)
            assert len(checks) > 30  # they wait
            await send_short_requests(server.url)
            responses = [each.result() for each in checks if each.done()]
            for each in checks:
                each.cancel()
            await asyncio.gather(*checks, return_exceptions=True)
            return sum(response.status_code == 200 for response in responses)

    with responsive(server, N_TURNS):
        n_computed = asyncio.run(flood())
    # Each short request waits at most for the long ones that run, one per core.
    assert n_computed <= 4 * (os.cpu_count() or 1)


@pytest.mark.slow
def test_tiny_chunks_delay_nobody(server: Any) -> None:
    head, _, _ = REQUEST.replace(b"gradient-check", b"predict").partition(b"content-length")
    chunks = [b"1\r\n%c\r\n" % byte for byte in json.dumps({"inputs": [[0.5] * 8000]}).encode()]
    sent = b"".join([head, b"transfer-encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n"])
    with responsive(server, N_TURNS), ExitStack() as closing:
        clients = [closing.enter_context(server.connect(sent)) for _ in range(N_CHUNKED)]
        for client in clients:
            assert client.recv(15) == b"HTTP/1.1 200 OK"


async def send_short_requests(url: str) -> None:
    """Send four short requests from a new client, one after the other."""
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        for path, body, status in (
            ("/v1/datasets", SMALL, 201),
            ("/v1/gradient-check", {}, 200),
            ("/v1/predict", {"inputs": [[1.0] * 3000]}, 200),
            ("/v1/training-runs", {}, 201),
        ):
            response = await client.post(path, json=body)
            assert response.status_code == status, response.text
