"""Requests a second over loopback: the service beside a bare FastAPI route, each in a process."""

import asyncio
import json
import os
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

from benchmarks.harness import Row, agree

ROOT = Path(__file__).parent.parent
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Question(NamedTuple):
    """What is asked, of the service and of a peer's route; the rate is held against at least."""

    work: str
    body: bytes
    path: str
    peer: str
    connections: int
    at_least: float


def questions() -> list[Question]:
    """Return what is measured."""
    small = json.dumps({"inputs": [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]}).encode()
    large = json.dumps({"inputs": np.random.RandomState(1).rand(1000, 100).tolist()}).encode()
    bare, lists = ("/bare", "a bare FastAPI route"), ("/lists", "list[list[float]]")
    predict = "`POST /v1/predict`"
    return [
        Question(f"{predict}, 1 × 12, one connection", small, *bare, 1, 0.9),
        Question(f"{predict}, 1 × 12, sixteen connections", small, *bare, 16, 0.9),
        Question(f"{predict}, 1000 × 100 real numbers", large, *lists, 2, 3.0),
    ]


@contextmanager
def serving(app: str, *options: str) -> Iterator[int]:
    """Run an application on a free port in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, *options, "--port", str(port)]
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen(
            [*command, "--log-level", "warning", "--no-access-log"],
            cwd=ROOT,
            env={**os.environ, "RNN_DATA_DIR": data},
        )
        try:
            _await(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


def ask(port: int, path: str, body: bytes) -> Any:
    """Return the answer to one question."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
        return json.load(response)


def rate(port: int, path: str, body: bytes, connections: int, seconds: float) -> float:
    """Return the requests a second that some connections get answered, by wrk where it is found."""
    if shutil.which("wrk"):
        return _rate_by_wrk(port, path, body, connections, seconds)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def everyone() -> float:
        began = time.perf_counter()
        callers = [_call(port, request, began + seconds) for _ in range(connections)]
        done = sum(await asyncio.gather(*callers))
        return done / (time.perf_counter() - began)

    return asyncio.run(everyone())


async def _call(port: int, request: bytes, until: float) -> int:
    """Ask the same again and again on one connection; return how often."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        assert length, head
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(int(length[1]))
        done += 1
    writer.close()
    await writer.wait_closed()
    return done


def _rate_by_wrk(port: int, path: str, body: bytes, connections: int, seconds: float) -> float:
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


def rows(*, seconds: float = 1.0, rounds: int = 7) -> list[Row]:
    """Measure every question, the two servers in turn; a row has seconds a request."""
    found = []
    with ExitStack() as stack:
        ours = stack.enter_context(serving("service.app:create_app", "--factory"))
        peer = stack.enter_context(serving("benchmarks.bare:app"))
        for each in questions():
            contenders = {"ours": (ours, "/v1/predict"), each.peer: (peer, each.path)}
            answers = {name: ask(*at, each.body) for name, at in contenders.items()}
            agree({name: answer["outputs"] for name, answer in answers.items()}, 1e-12)
            rates: dict[str, list[float]] = {name: [] for name in contenders}
            for at in contenders.values():
                rate(*at, each.body, each.connections, seconds / 2)
            for _ in range(rounds):
                for name, at in contenders.items():
                    rates[name].append(rate(*at, each.body, each.connections, seconds))
            mine, theirs = (statistics.median(rates[name]) for name in contenders)
            notes = f"{mine:,.0f} and {theirs:,.0f} requests a second"
            times = 1 / mine, each.peer, 1 / theirs
            found.append(Row(each.work, *times, 1 / each.at_least, notes))
    return found
