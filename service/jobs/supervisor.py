"""The supervisor of the workers of one `serve`: starts, restarts and stops them."""

import logging
import os
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
STOP_SECONDS: Final = 4.0  # until a worker that was told to stop is killed
MIN_LIFETIME: Final = 5.0  # a worker that exits earlier is restarted after a pause
FIRST_PAUSE: Final = 0.5
MAX_PAUSE: Final = 30.0
EXIT_ABANDONED_STEP: Final = 75  # exit code of a worker that abandoned a step no longer needed


@dataclass
class _WorkerSlot:
    """A slot for one worker, and the process in it."""

    name: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    pause: float = 0.0
    start_at: float = field(default_factory=monotonic)


class Supervisor:
    """Keeps a number of worker processes alive.

    Each worker reads a pipe of which this process holds the other end. When this process ends, for
    whatever reason, the workers therefore end, too.

    Parameters
    ----------
    settings
        ``workers`` is the number of workers, by default one per usable core.
    """

    def __init__(self, settings: Settings) -> None:
        n_workers = usable_cores() if settings.workers is None else settings.workers
        self._environment = os.environ | {
            "RNN_DATA_DIR": str(settings.data_dir),
            "RNN_LOG_LEVEL": settings.log_level,
        }
        self._slots = [_WorkerSlot() for _ in range(n_workers)]
        self._unreported: list[str] = []  # names of workers whose exit is not reported yet
        self._report: Callable[[str], object] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
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

    def report_exits_to(self, report: Callable[[str], object]) -> None:
        """Call ``report`` with the name of each worker that exits, including earlier exits.

        An exit is reported again later if ``report`` raises a ServiceError.
        """
        self._report = report

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
        running = [(slot.name, slot.process) for slot in self._slots if slot.process is not None]
        for _, process in running:
            process.terminate()
        deadline = monotonic() + STOP_SECONDS
        killed = []
        for name, process in running:
            try:
                process.wait(max(0.0, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed.append(name)
            _close_pipe(process)
        return killed

    def _watch(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            for slot in self._slots:
                if slot.process is not None and slot.process.poll() is not None:
                    self._on_exit(slot, slot.process)
                if slot.process is None and monotonic() >= slot.start_at:
                    self._start_worker(slot)
            self._report_exits()

    def _start_worker(self, slot: _WorkerSlot) -> None:
        name = uuid4().hex
        command = [sys.executable, "-m", "service", "worker", "--supervised", name]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=self._environment)  # noqa: S603 - our own
        with self._lock:
            slot.name, slot.process, slot.started = name, process, monotonic()

    def _on_exit(self, slot: _WorkerSlot, process: "subprocess.Popen[bytes]") -> None:
        expected = process.returncode == EXIT_ABANDONED_STEP
        level = logging.INFO if expected else logging.WARNING
        logger.log(level, "a worker exited with code %s and is restarted", process.returncode)
        short_lived = not expected and monotonic() - slot.started < MIN_LIFETIME
        slot.pause = min(MAX_PAUSE, max(FIRST_PAUSE, 2 * slot.pause)) if short_lived else 0.0
        _close_pipe(process)
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


def _close_pipe(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
