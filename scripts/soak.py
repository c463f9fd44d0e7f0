"""Kill workers and servers at random for some minutes, and count the outcomes of the jobs.

    python -m scripts.soak --minutes 3 [--postgresql] [--seed 1]

Every accepted job must succeed once, with the same result as an uninterrupted run. Prints one line
of counts. The exit code is 1 if a job was lost, failed or has a different result.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from scripts.postgresql import start_postgresql
from service.operations.computations.submit import compute, name_task
from service.operations.computations.training import TRAINING_RUN
from service.schemas.datasets import CountOnesDataset

RUNS = "/v1/training-runs"
PORT = 8377
URL = f"http://127.0.0.1:{PORT}"
ENDED = {"succeeded", "failed", "cancelled"}


class Soak:
    """A server with two workers, which are killed at random."""

    def __init__(self, data_dir: Path, database_url: str | None, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - not for security
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RNN_")}
        self.environment = environment | {"RNN_LOG_LEVEL": "error", "RNN_DATA_DIR": str(data_dir)}
        if database_url:
            self.environment["RNN_DATABASE_URL"] = database_url
        self.client = httpx.Client(base_url=URL, timeout=30)
        self.server: subprocess.Popen[bytes]
        self.kills = {"worker": 0, "all": 0}
        self.accepted: dict[str, dict[str, Any]] = {}
        self.worst_start = 0.0

    def start(self) -> None:
        """Start the server and wait for its first response."""
        command = [sys.executable, "-m", "service", "serve", "--port", str(PORT), "--workers", "2"]
        start = time.monotonic()
        self.server = subprocess.Popen(  # noqa: S603
            command, env=self.environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        while True:
            try:
                self.client.get("/readyz").raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                self.worst_start = max(self.worst_start, time.monotonic() - start)
                return

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        children = f"/proc/{self.server.pid}/task/{self.server.pid}/children"
        tasks = Path(children).parent.parent.glob("*/children")
        pids = [int(pid) for task in tasks for pid in task.read_text().split()]
        return [pid for pid in pids if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def submit(self) -> None:
        """Submit a run of up to some seconds, and record it if it was accepted."""
        request = {
            "n_iterations": self.random.choice([1000, 200_000, 800_000]),
            "record_every": 1000,
            "initial_weights": {"w_in": self.random.random(), "w_rec": 0.5},
        }
        try:
            headers = {"prefer": "respond-async"}
            response = self.client.post(RUNS, json=request, headers=headers)
        except httpx.TransportError:
            return  # the client does not know whether it was accepted
        if response.status_code == 202:
            self.accepted[response.json()["id"]] = request

    def kill(self) -> None:
        """Kill a worker, or sometimes all processes, and start the server again."""
        if self.random.random() < 0.25:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
            self.kills["all"] += 1
            self.start()
        elif workers := self.workers():
            os.kill(self.random.choice(workers), signal.SIGKILL)
            self.kills["worker"] += 1

    def stop(self) -> None:
        """Stop the server with SIGTERM."""
        if self.server.poll() is None:
            self.server.terminate()
            self.server.wait(30)

    def wait_for_results(self) -> dict[str, dict[str, Any]]:
        """Wait until all accepted runs have ended, and return them by id."""
        runs: dict[str, dict[str, Any]] = {}
        deadline = time.monotonic() + 300
        while len(runs) < len(self.accepted) and time.monotonic() < deadline:
            for run_id in self.accepted.keys() - runs.keys():
                run = self.client.get(f"{RUNS}/{run_id}").json()
                if run["status"] in ENDED:
                    runs[run_id] = run
            time.sleep(0.2)
        return runs

    def list_ids(self) -> list[str]:
        """Return the ids of all runs in the database."""
        ids: list[str] = []
        query: dict[str, Any] | None = {"limit": 100}
        while query:
            page = self.client.get(RUNS, params=query).json()
            ids += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            query = {"limit": 100, "cursor": cursor} if cursor else None
        return ids


def matches_uninterrupted(run: dict[str, Any], request: dict[str, Any]) -> bool:
    """Return True if the result equals that of an uninterrupted run bit for bit."""
    task = name_task(TRAINING_RUN, TRAINING_RUN.request_model.model_validate(request))
    row, _ = compute(task, CountOnesDataset().resolve())
    expected = row.result or {}
    return all(run[name] == expected[name] for name in ("initial", "final", "iterations"))


def run(soak: Soak, minutes: float) -> tuple[str, bool]:
    """Run the test; return the counts as text and whether they are as expected."""
    end = time.monotonic() + 60 * minutes
    next_kill = time.monotonic() + 3
    while time.monotonic() < end:
        soak.submit()
        time.sleep(soak.random.uniform(0.5, 1.5))
        if time.monotonic() >= next_kill:
            soak.kill()
            next_kill = time.monotonic() + soak.random.uniform(2, 6)
    runs = soak.wait_for_results()
    ids = soak.list_ids()
    succeeded = {run_id for run_id, run in runs.items() if run["status"] == "succeeded"}
    duplicated = len(ids) - len(set(ids)) + sum(r["attempt"] != 1 for r in runs.values())
    different = sum(
        not matches_uninterrupted(runs[run_id], soak.accepted[run_id]) for run_id in succeeded
    )
    counts = {
        "failed": len(runs) - len(succeeded),
        "lost": len(soak.accepted) - len(runs),
        "duplicated": duplicated,
        "different": different,
    }
    text = (
        f"killed {soak.kills['worker']} workers and {soak.kills['all']} times all processes; "
        f"accepted {len(soak.accepted)}, finished {len(succeeded)}, "
        + ", ".join(f"{name} {count}" for name, count in counts.items())
        + f"; slowest start {soak.worst_start:.1f} s"
    )
    return text, not any(counts.values())


def main() -> int:
    """Run the soak test."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true", help="on a new PostgreSQL server")
    options = parser.parse_args()
    with ExitStack() as closing:
        home = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="rnn-soak-")))
        database_url = closing.enter_context(start_postgresql()) if options.postgresql else None
        soak = Soak(home / "data", database_url, options.seed)
        soak.start()
        closing.callback(soak.stop)
        text, passed = run(soak, options.minutes)
    print(f"{'PostgreSQL' if options.postgresql else 'SQLite'}, {options.minutes:g} min: {text}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
