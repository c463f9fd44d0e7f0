"""What only a real server on a real socket shows."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import httpx
import pytest

RUNS = "/v1/training-runs"
# About a second of work, most of it in the interpreter.
LONG = {
    "network": {"activation": "tanh"},
    "dataset": {"n_steps": 100},
    "n_iterations": 500,
    "keep": False,
}


def test_the_greeting_leads_to_pages_that_open(server: Any) -> None:
    addresses = re.findall(r"http://\S+", "".join(server.greeting))
    assert len(addresses) == 4
    for address in addresses:
        assert httpx.get(address).status_code == 200


def test_the_documentation_needs_no_other_server(server: Any) -> None:
    page = server.client.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert any(address.endswith(".js") for address in addresses)
    assert any(address.endswith(".css") for address in addresses)
    for address in addresses:
        assert address.startswith("/")
        assert len(server.client.get(address).content) > 100


def test_head_leaves_nothing_on_the_connection(server: Any) -> None:
    for path in ("/v1/optimizers", "/v1/cost-surface.png", "/nothing", "/openapi.json"):
        head, got = server.client.head(path), server.client.get(path)  # on one connection
        assert head.status_code == got.status_code
        assert head.content == b""
        assert int(head.headers["content-length"]) == len(got.content)


def in_pieces(n: int) -> Iterator[bytes]:
    yield b'{"inputs": [[1'
    for _ in range(n):
        yield b",1" * 1000
    yield b"]]}"


def test_the_limit_of_a_body(server: Any) -> None:
    json = {"content-type": "application/json"}
    for body in (b" " * 100_001, in_pieces(60)):
        answer = server.client.post("/v1/predict", content=body, headers=json)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    answer = server.client.post("/v1/predict", content=in_pieces(10), headers=json)
    assert answer.json()["outputs"] == [10_001.0]


def test_a_body_that_only_claims_to_be_large_is_not_waited_for(server: Any) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 99999999999\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_request_that_is_no_http_does_no_harm(server: Any) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert b"400" in connection.recv(100)
    assert server.client.get("/livez").status_code == 200


def test_the_loop_stays_free_while_a_training_runs(server: Any) -> None:
    with ThreadPoolExecutor(1) as threads:
        training = threads.submit(httpx.post, f"{server.url}{RUNS}", json=LONG, timeout=60)
        waits = []
        while not training.done():
            began = monotonic()
            assert server.client.get("/livez").status_code == 200
            waits.append(monotonic() - began)
    run = training.result().json()
    assert run["iterations"] == 500
    assert len(waits) > 5
    assert median(waits) < run["compute_seconds"] / 5
    assert median(waits) < 0.25


def test_identical_questions_from_many_clients_compute_once(server: Any) -> None:
    question = {"n_iterations": 1500}
    with ThreadPoolExecutor(6) as threads:
        answers = list(
            threads.map(
                lambda _: httpx.post(f"{server.url}{RUNS}", json=question, timeout=60), range(6)
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.content for answer in answers}) == 1


def test_a_restart_keeps_what_was_kept(starting: Callable[..., Any], tmp_path: Path) -> None:
    first = starting(tmp_path / "data")
    new = first.client.post(RUNS, json={})
    assert new.status_code == 201
    picture = first.client.get("/v1/cost-surface.png")
    first.stop()
    second = starting(tmp_path / "data")
    again = second.client.post(RUNS, json={})
    assert again.status_code == 200
    assert again.json() == new.json()
    assert second.client.get(f"{RUNS}/{new.json()['id']}").json() == new.json()
    unchanged = {"if-none-match": picture.headers["etag"]}
    assert second.client.get("/v1/cost-surface.png", headers=unchanged).status_code == 304
    second.stop()


def test_servers_with_different_directories_do_not_know_each_other(
    server: Any, starting: Callable[..., Any], tmp_path: Path
) -> None:
    other = starting(tmp_path / "data")
    mine = server.client.post(RUNS, json={"n_iterations": 7})
    theirs = other.client.get(f"{RUNS}/{mine.json()['id']}")
    assert theirs.status_code == 404
    asked = other.client.post(RUNS, json={"n_iterations": 7})
    assert asked.status_code == 201  # the same question has the same name everywhere
    assert asked.json()["id"] == mine.json()["id"]
    other.stop()


def test_a_second_server_on_one_directory_is_refused(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    first = starting(tmp_path / "data")
    command = ["serve", "--port", "0", "--data-dir", str(tmp_path / "data")]
    second = subprocess.run(
        [sys.executable, "-m", "service", *command], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"is being served by another process ({first.process.pid})" in second.stderr
    assert first.client.post(RUNS, json={}).status_code == 201
    first.stop()
    starting(tmp_path / "data").stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_server_at_once(
    starting: Callable[..., Any], tmp_path: Path, number: int
) -> None:
    server = starting(tmp_path / "data")
    assert server.client.get("/v1/cost-surface.png").status_code == 200  # and stays connected
    began = monotonic()
    server.signal(number)
    code = server.wait()
    assert monotonic() - began < 4
    assert code in {0, -number}
    assert "Traceback" not in (tmp_path / "data.log").read_text()


def test_a_request_in_flight_is_answered_before_the_end(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    """The signal comes when the server has asked for the body and not yet got it."""
    server = starting(tmp_path / "data")
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/training-runs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 19\r\nexpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        server.signal(signal.SIGTERM)
        wait_until_closed(server.port)
        connection.sendall(b'{"n_iterations": 9}')
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 201 ")
    assert b'"iterations":9' in received
    assert server.wait() in {0, -signal.SIGTERM}


def wait_until_closed(port: int) -> None:
    """Return once nobody listens any more."""
    deadline = monotonic() + 20
    while monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
    raise AssertionError("still listening")
