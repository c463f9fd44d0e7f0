"""Lossless conversion of arrays to bytes, in as few bytes as the values need.

Most arrays here hold zeros and ones, counts or measured decimals. Integers are stored in the
smallest width that fits them all: one bit each for zeros and ones, otherwise 8, 16 or 32 bits. All
other arrays are stored unchanged. General compression is not used: results in full precision do not
shrink, and packed integers gain little for a hundred times the work.

The bytes are a header and then the elements in C order, all little-endian::

    magic        4   b"LRN1"
    stored       1   type of the stored elements, a character of `_STORED`
    original     1   type of the array, a character of `_ORIGINAL`
    dimensions   1
    (unused)     1
    check        4   CRC-32 of the elements
    shape        8 x dimensions
    check        4   CRC-32 of the header up to here
"""

import math
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.errors import StoreError

AnyArray = NDArray[Any]
Buffer = bytes | memoryview

PART_BYTES: Final = 4 * 1024 * 1024
BLOCK_ELEMENTS: Final = 1 << 15  # decoded at a time; a multiple of 8

_MAGIC: Final = b"LRN1"
_FIXED: Final = struct.Struct("<4sccBxI")
_CHECK: Final = struct.Struct("<I")

# The letters are those of numpy, except "1": one bit per element. The first type that fits is used.
_ORIGINAL: Final[dict[bytes, np.dtype[Any]]] = {b"d": np.dtype("<f8"), b"q": np.dtype("<i8")}
_SMALL: Final[dict[bytes, np.dtype[Any]]] = {
    b"1": np.dtype("u1"),
    b"B": np.dtype("u1"),
    b"b": np.dtype("i1"),
    b"H": np.dtype("<u2"),
    b"h": np.dtype("<i2"),
    b"i": np.dtype("<i4"),
}
_STORED: Final[dict[bytes, np.dtype[Any]]] = _SMALL | _ORIGINAL


def encode(array: AnyArray) -> Iterator[Buffer]:
    """Convert an array to parts of at most 4 MiB, which `decode` converts back.

    Parameters
    ----------
    array
        Any shape. Floating point becomes float64. Booleans and integers become int64. Every float64
        is preserved bit by bit, including -0.0, infinities and the payload of a nan.

    Yields
    ------
    bytes or memoryview
        One part. Where the elements are stored unchanged, it is a view of the array, so do not
        modify the array while the parts are in use.

    Raises
    ------
    TypeError
        The elements are of another type.
    """
    original = _original_type(array.dtype)
    flat = np.asarray(array, dtype=_ORIGINAL[original], order="C").reshape(-1)
    stored, elements = _shrink(original, flat)
    body = elements.view(np.uint8).data
    header = _FIXED.pack(_MAGIC, stored, original, array.ndim, zlib.crc32(body))
    header += struct.pack(f"<{array.ndim}Q", *array.shape)
    header += _CHECK.pack(zlib.crc32(header))
    room = PART_BYTES - len(header)
    yield b"".join((header, body[:room]))
    for start in range(room, len(body), PART_BYTES):
        yield body[start : start + PART_BYTES]


def decode(parts: Iterable[Buffer]) -> AnyArray:
    """Convert the parts of an array back, reading them one at a time and in order.

    Returns
    -------
    array
        float64 or int64, in the original shape. It is writable.

    Raises
    ------
    StoreError
        The parts are not the output of `encode`: damaged, missing or too many.
    """
    remaining = iter(parts)
    first = memoryview(next(remaining, b""))
    header = _Header.read(first)
    elements = np.empty(header.n_stored, dtype=_STORED[header.stored])
    body = elements.view(np.uint8).data
    filled = 0
    for part in chain((first[header.size :],), remaining):
        if filled + len(part) > len(body):
            raise _damaged()
        body[filled : filled + len(part)] = part
        filled += len(part)
    if filled != len(body) or zlib.crc32(body) != header.check:
        raise _damaged()
    if header.stored == b"1":
        elements = np.unpackbits(elements, count=header.n_elements)
    return elements.astype(_ORIGINAL[header.original], copy=False).reshape(header.shape)


