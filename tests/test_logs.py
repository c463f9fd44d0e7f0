"""The log writer, and the records of Python's logging."""

import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from time import time
from typing import Any

import pytest

from service import logs
from service.logs import LogWriter, configure_log


class Blocked(io.StringIO):
    """A stream without a reader until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()

    def write(self, text: str) -> int:
        self.open.wait()
        return super().write(text)


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def event(**more: Any) -> dict[str, Any]:
    return {"timestamp": time(), "level": "info", "event": "request", **more}


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def _restored() -> Iterator[None]:
    """Restore the configuration of Python's logging after a test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    names = {name: logging.getLogger(name).level for name in (*logs.LOGGERS, *logs.QUIET)}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, own in names.items():
        logging.getLogger(name).setLevel(own)


def test_an_event_is_a_line_of_json() -> None:
    stream = io.StringIO()
    writer = LogWriter(stream)
    writer.put(event(timestamp=0.5, status=200, path='/"\n\x1b[31m', key=None))
    writer.flush()
    assert lines(stream) == [
        {
            "timestamp": "1970-01-01T00:00:00.500+00:00",
            "level": "info",
            "event": "request",
            "status": 200,
            "path": '/"\n\x1b[31m',
            "key": None,
        }
    ]


@pytest.mark.parametrize("offset", [0.0, 0.0004, 0.9996, 1.0, -5.0, 86_400.25])
def test_a_timestamp_has_milliseconds(offset: float) -> None:
    stream = io.StringIO()
    writer = LogWriter(stream)
    times = [1_700_000_000.0, 1_700_000_000.0 + offset, 1_700_000_000.0]
    for each in times:
        writer.put(event(timestamp=each))
    writer.flush()
    for line, each in zip(lines(stream), times, strict=True):
        expected = datetime.fromtimestamp(each, UTC).isoformat(timespec="milliseconds")
        assert line["timestamp"] == expected


def test_a_terminal_gets_text() -> None:
    stream = Terminal()
    writer = LogWriter(stream)
    writer.put(event(status=200))
    writer.flush()
    (line,) = stream.getvalue().splitlines()
    assert "request" in line
    assert not line.startswith("{")


def test_a_path_does_not_control_the_terminal() -> None:
    stream = Terminal()
    writer = LogWriter(stream)
    writer.put(event(path="/\x1b[2J\r/livez"))
    writer.flush()
    assert "/\\x1b[2J\\r/livez" in stream.getvalue()


def test_events_are_written_soon_and_in_order() -> None:
    stream = Blocked()
    stream.open.set()
    written = threading.Event()
    stream.flush = written.set  # type: ignore[method-assign]
    writer = LogWriter(stream)
    for i in range(1000):
        writer.put(event(i=i))
    assert written.wait(60)
    writer.flush()
    assert [line["i"] for line in lines(stream)] == list(range(1000))


def test_events_are_dropped_and_counted_without_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_WAITING", 10)
    monkeypatch.setattr(logs, "FLUSH_SECONDS", 1000.0)
    stream = io.StringIO()
    writer = LogWriter(stream)
    for i in range(25):
        writer.put(event(i=i))
    writer.flush()
    *written, dropped = lines(stream)
    assert [line["i"] for line in written] == list(range(10))
    assert (dropped["event"], dropped["n_events"]) == ("events were dropped", 15)


def test_a_closed_stream_is_not_an_error() -> None:
    stream = io.StringIO()
    writer = LogWriter(stream)
    stream.close()
    writer.put(event())
    writer.flush()


@pytest.mark.usefixtures("_restored")
def test_records_of_logging_are_events() -> None:
    stream = io.StringIO()
    writer = configure_log("info", stream)
    logging.getLogger("service.jobs").info("started %s", "x")
    logging.getLogger("service.jobs").debug("hidden")
    logging.getLogger("alembic").warning("hidden")
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("failed")
    writer.flush()
    first, second = lines(stream)
    assert (first["event"], first["level"], first["logger"]) == (
        "started x",
        "info",
        "service.jobs",
    )
    assert datetime.fromisoformat(first["timestamp"]).timestamp() == pytest.approx(time(), abs=60)
    assert second["level"] == "error"
    assert 'RuntimeError("broken")' in second["exception"]


@pytest.mark.usefixtures("_restored")
def test_an_expected_error_is_reduced_to_its_message() -> None:
    stream = io.StringIO()
    writer = configure_log("info", stream)
    text = "Traceback\n  File x\nservice.errors.StoreUnavailable: the database is unavailable\n"
    logging.getLogger("uvicorn.error").error(text)
    writer.flush()
    assert lines(stream)[0]["event"] == "the database is unavailable"


def test_the_last_events_are_written_at_exit() -> None:
    script = (
        "import logging\nfrom service.logs import configure_log\nconfigure_log('info')\n"
        "logging.getLogger('service').info('last')"
    )
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(result.stderr)["event"] == "last"
