"""The delay before jobs start, and the latency of a status request while jobs use every core.

``python -m benchmarks.jobs`` prints a Markdown table. It starts a real server with `linear-rnn
serve`, SQLite and one worker per core, and sends requests on one connection.
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
def serve() -> Iterator[tuple[httpx.Client, float]]:
    """Start a server without data; yield a client and the seconds to its first response."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RNN_")}
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "service", "serve", "--port", "0", "--data-dir", data]
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=clean | {"RNN_LOG_LEVEL": "error"}, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        try:
            match = next(filter(None, map(re.compile(r"http://\S+(?=/$)").search, process.stdout)))
            with httpx.Client(base_url=match[0], timeout=60) as client:
                client.get("/readyz").raise_for_status()
                yield client, time.perf_counter() - start
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def submit(client: httpx.Client, **request: Any) -> str:
    """Submit a training run as a job; return its id."""
    response = client.post(RUNS, json=request, headers={"prefer": "respond-async"})
    assert response.status_code == 202, response.text
    run_id: str = response.json()["id"]
    return run_id


def measure_queueing(client: httpx.Client, run_id: str) -> float:
    """Wait until a job has finished; return the seconds from its request to its start."""
    while (run := client.get(f"{RUNS}/{run_id}").json())["finished_at"] is None:
        time.sleep(0.02)
    assert run["status"] == "succeeded", run
    created, started = (datetime.fromisoformat(run[name]) for name in ("created_at", "started_at"))
    return (started - created).total_seconds()


def format_row(name: str, seconds: list[float]) -> str:
    """Return a row: median, 99th percentile and maximum, in milliseconds."""
    ordered = sorted(1e3 * number for number in seconds)
    p99 = ordered[int(0.99 * (len(ordered) - 1))]
    times = f"{statistics.median(ordered):.1f} | {p99:.1f} | {ordered[-1]:.1f}"
    return f"| {name} | {times} | {len(ordered)} |"


def measure_statuses(client: httpx.Client, run_id: str) -> list[float]:
    """Return the seconds of each of many status requests."""
    timings = []
    for _ in range(N_STATUSES):
        start = time.perf_counter()
        assert client.get(f"{RUNS}/{run_id}").status_code == 200
        timings.append(time.perf_counter() - start)
        time.sleep(PAUSE)
    return timings


def main() -> None:
    """Print the table."""
    print("| measurement | median ms | p99 ms | max ms | count |")
    print("| --- | ---: | ---: | ---: | ---: |")
    starts, firsts = [], []
    for _ in range(5):
        with serve() as (client, seconds):
            starts.append(seconds)
            firsts.append(measure_queueing(client, submit(client, n_iterations=10)))
    print(format_row("start of `serve` to its first response", starts), flush=True)
    print(
        format_row("first response to the start of a job submitted immediately", firsts), flush=True
    )
    with serve() as (client, _):
        measure_queueing(client, submit(client, n_iterations=10))
        waits = [
            measure_queueing(client, submit(client, n_iterations=100 + number))
            for number in range(N_JOBS)
        ]
        print(format_row("request of a job to its start, workers idle", waits), flush=True)
        jobs = [
            submit(client, **BUSY, initial_weights={"w_in": number / 10})
            for number in range(2 * (os.cpu_count() or 1))
        ]
        while client.get(f"{RUNS}/{jobs[0]}").json()["progress"]["done"] == 0:
            time.sleep(0.05)
        timings = measure_statuses(client, jobs[0])
        print(format_row("a status request while jobs use every core", timings))


if __name__ == "__main__":
    main()
