"""Latency of tasks over HTTP, compared with the tutorial's loop in this process."""

import socket
from collections.abc import Callable
from contextlib import closing
from itertools import count
from typing import Any

import numpy as np
import orjson

from benchmarks import tutorial
from benchmarks.harness import Contender, Row, alternate, make_rows
from benchmarks.requests import LENGTH
from benchmarks.service import serve
from benchmarks.training import N_ITERATIONS, SERVICE, TUTORIAL
from service.engine.data import count_ones

HEAD = (
    b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)


class Client:
    """One persistent connection. It is minimal, because its time is part of the measurement."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON of a response; raises AssertionError unless it succeeds."""
        content = orjson.dumps(body)
        self._socket.sendall(HEAD % (path.encode(), len(content)) + content)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, content = received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        assert length, head
        while len(content) < int(length[1]):
            content += self._receive()
        assert head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 201 ")), received
        return orjson.loads(content)

    def _receive(self) -> bytes:
        part = self._socket.recv(1 << 20)
        assert part, "the service closed the connection"
        return part

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def measure_http_tasks() -> list[Row]:
    """Measure training on new data, the same request again, and the exact optimum."""
    seeds = count(2)

    def new_data() -> dict[str, Any]:
        return {"dataset": {"seed": next(seeds)}}

    with serve() as port, closing(Client(port)) as client:
        runs = "/v1/training-runs"
        return [
            _measure(
                "training run over HTTP, new data, not stored",
                lambda: client.post(runs, new_data() | {"keep": False}),
                goal=1 / 10,
            ),
            _measure(
                "training run over HTTP, new data, stored",
                lambda: client.post(runs, new_data()),
                goal=1 / 6,
            ),
            _measure(
                "optimum over HTTP, new data",
                lambda: client.post("/v1/optimum", new_data()),
                goal=1 / 20,
            ),
            _measure(
                "training run over HTTP, repeated", lambda: client.post(runs, {}), goal=1 / 30
            ),
        ]


def _measure(task: str, ask: Callable[[], Any], goal: float) -> Row:
    """Compare a request with the tutorial's training loop of 500 iterations."""
    data = count_ones()
    loop = Contender(TUTORIAL, lambda: tutorial.train(*data, N_ITERATIONS), goal=goal)
    contenders = [Contender(SERVICE, ask), loop]
    # The data differ from request to request, so there is no result to compare.
    seconds = alternate(contenders, rtol=0.0, rounds=25, extract=lambda _: np.zeros(1))
    (row,) = make_rows(task, contenders, seconds)
    return row
