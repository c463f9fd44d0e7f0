"""Jobs in real processes that are killed, stopped and overloaded."""

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from service.engine.data import Dataset, count_ones
from service.engine.network import Network
from service.engine.objective import make_objective
from service.engine.training import OPTIMIZERS, TrainingSetup, train
from service.engine.types import Weights
from service.store.jobs import MAX_DELIVERIES
from tests.live.conftest import (
    ENDLESS,
    LONG,
    WAIT_SECONDS,
    Start,
    has_progress,
    is_finished,
    wait_for,
)

RUNS = "/v1/training-runs"
# Steps of about a second, which is longer than the time between two checkpoints.
SLOW_MAP: dict[str, Any] = {
    "dataset": {"n_samples": 500, "n_steps": 30},
    "network": {"activation": "tanh"},
    "window": {"resolution": 50},
    "n_iterations": 4,
}


def check_uninterrupted(server: Any, run: dict[str, Any]) -> None:
    """Fail unless a run equals uninterrupted training, bit by bit."""
    assert run["status"] == "succeeded", run
    objective = make_objective(Dataset.from_arrays(*count_ones()), Network())
    expected = train(TrainingSetup(objective, OPTIMIZERS["rprop"]()), Weights(-1.5, 2.0), **LONG)
    columns = server.client.get(f"{RUNS}/{run['id']}/trajectory").json()
    np.testing.assert_array_equal(columns["iteration"], expected.iteration)
    np.testing.assert_array_equal(columns["w_in"], expected.weights[:, 0])
    np.testing.assert_array_equal(columns["w_rec"], expected.weights[:, 1])


def wait_for_end(processes: list[psutil.Process]) -> None:
    """Wait for processes that were killed, or that lost their server."""
    _, alive = psutil.wait_procs(processes, WAIT_SECONDS)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []


