"""Liveness while clients send the largest JSON bodies."""

import http.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from time import monotonic
from typing import Any, NamedTuple

import pytest

from service.api.requests import MAX_JSON_BYTES, MAX_LISTS
from tests.live.liveness import responsive

N_CLIENTS = 2
SECONDS = 3.0  # about two hundred responses of a server that has time
N_RESPONSES = 10


class Kind(NamedTuple):
    """A body: one item as often as fits between a beginning and an end, and the response.

    ``part`` is what the response contains.
    """

    beginning: str
    item: str
    end: str
    status: int
    part: str
    n_items: int = MAX_JSON_BYTES

    @property
    def body(self) -> bytes:
        """The bytes."""
        room = MAX_JSON_BYTES - len(self.beginning) - len(self.end) + len(",")
        n_items = min(self.n_items, room // (len(self.item) + len(",")))
        return (self.beginning + ",".join([self.item] * n_items) + self.end).encode()


ROW = '{"inputs":[['
ROWS = '{"inputs":['
KINDS = {
    "numbers-for-rows": Kind(ROWS, "0", "]}", 422, "/inputs/0"),
    "short-rows": Kind(ROWS, "[1]", "]}", 200, "outputs", MAX_LISTS - 1),
    "long-row-of-tanh": Kind(
        '{"model":{"activation":"tanh"},"inputs":[[', "0.12345", "]]}", 200, "outputs"
    ),
    "tiny-numbers": Kind(ROW, "1e-300", "]]}", 200, "outputs"),
    "too-many-lists": Kind(ROWS, "[]", "]}", 413, "lists"),
    "objects": Kind(ROWS, "{}", "]}", 413, "fields"),
}
FAST = "short-rows"


def send(port: int, body: bytes) -> tuple[int, str]:
    """Send a prediction request; return the status and the body of the response."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("POST", "/v1/predict", body, {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read().decode()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != FAST)) for name in KINDS]
)
def test_the_largest_bodies_do_not_delay_liveness(server: Any, name: str) -> None:
    kind = KINDS[name]
    body = kind.body
    end = monotonic() + SECONDS

    def repeat(_: int) -> set[tuple[int, bool]]:
        found: set[tuple[int, bool]] = set()
        while monotonic() < end or not found:
            status, text = send(server.port, body)
            found.add((status, kind.part in text))
        return found

    with responsive(server, N_RESPONSES), ThreadPoolExecutor(N_CLIENTS) as clients:
        found = list(clients.map(repeat, range(N_CLIENTS)))
    assert found == [{(kind.status, True)}] * N_CLIENTS
