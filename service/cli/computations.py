"""Commands: options and help. `service.cli.tasks` implements them."""

import json
import re
import shlex
import sys
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from service.cli.options import RequestOption, load_commands, read_sequences
from service.cli.text import format_example

TEXT = "A csv or npz file with a sequence and its target per row, instead of generated data."
STEPS = Path(__file__).with_name("tutorial.json")
DATA = click.Option(["--data"], type=click.File("rb"), metavar="FILE", help=TEXT)


class TaskCommand(click.Command):
    """A command that runs a request.

    Parameters
    ----------
    name
        The name of the command and of its task.
    example
        A valid command line.
    """

    def __init__(self, name: str, *, example: str, **attributes: Any) -> None:
        super().__init__(name, epilog=format_example(example), **attributes)

    @cached_property
    def _options(self) -> list[RequestOption]:
        return [*map(RequestOption, load_commands()[str(self.name)]["options"])]

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return all options: those of the command, of the request, and of the output."""
        params = [*self.params, *self._options]
        suffixes = ", ".join(load_commands()[str(self.name)]["suffixes"])
        if suffixes:
            path = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
            text = f"Write a file: {suffixes}, as its name ends; - writes a table to the output."
            params.append(click.Option(["--out"], metavar="FILE", type=path, help=text))
        text = "Print the response of the HTTP API, with keep: false."
        params.append(click.Option(["--json", "as_json"], is_flag=True, help=text))
        return [*params, *filter(None, [self.get_help_option(ctx)])]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, of which a sequence may begin with a negative number."""
        if any(param.name == "sequences" for param in self.params):
            args = [f" {text}" if re.match(r"-[\d.]", text) else text for text in args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        """Print the response to the request, and write it to a file."""
        from service.cli.tasks import run_task

        run_task(str(self.name), self._options, ctx.params)


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
    for step in json.loads(STEPS.read_text(encoding="utf-8")):
        command = step["command"].format(shlex.quote(str(out)))
        click.secho(f"\n{step['title']}", bold=True)
        click.echo(f"{click.wrap_text(step['text'])}\n\n$ {program.info_name} {command}")
        program.command.main(shlex.split(command), program.info_name, standalone_mode=False)


SERIES = click.Argument(["data"], type=click.File("rb"), required=False, callback=find_data)
BY = click.Option(
    ["--by"],
    metavar="NAME",
    help="Fit the rows of each name in this column separately; the result is a table.",
)
COMPUTATIONS: Final[tuple[click.Command, ...]] = (
    tutorial,
    TaskCommand(
        "train",
        help="""Train the network.

        The default is the tutorial's run. A picture shows the path on the cost surface and the
        cost by iteration, csv the weights and the cost of every recorded iteration.""",
        example="linear-rnn train --optimizer adam --clip norm:1 --out run.png",
        params=[DATA],
    ),
    TaskCommand(
        "predict",
        help="""Run the network over sequences.

        SEQUENCES are numbers such as 0,1,1,0 or '0 1 1 0', or bits such as 0110. The default is
        the tutorial's test sequence.""",
        example="linear-rnn predict 0,1,1,0 1,1,1 --weights 1:0.9",
        params=[click.Argument(["sequences"], nargs=-1, callback=read_sequences), DATA],
    ),
    TaskCommand(
        "surface",
        help="""Evaluate the cost over a grid of weights, or draw it.

        A picture shows the cost at every pixel, regardless of the resolution of the grid.""",
        example="linear-rnn surface --w-in 0:2 --w-rec 0:2 --out surface.png",
        params=[DATA],
    ),
    TaskCommand(
        "trace",
        help="""Trace the gradient back through time.

        The gradient at step k is the derivative of the cost with respect to the state after k
        inputs.""",
        example="linear-rnn trace --point 1:2 --point 1:0.5 --out gradients.svg",
        params=[DATA],
    ),
    TaskCommand(
        "evaluate",
        help="Compute the cost and its gradient at given weights.",
        example="linear-rnn evaluate --point 1:1 --point 2:0.5",
        params=[DATA],
    ),
    TaskCommand(
        "optimum",
        help="Find the exact global minimum of the cost.",
        example="linear-rnn optimum --n-samples 100 --noise 0.5",
        params=[DATA],
    ),
    TaskCommand(
        "optimizers",
        help="List the optimizers and the defaults of their options.",
        example="linear-rnn optimizers",
    ),
    TaskCommand(
        "fit",
        help="""Fit a recurrence to your own series.

        DATA is a csv or npz file with a target at every step, which may be empty. Without DATA, or
        if it is -, csv is read from the standard input. The output states first whether the
        interval of the time constant can be trusted.""",
        example="linear-rnn fit sales.csv --target sales --inputs tv,search --time week "
        "--out fit.png",
        params=[SERIES, BY],
    ),
    TaskCommand(
        "forecast",
        help="""Fit a recurrence, and continue a sequence of the series.

        DATA and the options are those of fit. FUTURE has a column per input and a row per future
        step; without inputs, give the number of steps. low and high are the band of the mean,
        new_low and new_high that of a new observation.""",
        example="linear-rnn forecast sales.csv --target sales --inputs tv,search --time week "
        "--future plan.csv",
        params=[
            SERIES,
            click.Option(
                ["--future"],
                type=click.File("rb"),
                metavar="FILE",
                help="A table of future inputs.",
            ),
            click.Option(
                ["--steps"],
                type=click.IntRange(1),
                metavar="INTEGER",
                default=1,
                help="Steps without inputs.",
            ),
            click.Option(["--of"], metavar="NAME", help="The sequence to continue, if several."),
        ],
    ),
)
