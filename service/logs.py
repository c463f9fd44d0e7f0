"""The log: one line per record, as JSON or, on a terminal, as text.

Records go through a queue to a thread that formats and writes them, so that a slow output does not
block requests. structlog formats the records of Python's logging.
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
from structlog.dev import ConsoleRenderer
from structlog.processors import format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, WrappedLogger

from service.errors import ServiceError

MAX_WAITING: Final = 20_000  # records that wait while the output is blocked; more are dropped
BATCH_SECONDS: Final = 0.02
FLUSH_SECONDS: Final = 2.0  # for the records that wait when the process ends
QUIET: Final = ("alembic", "sqlalchemy", "dbos")  # libraries of which only errors matter
LOGGERS: Final = ("service", "uvicorn")


Records = SimpleQueue[Any]  # of log records, and of events to be set when these are written


class BoundedQueueHandler(QueueHandler):
    """Puts records into a queue. It never blocks: it drops and counts what is too much."""

    queue: Records

    def __init__(self, records: Records, max_waiting: int) -> None:
        super().__init__(records)
        self._max_waiting = max_waiting
        self._n_dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return the record unchanged, since it is formatted in the same process."""
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put a record into the queue, after a report of those that were dropped before it."""
        if self.queue.qsize() >= self._max_waiting:
            self._n_dropped += 1
            return
        if self._n_dropped:
            self.queue.put(_report_dropped(self._n_dropped))
            self._n_dropped = 0
        self.queue.put(record)

    def flush(self) -> None:
        """Wait until everything is written, but not long if the output is blocked."""
        is_written = threading.Event()
        self.queue.put(is_written)
        is_written.wait(FLUSH_SECONDS)


class BatchOutput(logging.StreamHandler[TextIO]):
    """Writes records to a buffered stream, and flushes it when no further record waits.

    Each system call releases the GIL, which the event loop would have to get back from this thread.
    """

    def __init__(self, records: Records, stream: TextIO) -> None:
        super().__init__(stream)
        self._records = records

    def flush(self) -> None:
        """Flush the stream, unless the next record does."""
        if self._records.empty():
            super().flush()


class BatchListener(QueueListener):
    """Takes records from the queue in batches: waking its thread for each would cost too much."""

    queue: Records

    def __init__(self, records: Records, stream: TextIO) -> None:
        self._stream = stream
        output = BatchOutput(records, stream)
        output.setFormatter(_make_formatter(stream.isatty()))
        super().__init__(records, output)

    def dequeue(self, block: bool) -> Any:
        """Return the next record. Let more arrive after one that did not have to wait."""
        was_empty = self.queue.empty()
        record = super().dequeue(block)
        if was_empty:
            sleep(BATCH_SECONDS)
        return record

    def handle(self, record: Any) -> None:
        """Write a record, or set an event after everything before it is written."""
        if isinstance(record, threading.Event):
            with suppress(OSError):
                self._stream.flush()
            record.set()
        else:
            super().handle(record)


def configure_log(
    level: str, stream: TextIO | None = None, max_waiting: int = MAX_WAITING
) -> BoundedQueueHandler:
    """Send the log of this process to a stream, by default the standard error.

    ``logging.shutdown`` writes what waits. Python calls it at a regular exit.
    """
    if stream is None:
        # sys.stderr itself flushes every line.
        stream = open(sys.stderr.fileno(), "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    records: Records = SimpleQueue()
    handler = BoundedQueueHandler(records, max_waiting)
    BatchListener(records, stream).start()
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in LOGGERS:
        logging.getLogger(name).setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    return handler


def _make_formatter(is_terminal: bool) -> ProcessorFormatter:
    render = [ConsoleRenderer()] if is_terminal else [format_exc_info, _to_json]
    return ProcessorFormatter(
        processors=[ProcessorFormatter.remove_processors_meta, *render],
        foreign_pre_chain=[_add_time, add_log_level, add_logger_name, ExtraAdder(), _simplify],
    )


def _add_time(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    time = datetime.fromtimestamp(event["_record"].created, UTC)
    return {"timestamp": time.isoformat(timespec="milliseconds"), **event}


def _simplify(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Reduce the traceback of an expected error, such as no database, to its message."""
    event.pop("color_message", None)  # the event of uvicorn once more, with colors
    last_line = event["event"].rstrip().rpartition("\n")[2]
    name, separator, sentence = last_line.partition(": ")
    if separator and name.startswith(f"{ServiceError.__module__}."):
        event["event"] = sentence
    return event


def _to_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str).decode()


def _report_dropped(n_dropped: int) -> logging.LogRecord:
    text = f"{n_dropped} records were dropped"
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None)
