"""Limits of connections: headers, slow clients, clients that do not read, and many clients."""

import json
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from select import select
from threading import Event
from time import monotonic
from typing import Any

import httpx
import psutil
import pytest

from service.server.connection import SPARE_CONNECTIONS
from tests.live.conftest import receive_all, wait_for
from tests.live.liveness import responsive

TIMEOUT = 1  # the client timeout of the server, in seconds
SLOWEST = 60.0  # until the server has certainly disconnected a client
MIB = 1024 * 1024
PAUSE = Event()  # never set


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a server with a short timeout."""
    data = tmp_path_factory.mktemp("connections") / "data"
    return start_server(data, "--workers", "0", client_timeout=TIMEOUT)


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
def test_errors_before_routing_are_problems(
    server: Any, request_: bytes, status: int, slug: str
) -> None:
    with server.connect() as connection:
        send(connection, request_)
        check_problem(receive_all(connection), status, slug)


def test_a_refused_request_keeps_its_id(server: Any) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx-request-id: mine\r\na: b\r\nno colon\r\n\r\n")
        assert check_problem(receive_all(connection), 400, "malformed")["request_id"] == "mine"


def test_headers_within_the_limits_are_accepted(server: Any) -> None:
    fields = b"".join(b"a%d: %s\r\n" % (number, b"b" * 600) for number in range(98))
    with server.connect() as connection:
        head = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        connection.sendall(head + fields + b"\r\n")
        assert receive_all(connection).startswith(b"HTTP/1.1 200 ")


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
    with server.connect() as connection:
        connection.sendall(
            b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
        )
        send(connection, b"a: b\r\n" * 100_000)
        check_problem(receive_all(connection), 431, "headers-too-large")


@pytest.mark.parametrize("following", [b"FETCH / HTTP/1.1\r\n\r\n", b"\x00", b"\x16\x03\x01"])
def test_a_response_precedes_the_refusal_of_the_next_request(server: Any, following: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /v1/cost-surface HTTP/1.1\r\nhost: localhost\r\n\r\n" + following)
        received = receive_all(connection)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in received
    assert b"problem+json" not in received


@pytest.mark.slow
def test_a_client_that_sends_no_request_is_disconnected(server: Any) -> None:
    with responsive(server), ExitStack() as closing:
        silent = [closing.enter_context(server.connect()) for _ in range(20)]
        blank = closing.enter_context(server.connect())
        blank.sendall(b"\r\n")
        for connection in (*silent, blank):
            assert receive_all(connection) == b""


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
    check_problem(received, 408, "timeout")


@pytest.mark.parametrize("n_bytes", [0, pytest.param(3 * MIB, marks=pytest.mark.slow)])
def test_a_client_that_holds_back_the_body_is_disconnected(server: Any, n_bytes: int) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /v1/datasets HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n"
            b"content-length: 5000000\r\n\r\n" + b" " * n_bytes
        )
        check_problem(receive_all(connection), 408, "timeout")


@pytest.mark.slow
def test_an_unused_body_is_not_read_for_long(server: Any) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /nothing HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n"
            b"content-length: 99999999999\r\n\r\n"
        )
        received = connection.recv(65536)
        deadline = monotonic() + SLOWEST
        with suppress(OSError):
            while monotonic() < deadline:
                connection.sendall(b" " * 1000)
                PAUSE.wait(0.01)
    assert received.startswith(b"HTTP/1.1 404 ")
    assert monotonic() < deadline


def test_an_idle_connection_is_closed(server: Any) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert receive_all(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
def test_a_client_that_does_not_read_is_disconnected(server: Any) -> None:
    dataset = {"n_samples": 20_000, "n_steps": 200}  # 16 MB as a table
    stored = server.client.post("/v1/datasets", json=dataset).json()["id"]
    process = psutil.Process(server.process.pid)

    def is_open(port: int) -> bool:
        connections = process.net_connections("tcp")
        return any(each.raddr[1:] == (port,) for each in connections)

    with responsive(server), server.connect() as connection:
        connection.sendall(
            f"GET /v1/datasets/{stored}.csv HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
        )
        port = connection.getsockname()[1]
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        # The kernel cannot hold so much, so the response is incomplete.
        wait_for(lambda: is_open(port), lambda seen: not seen)


def connect_many(server: Any, closing: ExitStack, number: int) -> None:
    """Open idle connections, some of which the server closes at once."""
    for _ in range(number):
        connection = closing.enter_context(socket.socket())
        connection.connect(("127.0.0.1", server.port))


@pytest.mark.slow
def test_one_address_cannot_take_all_connections(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    limits = {"max_connections": 300, "max_connections_per_client": 50}
    server = start_server(tmp_path / "data", "--workers", "0", **limits)
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


@pytest.mark.slow
def test_the_clients_of_a_trusted_proxy_are_many(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    options = {"max_connections_per_client": 1, "trusted_proxies": "127.0.0.1"}
    server = start_server(tmp_path / "data", "--workers", "0", **options)
    with ExitStack() as closing:
        connect_many(server, closing, 200)
        assert httpx.get(f"{server.url}/v1/optimizers").status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["max_connections", "max_connections_per_client"])
def test_a_slow_sender_reads_that_there_are_too_many_connections(
    start_server: Callable[..., Any], tmp_path: Path, limit: str
) -> None:
    options = {limit: 1, "log_level": "info", "client_timeout": 5}
    server = start_server(tmp_path / "data", "--workers", "0", **options)
    head = b"POST /v1/datasets HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n"
    with server.connect(), server.connect(head) as slow, server.connect() as probe:
        slow.sendall(b"content-length: 1000008\r\n\r\n")
        for _ in range(8):
            slow.sendall(b"1,2\n" * 31_250)
            PAUSE.wait(0.5)
        slow.sendall(b"1,2\n1,2\n")
        whose = " of your address" if limit.endswith("client") else ""
        received = receive_all(slow)
        problem = check_problem(received, 503, "busy")
        assert problem["detail"] == f"too many connections{whose} are open"
        assert b"\r\nretry-after: 1\r\n" in received.lower()
        probe.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert probe.recv(15) == b"HTTP/1.1 200 OK"
    server.stop()
    events = [json.loads(line) for line in (tmp_path / "data.log").read_text().splitlines()]
    assert [event["status"] for event in events if event["event"] == "request"] == [503, 200]


@pytest.mark.slow
def test_refusals_are_counted(server: Any) -> None:
    def count(*labels: str) -> float:
        name = 'rnn_http_requests_total{{method="{}",route="{}",status="{}"}} '.format(*labels)
        lines = server.client.get("/metrics").text.splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    refusals = [("none", "none", status) for status in ("400", "431")]
    refusals.append(("POST", "/v1/datasets", "408"))  # the application waited for its body
    before = [count(*labels) for labels in refusals]
    headers = b"host: localhost\r\ncontent-type: text/csv\r\ncontent-length: 9\r\n\r\n"
    for sent in (
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n",
        b"POST /v1/datasets HTTP/1.1\r\n" + headers,
    ):
        with server.connect() as connection:
            connection.sendall(sent)
            assert receive_all(connection).startswith(b"HTTP/1.1 4")
    wait_for(
        lambda: [count(*labels) for labels in refusals],
        lambda now: now == [number + 1 for number in before],
    )
    assert count("POST", "/v1/datasets", "400") == 0
