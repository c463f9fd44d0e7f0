"""Write arrays as files: CSV tables and npz archives."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service import __version__
from service.engine.types import Array
from service.operations.ids import RESULT_VERSION, canonical_request, digest
from service.schemas.base import RequestModel

CHUNK: Final = 100_000  # numbers converted to text at a time, to bound the memory in use


class Download(NamedTuple):
    """A file that is written only if the caller does not have it.

    Attributes
    ----------
    etag
        Identifies its content.
    seconds
        The estimated seconds for computing and writing it.
    write
        Returns its bytes.
    """

    etag: str
    seconds: float
    write: Callable[[], bytes]


def request_etag(path: str, request: RequestModel) -> str:
    """Return the ETag of the file that a request describes."""
    return _etag(path, canonical_request(request))


def resource_etag(path: str, resource_id: str) -> str:
    """Return the ETag of a file of a stored resource."""
    return _etag(path, resource_id)


def _etag(path: str, content: dict[str, Any] | str) -> str:
    versions = [__version__, RESULT_VERSION]
    return f'"{digest({"path": path, "question": content, "versions": versions})[:32]}"'


def write_csv(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Write columns (m,) as a table with a header.

    Numbers read back exactly. Where a number is not finite the field is empty.
    """
    n_rows = max(map(len, columns.values()))
    size = max(1, CHUNK // len(columns))
    parts = [_row(columns)]
    for start in range(0, n_rows, size):
        chunk = [column[start : start + size].tolist() for column in columns.values()]
        parts.extend(map(_row, zip(*(map(_text, each) for each in chunk), strict=True)))
    return "".join(parts).encode("ascii")


def write_dataset_csv(inputs: Array, targets: Array) -> Iterator[bytes]:
    """Yield the parts of a table with one sequence per row, its target in the last column.

    Parameters
    ----------
    inputs, targets
        (N, T) and (N,), finite.
    """
    n_samples, n_steps = inputs.shape
    yield _row([*(f"x_{k}" for k in range(1, n_steps + 1)), "target"]).encode("ascii")
    size = max(1, CHUNK // (n_steps + 1))
    for start in range(0, n_samples, size):
        at = slice(start, start + size)
        rows = np.column_stack([inputs[at], targets[at]]).tolist()
        yield "".join([_row(map(repr, row)) for row in rows]).encode("ascii")


def write_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write named arrays as a compressed npz archive; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _row(fields: Iterable[str]) -> str:
    return ",".join(fields) + "\r\n"


def _text(number: float) -> str:
    text = repr(number)
    return "" if text in ("inf", "-inf", "nan") else text
