"""What holds of every request: its name, HEAD, the documentation page."""

import re
from typing import Any

import httpx
import pytest

from service.api.examples import DATASET_ID, MAP_ID, RUN_ID

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
    "/nothing",
    "/v1/datasets/ds_1",
    "/v1/optimizers?x=1",
]


@pytest.mark.parametrize("path", READABLE)
def test_head_is_get_without_the_body(api: Any, path: str) -> None:
    for resource in ("training-runs", "datasets", "basin-maps"):
        api.post(f"/v1/{resource}", {})
    got, head = api.get(path), api.head(path)
    assert head.content == b""
    assert head.status_code == got.status_code
    named = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in named} == {
        k: v for k, v in got.headers.items() if k not in named
    }
    assert int(head.headers["content-length"]) == len(got.content)


@pytest.mark.parametrize("name", ["a", "~" * 128, "two words", "00-0af7651916cd43dd8448eb211c80"])
def test_a_request_keeps_its_name(api: Any, name: str) -> None:
    for path in ("/livez", "/v1/optimizers", "/nothing", "/v1/datasets/ds_1"):
        answer = api.get(path, headers={"x-request-id": name})
        assert answer.headers["x-request-id"] == name
        if answer.status_code == 404:
            assert answer.json()["request_id"] == name


@pytest.mark.parametrize("name", ["", "x" * 129, "é", "a\tb", b"\xff", "\x7f"])
def test_a_name_that_will_not_do_is_replaced(api: Any, name: str | bytes) -> None:
    raw = name if isinstance(name, bytes) else name.encode("latin-1")
    answer = api.get("/nothing", headers=[(b"x-request-id", raw)])
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


def test_requests_without_a_name_get_one_each(api: Any) -> None:
    assert len({api.get("/livez").headers["x-request-id"] for _ in range(20)}) == 20


def test_health(api: Any) -> None:
    for path in ("/livez", "/readyz"):
        assert api.get(path).json()["status"] == "ok"


def test_the_documentation_is_all_on_this_server(api: Any) -> None:
    page = api.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith("/")
        assert api.get(address).status_code == 200
    assert "/openapi.json" in page
    assert not re.search(r"https?://", page)


def test_the_documentation_under_a_root_path(api: Any) -> None:
    """Behind a proxy that takes a prefix away."""
    transport = httpx.ASGITransport(app=api.app, root_path="/rnn")
    client = httpx.AsyncClient(transport=transport, base_url="http://service")
    page = api._runner.run(client.get("/rnn/docs")).text
    assert "'/rnn/openapi.json'" in page
    assert re.findall(r'(?:src|href)="([^"]+)"', page)[0].startswith("/rnn/docs-assets/")


def test_the_schema_is_valid_json_and_names_its_version(api: Any) -> None:
    schema = api.get("/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    assert schema["info"]["version"] == api.get("/livez").json()["version"]
