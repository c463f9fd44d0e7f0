"""Short jobs beside long ones, and a limited queue, with real workers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import ENDLESS, has_progress, is_finished

RUNS = "/v1/training-runs"


@pytest.mark.slow
def test_a_short_job_does_not_wait_for_long_ones(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    server = start_server(tmp_path / "data", "--workers", "2", max_queued_jobs=4)
    # At least two minutes each.
    long_ones = [server.submit(**ENDLESS, initial_weights={"w_in": n / 8})["id"] for n in range(4)]
    for run_id in long_ones[:2]:
        server.wait_for_run(run_id, has_progress)
    short = server.submit(n_iterations=20)
    assert server.wait_for_run(short["id"], is_finished)["status"] == "succeeded"
    done = [server.get_run(run_id)["progress"]["done"] for run_id in long_ones]
    for run_id, before in list(zip(long_ones, done, strict=True))[:2]:
        # The one that yielded resumes from its checkpoint before those that came later.
        run = server.wait_for_run(run_id, lambda run, b=before: run["progress"]["done"] > b)
        assert (run["status"], run["attempt"]) == ("running", 1)
    server.stop()


@pytest.mark.slow
def test_the_queue_is_limited(start_server: Callable[..., Any], tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", "--workers", "0", max_queued_jobs=3)
    ids = [server.submit(n_iterations=20 + n)["id"] for n in range(3)]
    prefer = {"prefer": "respond-async"}
    refused = server.client.post(RUNS, json={"n_iterations": 30}, headers=prefer)
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/busy")
    assert int(refused.headers["retry-after"]) > 0
    # What is queued already, and what is computed at once, is not refused.
    assert server.client.post(RUNS, json={"n_iterations": 20}, headers=prefer).status_code == 202
    assert server.client.post(RUNS, json={"n_iterations": 30}).status_code == 201
    assert server.client.post(f"{RUNS}/{ids[0]}/cancel").status_code == 202
    assert server.submit(n_iterations=31)["status"] == "queued"
    server.stop()
