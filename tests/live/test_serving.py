"""Behaviour that requires a real server on a real socket."""

import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live.conftest import Start, wait_for

RUNS = "/v1/training-runs"
SETTINGS = {"max_connections": 50}


def test_the_addresses_in_the_greeting_work(server: Any) -> None:
    addresses = re.findall(r"http://\S+", "".join(server.greeting))
    assert len(addresses) == 4
    for address in addresses:
        assert server.client.get(address).status_code == 200


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_head_sends_no_body(server: Any, encoding: str) -> None:
    accept = {"accept-encoding": encoding}
    for path in ("/v1/optimizers", "/v1/cost-surface.png", "/nothing", "/openapi.json"):
        head = server.client.head(path, headers=accept)  # on one connection with the next
        with server.client.stream("GET", path, headers=accept) as got:
            size = sum(map(len, got.iter_raw()))
        assert head.status_code == got.status_code
        assert head.content == b""
        assert int(head.headers["content-length"]) == size


def test_a_large_content_length_is_rejected_at_once(server: Any) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"content-length: 99999999999\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_connections_above_the_limit_are_refused(server: Any) -> None:
    with ExitStack() as closing:
        for _ in range(50):
            closing.enter_context(server.connect(b"G"))
        refused = httpx.get(f"{server.url}/v1/optimizers", timeout=120)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/busy")
        assert refused.headers["connection"] == "close"
        assert int(refused.headers["retry-after"]) > 0
        assert httpx.get(f"{server.url}/livez", timeout=120).status_code == 200
    wait_for(lambda: server.client.get("/v1/optimizers").status_code, lambda status: status == 200)


def test_stored_runs_survive_a_restart(start: Start) -> None:
    first = start()
    new = first.client.post(RUNS, json={})
    assert new.status_code == 201
    picture = first.client.get("/v1/cost-surface.png")
    first.stop()
    second = start()
    again = second.client.post(RUNS, json={})
    assert again.status_code == 200
    assert again.json() == new.json()
    assert second.client.get(f"{RUNS}/{new.json()['id']}").json() == new.json()
    unchanged = {"if-none-match": picture.headers["etag"]}
    assert second.client.get("/v1/cost-surface.png", headers=unchanged).status_code == 304


def test_a_second_server_on_one_directory_is_rejected(start: Start, tmp_path: Path) -> None:
    first = start()
    command = ["serve", "--port", "0", "--data-dir", str(tmp_path / "data")]
    second = subprocess.run(
        [sys.executable, "-m", "service", *command], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"is being served by another process ({first.process.pid})" in second.stderr
    assert first.client.post(RUNS, json={}).status_code == 201
