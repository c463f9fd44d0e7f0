"""Implementation of the commands by the use cases of HTTP.

These imports are slow, so the options and the --help of all commands are in other modules. The
use cases of commands other than fit are imported when these run. The database is opened, and
Matplotlib is imported, only for files that need them.
"""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from json import dumps, loads
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import click
import numpy as np

from service.cli import text
from service.cli.messages import explain, list_repairs, name_options
from service.cli.options import RequestOption, Values, is_standard
from service.cli.output import save, to_csv
from service.cli.session import Session, compute, open_session, read_data, refuse, show_progress
from service.engine.data import Series
from service.errors import Invalid, Malformed
from service.figures.formats import PICTURE_FORMATS
from service.formats.repairs import offer
from service.operations.computations import submit
from service.operations.computations.fits import FIT, SUFFIXES
from service.operations.computations.groups import fit_groups
from service.operations.datasets import name_dataset
from service.operations.shared.downloads import Download, Picture
from service.operations.shared.field_errors import validate
from service.operations.shared.flat import nest
from service.schemas.base import RequestModel, encode
from service.schemas.pictures import FitPictureOptions, PictureOptions
from service.schemas.resolved_datasets import AnyDataset
from service.store.rows import ComputationRow
from service.values.steps import find_times, list_times

ROLES: Final = {"time", "clock", "sequence"}
MAX_OFFERED: Final = 10  # targets in an error

# From the suffix of a file to write, and the options of a picture.
MakeFile: TypeAlias = Callable[[str, PictureOptions], Download | Picture]
Describe: TypeAlias = Callable[[text.Json], str]


class Task(NamedTuple):
    """The request of a command, and its computation."""

    model: type[RequestModel]
    suffixes: tuple[str, ...]  # of the files that it can write
    answer: Callable[[Any, Session], tuple[bytes, MakeFile]]  # as JSON, and as a file
    describe: Describe  # as text
    takes_series: bool = False
    style: type[PictureOptions] = PictureOptions  # the options of a picture


def _ask(name: str, describe: Describe) -> Task:
    """Return the task of a question."""
    question = resolve_name(f"service.operations.questions:{name}")

    def answer(request: Any, session: Session) -> tuple[bytes, MakeFile]:
        def make_file(suffix: str, options: PictureOptions) -> Any:
            drawn = request
            if question.picture_model is not None and suffix in PICTURE_FORMATS:
                given = request.model_dump(exclude_unset=True)
                drawn = question.picture_model.model_validate(given, extra="ignore")
            return asyncio.run(question.make_file(drawn, suffix, options, session))

        return asyncio.run(question.answer(request, session)), make_file

    suffixes = (*(PICTURE_FORMATS if question.draw else ()), *question.tables)
    return Task(question.request_model, suffixes, answer, describe)


def _compute(name: str, describe: Describe, style: type[PictureOptions] = PictureOptions) -> Task:
    """Return the task of a computation that HTTP stores."""
    job_type = resolve_name(f"service.operations.computations.{name}")

    def answer(request: Any, session: Session) -> tuple[bytes, MakeFile]:
        row, arrays = compute(job_type, request, session)

        def make_file(suffix: str, options: PictureOptions) -> Any:
            session.store(row, arrays)
            resources = resolve_name("service.operations.computations.resources:RESOURCES")
            files = next(each.files for each in resources if each.job_type is job_type)
            file = next(each for each in files if suffix in each.suffixes)
            return file.make(row, suffix, options, session)

        return submit.encode_inline(job_type, row, arrays), make_file

    return Task(job_type.request_model, SUFFIXES, answer, describe, job_type.takes_series, style)


def _forecast(request: Any, session: Session) -> tuple[bytes, MakeFile]:
    """Fit a series, and continue one of its sequences."""
    series = session.data.series  # type: ignore[union-attr]
    names = series.sequence_names or ("0",)
    name = session.params["of"] or names[-1]
    if name not in names or (session.params["of"] is None and len(names) > 1):
        raise click.UsageError(f"--of: name one of {', '.join(names)}")
    future = _read_future(series, names.index(name), session)
    row, arrays = compute(FIT, request, session)
    session.store(row, arrays)
    predict = resolve_name("service.operations.questions:PREDICT")
    model = {"kind": "fit", "id": row.id}
    body = {"model": model, "continue": {"sequence": names.index(name)}, **future}
    asked = validate(body, predict.request_model)
    json = asyncio.run(predict.answer(asked, session))

    def make_file(suffix: str, options: PictureOptions) -> Any:
        if asked.plans is None and suffix == "csv":
            return to_csv(text.forecast_columns(loads(json)))
        drawn = asked if suffix == "csv" else validate(body, predict.picture_model)
        return asyncio.run(predict.make_file(drawn, suffix, options, session))

    return json, make_file


