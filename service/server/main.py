"""Run the server: its log, its start and its shutdown."""

import asyncio
import contextlib
import copy
import ctypes
import logging
import resource
import socket
import struct
import sys
from collections.abc import Callable
from functools import partial
from time import monotonic
from types import FrameType
from typing import Any, Final, cast

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from service import __version__
from service.errors import ServiceError
from service.server.connection import SPARE_CONNECTIONS, Connection
from service.settings import Settings

OTHER_FILES: Final = 300  # that the process may have open besides connections
TICKS_PER_CHECK: Final = 10  # of the time limits; a tick is a tenth of a second
# Less than the ten seconds after which container engines kill a container.
GRACEFUL_SHUTDOWN_SECONDS: Final = 8
START_FAILED: Final = 1
DRAIN_SECONDS: Final = 0.1
SO_ATTACH_FILTER: Final = 26  # a constant of Linux that Python does not define
BPF_RETURN: Final = 0x06


def run(
    app: Callable[..., Any],
    settings: Settings,
    listener: socket.socket,
    on_signal: Callable[[], None] = lambda: None,
) -> int:
    """Serve until a signal arrives; return the exit code.

    Parameters
    ----------
    on_signal
        Called when the signal arrives, before the server waits for requests to end. It ends
        streams, which would otherwise not end.
    """
    allow_files(settings.max_connections + SPARE_CONNECTIONS + OTHER_FILES)
    # Uvicorn calls the class of the protocol, with arguments.
    protocol = cast("type[asyncio.Protocol]", partial(Connection, settings))
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        timeout_keep_alive=int(settings.client_timeout),
        log_level=settings.log_level,
        log_config=_log_config(settings.log_level),
        access_log=True,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
    server = _Server(config, settings, on_signal)
    # Uvicorn raises Ctrl+C again after it has closed everything, and exits if the start fails.
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run(sockets=[listener])
    return 0 if server.started else START_FAILED


def allow_files(n_files: int) -> None:
    """Allow this process to open a number of files, as far as the hard limit permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n_files if hard == resource.RLIM_INFINITY else min(n_files, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Server(uvicorn.Server):
    """Prints the addresses after the start, and accepts no connections during shutdown."""

    def __init__(
        self, config: uvicorn.Config, settings: Settings, on_signal: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._settings = settings
        self._on_signal = on_signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start the shutdown."""
        self._on_signal()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            print(greeting(self._settings, sockets[0].getsockname()[1]), flush=True)

    async def on_tick(self, counter: int) -> bool:
        """Check the time limits of all connections, once per second."""
        if counter % TICKS_PER_CHECK == 0:
            now = monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.check(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down after requests on pending connections have been read."""
        for listener in sockets or []:
            drop_new_connections(listener)
        await asyncio.sleep(DRAIN_SECONDS)
        await super().shutdown(sockets)


def drop_new_connections(listener: socket.socket) -> None:
    """Drop new connections, while pending ones can still be accepted.

    Closing a listening socket resets the connections that wait to be accepted. A socket filter of
    one instruction, "keep 0 bytes", makes Linux drop new packets first. Other systems have none.
    """
    if not sys.platform.startswith("linux"):
        return
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RETURN, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(instruction))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def greeting(settings: Settings, port: int) -> str:
    """Return the addresses of the service; ``port`` is the port of the socket."""
    host = settings.host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - recognised, not bound
        host = "localhost"
    root = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    data = "the database of RNN_DATABASE_URL" if settings.database_url else str(settings.data_dir)
    lines = [
        f"linear-rnn {__version__} is ready. Press Ctrl+C to stop it.",
        f"  explorer    {root}/",
        f"  docs        {root}/docs",
        f"  API         {root}/openapi.json",
        f"  a picture   {root}/v1/cost-surface.png",
        f"  data        {data}",
    ]
    return "\n".join(lines)


def _log_config(level: str) -> dict[str, Any]:
    """Return the log configuration of uvicorn, extended by the loggers of this package."""
    config = copy.deepcopy(LOGGING_CONFIG)
    config["filters"] = {"message_only": {"()": _MessageOnly}}
    config["loggers"]["uvicorn.error"]["filters"] = ["message_only"]
    config["loggers"]["service"] = {
        "handlers": ["default"],
        "level": level.upper(),
        "propagate": False,
    }
    return config


class _MessageOnly(logging.Filter):
    """Reduces the traceback of an expected error, such as no database, to its message."""

    def filter(self, record: logging.LogRecord) -> bool:
        name, separator, sentence = record.getMessage().rstrip().rpartition("\n")[2].partition(": ")
        if separator and name.startswith(f"{ServiceError.__module__}."):
            record.msg, record.args = sentence, None
        return True
