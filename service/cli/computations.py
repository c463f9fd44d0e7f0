"""The commands that compute: what --help says of them. `service.cli.tasks` has what they do."""

from pathlib import Path
from typing import Final

import click

from service.cli.command import TaskCommand
from service.cli.text import format_example, format_table
from service.cli.tutorial import tutorial

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
TEXT = "A csv or npz file with a sequence and its target per row, in place of generated data."
DATA = click.Option(["--data"], type=FILE, metavar="FILE", help=TEXT)


@click.command(epilog=format_example("linear-rnn optimizers"))
@click.option("--json", "as_json", is_flag=True, help="Print the response of the HTTP API.")
def optimizers(as_json: bool) -> None:
    """List the optimizers and the defaults of their options."""
    from service.operations.optimizers import OPTIMIZER_LIST
    from service.schemas.base import encode

    rows = [
        (item.name, parameter.name, parameter.default, parameter.description)
        for item in OPTIMIZER_LIST.items
        for parameter in item.parameters
    ]
    columns = ("optimizer", "parameter", "default", "effect")
    click.echo(encode(OPTIMIZER_LIST).decode() if as_json else format_table(columns, rows))


COMPUTATIONS: Final[tuple[click.Command, ...]] = (
    tutorial,
    TaskCommand(
        "train",
        help="""Train the network.

        The default is the tutorial's run. A picture shows the path over the cost surface and the
        cost by iteration, csv the weights and the cost of every recorded iteration.""",
        example="linear-rnn train --optimizer adam --clip norm:1 --out run.png",
        params=[DATA],
    ),
    TaskCommand(
        "predict",
        help="""Run the network over sequences.

        SEQUENCES are numbers such as 0,1,1,0; the default is the tutorial's test sequence.""",
        example="linear-rnn predict 0,1,1,0 1,1,1 --weights 1:0.9",
        without=("inputs", "model", "continue"),
        params=[click.Argument(["sequences"], nargs=-1), DATA],
    ),
    TaskCommand(
        "surface",
        help="""Evaluate the cost over a grid of weights, or draw it.

        A picture has the cost at every pixel, whatever the resolution of the grid.""",
        example="linear-rnn surface --w-in 0:2 --w-rec 0:2 --out surface.png",
        without=("runs",),
        params=[DATA],
    ),
    TaskCommand(
        "trace",
        help="""Trace the gradient back through time.

        The gradient at step k is the derivative of the cost by the state after k inputs.""",
        example="linear-rnn trace --point 1:2 --point 1:0.5 --out gradients.svg",
        params=[DATA],
    ),
    TaskCommand(
        "optimum",
        help="Find the exact global minimum of the cost.",
        example="linear-rnn optimum --n-samples 100 --noise 0.5",
        params=[DATA],
    ),
    optimizers,
    TaskCommand(
        "fit",
        help="""Fit a recurrence to your own series.

        DATA is a csv or npz file with a target at every step, which may be empty. The answer says
        first whether to trust the interval of the time constant.""",
        example="linear-rnn fit sales.csv --target sales --inputs tv,search --time week "
        "--out fit.png",
        without=("dataset",),
        params=[click.Argument(["data"], type=FILE, required=False)],
    ),
)