def _fit(request: Any, session: Session) -> tuple[bytes, MakeFile]:
    """Fit a series, or with --by each of its sequences."""
    if session.params["by"] is None:
        return FIT_ONE.answer(request, session)
    names = session.data.series.labels  # type: ignore[union-attr]

    def fit(name: str) -> ComputationRow:
        dataset = request.dataset.model_copy(update={"sequence": name})
        one = request.model_copy(update={"dataset": dataset})
        return compute(FIT, one, session, is_shown=False)[0]

    with show_progress("groups", len(names), fit_groups(names, fit)) as bar:
        rows = [*bar]
    for row in rows:
        row["summary"] = name_options(row["summary"] or "", session.options)
    columns = {name: [row.get(name) for row in rows] for name in max(rows, key=len)}
    return dumps({"groups": rows}).encode(), lambda *_: to_csv(columns)


def _read_future(series: Series, sequence: int, session: Session) -> dict[str, Any]:
    """Return the future inputs of a sequence with a position, plans and a goal, as in a request."""
    names, params = series.input_names, session.params
    known = f"has the inputs {', '.join(names)}" if names else "has no inputs"
    for other in ("steps",) if names else ("future", "plan"):
        if params[other] is not None:
            raise click.UsageError(f"--{other}: does not apply, as the series {known}")
    parts = {
        option.pointer.removeprefix("/goal/"): params[str(option.name)]
        for option in session.options
        if option.form == "goal" and params[str(option.name)] is not None
    }
    goal = {"goal": parts} if parts else {}
    read = partial(_read_inputs, series, sequence, session)
    if not names:
        return {"inputs": [[[]] * int(params["steps"] or 1)], **goal}
    if params["plan"] is not None:
        plans = [
            {"name": Path(file.name).stem, "inputs": read(file, f"--plan {file.name}")}
            for file in params["plan"]
        ]
        return {"plans": plans, **goal}
    if params["future"] is None:
        raise click.UsageError(f"--future: give a table with the inputs {', '.join(names)}")
    return {"inputs": [read(params["future"], "--future")], **goal}


def _read_inputs(
    series: Series, sequence: int, session: Session, file: BinaryIO, source: str
) -> list[list[float]]:
    """Return the future inputs of a sequence in a file, a row per step; raises UsageError."""
    names = series.input_names
    # The first input is read as the target.
    chosen = {"target": names[0], "inputs": ",".join(names[1:])}
    columns = {key: session.columns[key] for key in session.columns.keys() - ROLES} | chosen
    try:
        future = read_data(file, session, columns).series
    except (Invalid, Malformed) as error:
        details = [each.detail for each in getattr(error, "errors", ())]
        raise click.UsageError(f"{source}: {(*details, error.detail)[0]}") from None
    _check_dates(series, sequence, future, source)
    rows: list[list[float]] = np.column_stack([future.targets, future.inputs]).tolist()
    return rows


def _check_dates(series: Series, sequence: int, future: Series, source: str) -> None:
    """Raise UsageError for future inputs with dates that do not continue a sequence."""
    starts = [*series.start_times[:1], *future.start_times[:1]]
    if [*map(type, starts)] != [str, str]:
        return
    places = (series, sequence, int(series.lengths[sequence])), (future, 0, 0)
    times = [
        (each.start_times, each.step, np.array([i]), np.array([step])) for each, i, step in places
    ]
    if find_times(*times[0]) != find_times(*times[1]):
        continues, begins = (list_times(*each)[0] for each in times)
        detail = f"the dates begin at {begins}, but the series continues at {continues}"
        raise click.UsageError(f"{source}: {detail}")


def _list_optimizers(*_: Any) -> tuple[bytes, MakeFile]:
    """List the optimizers."""
    return encode(resolve_name("service.schemas.optimizers:OPTIMIZER_LIST")), refuse


