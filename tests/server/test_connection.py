"""The time limits of a connection, with a transport and a clock of the test."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from service.api.exchange import Exchange
from service.server.connection import MIN_PROGRESS_BYTES, TRANSFER_SECONDS, Connection
from service.settings import Settings

TIMEOUT = 20
PATIENCE = 25  # a second more than the timeout, and some rounds of checks


class Transport(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unread = 0
        self.closed = False

    def get_extra_info(self, _name: str, default: Any = None) -> Any:
        return default

    def write(self, data: Any) -> None:
        self.written += data

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """Ignore it."""

    def resume_reading(self) -> None:
        """Ignore it."""


async def serve_nothing(_scope: Any, receive: Any, _send: Any) -> None:
    """Read the body, and never respond."""
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.fixture
def observed() -> list[Exchange]:
    """Return the requests that the connection reports."""
    return []


@pytest.fixture
def connection(observed: list[Exchange]) -> Iterator[Connection]:
    """Return a connection that has just been opened."""
    loop = asyncio.new_event_loop()
    config = uvicorn.Config(serve_nothing, log_config=None)
    config.load()
    connection = Connection(
        Settings(client_timeout=TIMEOUT),
        [observed.append],
        config=config,
        server_state=ServerState(),
        app_state={},
        _loop=loop,
    )
    connection.connection_made(Transport())
    yield connection
    connection.connection_lost(None)
    for task in asyncio.all_tasks(loop):
        loop.run_until_complete(task)
    loop.close()


def post(n_bytes: int) -> bytes:
    return b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % n_bytes


def run_tasks(connection: Connection) -> None:
    connection.loop.run_until_complete(asyncio.sleep(0))


def seconds_until_closed(connection: Connection, send: Any = None, limit: int = 5000) -> int:
    """Check the connection once per second until it closes, after ``send`` each time."""
    for second in range(limit):
        if send is not None:
            send()
            run_tasks(connection)
        connection.check(float(second))
        transport: Any = connection.transport
        if transport.closed or connection.transport.written:  # type: ignore[attr-defined]
            return second
    return limit


def test_a_silent_connection_is_closed(connection: Connection) -> None:
    assert seconds_until_closed(connection) == TIMEOUT
    assert connection.transport.written == b""  # type: ignore[attr-defined]


def test_headers_have_a_fixed_time(connection: Connection) -> None:
    connection.data_received(b"GET / HTTP/1.1\r\n")
    assert (
        seconds_until_closed(connection, lambda: connection.data_received(b"a: b\r\n")) == TIMEOUT
    )


def test_a_body_needs_progress(connection: Connection) -> None:
    connection.data_received(post(10**9))
    too_slow = MIN_PROGRESS_BYTES // TIMEOUT // 2
    send = lambda: connection.data_received(b" " * too_slow)  # noqa: E731
    assert TIMEOUT <= seconds_until_closed(connection, send) < PATIENCE


def test_a_body_with_progress_has_a_longer_time(connection: Connection) -> None:
    connection.data_received(post(10**9))
    slow = MIN_PROGRESS_BYTES // TIMEOUT * 2
    send = lambda: connection.data_received(b" " * slow)  # noqa: E731
    assert seconds_until_closed(connection, send) == TRANSFER_SECONDS


def test_the_time_of_the_application_does_not_count(connection: Connection) -> None:
    connection.data_received(post(2) + b"{}")
    run_tasks(connection)
    assert seconds_until_closed(connection) == 5000


@pytest.mark.parametrize(("read", "seconds"), [(0, TIMEOUT), (10_000, TRANSFER_SECONDS)])
def test_a_client_must_read_the_response(connection: Connection, read: int, seconds: int) -> None:
    transport: Any = connection.transport
    connection.data_received(post(2) + b"{}")
    connection.pause_writing()
    transport.unread = 10**9

    def read_some() -> None:
        transport.unread -= read

    assert seconds_until_closed(connection, read_some) == seconds


def test_a_stream_may_last_if_it_is_read(connection: Connection) -> None:
    connection.data_received(post(2) + b"{}")

    def read_everything() -> None:
        connection.pause_writing()
        connection.resume_writing()
        connection.pause_writing()

    assert seconds_until_closed(connection, read_everything) == 5000


@pytest.mark.parametrize("sent", [b"FETCH / HTTP/1.1\r\n\r\n", post(9) + b"{}"])
def test_a_refused_connection_has_one_response(connection: Connection, sent: bytes) -> None:
    transport: Any = connection.transport
    connection.data_received(sent)
    run_tasks(connection)
    seconds_until_closed(connection)
    assert transport.written.count(b"HTTP/1.1 ") == 1
    connection.give_up()
    assert transport.written.count(b"HTTP/1.1 ") == 1
    assert transport.closed


def test_a_request_that_takes_too_long_is_refused(connection: Connection) -> None:
    transport: Any = connection.transport
    connection.data_received(post(2) + b"{}")
    run_tasks(connection)
    connection.shutdown()
    assert not transport.written
    connection.give_up()
    assert transport.written.startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize(
    ("sent", "method", "path", "status"),
    [
        (b"\x00", "none", "", 501),
        (b"GET /a?b HTTP/1.1\r\nx-request-id: mine\r\na: b\r\nno colon\r\n\r\n", "GET", "/a", 400),
        (b"PUT /" + b"a" * 20_000, "PUT", "/" + "a" * 199, 414),
    ],
)
def test_a_refusal_is_reported(
    connection: Connection,
    observed: list[Exchange],
    sent: bytes,
    method: str,
    path: str,
    status: int,
) -> None:
    connection.data_received(sent)
    (exchange,) = observed
    assert (exchange.method, exchange.scope["path"]) == (method, path)
    assert (exchange.status, exchange.route) == (status, None)
    assert exchange.refusal
    assert exchange.seconds < 60
    assert (exchange.scope["request_id"] == "mine") == (b"mine" in sent)


def test_the_application_reports_a_request_that_reached_it(
    connection: Connection, observed: list[Exchange]
) -> None:
    connection.data_received(post(9) + b"{}")
    run_tasks(connection)
    scope: Any = connection.cycle.scope
    seconds_until_closed(connection)
    assert observed == []
    assert scope["refusal"] == (408, "the body did not arrive in time")
