"""The context of the use cases of one command: its limits, its database and its data."""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final

import click

from service import store
from service.cli.options import RequestOption, Values
from service.errors import Malformed
from service.formats import CSV, DATASET_FORMATS
from service.formats.queries import DatasetQuery
from service.operations.computations import submit
from service.operations.computations.job_types import Arrays, JobType, StepwiseComputation
from service.operations.datasets import read_file, store_dataset
from service.operations.shared.context import Context
from service.operations.shared.field_errors import validate
from service.operations.shared.limits import Limits
from service.operations.shared.resolve import choose_sequence
from service.scheduling.scheduler import Scheduler
from service.schemas.computations import ComputationRequest
from service.schemas.datasets import DatasetKind, StoredDataset
from service.schemas.resolved_datasets import AnyDataset
from service.store.rows import ComputationRow

# There are no other clients. Pictures that would take a minute are approximated.
LIMITS: Final[dict[str, Any]] = {
    "max_work_seconds": 60,
    "max_sync_seconds": 86_400,
    "max_json_numbers": 10**8,
}


@dataclass(kw_only=True)
class Session(Context):
    """The context of the use cases of one command, whose data are not stored before its files."""

    options: Sequence[RequestOption]  # of the command
    params: Values  # of the command
    data: AnyDataset | None = None
    columns: dict[str, Any] = field(default_factory=dict)  # of a table

    def store(self, row: ComputationRow, arrays: Arrays) -> None:
        """Store the data and a computation."""
        self.database.migrate()
        if self.data is not None:
            store_dataset(self.data, self.database, self.limits)
        store.computations.record(self.database, row, arrays)

    async def resolve(self, source: DatasetKind) -> AnyDataset:
        """Return the data of the command, or one of their sequences, or a generated dataset."""
        if self.data is not None and isinstance(source, StoredDataset):
            return choose_sequence(self.data, source)
        return await super().resolve(source)


@contextmanager
def open_session(
    options: Sequence[RequestOption], params: Values, settings: Values
) -> Iterator[Session]:
    """Yield the context of use cases. Its database is empty, and is deleted at the end."""
    with TemporaryDirectory(prefix="linear-rnn-") as directory, ExitStack() as stack:
        url = f"sqlite:///{directory}/rnn.sqlite3"
        yield Session(
            open_database=lambda: stack.enter_context(closing(store.Database(url))),
            limits=Limits(**{**LIMITS, **settings}),
            enqueue=refuse,
            scheduler=Scheduler(n_cores=1, max_waiting=1),
            options=options,
            params=params,
        )


def refuse(*_: Any) -> Any:
    """Raise AssertionError: a command has no queue, and a task without files writes none."""
    raise AssertionError("a command computes everything itself")


def read_data(
    file: BinaryIO, session: Session, columns: dict[str, Any] | None = None
) -> AnyDataset:
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


def show_progress(
    label: str, length: int, items: Iterable[Any] | None = None, *, is_shown: bool = True
) -> Any:
    """Return a progress bar on a terminal, over items if they are given."""
    hidden = not (is_shown and sys.stderr.isatty())
    return click.progressbar(items, length, label, file=sys.stderr, hidden=hidden)


def compute(
    job_type: JobType[Any], request: ComputationRequest, session: Session, *, is_shown: bool = True
) -> tuple[ComputationRow, Arrays]:
    """Compute, with a progress bar on a terminal; return the row and the arrays."""
    dataset = asyncio.run(session.resolve(request.dataset))
    if job_type.complete is not None:
        request = job_type.complete(request, dataset)
    job_type.estimate(request, dataset.size, session.limits)
    label = job_type.kind.replace("_", " ")
    with show_progress(label, request.progress_total, is_shown=is_shown) as bar:

        def show(computation: StepwiseComputation) -> None:
            bar.update(computation.done - bar.pos)

        return submit.compute(submit.name_task(job_type, request), dataset, show)
