"""Commands for serving and for operators."""

import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.util import get_temp_dir
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from service import launch
from service.cli.text import format_example

if TYPE_CHECKING:
    from service.settings import Settings

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
    with ExitStack() as stack:
        if until_stdin_closes and options["data_dir"] is None:
            options["data_dir"] = stack.enter_context(TemporaryDirectory(prefix="linear-rnn-"))
        exit_code = launch.serve(_settings(options), until_stdin_closes=until_stdin_closes)
    # A regular exit waits for computing threads and for the reader of the log. It also deletes the
    # directory of multiprocessing.
    shutil.rmtree(get_temp_dir(), ignore_errors=True)
    os._exit(exit_code)


@click.command(epilog=format_example("linear-rnn worker --data-dir data"))
@data_dir
@click.option("--supervised", is_flag=True, hidden=True)
def worker(supervised: bool, **options: str | None) -> None:
    """Run jobs only, one at a time, until SIGTERM or Ctrl+C."""
    gc.disable()
    launch.work(_settings(options), is_supervised=supervised)


@click.command(epilog=format_example("linear-rnn migrate --data-dir data"))
@data_dir
def migrate(**options: str | None) -> None:
    """Migrate the database.

    serve and worker also migrate it when they start.
    """
    launch.migrate(_settings(options))


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
