"""CSV tables: writing columns of any kind."""

import math
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from service.engine.interruption import check_interruption
from service.engine.types import Array
from service.formats.base import CHUNK, TARGET


def write_csv(columns: Mapping[str, NDArray[Any]], file: BinaryIO) -> None:
    """Write a table with a header, chunk by chunk, from columns (m,).

    Numbers are written exactly. The field of a non-finite number is empty. Texts are unchanged.
    """
    n_rows = max(column.size for column in columns.values())
    size = max(1, CHUNK // len(columns))
    chunks = (
        zip(*(to_texts(column[i : i + size]) for column in columns.values()), strict=True)
        for i in range(0, n_rows, size)
    )
    write_rows(columns, chunks, file)


def write_dataset_csv(inputs: Array, targets: Array, file: BinaryIO) -> None:
    """Write a table of inputs (N, T), with the targets (N,) in the last column."""
    n_samples, n_steps = inputs.shape
    size = max(1, CHUNK // (n_steps + 1))
    tables = (
        np.column_stack([inputs[i : i + size], targets[i : i + size]])
        for i in range(0, n_samples, size)
    )
    chunks = ((map(repr, row) for row in table.tolist()) for table in tables)
    write_rows([*(f"x_{k}" for k in range(1, n_steps + 1)), TARGET], chunks, file)


def write_rows(
    names: Iterable[str], chunks: Iterable[Iterable[Iterable[str]]], file: BinaryIO
) -> None:
    """Write a header, and chunks of rows of fields."""
    for rows in chain([[names]], chunks):
        check_interruption()
        file.write("".join([",".join(row) + "\r\n" for row in rows]).encode())


def to_texts(column: NDArray[Any]) -> list[str]:
    """Return numbers as fields, empty for non-finite numbers; texts are unchanged."""
    values: list[Any] = column.tolist()
    if column.dtype == object:
        return values
    return [repr(value) if math.isfinite(value) else "" for value in values]
