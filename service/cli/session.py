"""The context of one command: a database that is deleted when the command ends."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from service.api.field_errors import validate
from service.api.query_params import DatasetQuery
from service.formats import CSV, DATASET_FORMATS
from service.operations import submit
from service.operations.context import Context
from service.operations.datasets import read_file, store_dataset
from service.operations.downloads import Download, Picture
from service.operations.job_types import JobType, StepwiseComputation
from service.operations.limits import Limits
from service.operations.resolve import resolve_dataset
from service.scheduling import Scheduler
from service.schemas.computations import ComputationRequest
from service.store import computations
from service.store.database import Database
from service.store.rows import ComputationRow

# No other client shares this process. Pictures that would take a minute are approximated.
LIMITS: Final = Limits(max_work_seconds=60, max_sync_seconds=86_400, max_json_numbers=10**8)


@contextmanager
def open_session() -> Iterator[Context]:
    """Yield the context of use cases with an empty database, which is deleted at the end."""
    with TemporaryDirectory(prefix="linear-rnn-") as directory:
        database = Database(f"sqlite:///{directory}/rnn.sqlite3")
        with closing(database):
            database.migrate()
            scheduler = Scheduler(n_cores=1, max_waiting=1)
            yield Context(database=database, limits=LIMITS, enqueue=_refuse, scheduler=scheduler)


def _refuse(*_: Any) -> None:
    raise AssertionError("a command computes everything itself")


def store_file(path: Path, columns: dict[str, Any] | None, session: Context) -> dict[str, str]:
    """Store a file of data, and return what a request says of it; raises Invalid.

    With ``columns``, those of the query of an upload, it has a series.
    """
    file_format = DATASET_FORMATS.get(path.suffix[1:].lower(), CSV)
    kind = {} if columns is None else {"kind": "series"}
    series = validate(kind | (columns or {}), DatasetQuery).to_columns()
    dataset = read_file(file_format, path.read_bytes(), session.limits, series)
    return {"kind": "stored", "id": store_dataset(dataset, session.database, session.limits)[0].id}


def compute(
    job_type: JobType[Any], request: ComputationRequest, session: Context
) -> tuple[ComputationRow, bytes]:
    """Compute and store, with a progress bar if the terminal shows one.

    Return the row, and what HTTP returns with ``keep: false``.
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


def save(path: Path, contents: Download | Picture, session: Context) -> None:
    """Write a file, and say so on standard error."""
    from service.rendering.draw import draw

    with path.open("wb") as file:
        if isinstance(contents, Download):
            contents.write(file)
        else:
            file.write(draw(contents.prepare(session.database)))
    click.echo(f"wrote {path}", err=True)
