"""Datasets: inputs and targets under the hash of their content. Only names can be changed."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete as delete_from
from sqlalchemy import select, update

from service.errors import Conflict, NotFound
from service.store import arrays
from service.store.database import Database
from service.store.errors import ConstraintError
from service.store.rows import DatasetRow, JsonObject
from service.store.tables import computations, datasets, fetch_page, get_row, insert
from service.values.array_codec import AnyArray

Array = NDArray[np.float64]

MAX_REFERRERS: Final = 10


def add(
    database: Database,
    dataset_id: str,
    inputs: Array,
    targets: Array,
    extra_arrays: Mapping[str, AnyArray] | None = None,
    created_by: str | None = None,
    series: JsonObject | None = None,
) -> tuple[DatasetRow, bool]:
    """Store a dataset, unless one with this id exists already.

    Any number of callers can add the same dataset at the same time. Inputs are (n_samples, n_steps)
    and targets (n_samples,), finite and not empty. For a series, whose names and step are
    ``series``, they are (N, n_inputs) and (N,), for the N steps of all concatenated sequences;
    n_inputs may be zero, and a missing target is nan. ``extra_arrays`` are stored and deleted
    together with the dataset. A series requires the lengths of its sequences, ``lengths``
    (n_samples,). ``created_by`` is the name of the API key of the caller.

    Return the row, and True for the one call that stored the dataset.
    """
    named = {"inputs": inputs, "targets": targets, **(extra_arrays or {})}
    while True:  # a second round only if another call deletes the dataset in between
        try:
            return get(database, dataset_id), False
        except NotFound:
            row = describe(dataset_id, named, created_by, series)
        database.check_space(row.n_bytes)
        with database.transaction() as connection:
            statement = insert(connection.dialect.name, datasets).values(asdict(row))
            statement = statement.on_conflict_do_nothing()
            if connection.execute(statement.returning(datasets.c.id)).first() is not None:
                arrays.write(connection, dataset_id, named)
                return row, True


def get(database: Database, dataset_id: str) -> DatasetRow:
    """Return the row of a dataset; raises NotFound."""
    with database.snapshot() as connection:
        return get_row(connection, DatasetRow, dataset_id)


def change(database: Database, dataset_id: str, **values: Any) -> DatasetRow:
    """Set the name of a dataset, or the columns of a series; raises NotFound."""
    with database.transaction() as connection:
        connection.execute(update(datasets).where(datasets.c.id == dataset_id).values(values))
        return get_row(connection, DatasetRow, dataset_id)


def list_page(
    database: Database, limit: int, cursor: str | None = None
) -> tuple[list[DatasetRow], str | None]:
    """Return one page of the datasets; see `fetch_page`."""
    with database.snapshot() as connection:
        return fetch_page(connection, select(datasets), DatasetRow, limit=limit, cursor=cursor)


def delete(database: Database, dataset_id: str) -> None:
    """Delete a dataset; raises NotFound, or Conflict with up to ten ids of its newest users."""
    try:
        with database.transaction() as connection:
            statement = delete_from(datasets).where(datasets.c.id == dataset_id)
            if connection.execute(statement.returning(datasets.c.id)).first() is None:
                raise NotFound(f"{dataset_id!r} does not exist")
            arrays.delete(connection, dataset_id)
    except ConstraintError as error:
        detail = f"training runs, basin maps or fits use {dataset_id}; delete them first"
        raise Conflict(detail, referrers=_list_referrers(database, dataset_id)) from error


def _list_referrers(database: Database, dataset_id: str) -> list[str]:
    query = (
        select(computations.c.id)
        .where(computations.c.dataset_id == dataset_id)
        .order_by(computations.c.created_at.desc(), computations.c.id.desc())
        .limit(MAX_REFERRERS)
    )
    with database.snapshot() as connection:
        return list(connection.execute(query).scalars())


def describe(
    dataset_id: str,
    named: Mapping[str, AnyArray],
    created_by: str | None,
    series: JsonObject | None,
) -> DatasetRow:
    """Return the stored row of a dataset."""
    inputs, targets = named["inputs"], named["targets"]
    n_samples, n_steps = inputs.shape
    if series is not None:
        n_samples, n_steps = len(named["lengths"]), int(named["lengths"].max())
    return DatasetRow(
        id=dataset_id,
        n_samples=n_samples,
        n_steps=n_steps,
        n_bytes=inputs.nbytes + targets.nbytes,
        input_min=float(inputs.min()) if inputs.size else 0.0,
        input_max=float(inputs.max()) if inputs.size else 0.0,
        target_min=float(np.nanmin(targets)),
        target_max=float(np.nanmax(targets)),
        created_at=datetime.now(UTC),
        created_by=created_by,
        series=series,
    )
