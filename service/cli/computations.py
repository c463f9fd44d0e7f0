"""Commands that compute: help and arguments. `service.cli.tasks` implements them."""

import os
import re
import shlex
import sys
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from service.cli.options import RequestOption, check_options, check_output, read_sequences
from service.cli.text import format_example, load_json


class TaskCommand(click.Command):
    """A command that runs a request.

    Parameters
    ----------
    name
        The name of the command and of its task.
    text
        Its help.
    example
        A valid command line.
    """

    def __init__(self, name: str, text: str, example: str) -> None:
        params = ARGUMENTS.get(name, [])
        super().__init__(name, help=text, epilog=format_example(example), params=params)
        self.id = name

    @cached_property
    def _options(self) -> list[RequestOption]:
        return [*map(RequestOption, load_json("commands.json")[self.id]["options"])]

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the arguments and all options."""
        return [*self.params, *self._options, *filter(None, [self.get_help_option(ctx)])]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, of which a sequence may begin with a negative number."""
        if self.id == "predict":
            args = [f" {text}" if re.match(r"-[\d.]", text) else text for text in args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        """Print the response to the request, and write it to a file."""
        check_options(self._options, ctx.params)
        suffix = check_output(load_json("commands.json")[self.id]["suffixes"], ctx.params)

        settings: dict[str, Any] = {}
        if any(name.upper().startswith("RNN_") for name in os.environ):
            from service.settings import load_settings  # slow, and usually nothing is set

            settings = load_settings().model_dump(exclude_unset=True)

        from service.cli.tasks import run_task

        run_task(self.id, self._options, ctx.params, settings, suffix)


def find_data(ctx: click.Context, _: click.Parameter, file: BinaryIO | None) -> BinaryIO | None:
    """Return the file of data, or the standard input unless it is a terminal."""
    if file is not None or ctx.resilient_parsing:
        return file
    if sys.stdin.isatty():
        raise click.UsageError("DATA is missing: give a file, or pipe a table into this command")
    return sys.stdin.buffer


@click.command(epilog=format_example("linear-rnn tutorial --out pictures"))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tutorial"),
    show_default=True,
    metavar="DIR",
    help="The directory for pictures.",
)
@click.pass_context
def tutorial(context: click.Context, out: Path) -> None:
    """Walk through the tutorial, with a picture per step."""
    out.mkdir(parents=True, exist_ok=True)
    program = context.find_root()
    for step in load_json("tutorial.json"):
        command = step["command"].format(shlex.quote(str(out)))
        click.secho(f"\n{step['title']}", bold=True)
        click.echo(f"{click.wrap_text(step['text'])}\n\n$ {program.info_name} {command}")
        program.command.main(shlex.split(command), program.info_name, standalone_mode=False)


class TableFile(click.File):
    """A file of data; an address is refused with advice."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the open file."""
        if isinstance(value, str) and re.match("https?://", value):
            pipe = f"curl -L {shlex.quote(value)} | linear-rnn {ctx.info_name if ctx else 'fit'}"
            raise click.UsageError(f"DATA: {value} is an address; download it first: {pipe}")
        return super().convert(value, param, ctx)


SERIES: Final = click.Argument(["data"], type=TableFile("rb"), required=False, callback=find_data)
ARGUMENTS: Final[dict[str, list[click.Parameter]]] = {
    "predict": [click.Argument(["sequences"], nargs=-1, callback=read_sequences)],
    "fit": [SERIES],
    "forecast": [SERIES],
}
COMPUTATIONS: Final[tuple[click.Command, ...]] = (
    tutorial,
    *(
        TaskCommand(name, **each)
        for name, each in load_json("descriptions.json")["commands"].items()
    ),
)
