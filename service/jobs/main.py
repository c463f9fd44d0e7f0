"""The main function of a worker process: its signals, its log and its end."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from select import select
from types import FrameType
from typing import Final
from uuid import uuid4

from service.jobs.supervisor import EXIT_ABANDONED_STEP
from service.jobs.worker import Timing, Worker
from service.logs import configure_log
from service.settings import Settings

NICENESS: Final = 10  # on one machine, requests have priority over jobs
HEARTBEAT_SECONDS: Final = 1.0
SUPERVISED_IDLE_SECONDS: Final = 60.0  # between two polls; the supervisor wakes its workers
MAX_BYTES: Final = 4096  # read at a time
STOP_SECONDS: Final = 5.0  # until a worker whose parent has ended is terminated


def run(settings: Settings, *, is_supervised: bool) -> None:
    """Execute jobs until a signal arrives. It does not return.

    The standard input of a supervised worker is a socket from the `serve` that started it.
    """
    log = configure_log(settings.log_level)

    def exit_now() -> None:
        """Exit during a step. The supervisor starts a new worker, or this process restarts."""
        log.flush()
        if is_supervised:
            os._exit(EXIT_ABANDONED_STEP)
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the original command

    timing = Timing(idle=SUPERVISED_IDLE_SECONDS) if is_supervised else Timing()
    worker = Worker(settings, uuid4().hex, exit_now, timing)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)  # blocked by a supervisor, which stops its workers itself
    if is_supervised:
        os.nice(NICENESS)
        stop_with_parent(sys.stdin.fileno(), worker.stop, wake=worker.pace.wake)
    worker.run()
    log.flush()
    # A regular exit waits some seconds for the idle threads of DBOS, and for the reader of the
    # log.
    os._exit(0)


def stop_with_parent(
    stream: int,
    stop: Callable[[], None],
    seconds: float = STOP_SECONDS,
    wake: Callable[[], None] | None = None,
) -> None:
    """Stop when the other end of a file closes because the parent ended; watch it in a thread.

    The process is terminated if it still runs some seconds after ``stop`` was called. With
    ``wake``, the parent is a supervisor: its bytes call ``wake``, and it gets a byte per second as
    a heartbeat. It replaces a process that stops sending them.
    """

    def watch() -> None:
        with suppress(OSError):  # the parent ended before it had read all heartbeats
            while True:
                if select([stream], [], [], HEARTBEAT_SECONDS)[0]:
                    if not os.read(stream, MAX_BYTES):
                        break
                    if wake is not None:
                        wake()
                if wake is not None:
                    os.write(stream, b".")
        stop()
        threading.Timer(seconds, lambda: os._exit(1)).start()

    threading.Thread(target=watch, name="parent", daemon=True).start()
