"""What a client waits for: tasks over HTTP, and the tutorial's loop in this process."""

import http.client
import json
from collections.abc import Callable
from contextlib import closing
from itertools import count
from typing import Any

import numpy as np
import orjson

from benchmarks import tutorial
from benchmarks.harness import Contender, Row, alternate, make_rows
from benchmarks.service import serve
from benchmarks.training import N_ITERATIONS, SERVICE, TUTORIAL
from service.engine.data import count_ones


class Client:
    """One connection that stays open, with little work of its own."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON of a response; raises AssertionError unless it succeeds."""
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", path, json.dumps(body), headers)
        response = self._connection.getresponse()
        content = response.read()
        assert response.status in {200, 201}, content
        return orjson.loads(content)  # the standard library would take a fifth of a training run

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def measure_http_tasks() -> list[Row]:
    """Measure training on new data, the same question again, and the exact optimum."""
    seeds = count(2)

    def new_data() -> dict[str, Any]:
        return {"dataset": {"seed": next(seeds)}}

    with serve() as port, closing(Client(port)) as client:
        runs = "/v1/training-runs"
        return [
            _measure(
                "training run over HTTP, new data, not stored",
                lambda: client.post(runs, new_data() | {"keep": False}),
                goal=1 / 15,
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
                "training run over HTTP, asked again", lambda: client.post(runs, {}), goal=1 / 30
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
