"""The supervisor of the workers of one `serve`: starts, restarts and stops them."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from threading import Event, Thread
from time import monotonic
from typing import Final

from service.settings import Settings, usable_cores
from service.signals import block_interrupts

logger = logging.getLogger(__name__)

MIN_LIFETIME: Final = 5.0  # a worker that exits earlier is restarted after a pause
MAX_PAUSE: Final = 30.0
MAX_MISSED_AT_START: Final = 120  # heartbeats, before the first one of a worker
MAX_MISSED: Final = 30  # heartbeats in a row, after which a worker is killed
MAX_HEARTBEATS: Final = 4096  # bytes read at a time
# -P, because the working directory may contain another package called service.
COMMAND: Final = (sys.executable, "-P", "-m", "service", "worker", "--supervised")
EXIT_ABANDONED_STEP: Final = 75  # exit code of a worker that abandoned a step no longer needed


@dataclass(frozen=True)
class Timing:
    """Durations in seconds."""

    heartbeat: float = 1.0  # the wait after which a heartbeat counts as missed
    stop: float = 4.0  # from SIGTERM until a worker is killed
    first_pause: float = 0.5  # before a worker that exited early is restarted, at first


@dataclass
class _WorkerSlot:
    """A slot for one worker: the process, and the pause before the next one starts.

    There is a pause from an early exit of a worker until another one has lived long enough.
    """

    process: "subprocess.Popen[bytes] | None" = None
    bell: socket.socket | None = None  # wakes the worker
    pause: float = 0.0


class Supervisor:
    """A supervisor of a number of worker processes, with one thread for each.

    The standard input of each worker is a socket whose other end belongs to this process. When
    this process ends, for any reason, the workers therefore end, too. In the other direction each
    worker sends a heartbeat per second. A worker that misses 30 in a row is killed and replaced.
    They are counted, so a time in which this process was suspended is one missed heartbeat.

    Parameters
    ----------
    command
        Starts a worker.
    """

    def __init__(
        self, settings: Settings, timing: Timing = Timing(), command: Sequence[str] = COMMAND
    ) -> None:
        self._timing = timing
        self._command = command
        n_workers = usable_cores() if settings.workers is None else settings.workers
        # Options of `serve` override the environment, also for settings that no worker needs.
        self._environment = os.environ | {
            f"RNN_{name.upper()}": str(getattr(settings, name))
            for name in ("host", "port", "data_dir", "log_level")
        }
        self._environment["RNN_WORKERS"] = str(n_workers)
        self._slots = [_WorkerSlot() for _ in range(n_workers)]
        self._threads: list[Thread] = []
        self._stopping = Event()
        self._stop_at = inf

    def start(self) -> None:
        """Start the threads, which start the workers."""
        for slot in self._slots:
            thread = Thread(target=self._keep_running, args=[slot], name="supervisor", daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def pids(self) -> list[int]:
        """The process ids of the live workers."""
        return [process.pid for process in self._processes()]

    @property
    def problem(self) -> str | None:
        """The reason why no worker runs; None if one runs, or is being started."""
        if self._slots and all(slot.pause for slot in self._slots):
            return "the workers cannot be started or exit when they start; see the log"
        return None

    def wake(self) -> None:
        """Let the workers look for a job. A worker that does not read is not waited for."""
        for slot in self._slots:
            bell = slot.bell
            if bell is not None:
                with suppress(OSError):
                    bell.send(b".")

    def terminate(self) -> None:
        """Begin to stop the workers; `stop` waits for them."""
        self._stopping.set()
        self._stop_at = min(self._stop_at, monotonic() + self._timing.stop)
        for process in self._processes():
            process.terminate()

    def stop(self) -> None:
        """Stop the workers, which requeue their jobs. Kill those that take too long."""
        self.terminate()
        for thread in self._threads:
            thread.join(max(0.0, self._stop_at - monotonic()))
        for process in self._processes():
            process.kill()
        for thread in self._threads:
            thread.join()

    def _processes(self) -> "list[subprocess.Popen[bytes]]":
        """Return the live workers. Their threads remove those that have ended."""
        processes = [slot.process for slot in self._slots]
        return [process for process in processes if process is not None]

    def _keep_running(self, slot: _WorkerSlot) -> None:
        """Run one worker after the other, with longer pauses after each that fails in a row."""
        while not self._stopping.wait(slot.pause):
            started, code = monotonic(), None
            try:
                code = self._run_worker(slot)
            except OSError as error:  # there are too many files or processes, or too little memory
                logger.warning("a worker cannot be started: %s", error.strerror)
            if code == EXIT_ABANDONED_STEP or monotonic() - started >= MIN_LIFETIME:
                slot.pause = 0.0
            else:
                slot.pause = min(MAX_PAUSE, max(self._timing.first_pause, 2 * slot.pause))

    def _run_worker(self, slot: _WorkerSlot) -> int:
        """Run a worker until it ends, and return its exit code. Kill it if it hangs."""
        ours, theirs = socket.socketpair()
        with ours, theirs, ours.dup() as slot.bell:
            slot.bell.setblocking(False)
            with block_interrupts():
                process = subprocess.Popen(  # noqa: S603 - our own command
                    self._command, stdin=theirs.fileno(), env=self._environment
                )
            theirs.close()
            slot.process = process
            if self._stopping.is_set():  # `terminate` may have missed the process
                process.terminate()
            self._watch(slot, process, ours)
            code = process.wait()
        slot.process = None
        if not self._stopping.is_set():
            level = logging.INFO if code == EXIT_ABANDONED_STEP else logging.WARNING
            logger.log(level, "a worker exited with code %s and is restarted", code)
        return code

    def _watch(
        self, slot: _WorkerSlot, process: "subprocess.Popen[bytes]", connection: socket.socket
    ) -> None:
        """Receive heartbeats until the worker ends, and kill it if it hangs."""
        connection.settimeout(self._timing.heartbeat)
        started, n_missed, max_missed = monotonic(), 0, MAX_MISSED_AT_START
        while process.poll() is None:
            try:
                if not connection.recv(MAX_HEARTBEATS):
                    return
                n_missed, max_missed = 0, MAX_MISSED
            except TimeoutError:
                n_missed += 1
            except ConnectionResetError:  # it ended before it had read all wake-ups
                return
            if n_missed == max_missed:
                logger.warning("a worker does not respond and is killed")
                process.kill()
            if monotonic() - started >= MIN_LIFETIME:
                slot.pause = 0.0
