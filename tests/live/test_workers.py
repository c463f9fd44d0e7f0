"""Workers that cannot start or that hang, steps that take minutes, short jobs beside long ones."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import psutil
import pytest

from tests.live.conftest import (
    ENDLESS,
    WAIT_SECONDS,
    Start,
    has_progress,
    is_finished,
    wait_for,
)


@pytest.mark.slow
def test_options_override_invalid_variables_for_workers_too(start: Start) -> None:
    server = start(1, port="x", host="", workers="x")
    run = server.submit(n_iterations=2000)
    server.wait_for_run(run["id"], lambda run: run["status"] == "succeeded")


@pytest.mark.slow
def test_idle_workers_take_no_cpu_time_and_still_start_jobs(start: Start) -> None:
    server = start(2)
    run = server.submit(n_iterations=10)
    server.wait_for_run(run["id"], is_finished)
    workers = [psutil.Process(pid) for pid in server.workers]

    def measure_load() -> float:
        """Return the CPU seconds of all workers per second, over four seconds."""
        before = sum(sum(worker.cpu_times()[:2]) for worker in workers)
        Event().wait(4.0)
        return (sum(sum(worker.cpu_times()[:2]) for worker in workers) - before) / 4.0

    wait_for(measure_load, lambda load: load < 0.01)
    run = server.submit(n_iterations=11)
    server.wait_for_run(run["id"], is_finished)


@pytest.mark.slow
def test_a_worker_is_started_as_soon_as_that_is_possible(start: Start, tmp_path: Path) -> None:
    server = start(1)
    run = server.submit(**ENDLESS)
    server.wait_for_run(run["id"], has_progress)
    assert server.client.get("/readyz").status_code == 200
    pid = server.process.pid
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    free = min(set(range(len(used) + 1)) - used)
    # A worker needs both ends of a socket. Only the end that the last one leaves is free.
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, usual[1]))
    (before,) = server.workers
    os.kill(before, signal.SIGKILL)
    response = wait_for(lambda: server.client.get("/readyz"), lambda seen: seen.status_code != 200)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/not-ready")
    assert "the workers cannot be started" in response.json()["detail"]
    report = "a worker cannot be started: Too many open files"
    wait_for((tmp_path / "data.log").read_text, lambda log: log.count(report) > 1)
    assert server.workers == []
    resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
    wait_for(lambda: server.client.get("/readyz").status_code, lambda status: status == 200)
    done = server.get_run(run["id"])["progress"]["done"]
    goes_on = server.wait_for_run(run["id"], lambda run: run["progress"]["done"] > done)
    assert (goes_on["status"], goes_on["attempt"]) == ("running", 1)


@pytest.mark.slow
def test_a_worker_that_hangs_is_replaced_and_its_job_goes_on(start: Start) -> None:
    server = start(1)
    run = server.submit(**ENDLESS)
    done = server.wait_for_run(run["id"], has_progress)["progress"]
    before = server.workers
    os.kill(before[0], signal.SIGSTOP)
    wait_for(lambda: server.workers, lambda workers: workers not in ([], before))
    assert not psutil.pid_exists(before[0])
    goes_on = server.wait_for_run(
        run["id"], lambda run: run["progress"]["done"] > done["done"] and run["status"] == "running"
    )
    assert goes_on["attempt"] == 1


# It computes moments for more than a minute before its first step.
STEP_SECONDS = 45  # less than that
LONG_STEP = {"n_iterations": 10, "dataset": {"n_samples": 2000, "n_steps": 10_000}}


def is_running(run: dict[str, Any]) -> bool:
    return bool(run["status"] == "running")


def read_job(data_dir: Path, run_id: str) -> tuple[str, int]:
    """Return the status and the number of deliveries of a job whose server has ended."""
    with closing(sqlite3.connect(data_dir / "rnn.sqlite3")) as connection:
        query = "SELECT status, deliveries FROM computations WHERE id = ?"
        status, deliveries = connection.execute(query, (run_id,)).fetchone()
    return status, deliveries


@pytest.mark.slow
def test_a_cancelled_job_frees_its_worker_at_once(start: Start) -> None:
    server = start(1)
    run = server.submit(**LONG_STEP)
    server.wait_for_run(run["id"], is_running)
    before = server.workers
    assert server.client.post(f"/v1/training-runs/{run['id']}/cancel").status_code == 202
    after = server.wait_for_run(server.submit(n_iterations=12)["id"], is_finished)
    assert after["status"] == "succeeded"
    assert server.workers != before  # which would have ended the step
    assert server.get_run(run["id"])["status"] == "cancelled"


@pytest.mark.slow
def test_a_standalone_worker_restarts_itself(
    start: Start, clean_environment: dict[str, str], tmp_path: Path
) -> None:
    server = start()
    command = [sys.executable, "-m", "service", "worker", "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(command, env=clean_environment) as worker:
        try:
            run = server.submit(**LONG_STEP)
            server.wait_for_run(run["id"], is_running)
            server.client.post(f"/v1/training-runs/{run['id']}/cancel")
            after = server.wait_for_run(server.submit(n_iterations=12)["id"], is_finished)
            assert after["status"] == "succeeded"
            assert worker.poll() is None
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(WAIT_SECONDS) == 0
        finally:
            worker.kill()


@pytest.mark.slow
def test_restarts_do_not_count_against_a_job(start: Start, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    run_id = None
    for _ in range(2):
        server = start(1)
        run_id = run_id or server.submit(**LONG_STEP)["id"]
        server.wait_for_run(run_id, is_running)
        signalled = monotonic()
        server.stop()
        assert monotonic() - signalled < STEP_SECONDS
        assert read_job(data_dir, run_id) == ("queued", 0)


@pytest.mark.slow
def test_a_short_job_does_not_wait_for_long_ones(start: Start) -> None:
    server = start(2, max_queued_jobs=4, max_queued_jobs_per_client=4)
    # At least two minutes each.
    long_ones = [server.submit(**ENDLESS, initial_weights={"w_in": n / 8})["id"] for n in range(4)]
    for run_id in long_ones[:2]:
        server.wait_for_run(run_id, has_progress)
    short = server.submit(n_iterations=20)
    assert server.wait_for_run(short["id"], is_finished)["status"] == "succeeded"
    # The one that yielded resumes from its checkpoint. Whether jobs that came later go first
    # depends on how long they turn out to take.
    for run_id in long_ones[2:]:
        assert server.client.post(f"/v1/training-runs/{run_id}/cancel").status_code == 202
    done = [server.get_run(run_id)["progress"]["done"] for run_id in long_ones[:2]]
    for run_id, before in zip(long_ones[:2], done, strict=True):
        run = server.wait_for_run(
            run_id, lambda run, b=before: run["progress"]["done"] > b and run["status"] == "running"
        )
        assert run["attempt"] == 1
