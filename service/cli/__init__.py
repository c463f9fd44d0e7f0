"""The command ``linear-rnn``: serve, and compute without a server.

Each command imports the slow modules itself, so that help, completion and errors in options appear
at once. An error is one line on standard error, with the name of the option.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

import service
from service.cli.computations import COMPUTATIONS
from service.cli.serving import keys, migrate, serve, worker
from service.cli.text import load_json
from service.errors import ServiceError, StartError
from service.launch import check_platform, limit_threads

PROGRAM = "linear-rnn"


class InOrder(click.Group):
    """A group that lists its commands in the order of addition, from the tutorial to the server."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


@click.group(
    cls=InOrder,
    commands=[*COMPUTATIONS, serve, worker, migrate, keys],
    help=f"{service.__doc__}\n\n{load_json('descriptions.json')['help']}",
    epilog=load_json("descriptions.json")["epilog"],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(service.__version__, message=f"{PROGRAM} %(version)s")
def cli() -> None:
    """Check the platform before every command."""
    check_platform()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    limit_threads()
    # Matplotlib does not start with the backend of a notebook, which is not installed here.
    os.environ["MPLBACKEND"] = "agg"
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed, as by some calling programs
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - until the end
    try:
        return cli.main(arguments, PROGRAM, standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except (click.ClickException, StartError, ServiceError, OSError) as error:
        message = str(error)
        if isinstance(error, OSError):
            message = f"{error.filename or 'standard output'}: {error.strerror}"
        elif isinstance(error, click.ClickException):
            message = error.format_message()
        click.echo(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
        return getattr(error, "exit_code", 1)
