"""Measure the waiting times of short requests while four clients send the longest ones.

    python -m scripts.waits --seconds 60

The requests are sent to a real service. Prints the number of long requests by path and status, and
the median and the longest time of a short request. The exit code is 1 if one took 3 seconds or
more.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from itertools import cycle
from statistics import median
from typing import Any, Final

import httpx

PORT: Final = 8378
N_CLIENTS: Final = 4
MAX_SECONDS: Final = 3.0
LONG_DATA: Final = {"n_samples": 2000, "n_steps": 10_000}
WIDE_DATA: Final = {"n_samples": 200_000, "n_steps": 100}
SIGMOID: Final = {"activation": "sigmoid", "initial_state": 0.5}
LONG: Final[list[tuple[str, dict[str, Any]]]] = [
    ("optimum", {"dataset": {"n_samples": 1, "n_steps": 1000}, "network": {"initial_state": 0.5}}),
    ("optimum", {"dataset": WIDE_DATA, "network": {"initial_state": -1e90}}),
    ("evaluate", {"dataset": LONG_DATA, "points": [{"w_in": 1.0, "w_rec": 0.5}] * 50}),
    ("cost-surface.png", {"dataset": WIDE_DATA, "network": SIGMOID}),
    ("cost-surface.png", {"dataset": LONG_DATA, "marks": ["optimum"]}),
    ("cost-surface.npz", {"dataset": LONG_DATA, "network": SIGMOID}),
    ("gradient-trace.svg", {"dataset": WIDE_DATA, "network": {"activation": "tanh"}}),
    ("gradient-trace.csv", {"dataset": {"n_samples": 20, "n_steps": 10_000}}),
    ("training-runs", {"dataset": WIDE_DATA, "optimizer": {"name": "levenberg_marquardt"}}),
    ("basin-maps", {"network": SIGMOID, "window": {"resolution": 50}}),
    ("fits", {"dataset": {"n_samples": 200, "n_steps": 1000}, "delay": {"low": 0, "high": 5}}),
    ("predict", {"inputs": [[1.0] * 300] * 400}),
]
SHORT: Final[list[tuple[str, str]]] = [
    ("POST", "predict"),
    ("GET", "gradient-trace"),
    ("GET", "cost-surface?resolution=10"),
    ("POST", "optimum"),
]


def send_long(url: str, first: int, until: float, counts: Counter[str]) -> None:
    """Send the long requests one after the other, beginning with one of them."""
    with httpx.Client(base_url=url, timeout=120) as client:
        for number in range(first, sys.maxsize):
            if time.monotonic() >= until:
                return
            path, body = LONG[number % len(LONG)]
            seed = {"seed": number} if "dataset" in body else {}  # otherwise it is answered at once
            data = body.get("dataset", {}) | seed
            response = client.post(path, json={**body, "dataset": data} if data else body)
            counts[f"{path} {response.status_code}"] += 1


def time_short(url: str, until: float) -> list[tuple[float, str]]:
    """Return the seconds of short requests, and their targets."""
    times: list[tuple[float, str]] = []
    with httpx.Client(base_url=url, timeout=120) as client:
        for method, path in cycle(SHORT):
            if time.monotonic() >= until:
                return times
            start = time.monotonic()
            response = client.request(method, path, json={} if method == "POST" else None)
            times.append((time.monotonic() - start, f"{path} {response.status_code}"))
            time.sleep(0.05)
    return times


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    url, counts = f"http://127.0.0.1:{PORT}/v1/", Counter[str]()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RNN_")}
    with tempfile.TemporaryDirectory() as data_dir:
        environment |= {"RNN_LOG_LEVEL": "error", "RNN_DATA_DIR": data_dir}
        command = [sys.executable, "-m", "service", "serve", "--port", str(PORT)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as server:  # noqa: S603
            next(iter(server.stdout or []), None)  # it is ready
            until = time.monotonic() + seconds
            clients = [
                threading.Thread(target=send_long, args=(url, 3 * number, until, counts))
                for number in range(N_CLIENTS)
            ]
            for client in clients:
                client.start()
            times = time_short(url, until)
            for client in clients:
                client.join()
            server.terminate()
    for name, number in sorted(counts.items()):
        print(f"{number:6d} {name}")
    longest = sorted(times)[-3:]
    print(f"{len(times)} short requests, median {median(t for t, _ in times):.3f} s")
    print("the longest:", ", ".join(f"{name} {t:.2f} s" for t, name in longest))
    return int(longest[-1][0] >= MAX_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
