"""The main function of a worker process, and its end with the parent."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from service.jobs import main
from service.jobs.supervisor import EXIT_ABANDONED_STEP
from service.settings import Settings


class Exit(BaseException):
    """Stands for the end of the process."""


class FakeWorker:
    """A worker that records how it was made."""

    def __init__(self, url: str, name: str, exit_now: Callable[[], None], *limits: Any) -> None:
        self.limits = limits
        self.url, self.name, self.exit_now = url, name, exit_now
        self.stopped = False
        self.running = False

    def run(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Replace the functions that end or change this process; return the calls."""
    calls: dict[str, Any] = {"signals": {}}

    def make_worker(*arguments: Any) -> FakeWorker:
        calls["worker"] = FakeWorker(*arguments)
        return calls["worker"]  # type: ignore[no-any-return]

    def end(code: int) -> None:
        calls["code"] = code
        raise Exit

    def restart(*command: Any) -> None:
        calls["command"] = command
        raise Exit

    monkeypatch.setattr(main, "Worker", make_worker)
    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(os, "execv", restart)
    monkeypatch.setattr(os, "nice", lambda value: calls.update(nice=value))
    monkeypatch.setattr(signal, "signal", calls["signals"].__setitem__)
    monkeypatch.setattr(main, "stop_with_parent", lambda *call: calls.update(parent=call))
    monkeypatch.setattr(main, "send_heartbeats", lambda stream: calls.update(heartbeats=stream))
    monkeypatch.setattr("logging.shutdown", lambda: None)
    with open(os.devnull) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        yield calls


def test_a_standalone_worker_stops_on_a_signal(tmp_path: Path, process: dict[str, Any]) -> None:
    with pytest.raises(Exit):
        main.run(Settings(data_dir=tmp_path), None)
    worker = process["worker"]
    assert (worker.running, process["code"]) == (True, 0)
    assert len(worker.name) == 32
    for number in (signal.SIGTERM, signal.SIGINT):
        worker.stopped = False
        process["signals"][number](number, None)
        assert worker.stopped
    with pytest.raises(Exit):
        worker.exit_now()
    assert "command" in process  # it restarts itself


def test_a_supervised_worker_stops_with_its_parent(tmp_path: Path, process: dict[str, Any]) -> None:
    with pytest.raises(Exit):
        main.run(Settings(data_dir=tmp_path), "name")
    worker = process["worker"]
    assert (worker.name, process["nice"]) == ("name", main.NICENESS)
    assert process["parent"][1] == worker.stop
    assert process["signals"][signal.SIGINT] is signal.SIG_IGN
    with pytest.raises(Exit):
        worker.exit_now()
    assert process["code"] == EXIT_ABANDONED_STEP


def test_the_end_of_the_parent_stops_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped, timer_started = Event(), Event()

    class FakeTimer:
        def __init__(self, seconds: float, _end: Callable[[], None]) -> None:
            assert seconds == main.STOP_SECONDS

        def start(self) -> None:
            timer_started.set()

    monkeypatch.setattr("threading.Timer", FakeTimer)
    reading, writing = os.pipe()
    main.stop_with_parent(reading, stopped.set)
    os.write(writing, b"x")
    assert not stopped.wait(0.1)
    os.close(writing)
    assert stopped.wait(60)
    assert timer_started.wait(60)
    os.close(reading)


def test_heartbeats_are_sent_until_the_other_end_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "HEARTBEAT_SECONDS", 0.01)
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    with ours, theirs:
        main.send_heartbeats(theirs.fileno())
        (thread,) = (each for each in threading.enumerate() if each.name == "heartbeats")
        assert ours.recv(1) + ours.recv(1) == b".."
        ours.close()
        thread.join(60)
        assert not thread.is_alive()


def test_a_worker_has_the_quota_and_the_retention(tmp_path: Path, process: dict[str, Any]) -> None:
    with pytest.raises(Exit):
        main.run(Settings(data_dir=tmp_path, max_stored_bytes=5, retention_days=1.5), None)
    assert process["worker"].limits == (5, timedelta(hours=36))
