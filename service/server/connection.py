"""A connection: uvicorn's, with limits on headers and on clients that make no progress.

Uvicorn and httptools limit neither the size of headers nor the time of a client. Errors that occur
before a request reaches the application are problems like all others.
"""

from asyncio import AbstractEventLoop, Transport
from collections import Counter
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Any, Final

import httptools
from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.api.access import name_address
from service.api.errors import BUSY, MALFORMED, TIMEOUT, Refused
from service.api.request_record import DISCONNECTED, INTERRUPTION, REFUSAL, Interruption
from service.server.progress import Expected, Progress
from service.server.protocol import Protocol
from service.server.refusals import check_coding, check_headers, check_host, explain
from service.settings import Settings

SLICE_BYTES: Final = 4 * 1024  # parsed between two checks of these limits
PARSE_SECONDS: Final = 0.005  # for parsing in all connections, per turn of the event loop
ALWAYS_PARSED: Final = 1024  # bytes, as of a probe; larger data may wait for the next turn
MAX_PIPELINED: Final = 32  # pipelined requests
SPARE_CONNECTIONS: Final = 100  # above the limit, which get a 503; further ones are closed
MAX_LOGGED_PATH: Final = 200
NO_METHOD: Final = "none"  # if the request line did not arrive
ALWAYS_SERVED: Final = b"/livez"  # otherwise, a busy process would be restarted


class ParseBudget:
    """The time to parse that all connections share in one iteration of the event loop."""

    def __init__(self) -> None:
        self._end: float | None = None

    def has_time(self, loop: AbstractEventLoop) -> bool:
        """Return True if time remains in the present turn."""
        if self._end is None:
            self._end = monotonic() + PARSE_SECONDS
            loop.call_soon(self._begin)
        return monotonic() < self._end

    def _begin(self) -> None:
        self._end = None


class OpenConnections:
    """A counter of the open connections of each address or IPv6 network.

    A trusted proxy represents many clients, so its connections are not counted.
    """

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._proxies = _TrustedHosts(list(trusted_proxies))
        self._counts: Counter[str] = Counter()

    def add(self, host: str) -> int:
        """Return the number of connections of a host, including a new one; 0 for a proxy."""
        if host in self._proxies:
            return 0
        name = name_address(host)
        self._counts[name] += 1
        return self._counts[name]

    def remove(self, host: str) -> None:
        """Remove a connection counted by `add`."""
        name = name_address(host)
        self._counts[name] -= 1
        if self._counts[name] <= 0:  # also of a proxy
            del self._counts[name]


