"""Uvicorn's protocol with h2c upgrades, HTTP/1.0 and half-closed connections."""

from asyncio import CancelledError, Task, current_task
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

RESET: Final = pack("ii", 1, 0)  # discards unsent data, and resets the connection
FIRST_PROBE_SECONDS: Final = 0.1  # between the first two probes; the time doubles
MAX_PROBE_SECONDS: Final = 1.0
MAX_STREAM_PROBE_SECONDS: Final = 8.0  # of an event stream, for which nothing is computed
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"  # the probe before a response
COMMENT: Final = b"2\r\n:\n\r\n"  # the probe between two events of a stream, in a chunk
EVENT_STREAM: Final = (b"content-type", b"text/event-stream; charset=utf-8")


class Protocol(HttpToolsProtocol):
    """A connection that ignores requests to upgrade it, and reads pending data before it ends."""

    def __init__(self, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.url = b""
        self.headers = []
        self._running: RequestResponseCycle | None = None
        self._task: Task[Any] | None = None  # that serves it
        self._probe_data = b""  # which the client ignores
        self._ignores_input = False
        self._is_last_response = False
        self._is_ended = False  # no further response follows

    def _feed(self, data: memoryview) -> None:
        """Parse data, and ignore requests to upgrade the connection.

        The parser ends after the head of such a request, with its last callbacks. Another parser
        continues after the same head without Upgrade.
        """
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
            line = self.parser.get_method(), self.url, self.parser.get_http_version().encode()
            head = [b"%b %b HTTP/%b\r\n" % line]
            head += [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in uvicorn
            self.parser.feed_data(b"".join([*head, b"\r\n"]))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Record a header field, without trailing white space."""
        super().on_header(name, value.rstrip(b" \t"))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running, self._task = cycle, None
        self._probe_data = CONTINUE if cycle.scope["http_version"] == "1.1" else b""

        async def send(message: Any) -> None:
            """Send a part of a response."""
            if cycle.scope["http_version"] == "1.0":  # has no chunks
                cycle.chunked_encoding = False
                cycle.expected_content_length = len(message.get("body", b""))
            is_body = message["type"] == "http.response.body"
            is_complete = is_body and not message.get("more_body", False)
            if is_complete and not cycle.keep_alive:
                # Otherwise, uvicorn would close the connection at once.
                cycle.keep_alive = self._is_last_response = True
            await cycle.send(message)
            if not is_body:
                is_stream = cycle.chunked_encoding and EVENT_STREAM in message["headers"]
                self._probe_data = COMMENT if is_stream else b""

        async def serve(scope: Any, receive: Any, _send: Any) -> None:
            self._task = current_task()
            try:
                # The end of the event loop cancels requests, which have a response by then.
                with suppress(CancelledError):
                    await app(scope, receive, send)
            finally:
                if cycle.response_started and not cycle.response_complete:
                    cycle.disconnected = True
                    if not self.transport.is_closing():
                        # In HTTP/1.0, only a reset informs the client.
                        connection = self.transport.get_extra_info("socket")
                        connection.setsockopt(SOL_SOCKET, SO_LINGER, RESET)
                    self.transport.abort()

        super()._start_asgi_task(cycle, serve)

    def on_message_complete(self) -> None:
        """Note that the body is complete, also if the response did not wait for it."""
        if self.parser.should_upgrade():
            return
        self.cycle.more_body = False
        super().on_message_complete()
        if self._is_ended:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Continue with the next request, or close the connection.

        Unread data would reset the connection, so the client could lose the response. The server
        therefore reads the rest of a body before it closes its half (RFC 9112, section 9.6).
        """
        if not self._is_last_response:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self.cycle.more_body or self._ignores_input:
            self._end_responses()
        else:
            self.transport.close()

    def _end_responses(self) -> None:
        """Close the server's half of the connection, and ignore further data."""
        self._is_ended = True
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        self.flow.resume_reading()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Serve the complete requests of a client that closed its half of the connection.

        A client that disconnected is indistinguishable until data are sent: its system then resets
        the connection, which the next probe detects. HTTP/1.0 has no data before a response.
        """
        cycle = self._unfinished()
        if cycle is None or self.cycle.more_body or cycle.scope["http_version"] != "1.1":
            return False
        self.cycle.keep_alive = False  # it is the last request
        self._probe(FIRST_PROBE_SECONDS)
        return True

    def _probe(self, seconds: float) -> None:
        """Send data that the client ignores, unless a response is being sent; repeat it later."""
        if self.transport.is_closing():
            return
        if self._unfinished():
            self.transport.write(self._probe_data)
        is_stream = self._probe_data is COMMENT
        longest = MAX_STREAM_PROBE_SECONDS if is_stream else MAX_PROBE_SECONDS
        self.loop.call_later(seconds, self._probe, min(2 * seconds, longest))

    def _unfinished(self) -> RequestResponseCycle | None:
        """Return the request that the application serves, if any."""
        cycle = self._running
        return None if cycle is None or cycle.response_complete else cycle
