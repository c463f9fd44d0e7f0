"""The command ``linear-rnn``.

Each command imports the slow modules itself, so that ``--help`` and errors in options appear at
once. Exit codes: 0 for success, 1 for errors of the environment (a port in use, a file that cannot
be written), 2 for invalid options and settings.
"""

import argparse
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from service import __version__
from service.errors import ServiceError, StartError

SHUTDOWN_SECONDS = 10.0  # two more than a shutdown takes at most

if TYPE_CHECKING:
    from service.jobs.supervisor import Supervisor
    from service.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        _check_platform()
        return command(options)
    except StartError as error:
        return _fail(str(error), error.exit_code)
    except ServiceError as error:
        return _fail(error.detail, 1)


def _parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="linear-rnn",
        description="Train, trace and draw a linear recurrent network over HTTP.",
    )
    root.add_argument("--version", action="version", version=f"linear-rnn {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    directory = argparse.ArgumentParser(add_help=False)
    directory.add_argument(
        "--data-dir", metavar="DIR", help="directory of the database (default: ./data)"
    )

    parser = commands.add_parser(
        "serve",
        parents=[directory],
        help="start the service and its workers",
        description="Start the service. Each option overrides its setting: RNN_HOST, RNN_PORT, "
        "RNN_DATA_DIR, RNN_WORKERS.",
    )
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", help="port to listen on; 0 selects a free port (default: 8000)")
    parser.add_argument(
        "--workers", metavar="N", help="worker processes; 0 for none (default: one per core)"
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="for programs: print the address as JSON, and stop when the standard input closes",
    )
    parser.set_defaults(command=serve)

    parser = commands.add_parser(
        "worker",
        parents=[directory],
        help="run jobs only",
        description="Run jobs, one at a time, until SIGTERM or Ctrl+C.",
    )
    parser.add_argument("--supervised", metavar="NAME", help=argparse.SUPPRESS)
    parser.set_defaults(command=worker)

    parser = commands.add_parser(
        "migrate",
        parents=[directory],
        help="migrate the database",
        description="Migrate the database. serve and worker also migrate it when they start.",
    )
    parser.set_defaults(command=migrate)
    _add_openapi(commands)
    _add_keys(commands)
    return root


def _add_openapi(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "openapi",
        help="print the OpenAPI schema",
        description="Print the OpenAPI schema as JSON.",
    )
    parser.set_defaults(command=openapi)


def _add_keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("keys", help="make API keys", description="Make API keys.")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    new = actions.add_parser(
        "new",
        help="make a key",
        description="Print a new key and its entry for RNN_API_KEYS. The key itself is not stored.",
    )
    new.add_argument("name", metavar="NAME", help="the name of the key in the log")
    new.add_argument(
        "--scope",
        choices=["read", "write"],
        default="read",
        help="read: everything that stores nothing; write: everything (default: read)",
    )
    new.set_defaults(command=new_key)


def serve(options: argparse.Namespace) -> int:
    """Run the service until it is stopped."""
    _limit_threads()
    gc.disable()
    settings = _settings(options, "host", "port", "data_dir", "workers")

    from service.jobs.sqlite_guard import lock_database, prepare_directory
    from service.server.listener import listen

    # The workers must end as well if the signal precedes the server, or is raised again at its end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with contextlib.ExitStack() as closing:
        prepare_directory(settings)
        listener = closing.enter_context(listen(settings.host, settings.port))
        if settings.sqlite_file is not None:
            closing.enter_context(lock_database(settings.sqlite_file))

        from service.jobs.supervisor import Supervisor

        # The workers start while the application is imported.
        supervisor = Supervisor(settings)
        closing.callback(_end, supervisor, settings)
        supervisor.start()

        from service.app import create_app
        from service.logs import configure_log
        from service.server.main import address_line, greeting, run

        log = configure_log(settings.log_level)
        app = create_app(settings, supervisor)

        def close() -> None:
            supervisor.terminate()
            app.state.service.close()

        _enable_collections()
        announce = greeting
        if options.until_stdin_closes:
            _stop_when_stdin_closes()
            announce = address_line
        exit_code = run(app, settings, listener, app.state.service.observers, close, announce)
    # A regular exit waits for threads that compute, and for the reader of the log.
    log.flush()
    os._exit(exit_code)


def _stop_when_stdin_closes() -> None:
    from service.jobs.main import stop_with_parent

    def stop() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    stop_with_parent(sys.stdin.fileno(), stop, SHUTDOWN_SECONDS)


def _end(supervisor: "Supervisor", settings: "Settings") -> None:
    """Stop the workers, and requeue the jobs of those that had to be killed."""
    killed = supervisor.stop()
    if not killed:
        return
    from service.jobs.reaper import requeue_jobs_of_stopped_workers

    with contextlib.suppress(ServiceError):  # the reaper of another worker finds them later
        requeue_jobs_of_stopped_workers(settings.store_url, killed)


def worker(options: argparse.Namespace) -> int:
    """Run jobs until a signal arrives or the parent process ends."""
    _limit_threads()
    gc.disable()
    settings = _settings(options, "data_dir")

    from service.jobs.main import run
    from service.jobs.sqlite_guard import prepare_directory

    prepare_directory(settings)
    _enable_collections()
    run(settings, options.supervised)
    return 0


def migrate(options: argparse.Namespace) -> int:
    """Migrate the database."""
    settings = _settings(options, "data_dir")

    from service.jobs.queue import JobQueue
    from service.jobs.sqlite_guard import prepare_directory
    from service.store import Database

    prepare_directory(settings)
    database = Database(settings.store_url)
    queue = JobQueue(settings.store_url)
    try:
        database.migrate()
        queue.migrate()
    finally:
        queue.close()
        database.close()
    return 0


def _limit_threads() -> None:
    """Limit numpy's libraries to one thread per call, before they are imported.

    The callers spread work over the cores. One thread also adds sums in one order, so that requests
    and jobs have identical results.
    """
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def _enable_collections() -> None:
    """Collect garbage from now on, except among the objects that exist already.

    These are modules and the application, and stay. A collection that visits them all blocks every
    request.
    """
    gc.freeze()
    gc.enable()


def _settings(options: argparse.Namespace, *names: str) -> "Settings":
    from service.settings import load_settings

    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    return load_settings(given)


def openapi(_options: argparse.Namespace) -> int:
    """Print the OpenAPI schema of the service with its default settings as JSON."""
    import json

    from service.app import create_app
    from service.settings import Settings

    schema = create_app(Settings.model_construct()).openapi()
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return 0


def new_key(options: argparse.Namespace) -> int:
    """Print a new API key and its entry for the settings."""
    from service.keys import Scope, make_key

    try:
        key, entry = make_key(options.name, Scope(options.scope))
    except ValueError as error:
        return _fail(str(error), 2)
    print(f"key    {key}\nentry  {entry}")
    return 0


def _check_platform() -> None:
    """Raise StartError on Windows, which has neither the file locks nor the signals of POSIX."""
    if sys.platform == "win32":
        raise StartError("this runs on Linux and macOS; on Windows, use WSL or a container")


def _fail(message: str, exit_code: int) -> int:
    print(f"linear-rnn: {message}", file=sys.stderr)
    return exit_code
