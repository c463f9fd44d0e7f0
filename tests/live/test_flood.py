"""Floods of long computations, tiny chunks, and the largest JSON bodies."""

import asyncio
import http.client
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from time import monotonic
from typing import Any

import httpx
import pytest

from service.api.requests import MAX_JSON_BYTES, MAX_LISTS
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


N_CLIENTS = 2
SECONDS = 3.0  # about two hundred responses of a server that has time
N_RESPONSES = 10


def fill(beginning: str, item: str, end: str, n_items: int = MAX_JSON_BYTES) -> bytes:
    """Return a body that has an item as often as fits between a beginning and an end."""
    room = MAX_JSON_BYTES - len(beginning) - len(end) + len(",")
    n_items = min(n_items, room // (len(item) + len(",")))
    return (beginning + ",".join([item] * n_items) + end).encode()


ROWS = '{"inputs":['
TANH_ROW = '{"model":{"activation":"tanh"},"inputs":[['
# What a body consists of, and the status and a part of its response.
KINDS: dict[str, tuple[tuple[Any, ...], int, str]] = {
    "numbers-for-rows": ((ROWS, "0", "]}"), 422, "/inputs/0"),
    "short-rows": ((ROWS, "[1]", "]}", MAX_LISTS - 1), 200, "outputs"),
    "long-row-of-tanh": ((TANH_ROW, "0.12345", "]]}"), 200, "outputs"),
    "tiny-numbers": ((f"{ROWS}[", "1e-300", "]]}"), 200, "outputs"),
    "too-many-lists": ((ROWS, "[]", "]}"), 413, "lists"),
    "objects": ((ROWS, "{}", "]}"), 413, "fields"),
}
FAST = "short-rows"


def send(port: int, body: bytes) -> tuple[int, str]:
    """Send a prediction request; return the status and the body of the response."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("POST", "/v1/predict", body, {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read().decode()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != FAST)) for name in KINDS]
)
def test_the_largest_bodies_do_not_delay_liveness(server: Any, name: str) -> None:
    content, expected, part = KINDS[name]
    body, end = fill(*content), monotonic() + SECONDS

    def repeat(_: int) -> set[tuple[int, bool]]:
        found: set[tuple[int, bool]] = set()
        while monotonic() < end or not found:
            status, text = send(server.port, body)
            found.add((status, part in text))
        return found

    with responsive(server, N_RESPONSES), ThreadPoolExecutor(N_CLIENTS) as clients:
        found = list(clients.map(repeat, range(N_CLIENTS)))
    assert found == [{(expected, True)}] * N_CLIENTS
