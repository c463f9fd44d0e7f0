"""Behaviour that requires a real server on a real socket, from its greeting to its end."""

import asyncio
import os
import re
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live.conftest import ENDLESS, Start, has_progress, receive_all, wait_for
from tests.programs import run_program

RUNS = "/v1/training-runs"
SETTINGS = {"max_connections": 50}


def test_the_addresses_in_the_greeting_work(server: Any) -> None:
    addresses = re.findall(r"http://\S+", "".join(server.greeting))
    assert len(addresses) == 5
    for address in addresses:
        assert server.client.get(address).status_code == 200


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
    second = run_program(sys.executable, "-m", "service", *command, check=False)
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"is being served by another process ({first.process.pid})" in second.stderr
    assert first.client.post(RUNS, json={}).status_code == 201


PIPE_BYTES = 65_536  # of log that a reader may not have read
LINE_BYTES = 200  # of the log of a request, at least
DATASET = {"n_samples": 300_000, "n_steps": 20}
SLOW_BODY = (
    b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    b"content-length: 1000\r\n\r\n{"
)


def check_response(response: httpx.Response) -> None:
    """Check that a request was completed, or refused with a problem."""
    if response.status_code != 503:
        assert response.status_code in {200, 201, 202}, response.text
        return
    assert response.headers["content-type"] == "application/problem+json"
    assert int(response.headers["retry-after"]) > 0
    assert response.json()["request_id"] == response.headers["x-request-id"]


def check_end(server: Any, log: Path) -> None:
    """Check that the server ends in time, and logs no error."""
    assert server.wait() == 0
    assert "Traceback" not in log.read_text()
    assert "ERROR" not in log.read_text()


def test_every_request_under_load_gets_its_response(start: Start, tmp_path: Path) -> None:
    server = start(1, render_processes=1)
    run = server.submit(n_iterations=900_000, dataset={"noise": 0.1, "n_samples": 50})

    async def load() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits) as client:
            requests = [client.get(f"/v1/training-runs/{run['id']}/events")]
            for seed in range(15):
                network = {"activation": "tanh"}
                body: Any = {"network": network, "dataset": {**DATASET, "seed": seed}}
                requests.append(client.post("/v1/gradient-check", json=body))
                requests.append(client.get(f"/v1/cost-surface.png?seed={seed}"))
                requests.append(client.post("/v1/training-runs", json={"dataset": {"seed": seed}}))
            tasks = [asyncio.create_task(each) for each in requests]
            await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
            server.signal(signal.SIGTERM)
            return await asyncio.gather(*tasks)

    with server.connect(SLOW_BODY) as slow:
        responses = asyncio.run(load())
        assert slow.recv(100).startswith(b"HTTP/1.1 503 ")
    for response in responses:
        check_response(response)
    assert any(response.status_code == 503 for response in responses)
    check_end(server, tmp_path / "data.log")


@pytest.mark.slow
def test_a_computation_beyond_the_grace_period_is_refused(start: Start, tmp_path: Path) -> None:
    limits = {"max_sync_seconds": 10_000, "max_work_seconds": 10_000}
    server = start(**limits)

    async def train() -> httpx.Response:
        async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
            task = asyncio.create_task(client.post("/v1/training-runs", json=ENDLESS))
            running = 'rnn_computations{queue="long",state="running"} 1.0'
            while running not in (await client.get("/metrics")).text:
                assert not task.done()
            server.signal(signal.SIGTERM)
            return await task

    response = asyncio.run(train())
    assert response.status_code == 503
    check_response(response)
    check_end(server, tmp_path / "data.log")


@pytest.mark.slow
def test_pending_connections_are_accepted(start: Start, tmp_path: Path) -> None:
    """The server accepts them after the signal, since it is frozen until then."""
    server = start()
    server.signal(signal.SIGSTOP)
    request = b"GET /v1/optimizers HTTP/1.1\r\nhost: localhost\r\n\r\n"
    pending = [server.connect(request) for _ in range(20)]
    server.signal(signal.SIGTERM)
    server.signal(signal.SIGCONT)
    for connection in pending:
        with connection:
            assert receive_all(connection).startswith(b"HTTP/1.1 200 ")
    check_end(server, tmp_path / "data.log")


@pytest.mark.slow
@pytest.mark.parametrize("body", [b"GET /livez HT", b""])
def test_idle_connections_do_not_delay_the_end(start: Start, tmp_path: Path, body: bytes) -> None:
    server = start()
    with server.connect(body):
        server.signal(signal.SIGTERM)
        check_end(server, tmp_path / "data.log")


@pytest.mark.slow
def test_a_log_that_nobody_reads_does_not_delay_the_end(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data.log")
    reader = os.open(tmp_path / "data.log", os.O_RDONLY | os.O_NONBLOCK)
    try:
        server = start(1, log_level="info")
        run = server.submit(**ENDLESS)
        server.wait_for_run(run["id"], has_progress)
        n_lines = PIPE_BYTES // LINE_BYTES
        for _ in range(n_lines):
            assert server.client.get("/livez").status_code == 200
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        log = os.read(reader, 2 * PIPE_BYTES)
        assert len(log) > PIPE_BYTES / 2
        assert log.count(b"\n") < n_lines  # the others did not fit in
    finally:
        os.close(reader)
