"""The context of one command: a database that is deleted when the command ends."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from service.formats import CSV, DATASET_FORMATS, SeriesColumns
from service.formats.csv_layout import split_line
from service.operations.context import Context
from service.operations.datasets import read_file, store_dataset
from service.operations.downloads import Download
from service.operations.job_types import JobType, StepwiseComputation
from service.operations.limits import Limits
from service.operations.pictures import Picture
from service.operations.resolve import resolve_any
from service.operations.submit import compute, encode_inline, name_task
from service.scheduling import Scheduler
from service.schemas.computations import ComputationRequest
from service.store import computations
from service.store.database import Database
from service.store.rows import ComputationRow

# No other client shares this process. Pictures that would take a minute are approximated.
LIMITS: Final = Limits(max_work_seconds=60, max_sync_seconds=86_400, max_json_numbers=10**8)


@contextmanager
def open_session() -> Iterator["Session"]:
    """Yield a session with an empty database, which is deleted at the end."""
    with TemporaryDirectory(prefix="linear-rnn-") as directory:
        database = Database(f"sqlite:///{directory}/rnn.sqlite3")
        with closing(database):
            database.migrate()
            scheduler = Scheduler(n_cores=1, max_waiting=1)
            yield Session(database=database, limits=LIMITS, enqueue=_enqueue, scheduler=scheduler)


def _enqueue(*_: Any) -> None:
    """Enqueue nothing: a command computes everything itself."""


class Session(Context):
    """The context of the use cases of one command."""

    def store(self, path: Path, columns: Mapping[str, str | None]) -> dict[str, str]:
        """Store a file of data, and return what a request says of it; raises Invalid.

        With ``columns``, those that are given make a series.
        """
        file_format = DATASET_FORMATS.get(path.suffix[1:].lower(), CSV)
        names: dict[str, Any] = {name: value for name, value in columns.items() if value}
        if columns.get("inputs") is not None:
            names["inputs"] = tuple(filter(None, split_line(str(columns["inputs"]), ",")))
        series = SeriesColumns(**names) if columns else None
        dataset = read_file(file_format, path.read_bytes(), self.limits, series)
        return {"kind": "stored", "id": store_dataset(dataset, self.database, self.limits)[0].id}

    def compute(
        self, job_type: JobType[Any], request: ComputationRequest, **options: Any
    ) -> tuple[ComputationRow, bytes]:
        """Compute and store, with a progress bar if the terminal shows one.

        Return the row, and what HTTP returns with ``keep: false``. ``options`` are those of the
        computation, such as its stride.
        """
        dataset = resolve_any(request.dataset, self.database, self.limits)
        if job_type.complete is not None:
            request = job_type.complete(request, dataset)
        job_type.estimate(request, dataset.size, self.limits)
        label, total = job_type.kind.replace("_", " "), request.progress_total
        is_hidden = not sys.stderr.isatty()
        with click.progressbar(length=total, label=label, file=sys.stderr, hidden=is_hidden) as bar:

            def show(computation: StepwiseComputation) -> None:
                bar.update(computation.done - bar.pos)

            begin = partial(job_type.begin, **options)
            task = name_task(replace(job_type, begin=begin), request)
            row, arrays = compute(task, dataset, show)
        if request.dataset.n_given:
            store_dataset(dataset, self.database, self.limits)
        computations.record(self.database, row, arrays)
        return row, encode_inline(job_type, row, arrays)

    def draw(self, picture: Picture) -> bytes:
        """Return the bytes of a picture."""
        from service.rendering.draw import draw

        return draw(picture.prepare(self.database))


def save(path: Path, contents: bytes | Download) -> None:
    """Write a file, and say so on standard error."""
    with path.open("wb") as file:
        if isinstance(contents, Download):
            contents.write(file)
        else:
            file.write(contents)
    click.echo(f"wrote {path}", err=True)
