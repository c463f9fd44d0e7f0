"""The log: one line per record, as JSON or, on a terminal, as text.

A thread writes the lines from a queue, so that a slow output does not block
requests.
"""

import logging
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from time import sleep
from typing import Any, Final, TextIO

import orjson

from service.errors import ServiceError

MAX_WAITING: Final = 20_000  # lines that wait while the output is blocked; more are dropped
# Between two groups of lines. To wake the writer for each line would take longer than its request.
PAUSE_SECONDS: Final = 0.05
FLUSH_SECONDS: Final = 2.0  # seconds for the waiting lines when the process ends
QUIET: Final = ("alembic", "sqlalchemy", "dbos")  # libraries of which only errors are logged
LOGGERS: Final = ("service", "uvicorn")
STANDARD: Final = vars(logging.makeLogRecord({})).keys()  # the attributes of every record


Lines = SimpleQueue[Any]  # of text, and of events to be set when the lines before are written


class BoundedQueueHandler(QueueHandler):
    """A handler that formats records and puts the lines into a queue.

    It never blocks: excess lines are dropped and counted.
    """

    queue: Lines

    def __init__(self, lines: Lines, max_waiting: int) -> None:
        super().__init__(lines)
        self._max_waiting = max_waiting
        self._n_dropped = 0

    def prepare(self, record: logging.LogRecord) -> Any:
        """Return the line of a record."""
        return self.format(record) + "\n"

    def enqueue(self, line: Any) -> None:
        """Put a line into the queue, after a report of dropped lines."""
        if self.queue.qsize() >= self._max_waiting:
            self._n_dropped += 1
            return
        if self._n_dropped:
            text = f"{self._n_dropped} records were dropped"
            report = logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None)
            self.queue.put(self.prepare(report))
            self._n_dropped = 0
        self.queue.put(line)

    def flush(self) -> None:
        """Wait until everything is written, for a limited time if the output is blocked."""
        is_written = threading.Event()
        self.queue.put(is_written)
        is_written.wait(FLUSH_SECONDS)


class LineListener(QueueListener):
    """A writer of lines. Waiting lines are flushed together."""

    queue: Lines

    def __init__(self, lines: Lines, stream: TextIO) -> None:
        super().__init__(lines)
        self._stream = stream

    def handle(self, line: Any) -> None:
        """Write a line, or set an event after everything before it is written."""
        with suppress(OSError, ValueError):  # a full disk, text outside the encoding
            if isinstance(line, str):
                self._stream.write(line)
            if isinstance(line, threading.Event) or self.queue.empty():
                self._stream.flush()
        if isinstance(line, threading.Event):
            line.set()
        elif self.queue.empty():
            sleep(PAUSE_SECONDS)


def configure_log(
    level: str, stream: TextIO | None = None, max_waiting: int = MAX_WAITING
) -> BoundedQueueHandler:
    """Send the log of this process to a stream, by default the standard error.

    ``logging.shutdown`` writes the waiting lines. Python calls it at a regular exit.
    """
    if stream is None:
        # sys.stderr itself flushes every line.
        stream = open(sys.stderr.fileno(), "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    # What the log does not show takes half of the time (see "Optimization" in Python's manual).
    logging._srcfile = None
    logging.logThreads = False
    logging.logProcesses = False
    logging.logMultiprocessing = False
    lines: Lines = SimpleQueue()
    handler = BoundedQueueHandler(lines, max_waiting)
    handler.setFormatter(EventFormatter(as_text=stream.isatty()))
    LineListener(lines, stream).start()
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in LOGGERS:
        logging.getLogger(name).setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    sys.excepthook = lambda _kind, error, _traceback: _log_uncaught(error)
    threading.excepthook = lambda args: _log_uncaught(args.exc_value)
    return handler


def _log_uncaught(error: BaseException | None) -> None:
    """Log an uncaught exception, which Python would print as text in several lines."""
    logging.getLogger(__name__).critical("uncaught exception", exc_info=error)


class EventFormatter(logging.Formatter):
    """Formats a record as an event with fields: as JSON, or as text for a terminal.

    The text of an expected error, such as a missing database, is its message without the traceback.
    """

    def __init__(self, *, as_text: bool) -> None:
        super().__init__()
        self._as_text = as_text

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, or several lines of text with a traceback."""
        event = {name: value for name, value in vars(record).items() if name not in STANDARD}
        event.pop("color_message", None)  # a duplicate of uvicorn's event, with colors
        event["event"] = _simplify(record.getMessage())
        event["timestamp"] = datetime.fromtimestamp(record.created, UTC)
        event["level"] = record.levelname.lower()
        event["logger"] = record.name
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        if not self._as_text:
            return orjson.dumps(event, str, orjson.OPT_UTC_Z).decode()
        time, level, text = (event.pop(name) for name in ("timestamp", "level", "event"))
        traceback = "\n" + event.pop("exception") if record.exc_info else ""
        fields = " ".join(f"{name}={value!r}" for name, value in event.items())
        return f"{time:%Y-%m-%d %H:%M:%S} {level:8} {text}  {fields}{traceback}"


def _simplify(message: str) -> str:
    """Return the last sentence of a message that ends with an exception of this service."""
    name, separator, sentence = message.rstrip().rpartition("\n")[2].partition(": ")
    is_expected = separator and name.startswith(f"{ServiceError.__module__}.")
    return sentence if is_expected else message
