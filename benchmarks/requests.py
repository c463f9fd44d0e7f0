"""Requests per second over loopback: the service with defaults, and a plain FastAPI route.

The service runs with its default settings: with its log, its metrics and its workers. The peer has
none of these.
"""

import asyncio
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import Row, check_agreement
from benchmarks.service import serve

ROOT = Path(__file__).parent.parent
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Load(NamedTuple):
    """A request to the service and to a peer's route, with the goal for the ratio of the rates."""

    task: str
    body: bytes
    path: str
    peer: str
    connections: int
    min_ratio: float


def make_loads() -> list[Load]:
    """Return the loads to measure."""
    small = json.dumps({"inputs": [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]}).encode()
    large = json.dumps({"inputs": np.random.RandomState(1).rand(500, 100).tolist()}).encode()
    bare, lists = ("/bare", "a bare FastAPI route"), ("/lists", "list[list[float]]")
    predict = "`POST /v1/predict`"
    return [
        Load(f"{predict}, 1 × 12, one connection", small, *bare, 1, 0.7),
        Load(f"{predict}, 1 × 12, sixteen connections", small, *bare, 16, 0.7),
        Load(f"{predict}, 500 × 100 real numbers", large, *lists, 2, 3.0),
    ]


@contextmanager
def serve_peer() -> Iterator[int]:
    """Run the plain FastAPI application in a separate process, without a log; return its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peer_fastapi:app", "--port", str(port)]
    options = ["--log-level", "warning", "--no-access-log"]
    process = subprocess.Popen([*command, *options], cwd=ROOT)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


def post(port: int, path: str, body: bytes) -> Any:
    """Return the response to one request."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
        return json.load(response)


def measure_rate(port: int, path: str, body: bytes, connections: int, seconds: float) -> float:
    """Return the requests per second over several connections; wrk measures if it is installed."""
    if shutil.which("wrk"):
        return _measure_with_wrk(port, path, body, connections, seconds)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def run_all() -> float:
        start = time.perf_counter()
        clients = [_send_repeatedly(port, request, start + seconds) for _ in range(connections)]
        done = sum(await asyncio.gather(*clients))
        return done / (time.perf_counter() - start)

    return asyncio.run(run_all())


async def _send_repeatedly(port: int, request: bytes, until: float) -> int:
    """Send the same request repeatedly on one connection; return the number of responses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = 0
    try:
        while time.perf_counter() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            assert length, head
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(int(length[1]))
            done += 1
    finally:
        writer.close()
        await writer.wait_closed()
    return done


def _measure_with_wrk(port: int, path: str, body: bytes, connections: int, seconds: float) -> float:
    script = f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = {json.dumps(body.decode())}
function done(summary, latency, requests)
  local errors = summary.errors
  assert(errors.status + errors.connect + errors.read + errors.timeout == 0)
  io.write("rate ", 1e6 * summary.requests / summary.duration, "\\n")
end
"""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        options = [f"-c{connections}", f"-d{max(1, round(seconds))}s", "-t1", "-s", file.name]
        done = subprocess.run(
            ["wrk", *options, f"http://127.0.0.1:{port}{path}"],
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout.split("rate ")[1].split()[0])


def measure_predictions(*, seconds: float = 1.0, rounds: int = 7) -> list[Row]:
    """Measure every load on alternating servers; the rows have seconds per request."""
    rows = []
    with ExitStack() as stack:
        service = stack.enter_context(serve())
        peer = stack.enter_context(serve_peer())
        for load in make_loads():
            targets = {"this service": (service, "/v1/predict"), load.peer: (peer, load.path)}
            responses = {name: post(*target, load.body) for name, target in targets.items()}
            check_agreement(
                {name: response["outputs"] for name, response in responses.items()}, 1e-12
            )
            rates: dict[str, list[float]] = {name: [] for name in targets}
            for target in targets.values():
                measure_rate(*target, load.body, load.connections, seconds / 2)
            for _ in range(rounds):
                for name, target in targets.items():
                    rate = measure_rate(*target, load.body, load.connections, seconds)
                    rates[name].append(rate)
            ours, theirs = (statistics.median(rates[name]) for name in targets)
            notes = f"{ours:,.0f} and {theirs:,.0f} requests per second"
            rows.append(Row(load.task, 1 / ours, load.peer, 1 / theirs, 1 / load.min_ratio, notes))
    return rows