class Connection(Protocol):
    """A connection to one client.

    The server calls `check` about once per second. One check of all timeouts costs less than a
    timer per timeout and request.

    Parameters
    ----------
    settings
        ``max_connections…`` and ``client_timeout``.
    parse_budget, opened
        Shared by all connections.
    """

    def __init__(
        self, settings: Settings, parse_budget: ParseBudget, opened: OpenConnections, **uvicorn: Any
    ) -> None:
        super().__init__(**uvicorn)
        self._settings = settings
        self._parse_budget = parse_budget
        self._opened = opened
        self._host = ""
        self._overload: Refused | None = None
        self._is_closing = False
        self._in_headers = False
        self._overhead = 0  # bytes received since the last part of a body
        self._body_bytes = 0
        self._n_requests = 0
        self._n_resumed = 0
        self._progress = Progress(settings.client_timeout)

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Accept a connection; far above the limit, close it at once."""
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""
        total = len(self.connections) - self._settings.max_connections
        own = self._opened.add(self._host) - self._settings.max_connections_per_client
        if max(total, own) > 0:
            whose = "of your address " if own > total else ""
            self._overload = Refused(BUSY, f"too many connections {whose}are open")
        if max(total, own) > SPARE_CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the application, also if pipelined requests wait for its response."""
        self._opened.remove(self._host)
        self._interrupt(DISCONNECTED)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data."""
        self._parse_slices(memoryview(data))

    def _parse_slices(self, data: memoryview, *, is_held: bool = False) -> None:
        """Parse data in slices, so that no limit is exceeded by more than a slice.

        Slow data, such as a million chunks, is parsed in several turns of the event loop.
        """
        while data and not self._ignores_input and not self.transport.is_closing():
            if len(data) > ALWAYS_PARSED and not self._parse_budget.has_time(self.loop):
                self.transport.pause_reading()
                self.flow.read_paused = False  # uvicorn must not resume it meanwhile
                self.loop.call_soon(partial(self._parse_slices, data, is_held=True))
                return
            self._parse(data[:SLICE_BYTES])
            data = data[SLICE_BYTES:]
        if is_held and not self.flow.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def _parse(self, data: memoryview) -> None:
        self._unset_keepalive_if_required()
        self._overhead += len(data)
        try:
            self._feed(data)
            if self._overhead:
                check_headers(self.url, self.headers, self._overhead)
        except Refused as refusal:
            self._refuse(refusal)
        except httptools.HttpParserError as error:
            self._refuse(explain(error))

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self._in_headers = True
        self._overhead = self._body_bytes = 0

    def on_headers_complete(self) -> None:
        """Pass the request to the application, unless it is refused."""
        check_headers(self.url, self.headers, self._overhead)
        if self._is_ended:
            raise Refused(BUSY, "this connection is closing")
        if self.parser.get_method() == b"CONNECT":
            raise Refused(MALFORMED, "CONNECT is not supported")
        if self.parser.should_upgrade():
            return  # the head follows again
        if len(self.pipeline) >= MAX_PIPELINED:
            raise Refused(BUSY, "too many pipelined requests")
        check_host(self.headers, self.parser.get_http_version())
        check_coding(self.headers)
        if self.parser.get_http_version() == "1.0":  # has no interim responses
            self.expect_100_continue = False
        if self._overload and self.url != ALWAYS_SERVED:
            _refuse_scope(self.scope, self._overload)
        super().on_headers_complete()
        if self._is_closing or REFUSAL in self.scope:
            self.cycle.keep_alive = False
        self._n_requests += 1
        self._in_headers = False
        self._overhead = 0

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body to the application."""
        self._overhead = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Record that the body is complete, also if the response did not wait for it."""
        self._overhead = 0
        super().on_message_complete()

    def resume_writing(self) -> None:
        """Continue to send the response."""
        self._n_resumed += 1
        super().resume_writing()

    def shutdown(self) -> None:
        """Close the connection after the current request, which may still arrive."""
        self._is_closing = True
        if not self._is_ended and not self._in_headers:
            super().shutdown()

    def _interrupt(self, interruption: Interruption) -> None:
        """Stop the application's response, if there is one and it is not complete."""
        cycle = self._unfinished()
        if cycle is not None:
            scope: Any = cycle.scope
            scope.setdefault(INTERRUPTION, interruption)  # the first reason is the cause
            cycle.disconnected = True
            cycle.message_event.set()

    def check(self, now: float) -> None:
        """Close the connection if its client has made too little progress until ``now``."""
        expected, n_bytes = self._observe()
        part = self._n_requests, self._n_resumed
        if self._progress.is_overdue(expected, part, n_bytes, now):
            self._time_out(expected)

    def _observe(self) -> tuple[Expected | None, int]:
        """Return the expected action of the client, and the bytes that measure its progress."""
        if self.flow.write_paused or self.transport.is_closing():
            return Expected.READ, -self.transport.get_write_buffer_size()
        if self._is_ended and self._ignores_input:
            return Expected.CLOSE, 0
        is_idle = self._n_requests == 0 or not (self.cycle.more_body or self._unfinished())
        # Uvicorn limits the time between a response and the next request.
        if self._in_headers or (is_idle and self.timeout_keep_alive_task is None):
            return Expected.HEADERS, 0
        if is_idle or not self.cycle.more_body or self.flow.read_paused:
            return None, 0  # the application is computing, or about to read the body
        if self._unfinished():
            return Expected.BODY, self._body_bytes
        return Expected.UNUSED_BODY, 0

    def _time_out(self, expected: Expected | None) -> None:
        if expected is Expected.HEADERS and self._in_headers:
            self._refuse(Refused(TIMEOUT, "the headers did not arrive in time"))
        elif expected is Expected.BODY:
            self._refuse(Refused(TIMEOUT, "the body did not arrive in time"))
        else:
            detail = "the client did not read the response in time"
            self._interrupt(Interruption(TIMEOUT.status, detail))
            self.transport.abort()

    def _refuse(self, refusal: Refused) -> None:
        """Reject the request being received, and ignore the rest of it."""
        self._ignores_input = True
        if self._is_ended:
            return
        cycle = self._unfinished()
        if cycle is None:
            self._begin_refused(refusal)
        elif self.cycle.more_body:
            self._replace_response(cycle, refusal)
        else:
            # It is the next request. The response to the present one comes first, and is the last.
            self.cycle.keep_alive = False

    def _begin_refused(self, refusal: Refused) -> None:
        """Reject a request whose head is incomplete or invalid, through the application."""
        if not self._in_headers:
            self.on_message_begin()
        path, _, _ = self.url.partition(b"?")
        # Before the URL, the parser still has the method of the previous request.
        method = self.parser.get_method().decode() if self.url else NO_METHOD
        self.url = b"/"
        super().on_headers_complete()
        self.cycle.keep_alive = self._in_headers = False
        scope: Any = self.scope
        scope["method"], scope["path"] = method, path[:MAX_LOGGED_PATH].decode("latin-1")
        _refuse_scope(scope, refusal)

    def _replace_response(self, cycle: RequestResponseCycle, refusal: Refused) -> None:
        """Reject the request being served, through the application, before its response begins."""
        _refuse_scope(cycle.scope, refusal)
        cycle.keep_alive = False
        if cycle.response_started or self.pipeline:
            self.transport.abort()
        elif self._task is not None:
            self._task.cancel()


def _refuse_scope(scope: Any, refusal: Refused) -> None:
    """Reject the request of a scope, through the application, and log the reason."""
    scope[REFUSAL] = refusal
    scope[INTERRUPTION] = Interruption(refusal.kind.status, refusal.detail)
