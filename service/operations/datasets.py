"""Store and describe datasets."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from typing import BinaryIO, Final

import numpy as np

from service import store
from service.engine.data import Dataset, Factor, Moments, Note, Precomputed, Series, Step
from service.engine.types import Array
from service.errors import NotFound
from service.formats import DATASET_FORMATS, DatasetFormat, SeriesColumns
from service.operations.shared.downloads import Download, make_etag
from service.operations.shared.ids import RESULT_VERSION, check_id
from service.operations.shared.limits import Limits
from service.operations.shared.work_estimates import data_pass_seconds
from service.scheduling.work import current_key
from service.schemas.datasets import DatasetPage, DatasetSummary, dataset_id
from service.schemas.resolved_datasets import (
    AnyDataset,
    DatasetSize,
    ResolvedDataset,
    ResolvedSeries,
)
from service.schemas.series import series_id
from service.store.rows import DatasetRow

PATH = "/v1/datasets"
# Values computed once per stored dataset, for every initial state. The names of the arrays contain
# the version of the results: arrays of another version are ignored.
MOMENTS: Final = f"moments_{RESULT_VERSION}"
FACTOR: Final = f"factor_{RESULT_VERSION}"
NAMES: Final = (MOMENTS, FACTOR)


def name_dataset(dataset: AnyDataset) -> str:
    """Return the id under which a dataset is stored."""
    if isinstance(dataset, ResolvedSeries):
        return series_id(dataset.series)
    return dataset_id(dataset.dataset.inputs, dataset.dataset.targets)


def store_dataset(
    dataset: AnyDataset, database: "store.Database", limits: Limits, name: str | None = None
) -> tuple[DatasetSummary, bool]:
    """Store a dataset under the hash of its arrays, with its reductions.

    Return its summary, and True if it was not stored before. ``name`` replaces its name.
    """
    if isinstance(dataset, ResolvedSeries):
        return _store_series(dataset.series, database, name)
    inputs, targets = dataset.dataset.inputs, dataset.dataset.targets
    new_id = name_dataset(dataset)
    with suppress(NotFound):
        return describe(_rename(store.datasets.get(database, new_id), name, database)), False
    extra_arrays = arrays_to_store(dataset.dataset, dataset.precomputed, limits)
    row, created = store.datasets.add(
        database, new_id, inputs, targets, extra_arrays, current_key.get()
    )
    return describe(_rename(row, name, database)), created


def arrays_to_store(
    dataset: Dataset, precomputed: Precomputed | None, limits: Limits
) -> dict[str, Array]:
    """Return the arrays to store with a dataset, so that training does not read its sequences.

    The factor is omitted if it is not small compared with the data, and both are omitted if
    computing them exceeds the time of a request.
    """
    size = DatasetSize(dataset.n_samples, dataset.n_steps, precomputed is not None)
    if data_pass_seconds(size) > limits.max_work_seconds:
        return {}
    inputs, targets = dataset.inputs, dataset.targets
    moments = precomputed.moments if precomputed else Moments.from_arrays(inputs, targets)
    arrays = {MOMENTS: np.concatenate(moments)}
    if Factor.is_small(*inputs.shape):
        arrays[FACTOR] = Factor.from_arrays(inputs, targets).rows
    return arrays


def from_stored_arrays(arrays: Mapping[str, Array], n_samples: int) -> Precomputed | None:
    """Return the precomputed values from stored arrays; None if the moments are missing."""
    moments, rows = map(arrays.get, NAMES)
    if moments is None:
        return None
    factor = None if rows is None else Factor(rows, n_samples)
    return Precomputed(Moments.from_array(moments), factor)


def _store_series(
    series: Series, database: "store.Database", name: str | None
) -> tuple[DatasetSummary, bool]:
    columns = {
        "inputs": series.input_names,
        "target": series.target_name,
        "step": series.step._asdict(),
        "n_targets": series.n_targets,
        "sequence_names": list(series.sequence_names) or None,
        "start_times": list(series.start_times) or None,
        **({"repairs": list(series.repairs)} if series.repairs else {}),
        **({"assumptions": [note._asdict() for note in series.notes]} if series.notes else {}),
    }
    row, created = store.datasets.add(
        database,
        series_id(series),
        series.inputs + 0.0,
        series.targets + 0.0,
        {"lengths": series.lengths},
        current_key.get(),
        columns,
    )
    if row.series != columns:  # the same numbers, from a table with other repairs
        row = store.datasets.change(database, row.id, series=columns)
    summary = describe(_rename(row, name, database))
    return summary.model_copy(update={"roles": ", ".join(series.roles) or None}), created


def _rename(row: DatasetRow, name: str | None, database: "store.Database") -> DatasetRow:
    return row if name in {None, row.name} else store.datasets.change(database, row.id, name=name)


def read_file(
    file_format: DatasetFormat, contents: bytes, limits: Limits, columns: SeriesColumns | None
) -> AnyDataset:
    """Read a dataset, or the columns of a series, from a file; raises errors of the format."""
    if columns is None or not columns.is_series:
        return ResolvedDataset.from_arrays(*file_format.read(contents, limits, columns))
    return ResolvedSeries.from_series(file_format.read_series(contents, columns, limits))


def read_notes(row: DatasetRow) -> tuple[Note, ...]:
    """Return what was noticed about the table of a stored series."""
    return tuple(Note(**each) for each in (row.series or {}).get("assumptions", ()))


def load_series(row: DatasetRow, database: "store.Database") -> Series:
    """Return a stored series; raises NotFound."""
    series = row.series or {}
    return Series(
        **store.arrays.load(database, row.id),  # the inputs, the targets and the lengths
        input_names=tuple(series["inputs"]),
        target_name=series["target"],
        step=Step(**series["step"]),
        sequence_names=tuple(series.get("sequence_names") or ()),
        start_times=tuple(series.get("start_times") or ()),
        repairs=tuple(series.get("repairs") or ()),
        roles=(),
        notes=read_notes(row),
    )


def get_dataset(identifier: str, database: "store.Database") -> DatasetSummary:
    """Describe a stored dataset; raises NotFound."""
    return describe(store.datasets.get(database, check_id("ds", identifier)))


def list_datasets(database: "store.Database", limit: int, cursor: str | None) -> DatasetPage:
    """Return one page of the stored datasets, newest first."""
    rows, next_cursor = store.datasets.list_page(database, limit, cursor)
    return DatasetPage(items=[describe(row) for row in rows], next_cursor=next_cursor)


def delete_dataset(identifier: str, database: "store.Database") -> None:
    """Delete a dataset; raises NotFound, and Conflict while a computation uses it."""
    store.datasets.delete(database, check_id("ds", identifier))


def dataset_file(identifier: str, suffix: str, database: "store.Database") -> Download:
    """Return a stored dataset in a file format; raises NotFound."""
    file_format = DATASET_FORMATS[suffix]
    row = store.datasets.get(database, check_id("ds", identifier))

    def write(file: BinaryIO) -> None:
        if row.series is None:
            stored = store.arrays.load(database, row.id, ("inputs", "targets"))
            file_format.write(stored["inputs"], stored["targets"], file)
        else:
            file_format.write_series(load_series(row, database), file)

    seconds = row.n_bytes // 8 * file_format.writing_seconds
    etag = make_etag(f"{PATH}/{row.id}.{suffix}", row.id)
    return Download(etag, seconds, write)


def describe(row: DatasetRow) -> DatasetSummary:
    """Return the summary of a stored dataset."""
    here = f"{PATH}/{row.id}"
    has_inputs = row.series is None or row.series["inputs"]
    own = {
        "kind": "explicit" if row.series is None else "series",
        "bytes": row.n_bytes,
        "input_range": {"low": row.input_min, "high": row.input_max} if has_inputs else None,
        "target_range": {"low": row.target_min, "high": row.target_max},
        "links": {"self": here, **{suffix: f"{here}.{suffix}" for suffix in DATASET_FORMATS}},
    }
    columns = {field.name: getattr(row, field.name) for field in fields(row)}
    series = row.series or {"n_targets": row.n_samples}
    return DatasetSummary.model_validate(columns | series | own)