FIT_ONE: Final = _compute("fits:FIT", text.describe_fit, FitPictureOptions)
FILES: Final = (*PICTURE_FORMATS, "csv")
TASKS: Final[dict[str, Callable[[], Task]]] = {
    "train": lambda: _compute("training:TRAINING_RUN", text.describe_run),
    "fit": lambda: FIT_ONE._replace(answer=_fit, suffixes=(*PICTURE_FORMATS, "html", "csv")),
    "forecast": lambda: Task(FIT.request_model, FILES, _forecast, text.describe_forecast, True),
    "predict": lambda: _ask("PREDICT", text.describe_outputs)._replace(suffixes=("csv",)),
    "surface": lambda: _ask("COST_SURFACE", text.describe_surfaces),
    "trace": lambda: _ask("GRADIENT_TRACE", text.describe_traces),
    "optimizers": lambda: Task(RequestModel, (), _list_optimizers, text.describe_optimizers),
    "evaluate": lambda: _ask("EVALUATE", text.describe_evaluations),
    "optimum": lambda: _ask("OPTIMUM", text.describe_optimum),
}


def run_task(
    name: str, options: Sequence[RequestOption], params: Values, settings: Values, suffix: str
) -> None:
    """Print the response to the request of a command, and write a file if requested.

    Parameters
    ----------
    name
        The name of the command.
    options
        Its options.
    params
        Their values, and those of its arguments; None for those that are not given.
    settings
        Those that are set, by field name.
    suffix
        The format of the file ``out``.
    """
    task = TASKS[name]()
    data = params.get("data")
    out = params.get("out")
    source = "" if data is None else data.name.replace("<stdin>", "standard input")
    given = [option for option in options if params[str(option.name)] is not None]
    parts: defaultdict[str | None, dict[str, Any]] = defaultdict(dict)
    for option in given:
        parts[option.form][option.part] = params[str(option.name)]
    try:
        with open_session(options, params, settings) as session:
            request = _read_request(task, parts, session)
            style = validate(parts["style"], task.style)
            json, make_file = task.answer(request, session)
            _show_notes(session.data, session.columns)
            # The standard output has the file if that is requested.
            shown = json.decode() if params["json"] else task.describe(loads(json))
            click.echo(shown, err=is_standard(out))
            if out is not None:
                save(out, make_file(suffix, style), session.database)
    except Invalid as error:
        flags = {option.flag for option in given}
        raise click.UsageError(explain(error, options, flags, source)) from None
    except Malformed as error:
        raise click.UsageError(f"{source}: {name_options(str(error), options)}") from None


def _read_request(task: Task, parts: Mapping[str | None, dict[str, Any]], session: Session) -> Any:
    """Return the request of a command, after reading its file of data into the session."""
    body = nest(task.model, parts["request"])
    if session.params.get("sequences"):
        body["inputs"] = session.params["sequences"]
    data = session.params.get("data")
    if data is not None:
        session.columns = parts["columns"]
        if session.params.get("by") is not None:
            session.columns["sequence"] = session.params["by"]
        read = _read_table if task.takes_series else read_data
        session.data = read(data, session)
        body["dataset"] = {"kind": "stored", "id": name_dataset(session.data)}
    return validate(body, task.model)


def _read_table(file: BinaryIO, session: Session) -> AnyDataset:
    """Return the series in a file of data; a terminal prompts for a target that would be a guess.

    It raises Invalid, and UsageError without a terminal.
    """
    data = read_data(file, session, session.columns)
    guesses = [note for note in data.series.notes if note.slug == "target"]
    for note in guesses:
        names = [data.series.target_name, *data.series.input_names]
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            first = offer("target", names[0], names[0])
            advice = "; ".join(list_repairs([first, *note.repairs[:MAX_OFFERED]]))
            raise click.UsageError(f"--target: {note.sentence}; {advice}")
        choice = click.Choice(names)
        session.columns["target"] = click.prompt("target", names[0], type=choice, err=True)
        file.seek(0)
        data = read_data(file, session, session.columns)
    return data


def _show_notes(data: AnyDataset | None, columns: Mapping[str, Any]) -> None:
    """Print the roles of columns that were proposed, and what was noticed about the table."""
    if data is None:
        return
    if data.series.roles and not {"target", "inputs"} <= columns.keys():
        roles = ", ".join(data.series.roles)
        click.echo(f"{roles}; --target, --inputs, --time or --sequence to change", err=True)
    for note in data.series.notes:
        click.echo("; ".join([note.sentence, *list_repairs(note.repairs)]), err=True)
