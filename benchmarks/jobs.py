"""How soon jobs begin, and how soon a status is answered while jobs keep every core busy.

``python -m benchmarks.jobs`` prints rows of Markdown: a real server as `linear-rnn serve` starts
it, with SQLite and a worker a core, asked on one connection.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx

RUNS = "/v1/training-runs"
BUSY = {"n_iterations": 1_000_000, "record_every": 1000, "network": {"activation": "tanh"}}
N_JOBS = 40
N_STATUSES = 2000
PAUSE = 0.005


@contextmanager
def serving() -> Iterator[tuple[httpx.Client, float]]:
    """Start a server on new data; yield a client, and the seconds to the first answer."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RNN_")}
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "service", "serve", "--port", "0", "--data-dir", data]
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=clean | {"RNN_LOG_LEVEL": "error"}, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        try:
            found = next(filter(None, map(re.compile(r"http://\S+(?=/$)").search, process.stdout)))
            with httpx.Client(base_url=found[0], timeout=60) as client:
                client.get("/readyz").raise_for_status()
                yield client, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def submit(client: httpx.Client, **question: Any) -> str:
    """Ask for a run as a job; return its id."""
    answer = client.post(RUNS, json=question, headers={"prefer": "respond-async"})
    assert answer.status_code == 202, answer.text
    run_id: str = answer.json()["id"]
    return run_id


def waited(client: httpx.Client, run_id: str) -> float:
    """Wait until a job has ended; return the seconds from its request to its start."""
    while (run := client.get(f"{RUNS}/{run_id}").json())["finished_at"] is None:
        time.sleep(0.02)
    assert run["status"] == "succeeded", run
    created, started = (
        datetime.fromisoformat(run[f"{what}_at"]) for what in ("created", "started")
    )
    return (started - created).total_seconds()


def row(what: str, seconds: list[float]) -> str:
    """Return a row: median, 99 in 100 and worst, in milliseconds."""
    ordered = sorted(1e3 * each for each in seconds)
    p99 = ordered[int(0.99 * (len(ordered) - 1))]
    times = f"{statistics.median(ordered):.1f} | {p99:.1f} | {ordered[-1]:.1f}"
    return f"| {what} | {times} | {len(ordered)} |"


def statuses(client: httpx.Client, run_id: str) -> list[float]:
    """Return the seconds that each of many looks at a status takes."""
    taken = []
    for _ in range(N_STATUSES):
        began = time.perf_counter()
        assert client.get(f"{RUNS}/{run_id}").status_code == 200
        taken.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    return taken


def main() -> None:
    """Print the rows."""
    print("| what | median ms | p99 ms | worst ms | times |")
    print("| --- | ---: | ---: | ---: | ---: |")
    starts, firsts = [], []
    for _ in range(5):
        with serving() as (client, seconds):
            starts.append(seconds)
            firsts.append(waited(client, submit(client, n_iterations=10)))
    print(row("start of `serve` to the first answer", starts), flush=True)
    print(row("the first answer to the start of a job asked for at once", firsts), flush=True)
    with serving() as (client, _):
        waited(client, submit(client, n_iterations=10))
        waits = [
            waited(client, submit(client, n_iterations=100 + number)) for number in range(N_JOBS)
        ]
        print(row("a job's request to its start, workers idle", waits), flush=True)
        jobs = [
            submit(client, **BUSY, initial_weights={"w_in": number / 10})
            for number in range(2 * (os.cpu_count() or 1))
        ]
        while client.get(f"{RUNS}/{jobs[0]}").json()["progress"]["done"] == 0:
            time.sleep(0.05)
        print(row("a status while jobs keep every core busy", statuses(client, jobs[0])))


if __name__ == "__main__":
    main()
