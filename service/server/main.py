"""Run the server: its start and its shutdown."""

import asyncio
import contextlib
import json
import resource
import socket
import sys
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic
from typing import Any, Final, cast

import uvicorn

from service import __version__
from service.server.connection import SPARE_CONNECTIONS, Connection, OpenConnections, ParseBudget
from service.settings import Settings

OTHER_FILES: Final = 300  # open files of the process other than connections
TICKS_PER_CHECK: Final = 10  # between checks of timeouts; a tick is a tenth of a second
# A shutdown takes less than eight seconds. Container engines kill a container after ten.
DRAIN_SECONDS: Final = 0.2  # while /readyz fails and pending connections are accepted
READ_SECONDS: Final = 0.1  # while the requests of these connections are read
GRACE_SECONDS: Final = 4.0  # for requests in progress; the rest is for a busy machine
FLUSH_SECONDS: Final = 0.5  # for clients to read the last responses
START_FAILED: Final = 1
# A thread that computes holds the GIL for this long while the event loop waits for it. It must be
# shorter than most calls of numpy, which release the GIL for a moment and restart the wait.
SWITCH_SECONDS: Final = 0.0002
UNREAD_BYTES: Final = 256 * 1024 * 1024  # of all responses in total


def run(
    app: Callable[..., Any],
    settings: Settings,
    listener: socket.socket,
    on_shutdown: Callable[[], None] = lambda: None,
    announce: Callable[[Settings, int], str] | None = None,
) -> int:
    """Serve until a signal arrives; return the exit code.

    Parameters
    ----------
    on_shutdown
        Called in the event loop when the shutdown begins. It makes ``/readyz`` fail, rejects
        waiting requests, and ends streams.
    announce
        Returns the text to print when the service is ready, by default the greeting.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    allow_files(settings.max_connections + SPARE_CONNECTIONS + OTHER_FILES)
    # Uvicorn calls the class of the protocol, with arguments.
    opened = OpenConnections(settings.trusted_proxies)
    connect = partial(Connection, settings, ParseBudget(), opened)
    protocol = cast("type[asyncio.Protocol]", connect)
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        timeout_keep_alive=int(settings.client_timeout),
        log_level=settings.log_level,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
    )
    server = _Server(config, settings, on_shutdown, announce)
    # Uvicorn raises Ctrl+C again after it has closed everything, and exits if the start fails.
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run(sockets=[listener])
    return 0 if server.started else START_FAILED


def allow_files(n_files: int) -> None:
    """Raise the limit on open files of this process, up to the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n_files if hard == resource.RLIM_INFINITY else min(n_files, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Server(uvicorn.Server):
    """A server that prints its addresses, checks timeouts, and accepts pending connections."""

    def __init__(
        self,
        config: uvicorn.Config,
        settings: Settings,
        on_shutdown: Callable[[], None],
        announce: Callable[[Settings, int], str] | None = None,
    ) -> None:
        super().__init__(config)
        self._announce = announce or greeting
        self._settings = settings
        self._on_shutdown = on_shutdown

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            print(self._announce(self._settings, sockets[0].getsockname()[1]), flush=True)

    async def on_tick(self, counter: int) -> bool:
        """Check the timeouts of all connections, once per second."""
        if counter % TICKS_PER_CHECK == 0:
            now = monotonic()
            for connection in self._connections():
                connection.check(now)
            limit_unread(self._connections())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept pending connections before uvicorn stops, then reject slow requests."""
        self._on_shutdown()
        await asyncio.sleep(DRAIN_SECONDS)
        await self._accept_pending(sockets or [])
        await asyncio.sleep(READ_SECONDS)
        loop = asyncio.get_running_loop()
        loop.call_later(GRACE_SECONDS, self._cancel_requests)
        loop.call_later(GRACE_SECONDS + FLUSH_SECONDS, self._abort_connections)
        await super().shutdown(sockets)

    def _cancel_requests(self) -> None:
        """Respond with 503, through the application, to all incomplete requests."""
        for task in [*self.server_state.tasks]:
            task.cancel()

    def _abort_connections(self) -> None:
        for connection in self._connections():
            connection.transport.abort()

    async def _accept_pending(self, listeners: list[socket.socket]) -> None:
        """Accept the pending connections, and stop listening immediately after that.

        Closing a listening socket resets the connections that wait to be accepted.
        """
        loop = asyncio.get_running_loop()
        accepted = []
        for listener in listeners:
            loop.remove_reader(listener)
            with contextlib.suppress(OSError):
                while True:
                    accepted.append(listener.accept()[0])
        for server in self.servers:
            server.close()
        make_protocol = partial(
            cast("Any", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        for connection in accepted:
            connection.setblocking(False)
            with contextlib.suppress(OSError):  # the client has disconnected
                await loop.connect_accepted_socket(make_protocol, connection)

    def _connections(self) -> list[Connection]:
        connections = list(self.server_state.connections)
        return [connection for connection in connections if isinstance(connection, Connection)]


def limit_unread(connections: Iterable[Connection]) -> None:
    """Close the connections with the largest unread responses if their total is too large.

    Files are written while clients read them, but other responses are in memory.
    """
    by_size = sorted(connections, key=lambda each: each.transport.get_write_buffer_size())
    total = sum(each.transport.get_write_buffer_size() for each in by_size)
    while total > UNREAD_BYTES:
        connection = by_size.pop()
        total -= connection.transport.get_write_buffer_size()
        connection.transport.abort()


def greeting(settings: Settings, port: int) -> str:
    """Return the addresses of the service; ``port`` is the port of the socket."""
    root = root_url(settings, port)
    data = "the database of RNN_DATABASE_URL" if settings.database_url else str(settings.data_dir)
    lines = [
        f"linear-rnn {__version__} is ready. Press Ctrl+C to stop it.",
        f"  explorer    {root}/",
        f"  guide       {root}/guide/",
        f"  docs        {root}/docs",
        f"  API         {root}/openapi.json",
        f"  a picture   {root}/v1/cost-surface.png",
        f"  data        {data}",
    ]
    return "\n".join(lines)


def address_line(settings: Settings, port: int) -> str:
    """Return the address of the service as one line of JSON, for programs that start it."""
    return json.dumps({"url": root_url(settings, port), "version": __version__})


def root_url(settings: Settings, port: int) -> str:
    """Return the address of the service; ``port`` is the port of the socket."""
    host = settings.host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - recognised, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
