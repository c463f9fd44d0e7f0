"""The command ``linear-rnn``.

Whatever takes long to import is imported by the command that needs it, so that ``--help`` and a
wrong option answer at once. Exit codes: 0, 1 when the machine is in the way (a port taken, a file
that cannot be written), 2 when an option or a setting is wrong.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from service import __version__


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
    _add_openapi(commands)
    return parser


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "serve",
        help="start the service",
        description="Start the service. Every option is a setting, too: RNN_HOST, RNN_PORT, "
        "RNN_DATA_DIR; the option wins.",
    )
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", help="port to listen on; 0 takes a free one (8000)")
    parser.add_argument("--data-dir", metavar="DIR", help="where the database is kept (./data)")
    parser.set_defaults(command=serve)


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
    from service.settings import SettingError, load_settings, make_data_dir

    given = {
        name: value
        for name in ("host", "port", "data_dir")
        if (value := getattr(options, name)) is not None
    }
    try:
        settings = load_settings(given)
    except SettingError as error:
        return _complain(str(error), 2)

    from service.server import AddressError, listen, run

    try:
        make_data_dir(settings)
        listener = listen(settings.host, settings.port)
    except (SettingError, AddressError) as error:
        return _complain(str(error), 1)

    from service.app import create_app
    from service.errors import ServiceError

    with contextlib.closing(listener):
        try:
            app = create_app(settings)
        except ServiceError as error:
            return _complain(error.detail, 1)
        return run(app, settings, listener)


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
