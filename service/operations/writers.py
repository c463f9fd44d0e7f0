"""Write arrays as files: CSV tables and npz archives."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from service import __version__
from service.operations.ids import RESULT_VERSION, NamedRequest, canonical_request, digest
from service.store.array_codec import AnyArray, ArrayBlocks

PART: Final = 20_000  # numbers in a part of a table, converted to text at a time


class Download(NamedTuple):
    """A file that is written only if the caller does not have it.

    Attributes
    ----------
    etag
        Identifies its content.
    seconds
        The estimated seconds for computing what it contains.
    writing_seconds
        The estimated seconds for writing it.
    open
        Computes its content, and returns its parts, which are written while they are read.
    """

    etag: str
    seconds: float
    writing_seconds: float
    open: Callable[[], Iterator[bytes]]


def request_etag(path: str, request: NamedRequest) -> str:
    """Return the ETag of the file that a request describes."""
    return _etag(path, canonical_request(request))


def resource_etag(path: str, resource_id: str) -> str:
    """Return the ETag of a file of a stored resource."""
    return _etag(path, resource_id)


def _etag(path: str, content: dict[str, Any] | str) -> str:
    versions = [__version__, RESULT_VERSION]
    return f'"{digest({"path": path, "content": content, "versions": versions})[:32]}"'


def write_csv(columns: Mapping[str, ArrayBlocks]) -> Iterator[bytes]:
    """Yield the parts of a table with a header, from columns (m,).

    Numbers read back exactly. Where a number is not finite the field is empty.
    """
    yield _encode([columns])
    n_rows = max(column.shape[0] for column in columns.values())
    elements = [_Elements(column) for column in columns.values()]
    size = max(1, PART // len(columns))
    for start in range(0, n_rows, size):
        part = [each.take(min(size, n_rows - start)).tolist() for each in elements]
        yield _encode(zip(*(map(_text, column) for column in part), strict=True))
    for each in elements:
        each.finish()


def write_dataset_csv(inputs: ArrayBlocks, targets: ArrayBlocks) -> Iterator[bytes]:
    """Yield the parts of a table with one sequence per row, its target in the last column.

    Parameters
    ----------
    inputs, targets
        The arrays (N, T) and (N,), finite.
    """
    n_samples, n_steps = inputs.shape
    yield _encode([[*(f"x_{k}" for k in range(1, n_steps + 1)), "target"]])
    size = max(1, PART // (n_steps + 1))
    input_elements, target_elements = _Elements(inputs), _Elements(targets)
    for start in range(0, n_samples, size):
        n_rows = min(size, n_samples - start)
        part = input_elements.take(n_rows * n_steps).reshape(n_rows, n_steps)
        rows = np.column_stack([part, target_elements.take(n_rows)]).tolist()
        yield _encode(map(repr, row) for row in rows)
    input_elements.finish()
    target_elements.finish()


def write_npz(arrays: Mapping[str, ArrayBlocks]) -> Iterator[bytes]:
    """Yield the parts of a compressed npz archive, one per block; equal arrays give equal bytes.

    A part is empty while the compression holds its content back.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # its time is the beginning of 1980
            entry.compress_type = zipfile.ZIP_DEFLATED  # an entry ignores the type of its archive
            with archive.open(entry, "w", force_zip64=True) as member:
                descr = np.lib.format.dtype_to_descr(array.dtype)
                header = {"descr": descr, "fortran_order": False, "shape": array.shape}
                np.lib.format.write_array_header_1_0(member, header)
                for block in array.blocks:
                    member.write(np.ascontiguousarray(block).data.cast("B"))
                    yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """A file without a position, whose content is taken while it is written."""

    def __init__(self) -> None:
        super().__init__()
        self._content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._content += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        content = bytes(self._content)
        self._content.clear()
        return content


class _Elements:
    """The elements of an array that arrives in blocks (n,)."""

    def __init__(self, array: ArrayBlocks) -> None:
        self._blocks = iter(array.blocks)
        self._rest: AnyArray = np.empty(0, array.dtype)

    def take(self, n: int) -> AnyArray:
        """Return the next n elements."""
        found = [self._rest]
        missing = n - len(self._rest)
        while missing > 0:
            found.append(next(self._blocks))
            missing -= len(found[-1])
        together = np.concatenate(found) if len(found) > 1 else self._rest
        self._rest = together[n:]
        return together[:n]

    def finish(self) -> None:
        """Read the end of the array, where damage is detected."""
        for _ in self._blocks:
            pass


def _encode(rows: Iterable[Iterable[str]]) -> bytes:
    return "".join([",".join(row) + "\r\n" for row in rows]).encode("ascii")


def _text(number: float) -> str:
    text = repr(number)
    return "" if text in ("inf", "-inf", "nan") else text
