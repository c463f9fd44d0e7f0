"""Long computations have their own threads, and invalid ones are rejected at once."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from service.engine import network
from service.operations import predict
from service.schemas import datasets
from service.settings import usable_cores

MANY = 60  # more than the threads of the shared pool


@pytest.mark.parametrize(
    ("module", "name", "method", "path", "body"),
    [
        (network, "trace_gradient", "GET", "/v1/gradient-trace", None),
        (network, "trace_gradient", "GET", "/v1/gradient-trace.csv", None),
        (network, "check_gradient", "POST", "/v1/gradient-check", {}),
        (datasets, "make_objective", "GET", "/v1/cost-surface", None),
        (datasets, "make_objective", "GET", "/v1/cost-surface.npz", None),
        (datasets, "make_objective", "POST", "/v1/optimum", {}),
        (predict, "final_outputs", "POST", "/v1/predict", {"inputs": [[1.0] * 3000]}),
    ],
)
def test_short_requests_do_not_wait_for_long_ones(
    make_api: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    api = make_api()
    go_on, original = threading.Event(), getattr(module, name)
    at_once = most_at_once = 0

    def slow(*arguments: Any) -> Any:
        nonlocal at_once, most_at_once
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        go_on.wait(60)
        at_once -= 1
        return original(*arguments)

    monkeypatch.setattr(module, name, slow)

    async def ask() -> tuple[int, list[int]]:
        slow_ones = [
            asyncio.create_task(api._client.request(method, path, json=body)) for _ in range(MANY)
        ]
        async with asyncio.timeout(60):
            while not at_once:
                await asyncio.sleep(0.01)
        try:
            async with asyncio.timeout(50):
                quick = await api._client.get("/v1/datasets")
        finally:
            go_on.set()
        return quick.status_code, [each.status_code for each in await asyncio.gather(*slow_ones)]

    assert api._runner.run(ask()) == (200, [200] * MANY)
    assert most_at_once <= usable_cores()


@pytest.mark.parametrize(
    "path",
    [
        "gradient-trace",
        "gradient-trace.csv",
        "gradient-trace.png",
        "cost-surface?activation=tanh",
        "cost-surface.npz?activation=tanh",
    ],
)
def test_no_dataset_is_drawn_for_an_invalid_request(
    api: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def forbidden(*_: Any) -> None:
        raise AssertionError("drawn")

    monkeypatch.setattr(datasets, "count_ones", forbidden)
    mark = "&" if "?" in path else "?"
    response = api.get(f"/v1/{path}{mark}n_steps=10000&n_samples=2000")
    assert response.status_code == 422
    assert response.json()["type"] == "/problems/limit-exceeded"
