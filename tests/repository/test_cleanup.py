"""What a parallel test run depends on: unique ids, and no processes left behind."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import pytest

TESTS = Path(__file__).parents[1]
# One process of each kind that has to be killed: a child, a daemon in a session of its own, and
# PostgreSQL, which as root runs as another user.
PROGRAM = """
import subprocess, sys, time

def test_that_never_ends(start_postgres):
    pause = [sys.executable, "-c", "import time; time.sleep(600)"]
    children = [
        subprocess.Popen(pause),
        subprocess.Popen(pause, start_new_session=True),
    ]
    pids = [start_postgres().get_pid(), *(child.pid for child in children)]
    with open(__file__ + ".pids", "w") as file:
        print(*pids, file=file)
    time.sleep(600)
"""


def test_no_two_tests_share_an_id(request: pytest.FixtureRequest) -> None:
    """Pytest-xdist runs one of several tests that share an id, and skips the others silently."""
    counts = Counter(item.nodeid for item in request.session.items)
    assert [nodeid for nodeid, count in counts.items() if count > 1] == []


def wait_for(look: Any, seconds: float = 120.0) -> Any:
    """Return what ``look`` returns once that is true."""
    deadline = monotonic() + seconds
    while not (seen := look()):
        assert monotonic() < deadline
        sleep(0.05)
    return seen


@pytest.mark.slow
def test_a_killed_run_leaves_no_process_behind(tmp_path: Path) -> None:
    """Kill the controller of a run with pytest-xdist: its worker and their servers end as well."""
    for name in ("conftest.py", "cleanup.py"):
        (tmp_path / name).symlink_to(TESTS / name)
    test = tmp_path / "test_endless.py"
    test.write_text(PROGRAM)
    pids_file = Path(f"{test}.pids")
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "1", test],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS.parent)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        text = wait_for(lambda: pids_file.is_file() and pids_file.read_text().strip())
        started = [psutil.Process(int(pid)) for pid in text.split()]
        started += psutil.Process(run.pid).children(recursive=True)
        assert len({process.pid for process in started}) >= 4
        run.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(started, 60)[1] == []
