"""The process around the application: its socket, its log, its beginning and its end."""

import asyncio
import contextlib
import copy
import ctypes
import logging
import socket
import struct
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from service import __version__
from service.errors import ServiceError
from service.settings import Settings

# Less than the ten seconds after which container engines kill what they have asked to stop.
GRACEFUL_SHUTDOWN_SECONDS: Final = 8
BACKLOG: Final = 2048
START_FAILED: Final = 1
LAST_ORDERS_SECONDS: Final = 0.1
SO_ATTACH_FILTER: Final = 26  # Linux's numbers, for which Python has no names
BPF_RETURN: Final = 0x06


class AddressError(Exception):
    """The address cannot be listened on; the message is one line that names it."""


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; port 0 takes a free one.

    It is opened before the application is made, so that a port that is taken costs no start.

    Raises
    ------
    AddressError
        The host has no address here, or the port is taken or forbidden.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or "not a host name").partition(" (")[0]
        message = f"cannot listen on {host} port {port}: {reason}"
        raise AddressError(message) from None


def run(
    app: Callable[..., Any],
    settings: Settings,
    listener: socket.socket,
    on_signal: Callable[[], None] = lambda: None,
) -> int:
    """Serve until a signal comes; return the exit code.

    ``on_signal`` is called with the signal, before requests are waited for: streams that would
    never end by themselves end then.
    """
    config = uvicorn.Config(
        app,
        log_level=settings.log_level,
        log_config=_log_config(settings.log_level),
        access_log=True,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
    server = _Server(config, settings, on_signal)
    # Uvicorn raises Ctrl+C again once all is closed, and leaves by itself when the start fails.
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run(sockets=[listener])
    return 0 if server.started else START_FAILED


class _Server(uvicorn.Server):
    """Says where to look, once there is something to see."""

    def __init__(
        self, config: uvicorn.Config, settings: Settings, on_signal: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._settings = settings
        self._on_signal = on_signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        self._on_signal()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            print(greeting(self._settings, sockets[0].getsockname()[1]), flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, once those who have connected already have been heard."""
        for listener in sockets or []:
            refuse_more(listener)
        await asyncio.sleep(LAST_ORDERS_SECONDS)
        await super().shutdown(sockets)


def refuse_more(listener: socket.socket) -> None:
    """Let nobody connect any more, while those who have are still accepted.

    To close a listening socket resets whoever waits there to be accepted. So Linux is told first to
    drop what arrives: a filter of one instruction, "keep 0 bytes". Elsewhere this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RETURN, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(instruction))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def greeting(settings: Settings, port: int) -> str:
    """Say where to look; ``port`` is the one that was opened."""
    host = settings.host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - recognised, not bound
        host = "localhost"
    root = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    kept = "the database of RNN_DATABASE_URL" if settings.database_url else str(settings.data_dir)
    lines = [
        f"linear-rnn {__version__} is ready. Ctrl+C stops it.",
        f"  explorer    {root}/",
        f"  docs        {root}/docs",
        f"  API         {root}/openapi.json",
        f"  a picture   {root}/v1/cost-surface.png",
        f"  data        {kept}",
    ]
    return "\n".join(lines)


def _log_config(level: str) -> dict[str, Any]:
    """Uvicorn's own configuration, with this package's messages beside its."""
    config = copy.deepcopy(LOGGING_CONFIG)
    config["filters"] = {"sentence": {"()": _Sentence}}
    config["loggers"]["uvicorn.error"]["filters"] = ["sentence"]
    config["loggers"]["service"] = {
        "handlers": ["default"],
        "level": level.upper(),
        "propagate": False,
    }
    return config


class _Sentence(logging.Filter):
    """Of a start that failed as foreseen (the database is away) keeps the sentence alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        name, separator, sentence = record.getMessage().rstrip().rpartition("\n")[2].partition(": ")
        if separator and name.startswith(f"{ServiceError.__module__}."):
            record.msg, record.args = sentence, None
        return True
