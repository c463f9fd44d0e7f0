"""Implementation of the commands by the use cases of HTTP.

These imports are slow, so the options and the --help of all commands are in other modules. The
database is opened, and Matplotlib is imported, only for files that need them.
"""

import asyncio
import csv
import errno
import io
import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from json import dumps, loads
from os.path import samestat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import click
import numpy as np
from pydantic import BaseModel

from service.api.field_errors import validate
from service.api.parameters import DatasetQuery
from service.cli import text
from service.cli.options import RequestOption, name_options
from service.errors import Invalid, Malformed
from service.figures.formats import PICTURE_FORMATS
from service.formats import CSV, DATASET_FORMATS
from service.operations.computations import submit
from service.operations.computations.fits import FIT
from service.operations.computations.groups import fit_groups
from service.operations.computations.job_types import Arrays, JobType, StepwiseComputation
from service.operations.computations.resources import RESOURCES
from service.operations.datasets import name_dataset, read_file, store_dataset
from service.operations.questions import QUESTIONS
from service.operations.questions.predict import PREDICT
from service.operations.shared.context import Context
from service.operations.shared.downloads import Download, Picture
from service.operations.shared.flat import find_option, nest
from service.operations.shared.limits import Limits
from service.scheduling.scheduler import Scheduler
from service.schemas.base import RequestModel, encode
from service.schemas.computations import ComputationRequest
from service.schemas.datasets import AnyDatasetSource, StoredDataset
from service.schemas.optimizers import OPTIMIZER_LIST
from service.schemas.pictures import PictureOptions
from service.schemas.predict import PredictRequest
from service.schemas.resolved_datasets import AnyDataset
from service.settings import load_settings
from service.store import computations
from service.store.database import Database
from service.store.rows import ComputationRow

# There are no other clients. Pictures that would take a minute are approximated.
LIMITS: Final[dict[str, Any]] = {
    "max_work_seconds": 60,
    "max_sync_seconds": 86_400,
    "max_json_numbers": 10**8,
}
ROLES: Final = {"time", "sequence"}

# From the suffix of a file to write, and the options of a picture.
MakeFile: TypeAlias = Callable[[str, PictureOptions], Download | Picture]
Answer: TypeAlias = Callable[[Any, "Session"], tuple[bytes, MakeFile]]


@dataclass(kw_only=True)
class Session(Context):
    """The context of the use cases of one command, whose data are not stored before its files."""

    data: AnyDataset | None = None
    columns: dict[str, Any] = field(default_factory=dict)  # of a table
    params: dict[str, Any] = field(default_factory=dict)  # of the command
    options: Sequence[RequestOption] = ()  # of the command

    def store(self, row: ComputationRow, arrays: Arrays) -> None:
        """Store the data and a computation."""
        self.database.migrate()
        if self.data is not None:
            store_dataset(self.data, self.database, self.limits)
        computations.record(self.database, row, arrays)

    async def resolve(self, source: AnyDatasetSource) -> AnyDataset:
        """Return the data of the command, or a generated dataset."""
        if self.data is not None and isinstance(source, StoredDataset):
            return self.data
        return await super().resolve(source)


class Task(NamedTuple):
    """The request of a command, and its computation."""

    model: type[RequestModel]
    suffixes: tuple[str, ...]  # of the files that it can write
    answer: Answer  # as JSON, and as a file
    describe: Callable[[text.Json], str]  # as text
    takes_series: bool = False
    style: type[PictureOptions] = PictureOptions  # the options of a picture

    @property
    def forms(self) -> dict[str, type[BaseModel]]:
        """The models of the options: of the request, of a picture, and of a table."""
        forms: dict[str, type[BaseModel]] = {"request": self.model}
        if "png" in self.suffixes:
            forms["style"] = self.style
        if self.takes_series:
            forms["columns"] = DatasetQuery
        return forms


