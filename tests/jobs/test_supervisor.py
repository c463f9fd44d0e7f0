"""The supervisor, with shell scripts instead of workers, and the start and the end of a worker."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import psutil
import pytest

from service.errors import StoreFull
from service.jobs.supervisor import EXIT_ABANDONED_STEP, Supervisor, Timing
from service.jobs.worker import Worker
from service.settings import Settings

Start = Callable[..., Supervisor]
PATIENT = Timing(heartbeat=0.2, stop=60.0)


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline
        Event().wait(0.01)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a supervisor, whose workers execute a shell script."""
    started: list[Supervisor] = []

    def start(script: str, n_workers: int = 1, timing: Timing = PATIENT) -> Supervisor:
        settings = Settings(data_dir=tmp_path, workers=n_workers)
        command = ["sh", "-c", script, "--supervised"]
        started.append(Supervisor(settings, timing, command))
        started[-1].start()
        return started[-1]

    yield start
    for supervisor in started:
        supervisor.stop()


def children() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended meanwhile
            if "--supervised" in child.cmdline():
                found.append(child)
    return found


def test_stopped_workers_end(start: Start) -> None:
    supervisor = start("cat", n_workers=2)
    # A process appears a moment before the supervisor knows its id.
    wait_for(lambda: len(children()) == len(supervisor.pids) == 2)
    workers = children()
    assert sorted(worker.pid for worker in workers) == sorted(supervisor.pids)
    supervisor.stop()
    assert not any(worker.is_running() for worker in workers)


@pytest.mark.parametrize("terminated_before", [False, True])
def test_a_stubborn_worker_is_killed(start: Start, tmp_path: Path, terminated_before: bool) -> None:
    script = f"trap '' TERM; touch {tmp_path}/ready; while :; do sleep 0.1; done"
    supervisor = start(script, timing=Timing(stop=0.1))
    wait_for((tmp_path / "ready").exists)
    (worker,) = children()
    if terminated_before:
        supervisor.terminate()
    supervisor.stop()
    assert not worker.is_running()


@pytest.mark.parametrize(("code", "restarts_at_once"), [(1, False), (EXIT_ABANDONED_STEP, True)])
def test_only_a_worker_that_fails_early_is_restarted_after_a_pause(
    start: Start, tmp_path: Path, code: int, restarts_at_once: bool
) -> None:
    timing = Timing(heartbeat=0.2, first_pause=60.0)
    log = tmp_path / "log"
    log.touch()
    supervisor = start(f"echo started >> {log}; exit {code}", timing=timing)
    if restarts_at_once:
        wait_for(lambda: log.read_text().count("started") >= 3)
        assert supervisor.problem is None
    else:
        wait_for(lambda: "exit when they start" in str(supervisor.problem))
        assert supervisor.pids == []
        assert log.read_text() == "started\n"


def test_one_running_worker_is_no_problem(start: Start, tmp_path: Path) -> None:
    timing = Timing(heartbeat=0.2, first_pause=60.0)
    supervisor = start(f"mkdir {tmp_path}/first && exit 1; cat", 2, timing)
    wait_for(lambda: len(supervisor.pids) == 1)
    assert supervisor.problem is None


def test_workers_are_woken(start: Start, tmp_path: Path) -> None:
    start("exit 1", n_workers=0).wake()
    supervisor = start(f"head -c 1 > {tmp_path}/byte; cat > {tmp_path}/rest", n_workers=1)
    byte = tmp_path / "byte"

    def is_woken() -> bool:
        supervisor.wake()
        return byte.exists() and byte.read_bytes() != b""

    wait_for(is_woken)
    (worker,) = children()
    worker.suspend()
    for _ in range(10_000):  # more than its socket holds
        supervisor.wake()
    worker.resume()


def test_without_workers_there_is_no_problem(start: Start) -> None:
    assert start("exit 1", n_workers=0).problem is None


def test_a_worker_that_never_sends_a_heartbeat_is_replaced(start: Start) -> None:
    supervisor = start("cat", timing=Timing(heartbeat=0.001))
    wait_for(lambda: supervisor.pids)
    pids = supervisor.pids
    wait_for(lambda: supervisor.pids not in ([], pids))


def test_a_worker_has_the_quota(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, max_stored_bytes=5)
    worker = Worker(settings, "name", pytest.fail)
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
    code += "os._exit(0 if ended.wait(60) else 1)"
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
