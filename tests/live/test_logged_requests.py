"""The log and the metrics: proxies, keys, and responses that do not reach clients."""

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from socket import SHUT_WR
from typing import Any

import numpy as np
import pytest

from service.keys import Scope, make_key
from tests.live.conftest import Start, wait_for

FORWARDED = {"x-forwarded-for": "203.0.113.9", "x-request-id": "mine"}


def read_events(log: Path, request_id: str) -> list[dict[str, Any]]:
    """Return the events of a request."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [event for event in events if event.get("request_id") == request_id]


@pytest.mark.parametrize(
    ("settings", "client"),
    [
        pytest.param({}, "127.0.0.1", marks=pytest.mark.slow),
        pytest.param({"trusted_proxies": "10.0.0.0/8"}, "127.0.0.1", marks=pytest.mark.slow),
        ({"trusted_proxies": "10.0.0.0/8,127.0.0.1"}, "203.0.113.9"),
        pytest.param({"trusted_proxies": "*"}, "203.0.113.9", marks=pytest.mark.slow),
    ],
)
def test_forwarded_addresses_count_from_trusted_proxies_only(
    start: Start, tmp_path: Path, settings: dict[str, str], client: str
) -> None:
    options = {"log_level": "info", "rate_limit_requests": "5/hour", **settings}
    server = start(**options)
    for n in range(6):
        response = server.client.get("/v1/optimizers", headers=FORWARDED)
        assert response.status_code == (200 if n < 5 else 429)
    another = server.client.get("/v1/optimizers", headers={"x-forwarded-for": "203.0.113.10"})
    assert another.status_code == (429 if client == "127.0.0.1" else 200)
    server.stop()
    events = read_events(tmp_path / "data.log", "mine")
    assert [event["client"] for event in events] == [client] * 6


def test_keys_of_the_environment(start: Start, tmp_path: Path) -> None:
    key, entry = make_key("alice", Scope.WRITE)
    options = {"log_level": "info", "api_keys": entry}
    server = start(1, **options)
    assert server.client.get("/v1/training-runs").status_code == 401
    bearer = {"authorization": f"Bearer {key}", "x-request-id": "mine"}
    dataset = server.client.post("/v1/datasets", json={}, headers=bearer).json()
    assert server.client.delete(dataset["links"]["self"], headers=bearer).status_code == 204
    wait_for(
        lambda: server.client.get("/metrics", headers=bearer).text,
        lambda text: "rnn_workers 1.0" in text,
    )
    server.stop()
    text = (tmp_path / "data.log").read_text()
    assert key not in text
    events = read_events(tmp_path / "data.log", "mine")
    assert {event["key"] for event in events} == {"alice"}
    assert [event["action"] for event in events if event["event"] == "audit"] == ["delete"]


FILE = "/v1/datasets/{dataset_id}.{suffix}"
LIVEZ = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"


class Logged:
    """A server without workers, and its log."""

    def __init__(self, server: Any, log: Path) -> None:
        self.server = server
        self.log = log

    def events(self) -> list[dict[str, Any]]:
        """Return the log. Its last line may not be complete yet."""
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_for_request(self, request_id: str) -> dict[str, Any]:
        """Return the event of a request as soon as it has ended."""
        found: list[dict[str, Any]] = wait_for(lambda: self.find(request_id), bool)
        return found[0]

    def find(self, request_id: str) -> list[dict[str, Any]]:
        """Return the event of a request, if it has ended."""
        return [each for each in self.events() if each.get("request_id") == request_id]

    def problems(self, request_id: str) -> list[dict[str, Any]]:
        """Return the warnings and the errors about a request."""
        severe = [each for each in self.events() if each["level"] != "info"]
        return [each for each in severe if request_id in json.dumps(each)]

    def count(self, status: int) -> int:
        """Return how many downloads the metrics have with a status."""
        lines = self.server.client.get("/metrics").text.splitlines()
        part = f'route="{FILE}",status="{status}"}} '
        return sum(int(float(line.partition(part)[2])) for line in lines if part in line)

    def wait_for_counts(self, expected: dict[int, int]) -> None:
        """Wait until the metrics have these numbers of downloads per status."""
        wait_for(
            lambda: {each: self.count(each) for each in expected}, lambda counts: counts == expected
        )

    def store(self) -> dict[str, Any]:
        """Store a dataset whose files are larger than all buffers; return it."""
        inputs = np.random.default_rng(1).random((40_000, 50))
        archive = io.BytesIO()
        np.savez(archive, inputs=inputs, targets=inputs.sum(axis=1))
        npz = {"content-type": "application/x-npz"}
        response = self.server.client.post("/v1/datasets", content=archive.getvalue(), headers=npz)
        stored: dict[str, Any] = response.json()
        return stored


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data directory of the server."""
    return tmp_path_factory.mktemp("interruptions") / "data"


