"""A walk through the tutorial: a sentence per step, a command, and its output."""

import shlex
from pathlib import Path
from typing import Final

import click

from service.cli.text import format_example

STEPS: Final = (
    (
        "Data",
        "20 random sequences of 10 bits. The target is the number of ones. The network "
        "S_k = w_rec S_(k-1) + w_in x_k counts them with w_in = w_rec = 1.",
        "optimum",
    ),
    (
        "Cost surface",
        "The cost is a narrow, bent valley between cliffs: w_rec acts once per step, and its "
        "powers explode outside -1 to 1.",
        "surface --mark optimum --out {}/cost-surface.png",
    ),
    (
        "Gradient",
        "On its way back through time, the gradient is multiplied by w_rec per step. With w_rec "
        "above 1 it explodes, and below 1 it vanishes.",
        "trace --out {}/gradients.png",
    ),
    (
        "Training",
        "Rprop uses only the signs of the gradient, so it survives the cliffs.",
        "train --out {}/training.png",
    ),
    (
        "Prediction",
        "With the weights of this run, the network counts the five ones of a sequence that it has "
        "not seen.",
        "predict 0,1,1,0,0,0,0,1,0,0,1,1 --weights 1.0013555:0.99967447",
    ),
)


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
    for title, text, line in STEPS:
        command = line.format(shlex.quote(str(out)))
        click.secho(f"\n{title}", bold=True)
        click.echo(f"{click.wrap_text(text)}\n\n$ {program.info_name} {command}")
        program.command.main(shlex.split(command), program.info_name, standalone_mode=False)