def _ask(name: str, describe: Callable[[text.Json], str]) -> Task:
    """Return the task of a question."""
    question = next(question for question in QUESTIONS if question.name == name)

    def answer(request: Any, session: Session) -> tuple[bytes, MakeFile]:
        def make_file(suffix: str, options: PictureOptions) -> Download | Picture:
            drawn = request
            if question.picture_model is not None and suffix in PICTURE_FORMATS:
                given = request.model_dump(exclude_unset=True)
                drawn = question.picture_model.model_validate(given, extra="ignore")
            return asyncio.run(question.make_file(drawn, suffix, options, session))

        return asyncio.run(question.answer(request, session)), make_file

    suffixes = (*(PICTURE_FORMATS if question.draw else ()), *question.tables)
    return Task(question.request_model, suffixes, answer, describe)


def _compute(name: str, describe: Callable[[text.Json], str]) -> Task:
    """Return the task of a computation that HTTP stores."""
    resource = next(resource for resource in RESOURCES if resource.name == name)
    job_type, file = resource.job_type, resource.files[0]

    def answer(request: Any, session: Session) -> tuple[bytes, MakeFile]:
        row, arrays = _run(job_type, request, session)

        def make_file(suffix: str, options: PictureOptions) -> Download | Picture:
            session.store(row, arrays)
            return file.make(row, suffix, options, session)

        return submit.encode_inline(job_type, row, arrays), make_file

    model, takes_series = job_type.request_model, job_type.takes_series
    return Task(model, file.suffixes, answer, describe, takes_series, file.options)


def _forecast(request: Any, session: Session) -> tuple[bytes, MakeFile]:
    """Fit a series, and continue one of its sequences."""
    series = session.data.series  # type: ignore[union-attr]
    names = series.sequence_names or ("0",)
    name = session.params["of"] or names[-1]
    if name not in names or (session.params["of"] is None and len(names) > 1):
        raise click.UsageError(f"--of: name one of {', '.join(names)}")
    future = _read_future(series.input_names, session)
    row, arrays = _run(FIT, request, session)
    session.store(row, arrays)
    continued = {"sequence": names.index(name)}
    body = {"model": {"kind": "fit", "id": row.id}, "continue": continued}
    body["inputs"] = [future]
    json = asyncio.run(PREDICT.answer(validate(body, PredictRequest), session))

    return json, lambda *_: _to_csv(text.forecast_columns(loads(json)))


def _to_csv(columns: Mapping[str, Sequence[Any]]) -> Download:
    """Return a table of numbers and texts as a file."""

    def write(file: BinaryIO) -> None:
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        file.write(table.getvalue().encode())

    return Download("", 0.0, write)


def _fit(request: Any, session: Session) -> tuple[bytes, MakeFile]:
    """Fit a series, or with --by each of its sequences."""
    if session.params["by"] is None:
        return FIT_ONE.answer(request, session)
    series = session.data.series  # type: ignore[union-attr]

    def fit(group: AnyDataset) -> ComputationRow:
        session.data = group
        return _run(FIT, request, session, is_shown=False)[0]

    with _show_progress("groups", len(series.lengths), fit_groups(series, fit)) as bar:
        rows = [{**row, "summary": name_options(row["summary"], session.options)} for row in bar]
    columns = {name: [row.get(name) for row in rows] for name in max(rows, key=len)}
    return dumps({"groups": rows}).encode(), lambda *_: _to_csv(columns)


def _read_future(names: Sequence[str], session: Session) -> list[list[float]]:
    """Return the future inputs, a row per step."""
    if not names:
        return [[]] * int(session.params["steps"])
    if session.params["future"] is None:
        raise click.UsageError(f"--future: give a table with the inputs {', '.join(names)}")
    # The first input is read as the target.
    chosen = {"target": names[0], "inputs": ",".join(names[1:])}
    columns = {key: session.columns[key] for key in session.columns.keys() - ROLES} | chosen
    try:
        series = _read_file(session.params["future"], columns, session).series
    except Invalid as error:
        raise click.UsageError(f"--future: {error.errors[0].detail}") from None
    rows: list[list[float]] = np.column_stack([series.targets, series.inputs]).tolist()
    return rows


