"""Run mixed traffic against the service, and print rates, latencies and memory as Markdown.

    .load-venv/bin/python -m scripts.load [--minutes 10] [--users 200] [--postgresql]

The service runs with its default settings. Its memory is that of all its processes.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.service import serve
from scripts.postgresql import start_postgresql

TRAFFIC = Path(__file__).with_name("traffic.py")


class MemoryProbe(threading.Thread):
    """A sampler of the memory of the service's processes, every second, in MiB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.samples: list[float] = []
        self._ended = threading.Event()

    def run(self) -> None:
        """Sample until ``stop`` is called."""
        while not self._ended.wait(1.0):
            self.samples.append(sum(map(_unique_bytes, _children())) / 2**20)

    def stop(self) -> tuple[float, float]:
        """Return the memory after a quarter of the time, and at the end."""
        self._ended.set()
        self.join()
        return self.samples[len(self.samples) // 4], self.samples[-1]


def _children() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "locust" not in " ".join(_command(child))]


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _unique_bytes(process: psutil.Process) -> int:
    """Return the private memory of one process; processes share most of the rest."""
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def measure(users: int, minutes: float, *, postgresql: bool) -> str:
    """Return the results of one run as a Markdown table."""
    with ExitStack() as stack:
        settings = {}
        if postgresql:
            settings["database_url"] = stack.enter_context(start_postgresql())
        port = stack.enter_context(serve(**settings))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        probe = MemoryProbe()
        probe.start()
        command = [sys.executable, "-m", "locust", "--headless", "--only-summary"]
        options = ["--users", str(users), "--spawn-rate", "20", "--run-time", f"{minutes * 60:g}s"]
        subprocess.run(  # noqa: S603
            [
                *command,
                *options,
                *("--locustfile", str(TRAFFIC), "--host", f"http://127.0.0.1:{port}"),
                *("--csv", str(folder / "load"), "--exit-code-on-error", "0"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        early, late = probe.stop()
        with (folder / "load_stats.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
    lines = [
        "| request | count | per second | p50 | p99 | errors |",
        "| --- " + "| ---: " * 5 + "|",
    ]
    lines += [
        f"| {row['Name']} | {row['Request Count']} | {float(row['Requests/s']):.1f} "
        f"| {row['50%']} ms | {row['99%']} ms | {row['Failure Count']} |"
        for row in rows
    ]
    return "\n".join([*lines, "", f"Memory: {early:.0f} MiB, later {late:.0f} MiB."])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    print(measure(options.users, options.minutes, postgresql=options.postgresql))


if __name__ == "__main__":
    main()
