"""The log: its formats, and its behavior without a reader."""

import io
import json
import logging
import subprocess
import sys
import threading
from datetime import datetime
from queue import SimpleQueue
from time import time
from typing import Any

import pytest

from service.logs import LineListener, configure_log
from tests.programs import run_program

pytestmark = pytest.mark.usefixtures("restored_logging")

logger = logging.getLogger("service.jobs")


class Blocked(io.StringIO):
    """A stream without a reader until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()

    def write(self, text: str) -> int:
        self.open.wait(60)
        return super().write(text)


class Buffered(io.StringIO):
    """A stream with its text at the last flush."""

    flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_a_line_of_json() -> None:
    stream = io.StringIO()
    handler = configure_log("info", stream)
    logger.info("started %s", "x", extra={"status": 200, "path": '/"\n\x1b[31m', "key": None})
    logger.debug("hidden")
    logging.getLogger("alembic").warning("hidden")
    handler.flush()
    (line,) = lines(stream)
    written = datetime.fromisoformat(line.pop("timestamp"))
    assert written.timestamp() == pytest.approx(time(), abs=60)
    assert line == {
        "level": "info",
        "logger": "service.jobs",
        "event": "started x",
        "status": 200,
        "path": '/"\n\x1b[31m',
        "key": None,
    }


def test_exceptions_are_logged_and_expected_ones_reduced_to_their_message() -> None:
    stream = io.StringIO()
    handler = configure_log("info", stream)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logger.exception("failed")
    text = "Traceback\n  File x\nservice.errors.StoreUnavailable: the database is unavailable\n"
    logging.getLogger("uvicorn.error").error(text, extra={"color_message": "in red"})
    handler.flush()
    failed, expected = lines(stream)
    assert failed["level"] == "error"
    assert "RuntimeError: broken" in failed["exception"]
    assert expected["event"] == "the database is unavailable"
    assert expected.keys() == {"timestamp", "event", "level", "logger"}


def test_a_terminal_gets_text_that_does_not_control_it() -> None:
    stream = Terminal()
    handler = configure_log("info", stream)
    logger.info("request", extra={"path": "/\x1b[2J\r/livez"})
    handler.flush()
    (line,) = stream.getvalue().splitlines()
    assert not line.startswith("{")
    assert "request" in line
    assert "/\\x1b[2J\\r/livez" in line


def test_a_line_that_cannot_be_written_does_not_end_the_log() -> None:
    written = io.BytesIO()
    handler = configure_log("info", io.TextIOWrapper(written, "ascii", write_through=True))
    logger.info("état")
    logger.info("last")
    handler.flush()
    (line,) = written.getvalue().splitlines()
    assert json.loads(line)["event"] == "last"


def test_without_a_reader_records_are_dropped_and_counted() -> None:
    stream = Blocked()
    handler = configure_log("info", stream, max_waiting=10)
    for number in range(25):
        logger.info("event", extra={"number": number})
    stream.open.set()
    handler.flush()
    logger.info("last")
    handler.flush()
    *written, dropped, last = lines(stream)
    assert [line["number"] for line in written] == list(range(len(written)))
    assert dropped["event"] == f"{25 - len(written)} records were dropped"
    assert 10 <= len(written) <= 21  # the thread may have taken those that waited first
    assert last["event"] == "last"


def test_the_end_of_the_process_does_not_wait_long_for_a_blocked_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Blocked()
    handler = configure_log("info", stream)
    logger.info("event")
    with monkeypatch.context() as patch:
        patch.setattr("service.logs.FLUSH_SECONDS", 0.01)
        flushing = threading.Thread(target=handler.flush)
        flushing.start()
        flushing.join(60)
    assert not flushing.is_alive()
    stream.open.set()
    handler.flush()
    assert lines(stream)[0]["event"] == "event"


def test_an_event_follows_the_flush_of_earlier_lines_although_others_wait() -> None:
    stream, waiting, event = Buffered(), SimpleQueue[Any](), threading.Event()
    listener = LineListener(waiting, stream)
    waiting.put("later\n")
    listener.handle("earlier\n")
    listener.handle(event)
    assert event.is_set()
    assert stream.flushed == "earlier\n"


def test_the_last_records_are_written_at_exit() -> None:
    script = (
        "import logging\nfrom service.logs import configure_log\nconfigure_log('info')\n"
        "for i in range(1000): logging.getLogger('service').info('last', extra={'i': i})"
    )
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    written = [json.loads(line)["i"] for line in result.stderr.splitlines()]
    assert written == list(range(1000))


def test_uncaught_exceptions_are_records() -> None:
    program = """
import threading
from service.logs import configure_log
configure_log("info")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise LookupError("the end")
"""
    process = run_program(sys.executable, "-c", program, check=False)
    in_thread, at_end = map(json.loads, process.stderr.splitlines())
    assert "ZeroDivisionError" in in_thread["exception"]
    assert "LookupError: the end" in at_end["exception"]
    assert process.returncode == 1
