"""Timeouts and interruptions of a connection, with a transport and a clock of the test."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from service.api.access import AccessPolicy
from service.api.middleware import RequestGuardMiddleware
from service.api.request_record import INTERRUPTION, RequestRecord
from service.server.connection import MAX_PIPELINED, Connection, OpenConnections, ParseBudget
from service.server.progress import MIN_PROGRESS_BYTES, TRANSFER_SECONDS
from service.settings import Settings
from tests.conftest import until

TIMEOUT = 20
LATEST = 25  # a second more than the timeout, and some rounds of checks


class Transport(asyncio.Transport):
    """A transport that records what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unread = 0
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self if name == "socket" else default

    def setsockopt(self, *option: Any) -> None:
        """Ignore it."""

    def getsockname(self) -> Any:
        return ("127.0.0.1", 1)

    getpeername = getsockname

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


class Streams:
    """An application that sends the beginning of a response, and then runs to its end."""

    def __init__(self, end: Any) -> None:
        self.scopes: list[Any] = []
        self._end = end

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        await self._end(receive)


async def wait_for_disconnection(receive: Any) -> None:
    """End when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def serve_nothing(_scope: Any, receive: Any, _send: Any) -> None:
    """Read the body, and never respond."""
    await wait_for_disconnection(receive)


@pytest.fixture
def observed() -> list[RequestRecord]:
    """Return the requests that the application reports."""
    return []


@pytest.fixture
def make_connection() -> Iterator[Callable[[Any], Connection]]:
    """Return a function that opens a connection to an application."""
    loop = asyncio.new_event_loop()
    opened: list[Connection] = []

    def make(app: Any) -> Connection:
        config = uvicorn.Config(app, log_config=None)
        config.load()
        connection = Connection(
            Settings(client_timeout=TIMEOUT),
            ParseBudget(),
            OpenConnections([]),
            config=config,
            server_state=ServerState(),
            app_state={},
            _loop=loop,
        )
        connection.connection_made(Transport())
        opened.append(connection)
        return connection

    yield make
    for connection in opened:
        connection.connection_lost(None)
    for task in asyncio.all_tasks(loop):
        loop.run_until_complete(task)
    loop.close()


@pytest.fixture
def connection(
    make_connection: Callable[[Any], Connection], observed: list[RequestRecord]
) -> Connection:
    """Return a connection that has just been opened, to an application that serves nothing."""
    access = AccessPolicy(Settings(allowed_hosts=("*",)))
    return make_connection(RequestGuardMiddleware(serve_nothing, access, [observed.append]))


def post(n_bytes: int) -> bytes:
    return b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % n_bytes


def run_tasks(connection: Connection) -> None:
    for _ in range(3):
        connection.loop.run_until_complete(asyncio.sleep(0))


def run_until(connection: Connection, holds: Callable[[], Any]) -> None:
    """Run tasks: on a busy machine, long data take several turns of the event loop."""
    connection.loop.run_until_complete(until(holds))


def seconds_until_closed(connection: Connection, send: Any = None, limit: int = 5000) -> int:
    """Check the connection once per second until it closes, after ``send`` each time."""
    for second in range(limit):
        if send is not None:
            send()
        run_tasks(connection)
        connection.check(float(second))
        run_tasks(connection)
        transport: Any = connection.transport
        if transport.closed or connection.transport.written:  # type: ignore[attr-defined]
            return second
    return limit


@pytest.mark.parametrize(
    ("version", "written"), [(b"1.1", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"1.0", b"")]
)
def test_only_http_1_1_has_interim_responses(
    connection: Connection, version: bytes, written: bytes
) -> None:
    connection.data_received(
        b"POST / HTTP/%b\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n" % version
    )
    run_tasks(connection)
    assert connection.transport.written == written  # type: ignore[attr-defined]


def test_a_body_needs_progress(connection: Connection) -> None:
    connection.data_received(post(10**9))
    too_slow = MIN_PROGRESS_BYTES // TIMEOUT // 2
    send = lambda: connection.data_received(b" " * too_slow)  # noqa: E731
    assert TIMEOUT <= seconds_until_closed(connection, send) < LATEST


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
    observed: list[RequestRecord],
    sent: bytes,
    method: str,
    path: str,
    status: int,
) -> None:
    connection.data_received(sent)
    run_until(connection, lambda: observed)
    (record,) = observed
    assert (record.method, record.scope["path"]) == (method, path)
    assert (record.outcome, record.route) == (status, None)
    assert record.interruption
    assert (record.scope["request_id"] == "mine") == (b"mine" in sent)


def test_a_request_that_reached_the_application_is_reported_once(
    connection: Connection, observed: list[RequestRecord]
) -> None:
    connection.data_received(post(9) + b"{}")
    seconds_until_closed(connection)
    connection.connection_lost(None)
    (record,) = observed
    assert record.interruption == (408, "the body did not arrive in time")
    assert connection.transport.written.startswith(b"HTTP/1.1 408 ")  # type: ignore[attr-defined]


def test_a_client_that_does_not_read_is_a_reason(make_connection: Any) -> None:
    app = Streams(wait_for_disconnection)
    connection = make_connection(app)
    connection.data_received(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    run_tasks(connection)
    connection.pause_writing()
    connection.transport.unread = 10**9
    for second in range(LATEST):
        connection.check(float(second))
    connection.connection_lost(None)
    assert app.scopes[0][INTERRUPTION] == (408, "the client did not read the response in time")


def test_few_requests_wait_for_an_earlier_one(connection: Connection) -> None:
    connection.data_received(1000 * b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    run_until(connection, lambda: not connection.cycle.keep_alive)
    assert len(connection.pipeline) == MAX_PIPELINED
