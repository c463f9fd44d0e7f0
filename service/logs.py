"""The log: one line per event, as JSON or, on a terminal, as text.

Events are formatted and written by a thread, several at a time. Formatting and writing each line by
itself would halve the rate of small requests.
"""

import atexit
import logging
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import Any, Final, TextIO

import orjson
from structlog.dev import ConsoleRenderer

from service.errors import ServiceError

FLUSH_SECONDS: Final = 0.02  # how long an event may wait
MAX_WAITING: Final = 20_000  # events that wait while the output is blocked; more are dropped
QUIET: Final = ("alembic", "sqlalchemy", "dbos")  # libraries of which only errors matter
LOGGERS: Final = ("service", "uvicorn")

Event = dict[str, Any]


class LogWriter:
    """Writes events to a stream from a thread.

    Parameters
    ----------
    stream
        Where the lines go: text if it is a terminal, JSON otherwise.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._render = _make_console_renderer() if stream.isatty() else _to_json
        self._waiting: deque[Event] = deque()
        self._n_dropped = 0
        self._second: int | None = None  # of the last timestamp
        self._prefix = ""
        self._writing = threading.Lock()
        self._wake = threading.Event()
        threading.Thread(target=self._run, name="log", daemon=True).start()
        atexit.register(self.flush)

    def put(self, event: Event) -> None:
        """Write an event soon. It has a ``timestamp``, a ``level`` and an ``event``.

        The timestamp is a Unix time. The event belongs to the writer, which changes it.
        """
        if len(self._waiting) >= MAX_WAITING:
            self._n_dropped += 1
            return
        self._waiting.append(event)
        if not self._wake.is_set():
            self._wake.set()

    def flush(self) -> None:
        """Write everything that waits."""
        with self._writing:
            lines = []
            while self._waiting:
                lines.append(self._format(self._waiting.popleft()))
            if self._n_dropped:
                dropped = {"timestamp": time(), "level": "warning", "n_events": self._n_dropped}
                lines.append(self._format(dropped | {"event": "events were dropped"}))
                self._n_dropped = 0
            if lines:
                try:
                    self._stream.write("\n".join(lines) + "\n")
                    self._stream.flush()
                except (OSError, ValueError):  # the reader of the log has ended
                    self._waiting.clear()

    def _run(self) -> None:
        over = threading.Event()
        while True:
            self._wake.wait()
            over.wait(FLUSH_SECONDS)
            self._wake.clear()
            self.flush()

    def _format(self, event: Event) -> str:
        event["timestamp"] = self._format_time(event["timestamp"])
        return self._render(event)

    def _format_time(self, unix_time: float) -> str:
        """Return a time in ISO 8601. Consecutive events usually share the second."""
        second = int(unix_time)
        if second != self._second:
            self._prefix = datetime.fromtimestamp(second, UTC).isoformat()[:-6]
            self._second = second
        return f"{self._prefix}.{int(1000 * (unix_time - second)):03d}+00:00"


class LogHandler(logging.Handler):
    """Passes the records of Python's logging to a writer."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        event: Event = {
            "timestamp": record.created,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _shorten(record.getMessage()),
        }
        if record.exc_info:
            event["exception"] = "".join(traceback.format_exception(*record.exc_info))
        self._writer.put(event)

    def flush(self) -> None:
        """Write everything that waits."""
        self._writer.flush()


def configure_log(level: str, stream: TextIO | None = None) -> LogWriter:
    """Send the log of this process to a stream, by default the standard error."""
    writer = LogWriter(stream or sys.stderr)
    handler = LogHandler(writer)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in LOGGERS:
        logging.getLogger(name).setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    return writer


def _make_console_renderer() -> Callable[[Event], str]:
    render = ConsoleRenderer()
    return lambda event: str(render(None, "", event))


def _to_json(event: Event) -> str:
    return orjson.dumps(event, default=str).decode()


def _shorten(message: str) -> str:
    """Reduce the traceback of an expected error, such as no database, to its message."""
    name, separator, sentence = message.rstrip().rpartition("\n")[2].partition(": ")
    expected = separator and name.startswith(f"{ServiceError.__module__}.")
    return sentence if expected else message
