"""Arrays as files: csv tables and npz archives."""

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array

CHUNK: Final = 100_000  # numbers that are text and Python's own at the same time


def csv(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Write columns (m,) as a table with a header.

    Numbers are written so that they read back exactly; an empty field stands where a number is
    not finite.
    """
    n_rows = max(map(len, columns.values()))
    size = max(1, CHUNK // len(columns))
    parts = [_row(columns)]
    for start in range(0, n_rows, size):
        chunk = [column[start : start + size].tolist() for column in columns.values()]
        parts.extend(map(_row, zip(*(map(_text, each) for each in chunk), strict=True)))
    return "".join(parts).encode("ascii")


def samples_csv(inputs: Array, targets: Array) -> Iterator[bytes]:
    """Write samples as a table, part by part: a sequence a row, its target in the last column.

    Parameters
    ----------
    inputs, targets
        (n, T) and (n,), finite.
    """
    n_samples, n_steps = inputs.shape
    yield _row([*(f"x_{k}" for k in range(1, n_steps + 1)), "target"]).encode("ascii")
    size = max(1, CHUNK // (n_steps + 1))
    for start in range(0, n_samples, size):
        at = slice(start, start + size)
        rows = np.column_stack([inputs[at], targets[at]]).tolist()
        yield "".join([_row(map(repr, row)) for row in rows]).encode("ascii")


def _row(fields: Iterable[str]) -> str:
    return ",".join(fields) + "\r\n"


def _text(number: float) -> str:
    text = repr(number)
    return "" if text in ("inf", "-inf", "nan") else text


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write named arrays as an npz archive, compressed; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
