"""Workers that cannot start, and workers that hang."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.live.conftest import ENDLESS, has_progress, wait_for

# Python runs this module at its start.
NO_WORKER = """
import os, sys
if "worker" in sys.orig_argv:
    os._exit(1)
"""


@pytest.mark.slow
def test_options_override_invalid_variables_for_workers_too(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    server = start_server(tmp_path / "data", "--workers", "1", port="x", host="", workers="x")
    run = server.submit(n_iterations=2000)
    server.wait_for_run(run["id"], lambda run: run["status"] == "succeeded")
    text = server.client.get("/metrics").text
    for name in ("rnn_job_seconds_total", "rnn_job_estimated_seconds_total"):
        (seconds,) = re.findall(rf'^{name}{{kind="training_run"}} (.+)$', text, re.MULTILINE)
        assert 0.0 < float(seconds) < 60.0
    server.stop()


@pytest.mark.slow
def test_a_server_whose_workers_exit_is_not_ready(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_WORKER)
    server = start_server(tmp_path / "data", "--workers", "2", python_path=tmp_path)
    response = wait_for(lambda: server.client.get("/readyz"), lambda seen: seen.status_code != 200)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/not-ready")
    assert "the workers exit when they start" in response.json()["detail"]
    assert server.client.get("/livez").status_code == 200
    server.stop()


@pytest.mark.slow
def test_a_worker_that_hangs_is_replaced_and_its_job_goes_on(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    server = start_server(tmp_path / "data", "--workers", "1")
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
    server.stop()
