"""Arrays as bytes, in numpy's own format npy with checksums.

An array is stored in parts. The first part is a checksum of its rest, a checksum of the elements,
and the header of an npy file. The other parts are the elements in C order. Both checksums are
CRC-32. Float64 is preserved bit by bit.
"""

import io
import math
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.errors import StoreError

AnyArray = NDArray[Any]
Buffer = bytes | memoryview

PART_BYTES: Final = 1024 * 1024  # many slow readers can each have a part in memory
ITEM_BYTES: Final = 8  # of float64 and int64; no other type is stored
_CHECK: Final = struct.Struct("<I")


def encode(array: AnyArray) -> Iterator[Buffer]:
    """Convert an array to parts of at most 1 MiB, which `ArrayStream.decode` converts back.

    Floating point becomes float64, booleans and integers int64; TypeError for other types. Parts
    are views of an array of that type and order, so do not modify it while they are in use.
    """
    dtype = "<f8" if array.dtype.kind == "f" else "<i8"
    elements = array.astype(dtype, order="C", casting="safe", copy=False)
    body = elements.reshape(-1).view(np.uint8).data
    header = io.BytesIO()
    header.write(_CHECK.pack(zlib.crc32(body)))
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(elements))
    yield _CHECK.pack(zlib.crc32(header.getvalue())) + header.getvalue()
    for start in range(0, len(body), PART_BYTES):
        yield body[start : start + PART_BYTES]


class ArrayStream:
    """An array whose elements are read once and in order, from one-dimensional pieces."""

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], pieces: Iterable[AnyArray]
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.size = math.prod(shape)
        self._pieces = iter(pieces)
        self._rest: AnyArray = np.empty(0, dtype)

    @classmethod
    def of(cls, array: AnyArray) -> "ArrayStream":
        """Return an array in memory as a stream."""
        return cls(array.shape, array.dtype, [array.reshape(-1)])

    @classmethod
    def decode(cls, parts: Iterable[Buffer]) -> "ArrayStream":
        """Convert parts back, reading them when they are needed.

        If they are not the output of `encode` (damaged, missing or too many), this, `take` or
        `read` raise StoreError, at the latest instead of the last element.
        """
        remaining = iter(parts)
        header = bytes(next(remaining, b""))
        content = header[_CHECK.size :]
        if len(content) < _CHECK.size or header[: _CHECK.size] != _CHECK.pack(zlib.crc32(content)):
            raise _damaged()
        (check,) = _CHECK.unpack_from(content)
        file = io.BytesIO(content[_CHECK.size :])
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return cls(shape, dtype, _decode_elements(remaining, dtype, math.prod(shape), check))

    def take(self, n: int) -> AnyArray:
        """Return the next n elements, or the remaining ones, as (m,)."""
        while len(self._rest) < n and (piece := next(self._pieces, None)) is not None:
            self._rest = np.concatenate([self._rest, piece]) if len(self._rest) else piece
        taken, self._rest = self._rest[:n], self._rest[n:]
        return taken

    def look_up(self, values: AnyArray) -> "ArrayStream":
        """Return the values at the indices in this array."""
        return ArrayStream(self.shape, values.dtype, (values[piece] for piece in self._pieces))

    def read(self) -> AnyArray:
        """Return the whole array, which is in memory once and writable."""
        array = np.empty(self.size, self.dtype)
        filled = 0
        for piece in self._pieces:
            array[filled : filled + len(piece)] = piece
            filled += len(piece)
        return array.reshape(self.shape)


def _decode_elements(
    parts: Iterator[Buffer], dtype: np.dtype[Any], n_missing: int, check: int
) -> Iterator[AnyArray]:
    checksum = 0
    while n_missing:
        part = next(parts, b"")
        checksum = zlib.crc32(part, checksum)
        n_missing -= len(part) // ITEM_BYTES
        is_last = n_missing == 0
        if not part or len(part) % ITEM_BYTES or n_missing < 0 or (is_last and checksum != check):
            raise _damaged()
        yield np.frombuffer(part, dtype)
    if next(parts, b""):
        raise _damaged()


def _damaged() -> StoreError:
    return StoreError("a stored array is damaged")
