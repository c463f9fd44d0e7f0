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
PART: Final = 20_000  # numbers in a part of a table that is streamed


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


def write_dataset_csv(
    shape: tuple[int, int], inputs: Iterable[Array], targets: Iterable[Array]
) -> Iterator[bytes]:
    """Yield the parts of a table with one sequence per row, its target in the last column.

    Parameters
    ----------
    shape
        (N, T).
    inputs, targets
        The elements of the arrays (N, T) and (N,) in order, finite, in blocks of any length.
    """
    n_samples, n_steps = shape
    yield _row([*(f"x_{k}" for k in range(1, n_steps + 1)), "target"]).encode("ascii")
    size = max(1, PART // (n_steps + 1))
    input_elements, target_elements = _Elements(inputs), _Elements(targets)
    for start in range(0, n_samples, size):
        n_rows = min(size, n_samples - start)
        part = input_elements.take(n_rows * n_steps).reshape(n_rows, n_steps)
        rows = np.column_stack([part, target_elements.take(n_rows)]).tolist()
        yield "".join([_row(map(repr, row)) for row in rows]).encode("ascii")
    input_elements.finish()
    target_elements.finish()


class _Elements:
    """The elements of an array that arrives in blocks (n,)."""

    def __init__(self, blocks: Iterable[Array]) -> None:
        self._blocks = iter(blocks)
        self._rest: Array = np.empty(0)

    def take(self, n: int) -> Array:
        """Return the next n elements."""
        found = [self._rest]
        missing = n - len(self._rest)
        while missing > 0:
            found.append(next(self._blocks))
            missing -= len(found[-1])
        together = np.concatenate(found)
        self._rest = together[n:]
        return together[:n]

    def finish(self) -> None:
        """Read the end of the array, where damage is detected."""
        for _ in self._blocks:
            pass


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
