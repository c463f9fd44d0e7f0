"""The supervisor of the workers of one `serve`: starts, restarts and stops them."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from uuid import uuid4

from service.errors import ServiceError
from service.settings import Settings, usable_cores

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.1
STOP_SECONDS: Final = 4.0  # from SIGTERM until a worker is killed
MIN_LIFETIME: Final = 5.0  # a worker that exits earlier is restarted after a pause
FIRST_PAUSE: Final = 0.5
MAX_PAUSE: Final = 30.0
START_SECONDS: Final = 120.0  # until the first heartbeat of a worker
HEARTBEAT_TIMEOUT: Final = 30.0  # without a heartbeat, after which a worker is killed
MAX_GAP_SECONDS: Final = 5.0  # between two looks; after a longer one, this process was suspended
MAX_HEARTBEATS: Final = 4096  # bytes read at a time
EXIT_ABANDONED_STEP: Final = 75  # exit code of a worker that abandoned a step no longer needed


@dataclass
class _WorkerSlot:
    """A slot for one worker, the process in it, and the socket that connects both."""

    name: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    connection: socket.socket | None = None
    started: float = 0.0
    pause: float = 0.0
    start_at: float = field(default_factory=monotonic)
    hung_at: float = 0.0  # when the worker counts as hung unless it sends a heartbeat

    @property
    def is_failing(self) -> bool:
        """Whether the previous worker ended early, and this one has not lived longer yet."""
        is_young = self.process is None or monotonic() - self.started < MIN_LIFETIME
        return self.pause > 0 and is_young


class Supervisor:
    """Keeps a number of worker processes alive.

    The standard input of each worker is a socket of which this process holds the other end. When
    this process ends, for whatever reason, the workers therefore end, too. In the other direction
    each worker sends heartbeats. One that sends none for 30 seconds is killed and replaced.

    Parameters
    ----------
    settings
        ``workers`` is the number of workers, by default one per usable core.
    """

    def __init__(self, settings: Settings) -> None:
        n_workers = usable_cores() if settings.workers is None else settings.workers
        # Options of `serve` override the environment, also for settings that no worker needs.
        self._environment = os.environ | {
            f"RNN_{name.upper()}": str(getattr(settings, name))
            for name in ("host", "port", "data_dir", "log_level")
        }
        self._environment["RNN_WORKERS"] = str(n_workers)
        self._slots = [_WorkerSlot() for _ in range(n_workers)]
        self._unreported: list[str] = []  # names of workers whose exit is not reported yet
        self._report: Callable[[str], object] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._stop_at: float | None = None
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the workers and the thread that watches them."""
        for slot in self._slots:
            self._start_worker(slot)
        self._thread.start()

    @property
    def worker_names(self) -> list[str]:
        """The names of the workers that are alive."""
        with self._lock:
            return [slot.name for slot in self._slots if slot.process is not None]

    @property
    def problem(self) -> str | None:
        """Why no worker runs; None if one does, or is being started."""
        if self._slots and all(slot.is_failing for slot in self._slots):
            return "the workers exit when they start; the log has the reason"
        return None

    def report_exits_to(self, report: Callable[[str], object]) -> None:
        """Call ``report`` with the name of each worker that exits, including earlier exits.

        An exit is reported again later if ``report`` raises a ServiceError.
        """
        self._report = report

    def terminate(self) -> None:
        """Begin to stop the workers; `stop` waits for them."""
        self._stopping.set()
        self._stop_at = monotonic() + STOP_SECONDS
        for slot in self._slots:
            if slot.process is not None:
                slot.process.terminate()

    def stop(self) -> list[str]:
        """Stop the workers. Each one requeues its job.

        Returns
        -------
        killed
            The names of the workers that did not stop in time and were killed.
        """
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        running = [(slot, slot.process) for slot in self._slots if slot.process is not None]
        for _, process in running:
            process.terminate()
        deadline = self._stop_at or monotonic() + STOP_SECONDS
        killed = []
        for slot, process in running:
            try:
                process.wait(max(0.0, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed.append(slot.name)
            _disconnect(slot)
        return killed

    def _watch(self) -> None:
        looked = monotonic()
        while not self._stopping.wait(POLL_SECONDS):
            suspended, looked = monotonic() - looked > MAX_GAP_SECONDS, monotonic()
            for slot in self._slots:
                self._check_heartbeat(slot, suspended)
                if slot.process is not None and slot.process.poll() is not None:
                    self._on_exit(slot, slot.process)
                if slot.process is None and monotonic() >= slot.start_at:
                    self._start_worker(slot)
            self._report_exits()

    def _start_worker(self, slot: _WorkerSlot) -> None:
        name = uuid4().hex
        command = [sys.executable, "-m", "service", "worker", "--supervised", name]
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            process = subprocess.Popen(command, stdin=theirs.fileno(), env=self._environment)  # noqa: S603 - our own
        with self._lock:
            slot.name, slot.process, slot.started = name, process, monotonic()
        slot.connection, slot.hung_at = ours, slot.started + START_SECONDS

    def _check_heartbeat(self, slot: _WorkerSlot, suspended: bool) -> None:
        """Kill a worker that hangs. It is then replaced like one that has ended.

        Parameters
        ----------
        suspended
            Whether this process was suspended, and perhaps its workers as well.
        """
        if slot.process is None or slot.connection is None:
            return
        with contextlib.suppress(OSError):
            if slot.connection.recv(MAX_HEARTBEATS):
                slot.hung_at = monotonic() + HEARTBEAT_TIMEOUT
        if suspended:
            slot.hung_at = max(slot.hung_at, monotonic() + HEARTBEAT_TIMEOUT)
        if monotonic() >= slot.hung_at:
            logger.warning("a worker does not respond and is killed")
            slot.process.kill()
            slot.process.wait()

    def _on_exit(self, slot: _WorkerSlot, process: "subprocess.Popen[bytes]") -> None:
        expected = process.returncode == EXIT_ABANDONED_STEP
        level = logging.INFO if expected else logging.WARNING
        logger.log(level, "a worker exited with code %s and is restarted", process.returncode)
        short_lived = not expected and monotonic() - slot.started < MIN_LIFETIME
        slot.pause = min(MAX_PAUSE, max(FIRST_PAUSE, 2 * slot.pause)) if short_lived else 0.0
        _disconnect(slot)
        with self._lock:
            self._unreported.append(slot.name)
            slot.process, slot.start_at = None, monotonic() + slot.pause

    def _report_exits(self) -> None:
        while self._unreported and self._report is not None:
            try:
                self._report(self._unreported[0])
            except ServiceError:
                return
            del self._unreported[0]


def _disconnect(slot: _WorkerSlot) -> None:
    if slot.connection is not None:
        slot.connection.close()
        slot.connection = None
