"""A walk through the tutorial: a sentence per step, and pictures in a directory."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import orjson

from service.cli.session import Session, save
from service.cli.tasks import TASKS
from service.engine.types import Array
from service.schemas.pictures import PictureOptions

STRIDE: Final = 5  # iterations from one change of the progress bar to the next


def walk(session: Session, directory: Path) -> None:
    """Take the steps of the tutorial, in its order."""
    training = TASKS["train"].model()
    dataset = asyncio.run(session.resolve(training.dataset)).dataset  # type: ignore[attr-defined]
    _say(
        "Data",
        f"{dataset.n_samples} random sequences of {dataset.n_steps} bits. The target is the number "
        f"of ones: {_bits(dataset.inputs[0])} has {dataset.targets[0]:.0f}. The network "
        "S_k = w_rec S_(k-1) + w_in x_k counts them with w_in = w_rec = 1.",
    )

    _say(
        "Cost surface",
        "The cost is a narrow, bent valley between cliffs: w_rec acts once per step, and its "
        "powers explode outside -1 to 1.",
    )
    _answer("surface", session, directory / "cost-surface.png", {"marks": ["optimum"]})

    _say("Gradient", "On its way back through time, the gradient is multiplied by w_rec per step.")
    trace = _answer("trace", session, directory / "gradients.png")["traces"][1]
    click.echo(
        f"With w_rec = {trace['point']['w_rec']:g} it explodes: {trace['gradient'][-1]:.1f} at the "
        f"output, {trace['gradient'][0]:.1f} at the first state. Below 1 it vanishes."
    )

    start = training.initial_weights  # type: ignore[attr-defined]
    _say(
        "Training",
        "Rprop uses only the signs of the gradient, so it survives the cliffs. It starts from "
        f"({start.w_in:g}, {start.w_rec:g}).",
    )
    run = _answer("train", session, directory / "training.png", stride=STRIDE)
    weights = run["final"]["weights"]
    click.echo(
        f"After {run['iterations']} iterations, w_in is {weights['w_in']:.4f}, w_rec is "
        f"{weights['w_rec']:.4f}, and the cost is {run['final']['cost']:.1e}."
    )

    sequence = TASKS["predict"].model().inputs[0]  # type: ignore[attr-defined]
    output = _answer("predict", session, None, {"weights": weights})["outputs"][0]
    _say(
        "Prediction",
        f"For {_bits(sequence)}, which it has not seen, the network predicts {output:.5f}. There "
        f"are {sum(sequence):.0f} ones.",
    )


def _answer(
    task: str,
    session: Session,
    file: Path | None,
    body: Mapping[str, Any] | None = None,
    **more: Any,
) -> Any:
    """Return the answer of a command as JSON, and draw it in a file."""
    request = TASKS[task].model.model_validate(body or {})
    options = {} if file is None else {"options": PictureOptions()}
    json, make_file = TASKS[task].answer(session, request, **options, **more)
    if file is not None:
        save(file, make_file(file.suffix[1:]))
    return orjson.loads(json)


def _bits(sequence: Array) -> str:
    return "".join(f"{bit:.0f}" for bit in sequence)


def _say(title: str, text: str) -> None:
    """Print the title of a step, and its sentences in lines for a terminal."""
    click.secho(f"\n{title}", bold=True)
    click.echo(click.wrap_text(text))
