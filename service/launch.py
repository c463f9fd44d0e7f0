"""Launch the service as a process: its socket, its lock, its workers and its server.

Slow modules are imported by the functions, after what can be refused without them.
"""

import gc
import os
import signal
import sys
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from service.errors import StartError

if TYPE_CHECKING:
    from socket import socket

    from service.jobs.supervisor import Supervisor
    from service.settings import Settings

SHUTDOWN_SECONDS: Final = 10.0  # two more than the longest shutdown


def serve(settings: "Settings", *, until_stdin_closes: bool) -> int:
    """Run the server and its workers until a signal arrives.

    Parameters
    ----------
    settings
        Where it listens, and where its data are.
    until_stdin_closes
        True to print the address as JSON, and to stop when the standard input closes.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    StartError
        The address or the data directory cannot be used.
    """
    from service.jobs.sqlite_guard import lock_database, prepare_directory
    from service.server.listener import listen

    with ExitStack() as stack:
        prepare_directory(settings)
        listener = stack.enter_context(listen(settings.host, settings.port))
        if settings.sqlite_file is not None:
            stack.enter_context(lock_database(settings.sqlite_file))

        from service.jobs.supervisor import Supervisor

        supervisor = Supervisor(settings)
        stack.callback(supervisor.stop)

        from service.logs import configure_log

        log = configure_log(settings.log_level)
        exit_code = _run(settings, supervisor, listener, until_stdin_closes)
    log.flush()
    return exit_code


def _run(
    settings: "Settings", supervisor: "Supervisor", listener: "socket", until_stdin_closes: bool
) -> int:
    """Run the server until it is stopped, and return the exit code."""
    from service.app import create_app
    from service.jobs.main import stop_with_parent
    from service.server.main import address_line, greeting, run

    app = create_app(settings, supervisor)

    def close() -> None:
        supervisor.terminate()
        app.state.service.close()

    _collect_garbage()

    def announce(*address: Any) -> str:
        # Only jobs need the workers, whose imports would delay the start.
        supervisor.start()
        if not until_stdin_closes:
            return greeting(*address)
        # The server handles signals only now.
        stop = partial(os.kill, os.getpid(), signal.SIGTERM)
        stop_with_parent(sys.stdin.fileno(), stop, SHUTDOWN_SECONDS)
        return address_line(*address)

    return run(app, settings, listener, close, announce)


def work(settings: "Settings", *, is_supervised: bool) -> None:
    """Run jobs until a signal arrives, or until the supervisor ends."""
    from service.jobs.main import run
    from service.jobs.sqlite_guard import prepare_directory

    prepare_directory(settings)
    _collect_garbage()
    run(settings, is_supervised=is_supervised)


def migrate(settings: "Settings") -> None:
    """Migrate the database and the queue of jobs."""
    from service.jobs.queue import JobQueue
    from service.jobs.sqlite_guard import prepare_directory
    from service.store import Database

    prepare_directory(settings)
    url = settings.store_url
    with closing(Database(url)) as database, closing(JobQueue(url)) as queue:
        database.migrate()
        queue.migrate()


def limit_threads() -> None:
    """Limit numpy's libraries to one thread per call, before they are imported.

    The callers distribute work over the cores. With one thread, sums also have a fixed order, so
    requests and jobs have identical results.
    """
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def _collect_garbage() -> None:
    """Enable the garbage collection, but not of what exists now.

    These are modules and the application, which are permanent. A collection that traverses them
    blocks every request.
    """
    gc.freeze()
    gc.enable()


def check_platform() -> None:
    """Raise StartError on Windows, which lacks the file locks and the signals of POSIX."""
    if sys.platform == "win32":
        raise StartError("this runs on Linux and macOS; on Windows, use WSL or a container")