@pytest.fixture(scope="module")
def one(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a server with one worker, which the tests of this module share."""
    return start_server(tmp_path_factory.mktemp("one") / "data", n_workers=1)


def test_queued_and_running_jobs_can_be_cancelled(one: Any) -> None:
    running = one.submit(**ENDLESS)
    one.wait_for_run(running["id"], has_progress)
    queued = one.submit(**ENDLESS, initial_weights={"w_in": 0.5})
    for run in (queued, running):
        response = one.client.post(f"{RUNS}/{run['id']}/cancel")
        assert (response.status_code, response.json()["status"]) == (202, "cancelled")
        again = one.client.post(f"{RUNS}/{run['id']}/cancel")
        assert (again.status_code, again.content) == (200, response.content)
    assert one.client.get(f"{RUNS}/{running['id']}/trajectory").status_code == 409
    # The worker is free for other jobs, and the cancelled request starts from the beginning.
    after = one.wait_for_run(one.submit(n_iterations=99)["id"], is_finished)
    assert (after["status"], after["progress"]) == ("succeeded", {"done": 99, "total": 99})
    second = one.submit(**ENDLESS)
    assert (second["id"], second["attempt"], second["progress"]["done"]) == (running["id"], 2, 0)
    one.wait_for_run(running["id"], lambda run: run["status"] == "running")
    assert one.client.delete(f"{RUNS}/{running['id']}").status_code == 409
    one.client.post(f"{RUNS}/{running['id']}/cancel")
    assert one.client.delete(f"{RUNS}/{running['id']}").status_code == 204


def test_a_wait_ends_with_the_job(one: Any) -> None:
    request = {"n_iterations": 130_000, "record_every": 1000}
    response = one.client.post(RUNS, json=request, headers={"prefer": "wait=60"})
    assert response.status_code == 201
    assert response.headers["preference-applied"] == "wait=60"
    assert response.json()["status"] == "succeeded"


def test_events_report_the_progress_of_a_job(one: Any) -> None:
    run = one.submit(**ENDLESS, initial_weights={"w_in": 0.25})
    events = []
    with one.client.stream("GET", f"{RUNS}/{run['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("event: "):
                events.append(line.removeprefix("event: "))
                if events == ["progress"] * 3:
                    httpx.post(f"{one.url}{RUNS}/{run['id']}/cancel", timeout=120)
    assert events[-1] == "done"
    assert set(events[:-1]) == {"progress"}
    again = one.client.get(f"{RUNS}/{run['id']}/events", headers={"last-event-id": "done"})
    assert (again.status_code, again.content) == (204, b"")


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_job_resumes(one: Any) -> None:
    run = one.submit(**LONG)
    before = one.wait_for_run(run["id"], has_progress)
    (worker,) = one.workers
    os.kill(worker, signal.SIGKILL)
    done = one.wait_for_run(run["id"], is_finished)
    assert done["attempt"] == 1
    assert done["started_at"] == before["started_at"]
    check_uninterrupted(one, done)
    assert one.workers != [worker]


@pytest.mark.slow
def test_a_power_failure_loses_no_checkpoint(start: Start) -> None:
    first = start(2)
    run = first.submit(**LONG)
    before = first.wait_for_run(run["id"], has_progress)
    workers = [psutil.Process(pid) for pid in first.workers]
    first.kill_all()
    wait_for_end(workers)
    second = start(1)  # fewer than before
    resumed = second.get_run(run["id"])
    assert resumed["progress"]["done"] >= before["progress"]["done"]
    done = second.wait_for_run(run["id"], is_finished)
    check_uninterrupted(second, done)
    assert done["attempt"] == 1


@pytest.mark.slow
def test_workers_end_with_a_killed_server(start: Start) -> None:
    server = start(2)
    workers = [psutil.Process(pid) for pid in server.workers]
    assert len(workers) == 2
    server.signal(signal.SIGKILL)
    server.wait()
    wait_for_end(workers)


@pytest.mark.slow
def test_power_failures_never_fail_a_job(start: Start) -> None:
    """They come at any time, most of them before the first checkpoint."""
    accepted: list[str] = []
    for _ in range(MAX_DELIVERIES + 1):
        server = start(2)
        for seed in range(0 if accepted else 3):
            body = {**SLOW_MAP, "dataset": {**SLOW_MAP["dataset"], "seed": seed}}
            prefer = {"prefer": "respond-async"}
            response = server.client.post("/v1/basin-maps", json=body, headers=prefer)
            accepted.append(response.json()["id"])

        def read_jobs(server: Any = server) -> list[dict[str, Any]]:
            maps = [server.client.get(f"/v1/basin-maps/{map_id}") for map_id in accepted]
            return [response.json() for response in maps]

        wait_for(read_jobs, lambda maps: any(each["status"] == "running" for each in maps))
        assert not any(each["error"] for each in read_jobs())
        workers = [psutil.Process(pid) for pid in server.workers]
        server.kill_all()
        wait_for_end(workers)
    server = start(2)
    wait_for(lambda: read_jobs(server), lambda maps: all(map(is_finished, maps)))
    assert {(each["status"], each["attempt"]) for each in read_jobs(server)} == {("succeeded", 1)}


@pytest.mark.slow
def test_a_job_fails_after_it_has_ended_three_workers(start: Start, tmp_path: Path) -> None:
    server = start(1)
    # It computes moments for more than a minute before its first step.
    dataset = {"n_samples": 2000, "n_steps": 10_000}
    run = server.submit(n_iterations=10, dataset=dataset)
    leases: set[str] = set()

    def kill_its_worker() -> Any:
        with closing(sqlite3.connect(tmp_path / "data" / "rnn.sqlite3")) as connection:
            query = "SELECT status, lease FROM computations WHERE id = ?"
            status, lease = connection.execute(query, (run["id"],)).fetchone()
        if status == "running" and lease not in leases:
            leases.add(lease)
            (worker,) = server.workers
            os.kill(worker, signal.SIGKILL)
        return status

    # Each worker needs some seconds to start, and each loss is noticed after ten.
    ended = wait_for(kill_its_worker, lambda status: status in {"failed", "succeeded"}, 900)
    assert ended == "failed"
    assert len(leases) in {3, 4}  # the first one may end before the service sees it alive
    failed = server.get_run(run["id"])
    assert failed["error"]["type"] == "/problems/worker-lost"
    assert (failed["error"]["status"], failed["error"]["title"] != "") == (500, True)
    assert "3 workers" in failed["error"]["detail"]
    after = server.wait_for_run(server.submit(n_iterations=12)["id"], is_finished)
    assert after["status"] == "succeeded"
