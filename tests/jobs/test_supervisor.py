"""The supervisor, with shell scripts in place of workers."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import psutil
import pytest

from service.errors import StoreUnavailable
from service.jobs import supervisor as module
from service.jobs.supervisor import (
    EXIT_ABANDONED_STEP,
    HEARTBEAT_TIMEOUT,
    START_SECONDS,
    Supervisor,
)
from service.settings import Settings

Start = Callable[..., Supervisor]


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline
        Event().wait(0.01)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Return a function that starts a supervisor, whose workers execute a shell script."""
    started: list[Supervisor] = []
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "STOP_SECONDS", 60.0)

    def start(script: str, n_workers: int = 1) -> Supervisor:
        program = tmp_path / "worker"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        started.append(Supervisor(Settings(data_dir=tmp_path, workers=n_workers)))
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
    assert len(set(supervisor.worker_names)) == 2
    workers = children()
    assert len(workers) == 2
    assert supervisor.stop() == []
    assert not any(worker.is_running() for worker in workers)


def test_a_worker_that_does_not_stop_is_killed_and_named(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    supervisor = start(f"trap '' TERM; touch {tmp_path}/ready; while :; do sleep 0.1; done")
    wait_for((tmp_path / "ready").exists)
    (name,) = supervisor.worker_names
    assert supervisor.stop() == [name]


def test_stop_waits_from_the_moment_of_terminate(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    supervisor = start(f"trap 'touch {tmp_path}/seen' TERM; touch {tmp_path}/ready; cat; sleep 60")
    wait_for((tmp_path / "ready").exists)
    monkeypatch.setattr(module, "STOP_SECONDS", 0.0)
    supervisor.terminate()
    monkeypatch.setattr(module, "STOP_SECONDS", 60.0)
    started = monotonic()
    assert len(supervisor.stop()) == 1
    assert monotonic() - started < 30


def test_an_exit_is_reported_and_the_worker_is_restarted(start: Start) -> None:
    supervisor = start("cat")
    (name,) = supervisor.worker_names
    (worker,) = children()
    worker.kill()
    wait_for(lambda: supervisor.worker_names not in ([], [name]))
    reported: list[str] = []
    supervisor.report_exits_to(reported.append)  # it also reports earlier exits
    wait_for(lambda: reported)
    assert reported == [name]


def test_an_exit_is_reported_again_after_an_error(start: Start) -> None:
    supervisor = start("cat")
    calls: list[str] = []

    def report(name: str) -> None:
        calls.append(name)
        if len(calls) < 3:
            raise StoreUnavailable("unavailable")

    supervisor.report_exits_to(report)
    (name,) = supervisor.worker_names
    children()[0].kill()
    wait_for(lambda: len(calls) == 3)
    wait_for(lambda: supervisor.worker_names not in ([], [name]))
    assert calls == [name] * 3


@pytest.mark.parametrize(("code", "restarts_at_once"), [(1, False), (EXIT_ABANDONED_STEP, True)])
def test_only_a_worker_that_fails_early_is_restarted_after_a_pause(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    code: int,
    restarts_at_once: bool,
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 60.0)
    supervisor = start(f"echo started >> {tmp_path}/log; exit {code}")
    exits: list[str] = []
    supervisor.report_exits_to(exits.append)
    if restarts_at_once:
        wait_for(lambda: len(exits) >= 3)
    else:
        wait_for(lambda: exits)
        Event().wait(0.1)
        assert supervisor.worker_names == []
        assert (tmp_path / "log").read_text() == "started\n"


class Clock:
    """The clock of the supervisor, which only the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


@pytest.fixture
def never_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not count a jump of the clock as a suspension of the supervisor."""
    monkeypatch.setattr(module, "MAX_GAP_SECONDS", float("inf"))


@pytest.mark.usefixtures("never_suspended")
def test_a_worker_without_a_heartbeat_is_killed_and_replaced(start: Start, clock: Clock) -> None:
    supervisor = start("cat")
    names = supervisor.worker_names
    exits: list[str] = []
    supervisor.report_exits_to(exits.append)
    clock.now += START_SECONDS
    wait_for(lambda: exits)
    assert exits == names
    wait_for(lambda: supervisor.worker_names not in ([], names))


@pytest.mark.usefixtures("never_suspended")
def test_a_worker_that_stops_its_heartbeat_is_killed(start: Start, clock: Clock) -> None:
    supervisor = start("while :; do printf . >&0; sleep 0.05; done")
    (slot,) = supervisor._slots
    exits: list[str] = []
    supervisor.report_exits_to(exits.append)
    for _ in range(3):  # together longer than a worker may take without a heartbeat
        clock.now += HEARTBEAT_TIMEOUT - 1
        wait_for(lambda: slot.hung_at == clock.now + HEARTBEAT_TIMEOUT)
    assert exits == []
    (name,) = supervisor.worker_names
    children()[0].suspend()

    def wait_longer() -> list[str]:  # repeatedly, since the last heartbeat may not be read yet
        clock.now += HEARTBEAT_TIMEOUT
        return exits

    wait_for(wait_longer)
    assert exits[0] == name


def test_no_worker_is_killed_after_the_supervisor_was_suspended(start: Start, clock: Clock) -> None:
    supervisor = start("cat")
    (slot,) = supervisor._slots
    names = supervisor.worker_names
    clock.now += 10 * START_SECONDS
    wait_for(lambda: slot.hung_at == clock.now + HEARTBEAT_TIMEOUT)
    assert supervisor.worker_names == names


def test_workers_that_fail_at_the_start_are_a_problem(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 60.0)
    supervisor = start("exit 1", n_workers=2)
    wait_for(lambda: supervisor.problem)
    assert "exit when they start" in str(supervisor.problem)


def test_one_running_worker_is_no_problem(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 60.0)
    supervisor = start(f"mkdir {tmp_path}/first && exit 1; cat", n_workers=2)
    exits: list[str] = []
    supervisor.report_exits_to(exits.append)
    wait_for(lambda: exits)
    assert supervisor.problem is None
    assert len(supervisor.worker_names) == 1


def test_without_workers_there_is_no_problem(start: Start) -> None:
    assert start("exit 1", n_workers=0).problem is None