FIT_ONE: Final = _compute("fit", text.describe_fit)
TASKS: Final = {
    "train": _compute("train", text.describe_run),
    "fit": FIT_ONE._replace(answer=_fit),
    "forecast": Task(FIT.request_model, ("csv",), _forecast, text.describe_forecast, True),
    "predict": _ask("predict", text.describe_outputs),
    "surface": _ask("compute_cost_surface", text.describe_surfaces),
    "trace": _ask("trace_gradients", text.describe_traces),
    "optimizers": Task(
        RequestModel, (), lambda *_: (encode(OPTIMIZER_LIST), _refuse), text.describe_optimizers
    ),
    "evaluate": _ask("evaluate", text.describe_evaluations),
    "optimum": _ask("find_optimum", text.describe_optimum),
}


def run_task(name: str, options: Sequence[RequestOption], params: dict[str, Any]) -> None:
    """Print the response to the request of a command, and write a file if requested."""
    task = TASKS[name]
    data = params.get("data")
    out = params.get("out")
    source = "" if data is None else data.name.replace("<stdin>", "standard input")
    suffixes = task.suffixes[-1:] if params.get("by") else task.suffixes  # of one table
    if out is not None:
        _check_output(out, suffixes, data)
    given = [option for option in options if params[str(option.name)] is not None]
    parts: dict[str, dict[str, Any]] = {form: {} for form in task.forms}
    for option in given:
        parts[option.form][option.part] = params[str(option.name)]
    try:
        with _open_session() as session:
            session.params, session.options = params, options
            request = _read_request(task, parts, session)
            style = validate(parts.get("style", {}), task.style)
            json, make_file = task.answer(request, session)
            if not {"target", "inputs"} <= session.columns.keys():
                _show_roles(session.data)
            # The standard output has the file if that is requested.
            shown = json.decode() if params["as_json"] else task.describe(loads(json))
            click.echo(shown, err=_is_standard(out))
            if out is not None:
                _save(out, make_file(_suffix(out, suffixes), style), session)
    except Invalid as error:
        flags = {option.flag for option in given} | ({"--by"} if params.get("by") else set())
        raise click.UsageError(_explain(error, options, flags, source)) from None
    except Malformed as error:
        raise click.UsageError(f"{source}: {name_options(str(error), options)}") from None


def _read_request(task: Task, parts: dict[str, dict[str, Any]], session: Session) -> Any:
    """Return the request of a command, after reading its file of data into the session."""
    body = nest(task.model, parts["request"])
    if session.params.get("sequences"):
        body["inputs"] = session.params["sequences"]
    data = session.params.get("data")
    by = session.params.get("by")
    if by is not None:
        if "sequence" in parts["columns"]:
            raise click.UsageError("--by: replaces --sequence")
        parts["columns"]["sequence"] = by
    if data is not None:
        if "dataset" in body:
            raise Invalid("a file of data replaces generated data", "/dataset")
        session.columns = parts.get("columns", {})
        session.data = _read_file(data, parts.get("columns"), session)
        body["dataset"] = {"kind": "stored", "id": name_dataset(session.data)}
    return validate(body, task.model)


def _show_roles(data: AnyDataset | None) -> None:
    """Print the roles of columns that were proposed."""
    if data is not None and data.series.roles:
        roles = ", ".join(data.series.roles)
        click.echo(f"{roles}; --target, --inputs, --time or --sequence to change", err=True)


def _suffix(out: Path, suffixes: Sequence[str]) -> str:
    """Return the suffix of a file to write; that of a table for the standard output."""
    return suffixes[-1] if out.name == "-" else out.suffix[1:]


def _is_standard(out: Path | None) -> bool:
    """Return True for the standard output: ``-``, or ``-.png`` for a picture."""
    return out is not None and out.stem == "-"


def _check_output(out: Path, suffixes: Sequence[str], data: BinaryIO | None) -> None:
    """Raise an error for a file that cannot be written, before the work for it."""
    if _suffix(out, suffixes) not in suffixes:
        raise click.UsageError(f"--out: {out} must end in {' or '.join(suffixes)}")
    if _is_standard(out):
        return
    is_new = not out.exists()
    if not out.parent.is_dir():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(out))
    if not os.access(out.parent if is_new else out, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(out))
    if data is not None and not is_new and samestat(os.fstat(data.fileno()), out.stat()):
        raise click.UsageError(f"--out: {out} is the file of data, which would be overwritten")


