"""Implementation of the commands by the use cases of HTTP, and their options.

These imports are slow, so the --help of all commands is in `service.cli.computations`.
"""

import asyncio
import errno
import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from functools import cache
from json import loads
from os.path import samestat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import click

from service.api.field_errors import validate
from service.api.parameters import DatasetQuery
from service.cli import text
from service.cli.options import Form, read_value
from service.errors import Invalid, Malformed
from service.figures.formats import PICTURE_FORMATS
from service.formats import CSV, DATASET_FORMATS
from service.operations.computations import submit
from service.operations.computations.job_types import JobType, StepwiseComputation
from service.operations.computations.resources import RESOURCES
from service.operations.datasets import read_file, store_dataset
from service.operations.questions import QUESTIONS
from service.operations.shared.context import Context
from service.operations.shared.downloads import Download, Picture
from service.operations.shared.limits import Limits
from service.operations.shared.resolve import resolve_dataset
from service.rendering.draw import draw
from service.scheduling import Scheduler
from service.schemas.base import RequestModel, encode
from service.schemas.computations import ComputationRequest
from service.schemas.optimizers import OPTIMIZER_LIST
from service.schemas.pictures import PictureOptions
from service.store import computations
from service.store.database import Database
from service.store.rows import ComputationRow

# There are no other clients. Pictures that would take a minute are approximated.
LIMITS: Final = Limits(max_work_seconds=60, max_sync_seconds=86_400, max_json_numbers=10**8)

# From the suffix of a file to write, and the options of a picture.
MakeFile: TypeAlias = Callable[[str, PictureOptions], Download | Picture]
Answer: TypeAlias = Callable[[Any, Context], tuple[bytes, MakeFile]]


class Task(NamedTuple):
    """The request of a command, and its computation."""

    model: type[RequestModel]
    suffixes: tuple[str, ...]  # of the files that it can write
    answer: Answer  # as JSON, and as a file
    describe: Callable[[text.Json], str]  # as text
    takes_series: bool = False


def _ask(name: str, describe: Callable[[text.Json], str]) -> Task:
    """Return the task of a question."""
    question = next(question for question in QUESTIONS if question.name == name)

    def answer(request: Any, session: Context) -> tuple[bytes, MakeFile]:
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

    def answer(request: Any, session: Context) -> tuple[bytes, MakeFile]:
        row, json = _store(job_type, request, session)
        return json, lambda suffix, options: file.make(row, suffix, options, session)

    return Task(job_type.request_model, file.suffixes, answer, describe, job_type.takes_series)


TASKS: Final = {
    "train": _compute("train", text.describe_run),
    "fit": _compute("fit", text.describe_fit),
    "predict": _ask("predict", text.describe_outputs),
    "surface": _ask("compute_cost_surface", text.describe_surfaces),
    "trace": _ask("trace_gradients", text.describe_traces),
    "optimizers": Task(
        RequestModel, (), lambda *_: (encode(OPTIMIZER_LIST), _refuse), text.describe_optimizers
    ),
    "optimum": _ask("find_optimum", text.describe_optimum),
}


@cache
def make_forms(name: str, without: tuple[str, ...]) -> dict[str, Form]:
    """Return the options of a request, of a picture, and of a file with a series.

    Fields in ``without`` are not options.
    """
    task = TASKS[name]
    forms = {"request": Form(task.model, {"keep", *without})}
    if "png" in task.suffixes:
        forms["style"] = Form(PictureOptions)
    if task.takes_series:
        forms["columns"] = Form(DatasetQuery, {"kind", "name"})
    return forms


def derive_options(name: str, without: tuple[str, ...]) -> Iterator[click.Option]:
    """Yield the options of a task: those of the request, and of the output."""
    for form in make_forms(name, without).values():
        yield from (each.option for each in form.options.values())
    suffixes = ", ".join(TASKS[name].suffixes)
    if suffixes:
        path = click.Path(path_type=Path, dir_okay=False)
        help_text = f"Write a file: {suffixes}, as its name ends."
        yield click.Option(["--out"], metavar="FILE", type=path, help=help_text)
    help_text = "Print the response of the HTTP API, with keep: false."
    yield click.Option(["--json", "as_json"], is_flag=True, help=help_text)