@dataclass(frozen=True)
class ArrayBlocks:
    """An array that is read a block at a time: its shape, its type, and its elements in order."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Iterable[AnyArray]

    @classmethod
    def of(cls, array: AnyArray) -> "ArrayBlocks":
        """Return the blocks of an array in memory."""
        flat = np.ravel(array)
        starts = range(0, flat.size, BLOCK_ELEMENTS)
        blocks = [flat[start : start + BLOCK_ELEMENTS] for start in starts]
        return cls(array.shape, array.dtype, blocks)


def decode_blocks(parts: Iterable[Buffer]) -> ArrayBlocks:
    """Convert the parts of an array back, a block of elements (n,) at a time.

    Only one part and one block are in memory. The blocks can be read once.

    Raises
    ------
    StoreError
        As in `decode`, but only after the last block where the damage is not in the header.
    """
    remaining = iter(parts)
    first = memoryview(next(remaining, b""))
    header = _Header.read(first)
    body = chain((first[header.size :],), remaining)
    return ArrayBlocks(header.shape, _ORIGINAL[header.original], _decode_body(header, body))


def _decode_body(header: "_Header", body: Iterable[Buffer]) -> Iterator[AnyArray]:
    dtype, original = _STORED[header.stored], _ORIGINAL[header.original]
    is_packed = header.stored == b"1"
    n_left, check, rest = header.n_elements, 0, b""
    step = BLOCK_ELEMENTS // 8 if is_packed else BLOCK_ELEMENTS * dtype.itemsize
    for part in body:
        check = zlib.crc32(part, check)
        view = memoryview(part)
        for start in range(0, len(view), step):
            data = b"".join((rest, view[start : start + step]))
            n_whole = len(data) // dtype.itemsize
            rest = data[n_whole * dtype.itemsize :]
            elements = np.frombuffer(data, dtype, n_whole)
            if is_packed:
                elements = np.unpackbits(elements, count=min(8 * len(elements), n_left))
            n_left -= len(elements)
            yield elements.astype(original)
    if n_left or rest or check != header.check:
        raise _damaged()


def _original_type(dtype: np.dtype[Any]) -> bytes:
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return b"d"
    if dtype.kind in "biu" and np.can_cast(dtype, np.int64):
        return b"q"
    raise TypeError(f"arrays of {dtype} cannot be stored")


def _shrink(original: bytes, flat: AnyArray) -> tuple[bytes, AnyArray]:
    """Return the smallest type that holds all elements (n,), and the elements in that type."""
    if flat.size == 0:
        return original, flat
    with np.errstate(invalid="ignore"):
        low, high = flat.min(), flat.max()  # a nan among the elements fits no smaller type
    for stored, dtype in _SMALL.items():
        limits = np.iinfo(dtype)
        if low < limits.min or not high <= (1 if stored == b"1" else limits.max):
            continue
        small = flat.astype(dtype)
        if not _is_lossless(flat, small):
            break
        return stored, np.packbits(small) if stored == b"1" else small
    return original, flat


def _is_lossless(flat: AnyArray, small: AnyArray) -> bool:
    """Return whether the smaller type lost neither a fraction nor the sign of a zero."""
    if not np.array_equal(flat, small):
        return False
    if flat.dtype.kind == "i":
        return True
    return int(np.count_nonzero(np.signbit(flat))) == int(np.count_nonzero(small < 0))


@dataclass(frozen=True)
class _Header:
    stored: bytes
    original: bytes
    shape: tuple[int, ...]
    check: int
    size: int

    @classmethod
    def read(cls, part: memoryview) -> "_Header":
        try:
            magic, stored, original, n_dimensions, check = _FIXED.unpack_from(part)
            shape = struct.unpack_from(f"<{n_dimensions}Q", part, _FIXED.size)
            end = _FIXED.size + 8 * n_dimensions
            (own_check,) = _CHECK.unpack_from(part, end)
        except struct.error as error:
            raise _damaged() from error
        if zlib.crc32(part[:end]) != own_check or magic != _MAGIC:
            raise _damaged()
        if stored not in _STORED or original not in _ORIGINAL:
            raise _damaged()
        return cls(stored, original, shape, check, end + _CHECK.size)

    @property
    def n_elements(self) -> int:
        return math.prod(self.shape)

    @property
    def n_stored(self) -> int:
        return -(-self.n_elements // 8) if self.stored == b"1" else self.n_elements


def _damaged() -> StoreError:
    return StoreError("a stored array is damaged")
