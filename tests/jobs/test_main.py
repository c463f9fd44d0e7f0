"""The threads of a worker process that connect it to its parent, and its settings."""

import os
import socket
import threading
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from service.errors import StoreFull
from service.jobs.main import make_worker, send_heartbeats, stop_with_parent
from service.settings import Settings


def test_the_end_of_the_parent_stops_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped, ended = Event(), Event()
    monkeypatch.setattr(os, "_exit", lambda _code: ended.set())  # if the worker does not stop
    reading, writing = os.pipe()
    stop_with_parent(reading, stopped.set, 0.01)
    os.write(writing, b"x")
    assert not stopped.wait(0.1)
    os.close(writing)
    assert stopped.wait(60)
    assert ended.wait(60)
    os.close(reading)


def test_heartbeats_are_sent_until_the_other_end_closes() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    with ours, theirs:
        send_heartbeats(theirs.fileno(), 0.01)
        (thread,) = (each for each in threading.enumerate() if each.name == "heartbeats")
        assert ours.recv(1) + ours.recv(1) == b".."
        ours.close()
        thread.join(60)
        assert not thread.is_alive()


def test_a_worker_has_the_quota_and_the_retention(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, max_stored_bytes=5, retention_days=1.5)
    worker = make_worker(settings, "name", pytest.fail)
    worker.database.migrate()
    with pytest.raises(StoreFull, match="limit of 5 bytes"):
        worker.database.check_space(1)
    assert worker.reaper.retention == timedelta(hours=36)
    worker.queue.close()
    worker.database.close()