def run_task(name: str, without: tuple[str, ...], params: dict[str, Any]) -> None:
    """Print the response to the request of a command, and write a file if requested."""
    task, forms = TASKS[name], make_forms(name, without)
    data, out = params.get("data"), params.get("out")
    given = {key for key, value in params.items() if value not in {None, ()}}
    if out is not None:
        _check_output(out, task.suffixes, data)
    parts = {part: form.take(params) for part, form in forms.items()}
    body = parts["request"]
    if params.get("sequences"):
        sequences = (sequence.split(",") for sequence in params["sequences"])
        body["inputs"] = [[*map(read_value, sequence)] for sequence in sequences]
    try:
        with _open_session() as session:
            if data is not None:
                if "dataset" in body:
                    raise Invalid("a file of data replaces generated data", "/dataset")
                body["dataset"] = _store_file(data, parts.get("columns"), session)
            request = validate(body, task.model)
            options = validate(parts.get("style", {}), PictureOptions)
            json, make_file = task.answer(request, session)
            click.echo(json.decode() if params["as_json"] else task.describe(loads(json)))
            if out is not None:
                _save(out, make_file(out.suffix[1:], options), session)
    except Invalid as error:
        raise click.UsageError(_explain(error, forms, given)) from None
    except Malformed as error:
        source = "" if data is None else f"{data.name}: "
        raise click.UsageError(f"{source}{error}") from None


def _check_output(out: Path, suffixes: Collection[str], data: BinaryIO | None) -> None:
    """Raise an error for a file that cannot be written, before the work for it."""
    if out.suffix[1:] not in suffixes:
        raise click.UsageError(f"--out: {out} must end in one of {', '.join(suffixes)}")
    is_new = not out.exists()
    if not out.parent.is_dir():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(out))
    if not os.access(out.parent if is_new else out, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(out))
    if data is not None and not is_new and samestat(os.fstat(data.fileno()), out.stat()):
        raise click.UsageError(f"--out: {out} is the file of data, which would be overwritten")


def _explain(error: Invalid, forms: dict[str, Form], given: Collection[str]) -> str:
    """Return the message of an error, with the option."""
    if not error.errors:
        return error.detail
    first = error.errors[0]
    if first.parameter is not None:
        return f"--{first.parameter}: {first.detail}"
    pointer = first.pointer or ""
    for form in forms.values():
        option = form.find_option(pointer, given)
        if option is not None:
            return f"{option.opts[0]}: {first.detail.replace('an object', str(option.metavar))}"
    return f"{pointer[1:] or 'options'}: {first.detail}"


@contextmanager
def _open_session() -> Iterator[Context]:
    """Yield the context of use cases with an empty database, which is deleted at the end."""
    with TemporaryDirectory(prefix="linear-rnn-") as directory:
        database = Database(f"sqlite:///{directory}/rnn.sqlite3")
        with closing(database):
            database.migrate()
            scheduler = Scheduler(n_cores=1, max_waiting=1)
            yield Context(database=database, limits=LIMITS, enqueue=_refuse, scheduler=scheduler)


def _refuse(*_: Any) -> Any:
    raise AssertionError("a command computes everything itself")


def _store_file(file: BinaryIO, columns: dict[str, Any] | None, session: Context) -> dict[str, str]:
    """Store a file of data, and return its dataset in a request; raises Invalid.

    With ``columns``, as in the query of an upload, it contains a series.
    """
    content = file.read()
    if not content:
        raise Malformed("no data")
    file_format = DATASET_FORMATS.get(Path(file.name).suffix[1:].lower(), CSV)
    kind = {} if columns is None else {"kind": "series"}
    series = validate(kind | (columns or {}), DatasetQuery).to_columns()
    dataset = read_file(file_format, content, session.limits, series)
    return {"kind": "stored", "id": store_dataset(dataset, session.database, session.limits)[0].id}


def _store(
    job_type: JobType[Any], request: ComputationRequest, session: Context
) -> tuple[ComputationRow, bytes]:
    """Compute and store, with a progress bar on a terminal.

    Return the row, and the response of HTTP with ``keep: false``.
    """
    dataset = resolve_dataset(request.dataset, session.database, session.limits)
    if job_type.complete is not None:
        request = job_type.complete(request, dataset)
    job_type.estimate(request, dataset.size, session.limits)
    with click.progressbar(
        length=request.progress_total,
        label=job_type.kind.replace("_", " "),
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:

        def show(computation: StepwiseComputation) -> None:
            bar.update(computation.done - bar.pos)

        row, arrays = submit.compute(submit.name_task(job_type, request), dataset, show)
    computations.record(session.database, row, arrays)
    return row, submit.encode_inline(job_type, row, arrays)


def _save(path: Path, contents: Download | Picture, session: Context) -> None:
    """Write a file, and report it on standard error."""
    try:
        with path.open("wb") as file:
            if isinstance(contents, Download):
                contents.write(file)
            else:
                file.write(draw(contents.prepare(session.database)).contents)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    click.echo(f"wrote {path}", err=True)
