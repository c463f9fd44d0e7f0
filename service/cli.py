"""The command ``linear-rnn``.

Whatever takes long to import is imported by the command that needs it, so that ``--help`` and a
wrong option answer at once. Exit codes: 0, 1 when the machine is in the way (a port taken, a file
that cannot be written), 2 when an option or a setting is wrong.
"""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from service import __version__

if TYPE_CHECKING:
    from service.jobs.supervisor import Supervisor
    from service.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="linear-rnn",
        description="See, over HTTP, why a recurrent network trains or doesn't.",
    )
    parser.add_argument("--version", action="version", version=f"linear-rnn {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_serve(commands)
    _add_worker(commands)
    _add_migrate(commands)
    _add_openapi(commands)
    return parser


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "serve",
        help="start the service, and workers with it",
        description="Start the service. Every option is a setting, too: RNN_HOST, RNN_PORT, "
        "RNN_DATA_DIR, RNN_WORKERS; the option wins.",
    )
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", help="port to listen on; 0 takes a free one (8000)")
    parser.add_argument("--data-dir", metavar="DIR", help="where the database is kept (./data)")
    parser.add_argument(
        "--workers", metavar="N", help="processes that do jobs (one a core); 0 for none"
    )
    parser.set_defaults(command=serve)


def _add_worker(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "worker",
        help="do jobs, and nothing else",
        description="Do jobs, one at a time, until a signal comes.",
    )
    parser.add_argument("--data-dir", metavar="DIR", help="where the database is kept (./data)")
    parser.add_argument("--supervised", metavar="NAME", help=argparse.SUPPRESS)
    parser.set_defaults(command=worker)


def _add_migrate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "migrate",
        help="bring the database up to date",
        description="Bring the database up to date; serve and worker do so by themselves.",
    )
    parser.add_argument("--data-dir", metavar="DIR", help="where the database is kept (./data)")
    parser.set_defaults(command=migrate)


def _add_openapi(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "openapi",
        help="write the description of the API",
        description="Write the description of the API, as an OpenAPI schema or as a page.",
    )
    parser.add_argument("--format", choices=["json", "markdown"], default="json")
    parser.add_argument("--output", metavar="FILE", type=Path, help="instead of standard output")
    parser.set_defaults(command=openapi)


def serve(options: argparse.Namespace) -> int:
    """Start the service and stay until it is told to stop."""
    _one_core_each()

    from service.settings import SettingError, make_data_dir

    try:
        settings = _settings(options, "host", "port", "data_dir", "workers")
    except SettingError as error:
        return _complain(str(error), 2)

    from service.jobs.sqlite_guard import DataDirectoryError, lock_database
    from service.server import AddressError, listen, run

    # Also a signal that comes early, or that the server raises again at its end, ends the workers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with contextlib.ExitStack() as closing:
        try:
            if settings.database_url is None:
                make_data_dir(settings)
            listener = closing.enter_context(listen(settings.host, settings.port))
            if settings.sqlite_file is not None:
                closing.enter_context(lock_database(settings.sqlite_file))
        except (SettingError, AddressError, DataDirectoryError) as error:
            return _complain(str(error), 1)

        from service.jobs.supervisor import Supervisor

        # They start while the rest is still being imported.
        supervisor = Supervisor(settings)
        closing.callback(_end, supervisor, settings)
        supervisor.start()

        from service.app import create_app
        from service.errors import ServiceError

        try:
            app = create_app(settings, supervisor)
        except ServiceError as error:
            return _complain(error.detail, 1)

        return run(app, settings, listener, app.state.service.watch.close)


def _end(supervisor: "Supervisor", settings: "Settings") -> None:
    """End the workers; what is held by those that had to be killed goes to others."""
    killed = supervisor.stop()
    if not killed:
        return
    from service.errors import ServiceError
    from service.jobs.reaper import requeue_jobs_of_stopped_workers

    with contextlib.suppress(ServiceError):  # the store is away: it is found from the rows later
        requeue_jobs_of_stopped_workers(settings.store_url, killed)


def worker(options: argparse.Namespace) -> int:
    """Do jobs until a signal comes, or the parent ends."""
    _one_core_each()

    from service.settings import SettingError, make_data_dir

    try:
        settings = _settings(options, "data_dir")
    except SettingError as error:
        return _complain(str(error), 2)

    from service.jobs.sqlite_guard import DataDirectoryError, check_local_disk

    try:
        if settings.database_url is None:
            make_data_dir(settings)
        if settings.sqlite_file is not None:
            check_local_disk(settings.sqlite_file)
    except (SettingError, DataDirectoryError) as error:
        return _complain(str(error), 1)

    from service.errors import ServiceError
    from service.jobs.main import run

    try:
        run(settings, options.supervised)
    except ServiceError as error:
        return _complain(error.detail, 1)
    return 0


def migrate(options: argparse.Namespace) -> int:
    """Bring the database up to date."""
    from service.settings import SettingError, make_data_dir

    try:
        settings = _settings(options, "data_dir")
    except SettingError as error:
        return _complain(str(error), 2)

    from service.errors import ServiceError
    from service.jobs.queue import JobQueue
    from service.store import Database

    try:
        if settings.database_url is None:
            make_data_dir(settings)
        database = Database(settings.store_url)
        queue = JobQueue(settings.store_url)
        try:
            database.migrate()
            queue.migrate()
        finally:
            queue.close()
            database.close()
    except (SettingError, ServiceError) as error:
        return _complain(str(error), 1)
    return 0


def _one_core_each() -> None:
    """Keep numpy's libraries to one thread a call; they look for this when they are imported.

    Work is spread over the cores by what calls them, and sums are added up in one order, whether
    a request or a job does it.
    """
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def _settings(options: argparse.Namespace, *names: str) -> "Settings":
    from service.settings import load_settings

    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    return load_settings(given)


def openapi(options: argparse.Namespace) -> int:
    """Write the OpenAPI schema, or the same as Markdown."""
    import json

    from service.documentation import openapi_markdown, openapi_schema

    if options.format == "markdown":
        text = openapi_markdown()
    else:
        text = json.dumps(openapi_schema(), indent=2, ensure_ascii=False) + "\n"
    if options.output is None:
        sys.stdout.write(text)
        return 0
    try:
        options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        return _complain(f"cannot write {options.output}: {error.strerror}", 1)
    return 0


def _complain(message: str, exit_code: int) -> int:
    print(f"linear-rnn: {message}", file=sys.stderr)
    return exit_code
