"""Memory while clients send and read large bodies."""

import io
import socket
from collections.abc import Callable
from contextlib import ExitStack
from threading import Event
from time import monotonic
from typing import Any

import numpy as np
import psutil
import pytest

from tests.live.liveness import responsive

MIB = 1024 * 1024
PAUSE = Event()  # never set


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a server without workers, which waits long for its clients."""
    return start_server(tmp_path_factory.mktemp("memory") / "data", "--workers", "0")


def memory(server: Any) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


def connect(server: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline
        PAUSE.wait(0.05)


def test_held_bodies_are_on_disk_and_end_with_their_clients(server: Any) -> None:
    before = memory(server)
    process = psutil.Process(server.process.pid)
    with responsive(server), ExitStack() as closing:
        for _ in range(20):
            connection = closing.enter_context(connect(server))
            connection.sendall(
                b"POST /v1/datasets HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n"
                b"content-length: 60000000\r\n\r\n"
            )
            for _ in range(30):
                connection.sendall(b"0.123456,0.2345\n" * (MIB // 16))
        wait_for(lambda: process.io_counters().write_chars > 400 * MIB)
        assert memory(server) - before < 250 * MIB
        deleted = [each for each in process.open_files() if "(deleted)" in each.path]
        assert len(deleted) <= 20
    wait_for(lambda: server.client.get("/livez").status_code == 200)


@pytest.mark.slow
def test_downloads_that_are_not_read_need_little_memory(server: Any) -> None:
    archive = io.BytesIO()
    inputs = np.random.default_rng(1).random((40_000, 50))
    np.savez(archive, inputs=inputs, targets=inputs.sum(axis=1))
    npz = {"content-type": "application/x-npz"}
    stored = server.client.post("/v1/datasets", content=archive.getvalue(), headers=npz).json()
    path = stored["links"]["csv"]
    assert len(server.client.get(path).content) > 35 * MIB
    before = memory(server)
    with responsive(server), ExitStack() as closing:
        readers = [closing.enter_context(connect(server)) for _ in range(30)]
        for reader in readers:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        for reader in readers:
            assert reader.recv(15) == b"HTTP/1.1 200 OK"
        assert server.client.get(path).status_code == 200  # the others have had time
        assert memory(server) - before < 300 * MIB
