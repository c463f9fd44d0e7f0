"""Steps that take minutes, such as the pass over a large dataset. Nothing waits for their end."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.live.conftest import Start, is_finished

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
    assert server.client.post(f"/v1/training-runs/{run['id']}/cancel").status_code == 202
    cancelled = monotonic()
    after = server.wait_for_run(server.submit(n_iterations=12)["id"], is_finished)
    assert after["status"] == "succeeded"
    assert monotonic() - cancelled < STEP_SECONDS
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
            assert worker.wait(60) == 0
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
