"""The settings of a worker process, and its end with its parent."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.errors import StoreFull
from service.jobs.main import make_worker
from service.settings import Settings


def test_a_worker_has_the_quota(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, max_stored_bytes=5)
    worker = make_worker(settings, "name", pytest.fail)
    worker.database.migrate()
    with pytest.raises(StoreFull, match="limit of 5 bytes"):
        worker.database.check_space(1)
    worker.queue.close()
    worker.database.close()


@pytest.mark.parametrize("unread", [b"", b"."], ids=["no heartbeat", "unread heartbeat"])
def test_a_process_stops_when_its_parent_has_ended(unread: bytes) -> None:
    """A socket that is closed with unread bytes resets the connection of the other end."""
    code = "import threading; from service.jobs.main import stop_with_parent; "
    code += "ended = threading.Event(); stop_with_parent(0, ended.set, 60); "
    code += f"import os; os.write(0, {unread!r}); os.write(1, b'ready'); "
    code += "os._exit(0 if ended.wait(30) else 1)"
    ours, theirs = socket.socketpair()
    with (
        theirs,
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=theirs.fileno(), stdout=subprocess.PIPE
        ) as child,
    ):
        assert child.stdout is not None
        assert child.stdout.read(5) == b"ready"
        ours.close()
        assert child.wait(60) == 0
