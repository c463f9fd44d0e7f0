"""The commands that answer requests, with the use cases that HTTP has."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.command import Answer, RequestCommand
from service.cli.text import format_number, format_table

if TYPE_CHECKING:
    from service.cli.session import Session
    from service.operations.downloads import Download
    from service.schemas.cost_surface import CostSurfaceRequest
    from service.schemas.fits import FitRequest
    from service.schemas.gradient_trace import GradientTraceRequest
    from service.schemas.optimum import OptimumRequest
    from service.schemas.pictures import PictureOptions
    from service.schemas.predict import PredictRequest
    from service.schemas.training_runs import TrainingRunRequest

PICTURES = ("png", "svg", "pdf")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
data_option: Callable[..., Any] = click.option(
    "--data",
    type=FILE,
    metavar="FILE",
    help="A CSV or npz file with a sequence and its target per row, in place of generated data.",
)


@click.command(epilog="\b\nExample:\n  linear-rnn tutorial --out pictures")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tutorial"),
    show_default=True,
    metavar="DIR",
    help="The directory for pictures.",
)
def tutorial(out: Path) -> None:
    """Walk through the tutorial, with a picture per step."""
    from service.cli.session import open_session
    from service.cli.tutorial import walk

    out.mkdir(parents=True, exist_ok=True)
    with open_session() as session:
        walk(session, out)


@click.command(
    cls=RequestCommand,
    model="service.schemas.training_runs:TrainingRunRequest",
    example="linear-rnn train --optimizer adam --clip norm:1 --out run.png",
    files=(*PICTURES, "csv"),
)
@data_option
def train(session: "Session", request: "TrainingRunRequest", options: "PictureOptions") -> Answer:
    """Train the network.

    The default is the tutorial's run. A picture shows the path over the cost surface and the cost
    by iteration, csv the weights and the cost of every recorded iteration.
    """
    from service.operations.pictures import trajectory_picture
    from service.operations.training import TRAINING_RUN, trajectory_csv

    def make_file(suffix: str) -> "bytes | Download":
        if suffix == "csv":
            return trajectory_csv(row, session.database)
        return session.draw(trajectory_picture(row, options, suffix, session.limits))

    row, json = session.compute(TRAINING_RUN, request)
    return Answer(describe_run(row.result or {}), json, make_file)


def describe_run(result: dict[str, Any]) -> str:
    """Return how a run ended, and a table of its first and last evaluation."""
    ends = {
        "target_reached": "The cost reached its target after {} iterations.",
        "iterations_exhausted": "The run ended after {} iterations.",
        "diverged": "The run diverged after {} iterations: a weight is no longer finite.",
    }
    rows = [
        (name, *entry["weights"].values(), entry["cost"])
        for name in ("initial", "final", "optimum")
        if (entry := result[name]) is not None
    ]
    end = ends[result["outcome"]].format(result["iterations"])
    if result["gap_to_optimum"] is not None:
        end += f" Its cost is {format_number(result['gap_to_optimum'])} above the lowest possible."
    return f"{end}\n\n{format_table(('', 'w_in', 'w_rec', 'cost'), rows)}"


@click.command(
    cls=RequestCommand,
    model="service.schemas.fits:FitRequest",
    example="linear-rnn fit sales.csv --target sales --inputs tv,search --time week --out fit.png",
    without=("dataset",),
    files=(*PICTURES, "csv"),
)
@click.argument("data", type=FILE, required=False)
@click.option("--target", metavar="COLUMN", help="The column of the target.  [default: target]")
@click.option("--inputs", metavar="COLUMNS", help="Those of the inputs.  [default: all others]")
@click.option("--sequence", metavar="COLUMN", help="The column that tells sequences apart.")
@click.option("--time", metavar="COLUMN", help="The column of the times, in equal steps.")
def fit(session: "Session", request: "FitRequest", options: "PictureOptions") -> Answer:
    """Fit a recurrence to your own series.

    DATA is a csv or npz file with a target at every step, which may be empty. The answer says first
    whether to trust the interval of the time constant.
    """
    from service.cli.fit_text import describe_fit
    from service.operations.fits import FIT, fit_csv
    from service.operations.pictures import fit_picture

    def make_file(suffix: str) -> "bytes | Download":
        if suffix == "csv":
            return fit_csv(row, session.database)
        return session.draw(fit_picture(row, options, suffix, session.limits))

    row, json = session.compute(FIT, request)
    return Answer(describe_fit(row.request, row.result or {}), json, make_file)


def read_sequences(texts: Sequence[str]) -> list[list[Any]]:
    """Return the sequences of arguments such as 0,1,1,0."""
    from service.cli.options import read_value

    return [[read_value(number) for number in text.split(",")] for text in texts]


@click.command(
    cls=RequestCommand,
    model="service.schemas.predict:PredictRequest",
    example="linear-rnn predict 0,1,1,0 1,1,1 --weights 1:0.9",
    without=("inputs", "model", "continue_"),
    arguments={"sequences": ("inputs", read_sequences)},
)
@click.argument("sequences", nargs=-1)
@data_option
def predict(session: "Session", request: "PredictRequest") -> Answer:
    """Run the network over sequences.

    SEQUENCES are numbers such as 0,1,1,0; the default is the tutorial's test sequence.
    """
    from service.operations.predict import predict
    from service.operations.resolve import resolve_model
    from service.schemas.base import encode

    model = resolve_model(request.used_model, session.database)
    dataset = None if request.dataset is None else session.resolve(request.dataset)
    response = predict(request, model, dataset, session.limits)
    rows = [(i, output) for i, output in enumerate(response.outputs.tolist())]
    return Answer(format_table(("sequence", "output"), rows), encode(response))


@click.command(
    cls=RequestCommand,
    model="service.schemas.cost_surface:CostSurfaceRequest",
    example="linear-rnn surface --w-in 0:2 --w-rec 0:2 --out surface.png",
    without=("runs",),
    files=(*PICTURES, "npz"),
)
@data_option
def surface(session: "Session", request: "CostSurfaceRequest", options: "PictureOptions") -> Answer:
    """Evaluate the cost over a grid of weights, or draw it."""
    from service.operations.pictures import check_surface_request, surface_picture
    from service.operations.surfaces import compute_surfaces, surfaces_npz
    from service.schemas.base import encode
    from service.schemas.cost_surface import JSON_RESOLUTION, NPZ_RESOLUTION

    def make_file(suffix: str) -> "bytes | Download":
        if suffix == "npz":
            return surfaces_npz(request.at_resolution(NPZ_RESOLUTION), dataset, session.limits)
        check_surface_request(request)
        return session.draw(surface_picture(request, dataset, options, suffix, session.limits))

    dataset = session.resolve(request.dataset)
    response = compute_surfaces(request.at_resolution(JSON_RESOLUTION), dataset, session.limits)
    rows = []
    for window in response.windows:
        weights = window.minimum.weights
        spans = (f"{axis[0]:g}:{axis[-1]:g}" for axis in (window.w_in, window.w_rec))
        rows.append((*spans, weights.w_in, weights.w_rec, window.minimum.cost))
    columns = ("w_in from:to", "w_rec from:to", "lowest at w_in", "w_rec", "cost")
    return Answer(format_table(columns, rows), encode(response), make_file)


@click.command(
    cls=RequestCommand,
    model="service.schemas.gradient_trace:GradientTraceRequest",
    example="linear-rnn trace --point 1:2 --point 1:0.5 --out gradients.svg",
    files=(*PICTURES, "csv"),
)
@data_option
def trace(session: "Session", request: "GradientTraceRequest", options: "PictureOptions") -> Answer:
    """Trace the gradient back through time.

    The gradient of step k is the derivative of the cost by the state after k inputs.
    """
    from service.operations.pictures import trace_picture
    from service.operations.traces import trace_csv, trace_gradients
    from service.schemas.base import encode

    def make_file(suffix: str) -> "bytes | Download":
        if suffix == "csv":
            return trace_csv(request, dataset, session.limits)
        return session.draw(trace_picture(request, dataset, options, suffix, session.limits))

    dataset = session.resolve(request.dataset)
    response = trace_gradients(request, dataset, session.limits)
    rows = [
        (
            str(trace.regime),
            trace.point.w_in,
            trace.point.w_rec,
            trace.growth_per_step,
            trace.gradient[-1],
            trace.gradient[0],
        )
        for trace in response.traces
    ]
    last = f"at step {dataset.size.n_steps}"
    columns = ("gradient", "w_in", "w_rec", "growth per step", last, "at step 0")
    return Answer(format_table(columns, rows), encode(response), make_file)


@click.command(
    cls=RequestCommand,
    model="service.schemas.optimum:OptimumRequest",
    example="linear-rnn optimum --n-samples 100 --noise 0.5",
)
@data_option
def optimum(session: "Session", request: "OptimumRequest") -> Answer:
    """Find the exact global minimum of the cost."""
    from service.operations.optimum import find_optimum
    from service.schemas.base import encode

    response = find_optimum(request, session.resolve(request.dataset), session.limits)
    verdict = "The optimum is unique." if response.unique else "Other weights cost as little."
    if not response.attained:
        verdict = "No weights attain the lowest cost; it is approached at infinity."
    row = (response.weights.w_in, response.weights.w_rec, response.cost)
    return Answer(
        f"{verdict}\n\n{format_table(('w_in', 'w_rec', 'cost'), [row])}", encode(response)
    )


@click.command(epilog="\b\nExample:\n  linear-rnn optimizers")
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
    click.echo(encode(OPTIMIZER_LIST) if as_json else format_table(columns, rows))
