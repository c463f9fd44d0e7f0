"""Jobs in real processes, which are killed, stopped, and asked too much of at once."""

import os
import resource
import signal
import socket
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import httpx
import numpy as np
import pytest

from service.engine.data.count_ones import count_ones
from service.engine.data.dataset import Dataset
from service.engine.network.forward import Network
from service.engine.objective.base import make_objective
from service.engine.training.optimizers import OPTIMIZERS
from service.engine.training.run import train
from service.engine.types import Weights

RUNS = "/v1/training-runs"
N_LONG = 900_000  # seconds of work
LONG = {"n_iterations": N_LONG, "record_every": 100}
ENDLESS = {"n_iterations": 1_000_000, "record_every": 1000, "network": {"activation": "tanh"}}
FINISHED = {"succeeded", "failed", "cancelled"}


def ended(run: dict[str, Any]) -> bool:
    return run["status"] in FINISHED


def under_way(run: dict[str, Any]) -> bool:
    return bool(run["progress"]["done"] > 0)


def check_undisturbed(server: Any, run: dict[str, Any]) -> None:
    """Fail unless a run is, to the last bit, what training without a break gives."""
    assert run["status"] == "succeeded", run
    objective = make_objective(Dataset.from_arrays(*count_ones()), Network())
    expected = train(
        objective,
        Weights(-1.5, 2.0),
        OPTIMIZERS["rprop"](),
        n_iterations=N_LONG,
        record_every=100,
    )
    columns = server.client.get(f"{RUNS}/{run['id']}/trajectory").json()
    np.testing.assert_array_equal(columns["iteration"], expected.iteration)
    np.testing.assert_array_equal(columns["w_in"], expected.weights[:, 0])
    np.testing.assert_array_equal(columns["w_rec"], expected.weights[:, 1])


