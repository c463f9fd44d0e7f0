"""Steps that take minutes, such as the one pass over much data: nobody waits for their end."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

# More than a minute before its first step, while its moments are computed.
PASS = {"n_iterations": 10, "dataset": {"n_samples": 2000, "n_steps": 10_000}}


def running(run: dict[str, Any]) -> bool:
    return bool(run["status"] == "running")


def ended(run: dict[str, Any]) -> bool:
    return run["status"] in {"succeeded", "failed", "cancelled"}


def kept(data_dir: Path, run_id: str) -> tuple[str, int]:
    """Return the status of a job whose server has ended, and its failed deliveries."""
    with closing(sqlite3.connect(data_dir / "rnn.sqlite3")) as connection:
        query = "SELECT status, deliveries FROM computations WHERE id = ?"
        status, deliveries = connection.execute(query, (run_id,)).fetchone()
    return status, deliveries


def test_a_cancelled_job_leaves_its_worker_at_once(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    server = starting(tmp_path / "data", "--workers", "1")
    run = server.submit(**PASS)
    server.until(run["id"], running)
    assert server.client.post(f"/v1/training-runs/{run['id']}/cancel").status_code == 202
    cancelled = monotonic()
    after = server.until(server.submit(n_iterations=12)["id"], ended)
    assert after["status"] == "succeeded"
    assert monotonic() - cancelled < 15
    assert server.run(run["id"])["status"] == "cancelled"
    server.stop()


def test_a_worker_by_itself_begins_anew_in_its_own_place(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    server = starting(tmp_path / "data", "--workers", "0")
    command = [sys.executable, "-m", "service", "worker", "--data-dir", str(tmp_path / "data")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RNN_")}
    with subprocess.Popen(command, env=environment) as worker:
        try:
            run = server.submit(**PASS)
            server.until(run["id"], running)
            server.client.post(f"/v1/training-runs/{run['id']}/cancel")
            after = server.until(server.submit(n_iterations=12)["id"], ended)
            assert after["status"] == "succeeded"
            assert worker.poll() is None
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(20) == 0
        finally:
            worker.kill()
    server.stop()


def test_restarts_fail_no_job(starting: Callable[..., Any], tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    run_id = None
    for _ in range(2):
        server = starting(data_dir, "--workers", "1")
        run_id = run_id or server.submit(**PASS)["id"]
        server.until(run_id, running)
        signalled = monotonic()
        server.stop()
        assert monotonic() - signalled < 10
        assert kept(data_dir, run_id) == ("queued", 0)


def test_a_worker_that_had_to_be_killed_gives_its_job_back_too(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    server = starting(tmp_path / "data", "--workers", "1")
    run = server.submit(**PASS)
    server.until(run["id"], running)
    (worker,) = server.workers
    os.kill(worker, signal.SIGSTOP)  # it hears no other signal
    server.stop()
    assert kept(tmp_path / "data", run["id"]) == ("queued", 0)
