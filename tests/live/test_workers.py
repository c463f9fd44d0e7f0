"""Workers that cannot start, and workers that hang."""

import os
import resource
import signal
from pathlib import Path

import psutil
import pytest

from tests.live.conftest import ENDLESS, Start, has_progress, wait_for


@pytest.mark.slow
def test_options_override_invalid_variables_for_workers_too(start: Start) -> None:
    server = start(1, port="x", host="", workers="x")
    run = server.submit(n_iterations=2000)
    server.wait_for_run(run["id"], lambda run: run["status"] == "succeeded")


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
    wait_for(lambda: server.workers, lambda workers: workers not in ([], before), 90)
    assert not psutil.pid_exists(before[0])
    goes_on = server.wait_for_run(
        run["id"], lambda run: run["progress"]["done"] > done["done"] and run["status"] == "running"
    )
    assert goes_on["attempt"] == 1
