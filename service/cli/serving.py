"""Commands for serving and for operators."""

import contextlib
import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.util import get_temp_dir
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from service.cli.text import format_example
from service.errors import StartError

if TYPE_CHECKING:
    from socket import socket

    from service.jobs.supervisor import Supervisor
    from service.settings import Settings

SHUTDOWN_SECONDS = 10.0  # two more than the longest shutdown

data_dir: Callable[..., Any] = click.option(
    "--data-dir", metavar="DIR", help="Directory of the database.  [default: ./data]"
)


@click.command(epilog=format_example("linear-rnn serve --port 9000 --data-dir data"))
@data_dir
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", help="Port to listen on; 0 selects a free port.  [default: 8000]")
@click.option(
    "--workers", metavar="N", help="Worker processes; 0 for none.  [default: one per core]"
)
@click.option(
    "--until-stdin-closes",
    is_flag=True,
    help="For programs: print the address as JSON, and stop when the standard input closes; "
    "without --data-dir the data are in a temporary directory.",
)
def serve(until_stdin_closes: bool, **options: str | None) -> None:
    """Start the service and its workers.

    Each option overrides its setting: RNN_HOST, RNN_PORT, RNN_DATA_DIR, RNN_WORKERS.
    """
    gc.disable()
    # The workers must also end if the signal precedes the server, or is raised again at its end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with contextlib.ExitStack() as closing:
        if until_stdin_closes and options["data_dir"] is None:
            options["data_dir"] = closing.enter_context(TemporaryDirectory(prefix="linear-rnn-"))
        settings = _settings(options)

        from service.jobs.sqlite_guard import lock_database, prepare_directory
        from service.server.listener import listen

        prepare_directory(settings)
        listener = closing.enter_context(listen(settings.host, settings.port))
        if settings.sqlite_file is not None:
            closing.enter_context(lock_database(settings.sqlite_file))

        from service.jobs.supervisor import Supervisor

        supervisor = Supervisor(settings)
        closing.callback(supervisor.stop)

        from service.logs import configure_log

        log = configure_log(settings.log_level)
        exit_code = _run(settings, supervisor, listener, until_stdin_closes)
    # A regular exit waits for computing threads and for the reader of the log. It also deletes the
    # directory of multiprocessing.
    log.flush()
    shutil.rmtree(get_temp_dir(), ignore_errors=True)
    os._exit(exit_code)


@click.command(epilog=format_example("linear-rnn worker --data-dir data"))
@data_dir
@click.option("--supervised", is_flag=True, hidden=True)
def worker(supervised: bool, **options: str | None) -> None:
    """Run jobs only, one at a time, until SIGTERM or Ctrl+C."""
    gc.disable()
    settings = _settings(options)

    from service.jobs.main import run
    from service.jobs.sqlite_guard import prepare_directory

    prepare_directory(settings)
    _enable_collections()
    run(settings, is_supervised=supervised)


@click.command(epilog=format_example("linear-rnn migrate --data-dir data"))
@data_dir
def migrate(**options: str | None) -> None:
    """Migrate the database.

    serve and worker also migrate it when they start.
    """
    settings = _settings(options)

    from service.jobs.queue import JobQueue
    from service.jobs.sqlite_guard import prepare_directory
    from service.store import Database

    prepare_directory(settings)
    url = settings.store_url
    with contextlib.closing(Database(url)) as database, contextlib.closing(JobQueue(url)) as queue:
        database.migrate()
        queue.migrate()


def _run(
    settings: "Settings", supervisor: "Supervisor", listener: "socket", until_stdin_closes: bool
) -> int:
    """Run the server until it is stopped, and return the exit code."""
    from service.app import create_app
    from service.server.main import address_line, greeting, run

    app = create_app(settings, supervisor)

    def close() -> None:
        supervisor.terminate()
        app.state.service.close()

    _enable_collections()
    format_start = greeting
    if until_stdin_closes:
        from service.jobs.main import stop_with_parent

        stop = partial(os.kill, os.getpid(), signal.SIGTERM)
        stop_with_parent(sys.stdin.fileno(), stop, SHUTDOWN_SECONDS)
        format_start = address_line

    def announce(*address: Any) -> str:
        # Only jobs need the workers, whose imports would delay the start.
        supervisor.start()
        return format_start(*address)

    return run(app, settings, listener, close, announce)


def limit_threads() -> None:
    """Limit numpy's libraries to one thread per call, before they are imported.

    The callers distribute work over the cores. With one thread, sums also have a fixed order, so
    requests and jobs have identical results.
    """
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def _enable_collections() -> None:
    """Exclude the existing objects from garbage collection.

    These are modules and the application, which are permanent. A collection that traverses them
    blocks every request.
    """
    gc.freeze()
    gc.enable()


def _settings(options: dict[str, str | None]) -> "Settings":
    from service.settings import load_settings

    return load_settings({name: value for name, value in options.items() if value is not None})


@click.group()
def keys() -> None:
    """Create API keys."""


@keys.command(epilog=format_example("linear-rnn keys new alice --scope write"))
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(["read", "write"]),
    default="read",
    show_default=True,
    help="read: requests that store nothing; write: all requests.",
)
def new(name: str, scope: str) -> None:
    """Print a new key and its entry for RNN_API_KEYS.

    NAME is the name of the key in the log. The key itself is not stored.
    """
    from service.keys import Scope, make_key

    try:
        key, entry = make_key(name, Scope(scope))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"key    {key}\nentry  {entry}")


def check_platform() -> None:
    """Raise StartError on Windows, which lacks the file locks and the signals of POSIX."""
    if sys.platform == "win32":
        raise StartError("this runs on Linux and macOS; on Windows, use WSL or a container")
