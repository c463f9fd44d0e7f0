"""Real servers, as `linear-rnn serve` starts them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import httpx
import pytest

PATIENCE_SECONDS = 60.0  # for a start; the machine may be busy


def until(look: Callable[[], Any], condition: Callable[[Any], Any], seconds: float = 60.0) -> Any:
    """Look again and again; return what there is once the condition holds."""
    deadline = monotonic() + seconds
    never = Event()
    while not condition(seen := look()):
        assert monotonic() < deadline, seen
        never.wait(0.02)
    return seen


class Server:
    """A running server: its address, its process and a client."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.greeting: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            self.greeting.append(line)
            if line.lstrip().startswith("data "):
                break
        found = re.search(r"http://127\.0\.0\.1:(\d+)", "".join(self.greeting))
        assert found, self.greeting
        self.port = int(found[1])
        self.url = found[0]
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    @property
    def workers(self) -> list[int]:
        """The processes of its workers."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
            except OSError:  # it ended meanwhile
                continue
            if int(parent) == self.process.pid and b"worker" in line:
                found.append(int(pid))
        return found

    def kill_all(self) -> None:
        """End the server and all that it started, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()

    def submit(self, **question: Any) -> dict[str, Any]:
        """Ask for a training run as a job, and return it."""
        prefer = {"prefer": "respond-async"}
        answer = self.client.post("/v1/training-runs", json=question, headers=prefer)
        assert answer.status_code == 202, answer.text
        run: dict[str, Any] = answer.json()
        return run

    def run(self, run_id: str) -> dict[str, Any]:
        """Return a run as it is now."""
        answer = self.client.get(f"/v1/training-runs/{run_id}")
        assert answer.status_code == 200, answer.text
        run: dict[str, Any] = answer.json()
        return run

    def until(
        self, run_id: str, condition: Callable[[dict[str, Any]], bool], seconds: float = 60.0
    ) -> dict[str, Any]:
        """Return a run as soon as something is true of it."""
        run: dict[str, Any] = until(lambda: self.run(run_id), condition, seconds)
        return run

    def wait(self) -> int:
        """Return the exit code, once there is one."""
        return self.process.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """End the process if it still runs, and close everything."""
        self.client.close()
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            self.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def starting() -> Iterator[Callable[..., Server]]:
    """Return a function that starts a server; all end with the module."""
    with ExitStack() as closing:

        def start(data_dir: Path, *options: str, **variables: Any) -> Server:
            clean = {k: v for k, v in os.environ.items() if not k.startswith("RNN_")}
            given = {f"RNN_{name.upper()}": str(value) for name, value in variables.items()}
            log = closing.enter_context((data_dir.parent / f"{data_dir.name}.log").open("a"))
            command = [
                "-m",
                "service",
                "serve",
                "--port",
                "0",
                "--data-dir",
                str(data_dir),
                *options,
            ]
            process = subprocess.Popen(
                [sys.executable, *command, *options],
                env=clean | {"RNN_LOG_LEVEL": "warning"} | given,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
            closing.callback(process.wait, PATIENCE_SECONDS)
            closing.callback(process.kill)
            server = Server(process)
            closing.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="module")
def server(starting: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Return a server that the tests of a module share."""
    return starting(
        tmp_path_factory.mktemp("live") / "data", max_body_bytes=100_000, max_sync_seconds=60
    )
