"""Request ids, HEAD, and headers of every response."""

import re
from typing import Any

import pytest

from service.api.examples import DATASET_ID, FIT_ID, MAP_ID, RUN_ID

READABLE = [
    "/livez",
    "/readyz",
    "/",
    "/docs",
    "/openapi.json",
    "/v1/optimizers",
    "/v1/gradient-trace",
    "/v1/gradient-trace.csv",
    "/v1/gradient-trace.png",
    "/v1/cost-surface?resolution=5",
    "/v1/cost-surface.npz",
    "/v1/training-runs",
    f"/v1/training-runs/{RUN_ID}",
    f"/v1/training-runs/{RUN_ID}/trajectory",
    f"/v1/training-runs/{RUN_ID}/trajectory.csv",
    "/v1/datasets",
    f"/v1/datasets/{DATASET_ID}",
    f"/v1/datasets/{DATASET_ID}.npz",
    "/v1/basin-maps",
    f"/v1/basin-maps/{MAP_ID}",
    f"/v1/basin-maps/{MAP_ID}.npz",
    f"/v1/fits/{FIT_ID}.csv",
    f"/v1/fits/{FIT_ID}/profile.csv",
    "/nothing",
    "/v1/datasets/ds_1",
    "/v1/optimizers?x=1",
]


@pytest.mark.parametrize("path", READABLE)
def test_head_is_get_without_the_body(api: Any, path: str) -> None:
    for resource in ("training-runs", "datasets", "basin-maps", "fits"):
        api.post(f"/v1/{resource}", {})
    got, head = api.get(path), api.head(path)
    assert head.content == b""
    assert head.status_code == got.status_code
    named = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in named} == {
        k: v for k, v in got.headers.items() if k not in named
    }
    assert head.headers.get("content-length") == str(len(got.content))


@pytest.mark.parametrize("name", ["a", "~" * 128, "two words", "00-0af7651916cd43dd8448eb211c80"])
def test_a_request_id_is_echoed(api: Any, name: str) -> None:
    for path in ("/livez", "/v1/optimizers", "/nothing", "/v1/datasets/ds_1"):
        response = api.get(path, headers={"x-request-id": name})
        assert response.headers["x-request-id"] == name
        if response.status_code == 404:
            assert response.json()["request_id"] == name


@pytest.mark.parametrize("name", ["", "x" * 129, "é", "a\tb", b"\xff", "\x7f"])
def test_an_invalid_request_id_is_replaced(api: Any, name: str | bytes) -> None:
    raw = name if isinstance(name, bytes) else name.encode("latin-1")
    response = api.get("/nothing", headers=[(b"x-request-id", raw)])
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


def test_requests_without_an_id_get_different_ids(api: Any) -> None:
    assert len({api.get("/livez").headers["x-request-id"] for _ in range(20)}) == 20


@pytest.mark.parametrize("path", [*READABLE, "/docs-assets/swagger-ui.css", "/explorer/main.js"])
def test_no_browser_guesses_a_media_type(api: Any, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        response = api.request(method, path)
        assert response.headers.get_list("x-content-type-options") == ["nosniff"]
