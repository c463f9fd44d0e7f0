"""The supervisor of the workers of one `serve`: starts, restarts and stops them."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from service.settings import Settings, usable_cores

logger = logging.getLogger(__name__)

MIN_LIFETIME: Final = 5.0  # a worker that exits earlier is restarted after a pause
MAX_PAUSE: Final = 30.0
START_SECONDS: Final = 120.0  # until the first heartbeat of a worker
HEARTBEAT_TIMEOUT: Final = 30.0  # without a heartbeat, after which a worker is killed
MAX_HEARTBEATS: Final = 4096  # bytes read at a time
# -P, since the working directory may have another package called service.
COMMAND: Final = (sys.executable, "-P", "-m", "service", "worker", "--supervised")
EXIT_ABANDONED_STEP: Final = 75  # exit code of a worker that abandoned a step no longer needed


@dataclass(frozen=True)
class Timing:
    """Durations in seconds."""

    poll: float = 0.1  # between two looks at the workers
    stop: float = 4.0  # from SIGTERM until a worker is killed
    first_pause: float = 0.5  # before a worker that exited early is restarted, at first
    max_gap: float = 5.0  # between two looks; after a longer one, this process was suspended


@dataclass
class _WorkerSlot:
    """A slot for one worker, the process in it, and the socket that connects both."""

    process: "subprocess.Popen[bytes] | None" = None
    connection: socket.socket | None = None
    started: float = 0.0
    pause: float = 0.0
    start_at: float = 0.0
    hung_at: float = 0.0  # when the worker counts as hung unless it sends a heartbeat

    def is_failing(self, now: float) -> bool:
        """Return whether the last start failed, and this worker has not lived longer yet."""
        return self.pause > 0 and (self.process is None or now - self.started < MIN_LIFETIME)


class Supervisor:
    """Keeps a number of worker processes alive.

    The standard input of each worker is a socket of which this process holds the other end. When
    this process ends, for whatever reason, the workers therefore end, too. In the other direction
    each worker sends heartbeats. One that sends none for 30 seconds is killed and replaced.

    Parameters
    ----------
    clock
        Returns the monotonic time in seconds.
    command
        Starts a worker.
    """

    def __init__(
        self,
        settings: Settings,
        timing: Timing = Timing(),
        clock: Callable[[], float] = monotonic,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._timing = timing
        self._clock = clock
        self._command = command
        n_workers = usable_cores() if settings.workers is None else settings.workers
        # Options of `serve` override the environment, also for settings that no worker needs.
        self._environment = os.environ | {
            f"RNN_{name.upper()}": str(getattr(settings, name))
            for name in ("host", "port", "data_dir", "log_level")
        }
        self._environment["RNN_WORKERS"] = str(n_workers)
        self._slots = [_WorkerSlot() for _ in range(n_workers)]
        self._stopping = threading.Event()
        self._stop_at: float | None = None
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the workers and the thread that watches them."""
        for slot in self._slots:
            self._start_worker(slot)
        self._thread.start()

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that are alive."""
        processes = [slot.process for slot in self._slots]
        return [process.pid for process in processes if process is not None]

    @property
    def problem(self) -> str | None:
        """Why no worker runs; None if one does, or is being started."""
        now = self._clock()
        if self._slots and all(slot.is_failing(now) for slot in self._slots):
            return "the workers cannot be started or exit when they start; the log has the reason"
        return None

    def terminate(self) -> None:
        """Begin to stop the workers; `stop` waits for them."""
        self._stopping.set()
        self._stop_at = monotonic() + self._timing.stop
        for slot in self._slots:
            if slot.process is not None:
                slot.process.terminate()

    def stop(self) -> None:
        """Stop the workers, which requeue their jobs. Kill those that take too long."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        running = [(slot, slot.process) for slot in self._slots if slot.process is not None]
        for _, process in running:
            process.terminate()
        deadline = self._stop_at or monotonic() + self._timing.stop
        for slot, process in running:
            try:
                process.wait(max(0.0, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _disconnect(slot)

    def _watch(self) -> None:
        looked = self._clock()
        while not self._stopping.wait(self._timing.poll):
            suspended, looked = self._clock() - looked > self._timing.max_gap, self._clock()
            for slot in self._slots:
                self._check_heartbeat(slot, suspended)
                if slot.process is not None and slot.process.poll() is not None:
                    self._on_exit(slot, slot.process)
                if slot.process is None and self._clock() >= slot.start_at:
                    self._start_worker(slot)

    def _start_worker(self, slot: _WorkerSlot) -> None:
        try:
            slot.connection, theirs = socket.socketpair()
            slot.connection.setblocking(False)
            with theirs:
                process = subprocess.Popen(  # noqa: S603 - our own command
                    self._command, stdin=theirs.fileno(), env=self._environment
                )
        except OSError as error:  # there are too many files or processes, or too little memory
            logger.warning("a worker cannot be started: %s", error.strerror)
            _disconnect(slot)
            self._pause(slot)
            return
        slot.process, slot.started = process, self._clock()
        slot.hung_at = slot.started + START_SECONDS

    def _pause(self, slot: _WorkerSlot) -> None:
        """Wait before the next start of a worker, for longer after each that fails in a row."""
        slot.pause = min(MAX_PAUSE, max(self._timing.first_pause, 2 * slot.pause))
        slot.start_at = self._clock() + slot.pause

    def _check_heartbeat(self, slot: _WorkerSlot, suspended: bool) -> None:
        """Kill a worker that hangs. It is then replaced like one that has ended.

        If this process was suspended, its workers perhaps were as well, and get more time.
        """
        if slot.process is None or slot.connection is None:
            return
        with contextlib.suppress(OSError):
            if slot.connection.recv(MAX_HEARTBEATS):
                slot.hung_at = self._clock() + HEARTBEAT_TIMEOUT
        if suspended:
            slot.hung_at = max(slot.hung_at, self._clock() + HEARTBEAT_TIMEOUT)
        if self._clock() >= slot.hung_at:
            logger.warning("a worker does not respond and is killed")
            slot.process.kill()
            slot.process.wait()

    def _on_exit(self, slot: _WorkerSlot, process: "subprocess.Popen[bytes]") -> None:
        expected = process.returncode == EXIT_ABANDONED_STEP
        level = logging.INFO if expected else logging.WARNING
        logger.log(level, "a worker exited with code %s and is restarted", process.returncode)
        if not expected and self._clock() - slot.started < MIN_LIFETIME:
            self._pause(slot)
        else:
            slot.pause = 0.0
        _disconnect(slot)
        slot.process = None


def _disconnect(slot: _WorkerSlot) -> None:
    if slot.connection is not None:
        slot.connection.close()
        slot.connection = None