def _explain(
    error: Invalid, options: Sequence[RequestOption], given: Collection[str], source: str
) -> str:
    """Return the message of an error, with the option or the file that it is about."""
    if not error.errors:
        return name_options(error.detail, options)
    first = error.errors[0]
    pointer = first.pointer or ""
    pointers = {option.flag: option.pointer for option in options if option.form != "columns"}
    flag = (first.parameter and f"--{first.parameter}") or find_option(pointer, pointers, given)
    if flag == "--sequence" and "--by" in given:
        flag = "--by"
    known = [option.flag for option in options if option.part in first.members.get("known", ())]
    if first.detail.startswith("Unknown field"):
        return f"{flag}: does not apply; the options that do are {', '.join(known)}"
    metavar = next((option.metavar for option in options if option.flag == flag), None)
    detail = name_options(first.detail.replace("an object", str(metavar)), options)
    repairs = map(_to_options, first.members.get("repairs") or ())
    others = " or ".join(repair for repair in repairs if repair not in detail)
    advice = f"; add {others}" if others else ""
    return f"{flag or source or pointer[1:]}: {detail}{advice}"


def _to_options(repair: dict[str, Any]) -> str:
    """Return the options of a repair."""
    pairs = repair["query"].items()
    return shlex.join(each for name, value in pairs for each in (f"--{name}", str(value)))


@contextmanager
def _open_session() -> Iterator[Session]:
    """Yield the context of use cases. Its database is empty, and is deleted at the end."""
    settings = load_settings().model_dump(include={*Limits.model_fields}, exclude_unset=True)
    with TemporaryDirectory(prefix="linear-rnn-") as directory:
        database = Database(f"sqlite:///{directory}/rnn.sqlite3")
        with closing(database):
            yield Session(
                database=database,
                limits=Limits(**{**LIMITS, **settings}),
                enqueue=_refuse,
                scheduler=Scheduler(n_cores=1, max_waiting=1),
            )


def _refuse(*_: Any) -> Any:
    raise AssertionError("a command computes everything itself")


def _read_file(file: BinaryIO, columns: dict[str, Any] | None, session: Session) -> AnyDataset:
    """Return the dataset in a file of data; raises Invalid.

    With ``columns``, as in the query of an upload, it contains a series.
    """
    content = file.read()
    if not content:
        raise Malformed("no data")
    file_format = DATASET_FORMATS.get(Path(file.name).suffix[1:].lower(), CSV)
    query = {} if columns is None else {"kind": "series", "roles": "proposed", **columns}
    series = validate(query, DatasetQuery).to_series_columns()
    return read_file(file_format, content, session.limits, series)


def _show_progress(
    label: str, length: int, items: Iterable[Any] | None = None, *, is_shown: bool = True
) -> Any:
    """Return a progress bar on a terminal, over items if they are given."""
    hidden = not (is_shown and sys.stderr.isatty())
    return click.progressbar(items, length, label, file=sys.stderr, hidden=hidden)


def _run(
    job_type: JobType[Any], request: ComputationRequest, session: Session, *, is_shown: bool = True
) -> tuple[ComputationRow, Arrays]:
    """Compute, with a progress bar on a terminal; return the row and the arrays."""
    dataset = asyncio.run(session.resolve(request.dataset))
    if job_type.complete is not None:
        request = job_type.complete(request, dataset)
    job_type.estimate(request, dataset.size, session.limits)
    label = job_type.kind.replace("_", " ")
    with _show_progress(label, request.progress_total, is_shown=is_shown) as bar:

        def show(computation: StepwiseComputation) -> None:
            bar.update(computation.done - bar.pos)

        return submit.compute(submit.name_task(job_type, request), dataset, show)


def _save(path: Path, contents: Download | Picture, session: Context) -> None:
    """Write a file, and report it on standard error."""
    try:
        with nullcontext(sys.stdout.buffer) if _is_standard(path) else path.open("wb") as file:
            if isinstance(contents, Download):
                contents.write(file)
            else:
                from service.rendering.draw import draw

                file.write(draw(contents.prepare(session.database)).contents)
    except OSError as error:
        names = () if _is_standard(path) else (str(path),)
        raise OSError(error.errno, error.strerror, *names) from None
    if not _is_standard(path):
        click.echo(f"wrote {path}", err=True)
