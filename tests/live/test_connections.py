"""Limits of connections: headers, slow clients, clients that do not read, and many clients."""

import json
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from select import select
from time import monotonic
from typing import Any

import httpx
import psutil
import pytest

from service.server.connection import SPARE_CONNECTIONS
from tests.live.conftest import receive_all
from tests.live.liveness import responsive

SETTINGS = {"client_timeout": 1}
SLOWEST = 60.0  # until the server has certainly disconnected a client
MIB = 1024 * 1024


def check_problem(received: bytes, status: int, slug: str) -> dict[str, Any]:
    """Check that a raw response is a problem with a request id, and return it."""
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    assert line.startswith(f"HTTP/1.1 {status} "), line
    headers = dict(field.lower().split(": ", 1) for field in fields)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    problem: dict[str, Any] = json.loads(body)
    assert problem["type"] == f"/problems/{slug}"
    assert problem["status"] == status
    assert problem["request_id"] == headers["x-request-id"]
    return problem


def send(connection: socket.socket, data: bytes) -> None:
    """Send data until the server closes the connection."""
    with suppress(ConnectionError):
        connection.sendall(data)


@pytest.mark.parametrize(
    ("request_", "status", "slug"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 501, "not-implemented"),
        (b"FETCH / HTTP/1.1\r\nhost: localhost\r\n\r\n", 501, "not-implemented"),
        (b"GET /\x00 HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, "malformed"),
        (b"GET / HTTP/9.z\r\nhost: localhost\r\n\r\n", 400, "malformed"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "malformed"),
        (b"GET http: HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, "malformed"),
        (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n", 414, "url-too-long"),
        (b"GET /" + b"a" * 1_000_000, 414, "url-too-long"),
        (b"GET / HTTP/1.1\r\na: " + b"a" * 66_000 + b"\r\n\r\n", 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1_000_000, 431, "headers-too-large"),
    ],
)
def test_errors_before_routing(server: Any, request_: bytes, status: int, slug: str) -> None:
    check_problem(server.exchange(request_), status, slug)


def test_a_refused_request_keeps_its_id(server: Any) -> None:
    sent = b"GET / HTTP/1.1\r\nx-request-id: mine\r\na: b\r\nno colon\r\n\r\n"
    assert check_problem(server.exchange(sent), 400, "malformed")["request_id"] == "mine"


def test_headers_within_the_limits_are_accepted(server: Any) -> None:
    fields = b"".join(b"a%d: %s\r\n" % (number, b"b" * 600) for number in range(98))
    head = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    assert server.exchange(head + fields + b"\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("part", [b"a" * MIB, b"a: b\r\n" * (MIB // 6)])
def test_100_mib_of_headers_block_nobody(server: Any, part: bytes) -> None:
    before = psutil.Process(server.process.pid).memory_info().rss
    with responsive(server), server.connect(b"GET / HTTP/1.1\r\nhost: localhost\r\na: ") as client:
        for _ in range(100):
            send(client, part)
        receive_all(client)
    assert psutil.Process(server.process.pid).memory_info().rss - before < 30 * MIB


def test_60_mib_of_empty_lists_are_not_parsed(server: Any) -> None:
    before = psutil.Process(server.process.pid).memory_info().rss
    chunk = b"[[]]," * (MIB // 5)
    with server.connect() as connection:
        connection.sendall(
            b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        for _ in range(60):
            send(connection, b"%x\r\n%s\r\n" % (len(chunk), chunk))
            if select([connection], [], [], 0)[0]:
                break  # the response is there, before the end of the body
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert psutil.Process(server.process.pid).memory_info().rss - before < 50 * MIB


def test_trailers_are_limited(server: Any) -> None:
    sent = (
        b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    )
    check_problem(server.exchange(sent + b"a: b\r\n" * 100_000), 431, "headers-too-large")


@pytest.mark.parametrize("following", [b"FETCH / HTTP/1.1\r\n\r\n", b"\x00", b"\x16\x03\x01"])
def test_a_response_precedes_the_refusal_of_the_next_request(server: Any, following: bytes) -> None:
    head = b"GET /v1/cost-surface HTTP/1.1\r\nhost: localhost\r\n\r\n"
    received = server.exchange(head + following)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in received
    assert b"problem+json" not in received


def test_a_client_that_sends_headers_slowly_is_disconnected(server: Any) -> None:
    started = monotonic()
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        connection.settimeout(0.1)
        received = b""
        while not received and monotonic() - started < SLOWEST:
            send(connection, b"a: b\r\n")
            with suppress(TimeoutError):
                received = connection.recv(65536)
        connection.settimeout(SLOWEST)
        received += receive_all(connection)
    check_problem(received, 408, "timeout")


@pytest.mark.parametrize("n_bytes", [0, pytest.param(3 * MIB, marks=pytest.mark.slow)])
def test_a_client_that_holds_back_the_body_is_disconnected(server: Any, n_bytes: int) -> None:
    head = b"POST /v1/datasets HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n"
    sent = head + b"content-length: 5000000\r\n\r\n" + b" " * n_bytes
    check_problem(server.exchange(sent), 408, "timeout")


def test_an_idle_connection_is_closed(server: Any) -> None:
    received = server.exchange(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")


def connect_many(server: Any, closing: ExitStack, number: int) -> None:
    """Open idle connections, some of which the server closes at once."""
    for _ in range(number):
        connection = closing.enter_context(socket.socket())
        connection.connect(("127.0.0.1", server.port))


@pytest.mark.slow
def test_connections_of_one_address(start_server: Callable[..., Any], tmp_path: Path) -> None:
    limits = {"max_connections": 300, "max_connections_per_client": 50}
    server = start_server(tmp_path / "data", **limits)
    process = psutil.Process(server.process.pid)
    # Another address of the same machine.
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with ExitStack() as closing:
        others = closing.enter_context(httpx.Client(base_url=server.url, transport=transport))
        connect_many(server, closing, 2000)
        for path in ("/livez", "/readyz", "/v1/gradient-trace"):
            assert others.get(path).status_code == 200
        n_open = sum(each.status == "ESTABLISHED" for each in process.net_connections("tcp"))
        assert 50 < n_open <= 50 + SPARE_CONNECTIONS + 1
