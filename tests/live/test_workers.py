"""Workers that cannot start, and workers that hang."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.live.conftest import wait_for

LONG = {"n_iterations": 1_000_000, "record_every": 1000, "network": {"activation": "tanh"}}


def test_options_override_invalid_variables_for_workers_too(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    server = start_server(tmp_path / "data", "--workers", "1", port="x", host="", workers="x")
    run = server.submit(n_iterations=20)
    server.wait_for_run(run["id"], lambda run: run["status"] == "succeeded")
    server.stop()


@pytest.mark.slow
def test_a_worker_that_hangs_is_replaced_and_its_job_goes_on(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    server = start_server(tmp_path / "data", "--workers", "1")
    run = server.submit(**LONG)
    done = server.wait_for_run(run["id"], lambda run: run["progress"]["done"] > 0)["progress"]
    before = server.workers
    os.kill(before[0], signal.SIGSTOP)
    wait_for(lambda: server.workers, lambda workers: workers not in ([], before), 90)
    assert not psutil.pid_exists(before[0])
    goes_on = server.wait_for_run(
        run["id"], lambda run: run["progress"]["done"] > done["done"] and run["status"] == "running"
    )
    assert goes_on["attempt"] == 1
    server.stop()
