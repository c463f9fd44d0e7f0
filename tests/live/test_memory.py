"""Memory while clients send and read large bodies."""

import io
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.live.conftest import wait_for
from tests.live.liveness import responsive

MIB = 1024 * 1024
SETTINGS = {"max_sync_seconds": 60, "client_timeout": 60}  # it waits long for its clients


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()


def memory(server: Any) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


def test_held_bodies_are_on_disk_and_end_with_their_clients(server: Any) -> None:
    before = memory(server)
    process = psutil.Process(server.process.pid)
    with responsive(server), ExitStack() as closing:
        for _ in range(20):
            connection = closing.enter_context(server.connect())
            connection.sendall(
                b"POST /v1/datasets HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n"
                b"content-length: 60000000\r\n\r\n"
            )
            for _ in range(15):
                connection.sendall(b"0.123456,0.2345\n" * (MIB // 16))
        wait_for(lambda: process.io_counters().write_chars, lambda n_bytes: n_bytes > 200 * MIB)
        assert memory(server) - before < 200 * MIB
        deleted = [each for each in process.open_files() if "(deleted)" in each.path]
        assert len(deleted) <= 20
    assert server.client.get("/livez").status_code == 200


@pytest.fixture(scope="module")
def dataset(server: Any) -> Any:
    """Return a dataset of 16 MB, random so that it cannot be compressed."""
    archive = io.BytesIO()
    inputs = np.random.default_rng(1).random((20_000, 99))
    np.savez(archive, inputs=inputs, targets=inputs.sum(axis=1))
    npz = {"content-type": "application/x-npz"}
    return server.client.post("/v1/datasets", content=archive.getvalue(), headers=npz).json()


@pytest.fixture(scope="module")
def run(server: Any) -> Any:
    """Return a run with the longest trajectory."""
    body = {"n_iterations": 1_000_000, "optimizer": {"name": "momentum", "learning_rate": 1e-9}}
    return server.client.post("/v1/training-runs", json=body).json()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("resource", "link", "size"),
    [("dataset", "csv", 32), ("dataset", "npz", 12), ("run", "csv", 40)],
)
def test_downloads_that_are_not_read_need_little_memory(
    server: Any, request: pytest.FixtureRequest, resource: str, link: str, size: int
) -> None:
    path = request.getfixturevalue(resource)["links"][link]
    plain = {"accept-encoding": "identity"}
    with server.client.stream("GET", path, headers=plain) as response:
        assert sum(map(len, response.iter_raw())) > size * MIB
    before = memory(server)
    with responsive(server), ExitStack() as closing:
        readers = [closing.enter_context(server.connect(get(path))) for _ in range(30)]
        for reader in readers:
            assert reader.recv(15) == b"HTTP/1.1 200 OK"
        with server.client.stream("GET", path) as response:  # the others have time meanwhile
            assert sum(map(len, response.iter_raw())) > size * MIB / 4
        assert memory(server) - before < 300 * MIB


@pytest.mark.slow
def test_unread_responses_share_a_limit(start_server: Callable[..., Any], tmp_path: Path) -> None:
    options = {"max_json_numbers": 3_000_000, "client_timeout": 60}
    server = start_server(tmp_path / "data", **options)
    path = "/v1/cost-surface?resolution=1000"
    assert len(server.client.get(path).content) > 15 * MIB
    before = memory(server)
    with ExitStack() as closing:
        readers = [closing.enter_context(server.connect(get(path))) for _ in range(40)]
        for reader in readers:
            assert reader.recv(15) == b"HTTP/1.1 200 OK"
        wait_for(lambda: memory(server) - before, lambda n_bytes: n_bytes < 500 * MIB)
        assert server.client.get("/livez").status_code == 200
