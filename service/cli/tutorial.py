"""A walk through the tutorial: a sentence per step, and pictures in a directory."""

from pathlib import Path
from typing import Final

import click

from service.cli.session import Session, save
from service.engine.types import Array
from service.operations.pictures import surface_picture, trace_picture, trajectory_picture
from service.operations.predict import predict
from service.operations.resolve import resolve_model
from service.operations.traces import check_gradient, trace_gradients
from service.operations.training import TRAINING_RUN
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.gradient_check import GradientCheckRequest
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions
from service.schemas.predict import PredictRequest, RunModel
from service.schemas.training_runs import TrainingRunRequest

STRIDE: Final = 5  # iterations from one change of the progress bar to the next
OPTIONS: Final = PictureOptions()


def walk(session: Session, directory: Path) -> None:
    """Take the steps of the tutorial, in its order."""
    show_data(session)
    show_surface(session, directory / "cost-surface.png")
    show_gradient(session, directory / "gradients.png")
    run_id = train(session, directory / "training.png")
    predict_test_sequence(session, run_id)


def show_data(session: Session) -> None:
    """Show the first sequence and its target."""
    dataset = session.resolve(TrainingRunRequest().dataset).dataset
    _say(
        "Data",
        f"{dataset.n_samples} random sequences of {dataset.n_steps} bits. The target is the number "
        f"of ones: {_bits(dataset.inputs[0])} has {dataset.targets[0]:.0f}. The network "
        "S_k = w_rec S_(k-1) + w_in x_k counts them with w_in = w_rec = 1.",
    )


def show_surface(session: Session, file: Path) -> None:
    """Draw the cost."""
    request = CostSurfaceRequest.model_validate({"marks": ["optimum"]})
    dataset = session.resolve(request.dataset)
    _say(
        "Cost surface",
        "The cost is a narrow, bent valley between cliffs: w_rec acts once per step, and its "
        "powers explode outside -1 to 1.",
    )
    picture = surface_picture(request, dataset, OPTIONS, file.suffix[1:], session.limits)
    save(file, session.draw(picture))


def show_gradient(session: Session, file: Path) -> None:
    """Check the gradient, and draw it back through time."""
    check, request = GradientCheckRequest(), GradientTraceRequest()
    dataset, limits = session.resolve(request.dataset), session.limits
    error = check_gradient(check, dataset, limits).relative_error
    trace = trace_gradients(request, dataset, limits).traces[1]
    _say(
        "Gradient",
        f"Backpropagation through time agrees with finite differences to {error:.0e}. With "
        f"w_rec = {trace.point.w_rec:g}, the gradient grows {trace.growth_per_step:g} times per "
        f"step back: from {trace.gradient[-1]:.1f} at the output to {trace.gradient[0]:.1f} at the "
        "first state. Below 1 it vanishes.",
    )
    picture = trace_picture(request, dataset, OPTIONS, file.suffix[1:], limits)
    save(file, session.draw(picture))


def train(session: Session, file: Path) -> str:
    """Train with a progress bar, draw the path, and return the id of the run."""
    request = TrainingRunRequest()
    start = request.initial_weights
    _say(
        "Training",
        "Rprop uses only the signs of the gradient, so it survives the cliffs. It starts from "
        f"({start.w_in:g}, {start.w_rec:g}).",
    )
    row, _ = session.compute(TRAINING_RUN, request, stride=STRIDE)
    final = (row.result or {})["final"]
    weights = final["weights"]
    click.echo(
        f"After {row.progress_done} iterations, w_in is {weights['w_in']:.4f}, w_rec is "
        f"{weights['w_rec']:.4f}, and the cost is {final['cost']:.1e}."
    )
    picture = trajectory_picture(row, OPTIONS, file.suffix[1:], session.limits)
    save(file, session.draw(picture))
    return row.id


def predict_test_sequence(session: Session, run_id: str) -> None:
    """Predict a sequence that is not in the data, with the trained weights."""
    request = PredictRequest(model=RunModel(kind="run", id=run_id))
    model = resolve_model(request.used_model, session.database)
    output = float(predict(request, model, None, session.limits).outputs[0])
    sequence = request.inputs[0]
    _say(
        "Prediction",
        f"For {_bits(sequence)}, which it has not seen, the network predicts {output:.5f}. There "
        f"are {sum(sequence):.0f} ones.",
    )


def _bits(sequence: Array) -> str:
    return "".join(f"{bit:.0f}" for bit in sequence)


def _say(title: str, text: str) -> None:
    """Print the title of a step, and its sentences in lines for a terminal."""
    click.secho(f"\n{title}", bold=True)
    click.echo(click.wrap_text(text))
