"""The command ``linear-rnn``: serve, and compute without a server.

Each command imports the slow modules itself, so that ``--help`` and errors in options appear at
once. An error is one line on standard error, which names the option.
"""

import sys
from collections.abc import Sequence

import click

from service import __version__
from service.cli.computations import (
    fit,
    optimizers,
    optimum,
    predict,
    surface,
    trace,
    train,
    tutorial,
)
from service.cli.serving import check_platform, keys, limit_threads, migrate, openapi, serve, worker
from service.errors import ServiceError, StartError

PROGRAM = "linear-rnn"
EPILOG = """\
\b
Exit codes: 0 for success, whatever a fit says of its own trust; 1 for errors
of the environment, such as a file that cannot be written; 2 for invalid
options, data and settings; 130 after Ctrl+C.

\b
Shell completion, here of bash (zsh and fish have a variable of the same form):
  eval "$(_LINEAR_RNN_COMPLETE=bash_source linear-rnn)"
"""


class InOrder(click.Group):
    """A group that lists its commands as they were added, from the tutorial to the server."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


@click.group(cls=InOrder, epilog=EPILOG)
@click.version_option(__version__, message=f"{PROGRAM} %(version)s")
def cli() -> None:
    """Watch a recurrent network learn to count, and fit it to your own sequences.

    All commands but serve and worker compute here, without a server. Their options are the fields
    of the requests in openapi.md; without options they repeat the tutorial.
    """
    check_platform()


COMMANDS = (tutorial, train, predict, surface, trace, optimum, optimizers, fit)
for command in (*COMMANDS, serve, worker, migrate, openapi, keys):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    limit_threads()
    try:
        return cli.main(arguments, PROGRAM, standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except (click.ClickException, StartError, ServiceError, OSError) as error:
        message, exit_code = _explain(error)
        click.echo(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
        return exit_code


def _explain(error: Exception) -> tuple[str, int]:
    """Return the message of an error and its exit code."""
    match error:
        case click.ClickException():
            return error.format_message(), error.exit_code
        case StartError():
            return str(error), error.exit_code
        case OSError():
            return f"{error.filename}: {error.strerror}", 1
    return str(error), 1
