"""What the commands compute, with the use cases of HTTP, and what they print of it."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from service.cli.fit_text import describe_fit
from service.cli.session import compute
from service.cli.text import format_number, format_table
from service.figures.formats import PICTURE_FORMATS
from service.operations.context import Context
from service.operations.downloads import Download, Picture
from service.operations.fits import FIT, fit_csv
from service.operations.job_types import JobType
from service.operations.pictures import fit_picture, trajectory_picture
from service.operations.questions import QUESTIONS
from service.operations.training import TRAINING_RUN, trajectory_csv
from service.schemas.base import RequestModel
from service.schemas.pictures import PictureOptions

Json: TypeAlias = dict[str, Any]
MakeFile: TypeAlias = Callable[[str, PictureOptions], Download | Picture]  # from a suffix

ENDS: Final = {
    "target_reached": "The cost reached its target after {} iterations.",
    "iterations_exhausted": "The run ended after {} iterations.",
    "diverged": "The run diverged after {} iterations: a weight is no longer finite.",
}


class Task(NamedTuple):
    """A request that a command answers."""

    model: type[RequestModel]
    suffixes: tuple[str, ...]  # of the files that it can write
    answer: Callable[[Any, Context], tuple[bytes, MakeFile]]  # from a request
    describe: Callable[[Json], str]  # as text
    takes_series: bool = False


def _ask(name: str, describe: Callable[[Json], str]) -> Task:
    """Return the task that answers a question."""
    question = next(question for question in QUESTIONS if question.name == name)

    def answer(request: Any, session: Context) -> tuple[bytes, MakeFile]:
        def make_file(suffix: str, options: PictureOptions) -> Download | Picture:
            asked = request
            if question.picture_model is not None and suffix in PICTURE_FORMATS:
                given = request.model_dump(exclude_unset=True)
                asked = question.picture_model.model_validate(given, extra="ignore")
            return asyncio.run(question.make_file(asked, suffix, options, session))

        return asyncio.run(question.answer(request, session)), make_file

    suffixes = (*(PICTURE_FORMATS if question.draw else ()), *question.tables)
    return Task(question.request_model, suffixes, answer, describe)


def _compute(
    job_type: JobType[Any],
    picture: Callable[..., Picture],
    table: Callable[..., Download],
    describe: Callable[[Json], str],
) -> Task:
    """Return the task that computes what HTTP stores."""

    def answer(request: Any, session: Context) -> tuple[bytes, MakeFile]:
        row, json = compute(job_type, request, session)

        def make_file(suffix: str, options: PictureOptions) -> Download | Picture:
            if suffix == "csv":
                return table(row, session.database)
            return picture(row, options, suffix, session.limits)

        return json, make_file

    suffixes = (*PICTURE_FORMATS, "csv")
    return Task(job_type.request_model, suffixes, answer, describe, job_type.takes_series)


def _describe_run(run: Json) -> str:
    """Return how a run ended, and its first, its last and the lowest cost."""
    end = ENDS[run["outcome"]].format(run["iterations"])
    if run["gap_to_optimum"] is not None:
        end += f" Its cost is {format_number(run['gap_to_optimum'])} above the lowest possible."
    rows = [
        (name, *run[name]["weights"].values(), run[name]["cost"])
        for name in ("initial", "final", "optimum")
        if run[name] is not None
    ]
    return f"{end}\n\n{format_table(('', 'w_in', 'w_rec', 'cost'), rows)}"


def _describe_outputs(answer: Json) -> str:
    return format_table(("sequence", "output"), [*enumerate(answer["outputs"])])


def _describe_surfaces(answer: Json) -> str:
    """Return the lowest cost on the grid of every window."""
    rows = []
    for window in answer["windows"]:
        spans = (f"{axis[0]:g}:{axis[-1]:g}" for axis in (window["w_in"], window["w_rec"]))
        minimum = window["minimum"]
        rows.append((*spans, *minimum["weights"].values(), minimum["cost"]))
    return format_table(("w_in", "w_rec", "lowest at w_in", "w_rec", "cost"), rows)


def _describe_traces(answer: Json) -> str:
    """Return what becomes of the gradient at every point."""
    rows = []
    for trace in answer["traces"]:
        gradient = trace["gradient"]
        growth = trace["growth_per_step"]
        rows.append((trace["regime"], *trace["point"].values(), growth, gradient[-1], gradient[0]))
    columns = ("gradient", "w_in", "w_rec", "growth per step", "at the output", "at the start")
    return format_table(columns, rows)


def _describe_optimum(answer: Json) -> str:
    """Return whether there is an optimum, and where."""
    verdict = "The optimum is unique." if answer["unique"] else "Other weights cost as little."
    if not answer["attained"]:
        verdict = "No weights attain the lowest cost; it is approached at infinity."
    row = (*answer["weights"].values(), answer["cost"])
    return f"{verdict}\n\n{format_table(('w_in', 'w_rec', 'cost'), [row])}"


TASKS: Final = {
    "train": _compute(TRAINING_RUN, trajectory_picture, trajectory_csv, _describe_run),
    "fit": _compute(FIT, fit_picture, fit_csv, describe_fit),
    "predict": _ask("predict", _describe_outputs),
    "surface": _ask("compute_cost_surface", _describe_surfaces),
    "trace": _ask("trace_gradients", _describe_traces),
    "optimum": _ask("find_optimum", _describe_optimum),
}