@pytest.fixture(scope="module")
def logged(start_server: Callable[..., Any], directory: Path) -> Logged:
    """Return a server without workers that logs all requests."""
    options = {"log_level": "info", "client_timeout": 60, "max_sync_seconds": 60}
    server = start_server(directory, **options)
    return Logged(server, directory.with_name("data.log"))


def get(path: str, request_id: str, version: str = "1.1") -> bytes:
    head = f"GET {path} HTTP/{version}\r\nhost: localhost\r\nx-request-id: {request_id}"
    return f"{head}\r\n\r\n".encode()


def test_a_client_that_leaves_during_a_download(logged: Logged) -> None:
    link = logged.store()["links"]["csv"]
    with logged.server.connect(get(link, "download")) as connection:
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    event = logged.wait_for_request("download")
    assert (event["status"], event["reason"]) == (499, "the client disconnected")
    assert event["bytes"] < 20_000_000
    logged.wait_for_counts({499: 1, 200: 0})
    assert logged.server.client.get(link).status_code == 200
    logged.wait_for_counts({499: 1, 200: 1})


@pytest.mark.slow
@pytest.mark.parametrize("closes_half", [False, True])
def test_a_client_that_leaves_before_the_response(logged: Logged, closes_half: bool) -> None:
    request_id = f"left {closes_half}"
    body = json.dumps({"network": {"activation": "tanh"}, "dataset": {"n_samples": 1_000_000}})
    request = (
        f"POST /v1/gradient-check HTTP/1.1\r\nhost: localhost\r\nx-request-id: {request_id}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    )
    running = 'rnn_computations{queue="long",state="running"} 1.0'
    with logged.server.connect(request.encode()) as connection:
        if closes_half:
            connection.shutdown(SHUT_WR)
        wait_for(lambda: logged.server.client.get("/metrics").text, lambda text: running in text)
    assert logged.wait_for_request(request_id)["status"] == 499


@pytest.mark.parametrize("n_pipelined", [0, 1, 3])
def test_a_client_that_leaves_an_endless_stream(logged: Logged, n_pipelined: int) -> None:
    run = logged.server.submit()
    request_id = f"stream {n_pipelined}"
    with logged.server.connect(
        get(f"/v1/training-runs/{run['id']}/events", request_id)
    ) as connection:
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        connection.sendall(n_pipelined * LIVEZ)
    assert logged.wait_for_request(request_id)["status"] == 499


@pytest.mark.slow
def test_a_storage_that_fails_during_a_download(logged: Logged, directory: Path) -> None:
    links = logged.store()["links"]
    with closing(sqlite3.connect(directory / "rnn.sqlite3")) as database, database:
        database.execute("UPDATE arrays SET data = zeroblob(length(data)) WHERE part = 1")
    response = logged.server.client.get(links["npz"], headers={"x-request-id": "damaged"})
    assert (response.status_code, response.json()["type"]) == (500, "/problems/store")
    assert logged.wait_for_request("damaged")["status"] == 500
    (error,) = logged.problems("request damaged:")
    assert error["level"] == "error"
    assert "Traceback" not in logged.log.read_text()
