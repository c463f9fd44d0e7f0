"""Kill the processes that a test run left behind, however the run ended.

    python tests/cleanup.py MARK DIRECTORY

``conftest.py`` starts this program with a pipe to its standard input. The pipe closes
when pytest ends, also when pytest is killed. Every process that has ``MARK`` in its environment is
then killed (servers, workers, PostgreSQL, Chromium), and ``DIRECTORY`` is removed.
"""

import shutil
import signal
import sys
from contextlib import suppress

import psutil

VARIABLE = "TEST_RUN_MARK"
WAIT_SECONDS = 3.0


def find_processes(mark: str) -> list[psutil.Process]:
    """Return the running processes with the mark in their environment."""
    processes = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(VARIABLE) == mark:
                processes.append(process)
    return processes


def kill(processes: list[psutil.Process]) -> None:
    """Kill the processes. PostgreSQL first gets time to free its shared memory."""
    for process in processes:
        with suppress(psutil.Error):
            # SIGQUIT is PostgreSQL's immediate shutdown. SIGCONT wakes a server that a test froze.
            process.send_signal(signal.SIGQUIT if process.name() == "postgres" else signal.SIGKILL)
            process.send_signal(signal.SIGCONT)
    _, alive = psutil.wait_procs(processes, WAIT_SECONDS)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()


def main(mark: str, directory: str) -> None:
    """Wait for the end of the test run, then clean up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()
    # A process that was just forked may start another one before it is killed.
    while processes := find_processes(mark):
        kill(processes)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
