"""Datasets: sequences and targets, named by their content, never changed."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as delete_from

from service.errors import Conflict, NotFound
from service.store import arrays, pagination
from service.store.database import Database
from service.store.errors import ConstraintError
from service.store.sql import check_id, insert
from service.store.tables import computations, datasets

Array = NDArray[np.float64]
OWN: Final = {"inputs", "targets"}


@dataclass(frozen=True)
class DatasetRow:
    """A dataset without its arrays. ``n_bytes`` is their size as float64."""

    id: str
    n_samples: int
    n_steps: int
    n_bytes: int
    input_min: float
    input_max: float
    target_min: float
    target_max: float
    created_at: datetime


def add(
    database: Database,
    dataset_id: str,
    inputs: Array,
    targets: Array,
    beside: Mapping[str, Array] | None = None,
) -> tuple[DatasetRow, bool]:
    """Keep a dataset, once: the same id again changes nothing, from any number of callers.

    Parameters
    ----------
    inputs
        (n_samples, n_steps), finite, neither of them zero.
    targets
        (n_samples,), finite.
    beside
        Other arrays that are to come and go with the dataset, by names of their own.

    Returns
    -------
    row, created
        ``created`` is True for the one call that kept it.

    Raises
    ------
    StoreError
        As `Database.transaction`.
    """
    check_id(dataset_id)
    while True:  # once round, unless another call deletes it in between
        try:
            return get(database, dataset_id), False
        except NotFound:
            row = _describe(dataset_id, inputs, targets)
        database.check_room(row.n_bytes)
        with database.transaction() as connection:
            new = insert(connection, datasets).values(asdict(row)).on_conflict_do_nothing()
            if connection.execute(new.returning(datasets.c.id)).first() is not None:
                named = {"inputs": inputs, "targets": targets, **(beside or {})}
                arrays.write(connection, dataset_id, named)
                return row, True


def get(database: Database, dataset_id: str) -> DatasetRow:
    """Return a dataset's row.

    Raises
    ------
    NotFound
        There is none.
    """
    with database.reading() as connection:
        return _get(connection, dataset_id)


def load(database: Database, dataset_id: str) -> tuple[Array, Array]:
    """Return a dataset's ``inputs`` (n_samples, n_steps) and ``targets`` (n_samples,).

    Raises
    ------
    NotFound
        There is none.
    StoreError
        Its arrays are damaged.
    """
    with database.reading() as connection:
        _get(connection, dataset_id)
        inputs = arrays.read(connection, dataset_id, "inputs")
        return inputs, arrays.read(connection, dataset_id, "targets")


def names_beside(database: Database, dataset_id: str) -> set[str]:
    """Return the names of the arrays that were kept beside a dataset's own."""
    check_id(dataset_id)
    with database.reading() as connection:
        return {*arrays.names(connection, dataset_id)} - OWN


def load_beside(database: Database, dataset_id: str, names: Collection[str]) -> dict[str, Array]:
    """Return those of the named arrays that were kept beside a dataset's own.

    Raises
    ------
    StoreError
        One is damaged.
    """
    check_id(dataset_id)
    with database.reading() as connection:
        kept = {*names} & {*arrays.names(connection, dataset_id)} - OWN
        return {name: arrays.read(connection, dataset_id, name) for name in kept}


def page(
    database: Database, limit: int, cursor: str | None = None
) -> tuple[list[DatasetRow], str | None]:
    """Return up to ``limit`` datasets, newest first, and the cursor of the next page or None.

    Raises
    ------
    Invalid
        The cursor is malformed.
    """
    with database.reading() as connection:
        return pagination.fetch(
            connection, select(datasets), datasets, _row, limit=limit, cursor=cursor
        )


def delete(database: Database, dataset_id: str) -> None:
    """Remove a dataset that no computation needs.

    Raises
    ------
    NotFound
        There is none.
    Conflict
        Computations need it; ``referrers`` has up to ten of their ids, newest first.
    """
    check_id(dataset_id)
    try:
        with database.transaction() as connection:
            gone = delete_from(datasets).where(datasets.c.id == dataset_id)
            if connection.execute(gone.returning(datasets.c.id)).first() is None:
                raise _unknown(dataset_id)
            arrays.remove(connection, dataset_id)
    except ConstraintError as error:
        detail = f"{dataset_id} is needed by training runs or basin maps; delete those first."
        raise Conflict(detail, _referrers(database, dataset_id)) from error


def _referrers(database: Database, dataset_id: str) -> list[str]:
    query = (
        select(computations.c.id)
        .where(computations.c.dataset_id == dataset_id)
        .order_by(computations.c.created_at.desc(), computations.c.id.desc())
        .limit(10)
    )
    with database.reading() as connection:
        return list(connection.execute(query).scalars())


def _get(connection: Connection, dataset_id: str) -> DatasetRow:
    check_id(dataset_id)
    found = connection.execute(select(datasets).where(datasets.c.id == dataset_id)).first()
    if found is None:
        raise _unknown(dataset_id)
    return _row(found)


def _row(row: Row[Any]) -> DatasetRow:
    return DatasetRow(**row._asdict())


def _describe(dataset_id: str, inputs: Array, targets: Array) -> DatasetRow:
    n_samples, n_steps = inputs.shape
    return DatasetRow(
        id=dataset_id,
        n_samples=n_samples,
        n_steps=n_steps,
        n_bytes=inputs.nbytes + targets.nbytes,
        input_min=float(inputs.min()),
        input_max=float(inputs.max()),
        target_min=float(targets.min()),
        target_max=float(targets.max()),
        created_at=datetime.now(UTC),
    )


def _unknown(dataset_id: str) -> NotFound:
    return NotFound(f"There is no dataset {dataset_id}.")