@pytest.fixture(scope="module")
def one(starting: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a server with one worker, which the tests of this module share."""
    return starting(tmp_path_factory.mktemp("one") / "data", "--workers", "1")


def test_a_job_begins_and_ends_soon(one: Any) -> None:
    waits = []
    for n in range(5):
        run = one.submit(n_iterations=100 + n)
        done = one.until(run["id"], ended)
        assert done["status"] == "succeeded"
        assert (done["progress"], done["attempt"]) == ({"done": 100 + n, "total": 100 + n}, 1)
        created, started = (
            np.datetime64(done[name].rstrip("Z")) for name in ("created_at", "started_at")
        )
        waits.append((started - created) / np.timedelta64(1, "s"))
    assert sorted(waits)[2] < 0.5, waits


def test_cancel_takes_what_is_queued_and_what_is_running(one: Any) -> None:
    running = one.submit(**ENDLESS)
    one.until(running["id"], under_way)
    queued = one.submit(**ENDLESS, initial_weights={"w_in": 0.5})
    for run in (queued, running):
        answer = one.client.post(f"{RUNS}/{run['id']}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
        again = one.client.post(f"{RUNS}/{run['id']}/cancel")
        assert (again.status_code, again.content) == (200, answer.content)
    assert one.client.get(f"{RUNS}/{running['id']}/trajectory").status_code == 409
    # The worker is free for others, and the cancelled question starts anew.
    after = one.until(one.submit(n_iterations=99)["id"], ended, 10)
    assert after["status"] == "succeeded"
    anew = one.submit(**ENDLESS)
    assert (anew["id"], anew["attempt"], anew["progress"]["done"]) == (running["id"], 2, 0)
    one.until(running["id"], lambda run: run["status"] == "running")
    assert one.client.delete(f"{RUNS}/{running['id']}").status_code == 409
    one.client.post(f"{RUNS}/{running['id']}/cancel")
    assert one.client.delete(f"{RUNS}/{running['id']}").status_code == 204


def test_a_hundred_equal_requests_at_once_are_one_job(one: Any) -> None:
    question = {"n_iterations": 150_000, "record_every": 1000}

    def ask(_: int) -> httpx.Response:
        return httpx.post(f"{one.url}{RUNS}", json=question, timeout=60)

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(100)))
    # A quick worker may have finished before the last of them is asked: that is a 200.
    assert 202 in {answer.status_code for answer in answers} <= {200, 202}
    (run_id,) = {answer.json()["id"] for answer in answers}
    assert one.until(run_id, ended)["attempt"] == 1
    (data,) = Path(one.greeting[-1].split()[-1]).glob("*.sqlite3")
    with sqlite3.connect(data) as connection:
        query = "SELECT count(*) FROM workflow_status WHERE workflow_uuid LIKE ?"
        assert connection.execute(query, (f"{run_id}%",)).fetchone() == (1,)
    connection.close()


def test_a_wait_ends_with_the_job(one: Any) -> None:
    question = {"n_iterations": 130_000, "record_every": 1000}
    answer = one.client.post(RUNS, json=question, headers={"prefer": "wait=30"})
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait=30"
    assert answer.json()["status"] == "succeeded"


def test_events_tell_how_a_job_goes_on(one: Any) -> None:
    run = one.submit(n_iterations=20_000, network={"activation": "tanh"})
    with one.client.stream("GET", f"{RUNS}/{run['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = list(stream.iter_lines())
    events = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert events[-1] == "done"
    assert events.count("progress") >= 2
    again = one.client.get(f"{RUNS}/{run['id']}/events", headers={"last-event-id": "done"})
    assert (again.status_code, again.content) == (204, b"")


def test_a_worker_that_is_killed_is_replaced_and_its_job_goes_on(one: Any) -> None:
    run = one.submit(**LONG)
    before = one.until(run["id"], under_way)
    (worker,) = one.workers
    os.kill(worker, signal.SIGKILL)
    done = one.until(run["id"], ended)
    assert done["attempt"] == 1
    assert done["started_at"] == before["started_at"]
    check_undisturbed(one, done)
    assert one.workers != [worker]


def test_a_power_cut_costs_half_a_second_of_work(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    first = starting(tmp_path / "data", "--workers", "2")
    run = first.submit(**LONG)
    before = first.until(run["id"], under_way)
    workers = first.workers
    first.kill_all()
    until_gone(workers)
    second = starting(tmp_path / "data", "--workers", "1")  # fewer than before
    resumed = second.run(run["id"])
    assert resumed["progress"]["done"] >= before["progress"]["done"]
    done = second.until(run["id"], ended)
    check_undisturbed(second, done)
    assert done["attempt"] == 1
    second.stop()


def test_workers_end_with_their_server_however_it_ends(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    server = starting(tmp_path / "data", "--workers", "2")
    workers = server.workers
    assert len(workers) == 2
    server.signal(signal.SIGKILL)
    server.wait()
    until_gone(workers)


def until_gone(pids: list[int]) -> None:
    """Wait for processes that have been told to end, or killed: the latter, too, takes a moment."""
    deadline = monotonic() + 10
    while any(alive(pid) for pid in pids):
        assert monotonic() < deadline
        Event().wait(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_sigterm_ends_streams_drops_no_request_and_gives_jobs_back(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    server = starting(tmp_path / "data", "--workers", "1")
    run = server.submit(**ENDLESS)
    server.until(run["id"], under_way)
    begun, dropped = Event(), []
    stop = Event()

    def ask(number: int) -> int:
        n_answers = 0
        while not stop.is_set():
            try:
                answer = httpx.post(
                    f"{server.url}{RUNS}", json={"n_iterations": 300 + number}, timeout=30
                )
            except httpx.ConnectError:
                return n_answers
            except httpx.TransportError as error:
                dropped.append(repr(error))
                return n_answers
            assert answer.status_code in {200, 201}
            n_answers += 1
            begun.set()
        return n_answers

    def listen() -> float:
        with httpx.stream("GET", f"{server.url}{RUNS}/{run['id']}/events", timeout=30) as stream:
            for _ in stream.iter_raw():
                pass
        return monotonic()

    with ThreadPoolExecutor(5) as threads:
        stream = threads.submit(listen)
        asking = [threads.submit(ask, number) for number in range(4)]
        assert begun.wait(20)
        signalled = monotonic()
        server.signal(signal.SIGTERM)
        assert stream.result() - signalled < 1.0
        code = server.wait()
        stop.set()
        assert sum(each.result() for each in asking) > 0
    assert dropped == []
    assert code == 0
    with sqlite3.connect(tmp_path / "data" / "rnn.sqlite3") as connection:
        query = "SELECT status, progress_done, deliveries FROM computations WHERE id = ?"
        status, done, deliveries = connection.execute(query, (run["id"],)).fetchone()
    connection.close()
    assert (status, deliveries) == ("queued", 0)
    again = starting(tmp_path / "data", "--workers", "1")
    again.until(run["id"], lambda run: run["progress"]["done"] > done > 0)
    again.stop()


def test_an_api_alone_accepts_jobs_for_later(starting: Callable[..., Any], tmp_path: Path) -> None:
    server = starting(tmp_path / "data", "--workers", "0")
    run = server.submit(n_iterations=10)
    assert server.workers == []
    assert server.run(run["id"])["status"] == "queued"
    server.stop()
    later = starting(tmp_path / "data", "--workers", "1")
    assert later.until(run["id"], ended)["status"] == "succeeded"
    later.stop()


def test_a_head_request_for_events_is_refused(one: Any) -> None:
    run = one.submit(n_iterations=11)
    answer = one.client.head(f"{RUNS}/{run['id']}/events")
    assert answer.status_code == 405
    with socket.create_connection(("127.0.0.1", one.port), timeout=5):
        assert one.client.get("/livez").status_code == 200


def test_a_disk_that_takes_nothing_more_is_said_and_waited_for(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    server = starting(tmp_path / "data", "--workers", "1")
    run = server.submit(**ENDLESS)
    server.until(run["id"], under_way)
    processes = [server.process.pid, *server.workers]

    def allow(n_bytes: int) -> None:
        for pid in processes:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))

    allow(0)
    for _ in range(2):
        refused = server.client.post(RUNS, json={"n_iterations": 5})
        assert refused.status_code in {503, 507}
        assert refused.headers["content-type"] == "application/problem+json"
        assert "disk" in refused.json()["detail"] or "full" in refused.json()["detail"]
    assert server.run(run["id"])["status"] == "running"
    assert server.client.get("/livez").status_code == 200
    allow(resource.RLIM_INFINITY)
    assert server.client.post(RUNS, json={"n_iterations": 5}).status_code == 201
    at = server.run(run["id"])["progress"]["done"]
    server.until(run["id"], lambda run: run["progress"]["done"] > at)
    assert server.client.post(f"{RUNS}/{run['id']}/cancel").status_code == 202
    server.stop()


@pytest.mark.slow
def test_a_job_that_ends_its_workers_fails_after_the_third(
    starting: Callable[..., Any], tmp_path: Path
) -> None:
    server = starting(tmp_path / "data", "--workers", "1")
    # More than a minute before its first step, while its moments are computed.
    dataset = {"n_samples": 2000, "n_steps": 10_000}
    run = server.submit(n_iterations=10, dataset=dataset)
    for _ in range(3):
        server.until(run["id"], lambda run: run["status"] == "running")
        (worker,) = server.workers
        os.kill(worker, signal.SIGKILL)
        server.until(run["id"], lambda run: run["status"] != "running")
    failed = server.run(run["id"])
    assert (failed["status"], failed["error"]["type"]) == ("failed", "/problems/worker-lost")
    assert "3 workers" in failed["error"]["detail"]
    after = server.until(server.submit(n_iterations=12)["id"], ended)
    assert after["status"] == "succeeded"
    server.stop()
