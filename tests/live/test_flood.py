"""A flood of long computations, which is refused in part and delays no short request."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from tests.live.liveness import responsive

N_LONG = 300
SMALL = {"kind": "explicit", "inputs": [[float(k)] for k in range(10)], "targets": [1.0] * 10}


def long_check(seed: int) -> dict[str, Any]:
    """Return a request that takes about a second."""
    dataset = {"n_samples": 300_000, "n_steps": 20, "seed": seed}
    return {"network": {"activation": "tanh"}, "dataset": dataset}


@pytest.fixture
def server(start_server: Callable[..., Any], tmp_path: Path) -> Any:
    """Return a server without workers."""
    return start_server(tmp_path / "data", "--workers", "0")


@pytest.mark.slow
def test_a_flood_delays_no_short_request_and_ends_with_its_clients(server: Any) -> None:
    usual = time_check(server, N_LONG)
    limits = httpx.Limits(max_connections=N_LONG)

    async def flood() -> list[float]:
        async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as clients:

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
            seconds = await time_short_requests(server.url)
            for each in checks:
                each.cancel()
            await asyncio.gather(*checks, return_exceptions=True)
            return seconds

    with responsive(server):
        seconds = asyncio.run(flood())
    assert max(seconds) < 5, seconds
    # The clients have left 30 computations or more per core. At most one per core runs to its end.
    assert time_check(server, N_LONG + 1) < 10 * usual


def time_check(server: Any, seed: int) -> float:
    """Return how long a long computation takes, with those that run or wait before it."""
    sent = monotonic()
    assert server.client.post("/v1/gradient-check", json=long_check(seed)).status_code == 200
    return monotonic() - sent


async def time_short_requests(url: str) -> list[float]:
    """Return how long a new client waits for short requests."""
    seconds = []
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for path, body, status in (
            ("/v1/datasets", SMALL, 201),
            ("/v1/gradient-check", {}, 200),
            ("/v1/predict", {"inputs": [[1.0] * 3000]}, 200),
            ("/v1/training-runs", {}, 201),
        ):
            sent = monotonic()
            response = await client.post(path, json=body)
            seconds.append(monotonic() - sent)
            assert response.status_code == status, response.text
    return seconds
