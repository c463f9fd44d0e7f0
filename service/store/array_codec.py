"""Arrays to bytes and back, without loss, and no larger than they need to be.

Most arrays here are drawn zeros and ones, counts or measured decimals. Whole numbers are kept in
the fewest bits that hold them all: zeros and ones in one bit each, small ones in 8, 16 or 32.
Everything else stays as it is. There is no general compression: full-precision results do not
shrink, and packed whole numbers gain little for a hundred times the work.

The bytes are a head, then the elements in C order, all little-endian::

    magic        4   b"LRN1"
    kept         1   how elements are kept, a character of `_KEPT`
    given        1   what they were and will be again, a character of `_GIVEN`
    dimensions   1
    (nothing)    1
    check        4   CRC-32 of the elements
    shape        8 x dimensions
    check        4   CRC-32 of the head up to here
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

_MAGIC: Final = b"LRN1"
_FIXED: Final = struct.Struct("<4sccBxI")
_CHECK: Final = struct.Struct("<I")

# The letters are numpy's, but for "1": one bit an element. The first that fits is taken.
_GIVEN: Final[dict[bytes, np.dtype[Any]]] = {b"d": np.dtype("<f8"), b"q": np.dtype("<i8")}
_SMALL: Final[dict[bytes, np.dtype[Any]]] = {
    b"1": np.dtype("u1"),
    b"B": np.dtype("u1"),
    b"b": np.dtype("i1"),
    b"H": np.dtype("<u2"),
    b"h": np.dtype("<i2"),
    b"i": np.dtype("<i4"),
}
_KEPT: Final[dict[bytes, np.dtype[Any]]] = _SMALL | _GIVEN


def pack(array: AnyArray) -> Iterator[Buffer]:
    """Cut an array into parts of at most 4 MiB; `unpack` makes the same array of them again.

    Parameters
    ----------
    array
        Any shape. Floating point becomes float64, bools and whole numbers int64. Every float64
        comes back bit by bit, -0.0, infinities and the payload of a nan included.

    Yields
    ------
    bytes or memoryview
        A part. The views are into the array itself where it is kept as it is: no copy is made,
        so do not change it meanwhile.

    Raises
    ------
    TypeError
        The elements are of another type.
    """
    given = _given(array.dtype)
    flat = np.asarray(array, dtype=_GIVEN[given], order="C").reshape(-1)
    kept, elements = _smallest(given, flat)
    body = elements.view(np.uint8).data
    head = _FIXED.pack(_MAGIC, kept, given, array.ndim, zlib.crc32(body))
    head += struct.pack(f"<{array.ndim}Q", *array.shape)
    head += _CHECK.pack(zlib.crc32(head))
    room = PART_BYTES - len(head)
    yield b"".join((head, body[:room]))
    for start in range(room, len(body), PART_BYTES):
        yield body[start : start + PART_BYTES]


def unpack(parts: Iterable[Buffer]) -> AnyArray:
    """Make the array of its parts, read one at a time and in order.

    Returns
    -------
    array
        float64 or int64, of the shape it had; writable.

    Raises
    ------
    StoreError
        The parts are not what `pack` made: damaged, missing or too many.
    """
    rest = iter(parts)
    first = memoryview(next(rest, b""))
    head = _Head.read(first)
    elements = np.empty(head.n_kept, dtype=_KEPT[head.kept])
    body = elements.view(np.uint8).data
    filled = 0
    for part in chain((first[head.size :],), rest):
        if filled + len(part) > len(body):
            raise _damaged()
        body[filled : filled + len(part)] = part
        filled += len(part)
    if filled != len(body) or zlib.crc32(body) != head.check:
        raise _damaged()
    if head.kept == b"1":
        elements = np.unpackbits(elements, count=head.n_elements)
    return elements.astype(_GIVEN[head.given], copy=False).reshape(head.shape)


def _given(dtype: np.dtype[Any]) -> bytes:
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return b"d"
    if dtype.kind in "biu" and np.can_cast(dtype, np.int64):
        return b"q"
    raise TypeError(f"arrays of {dtype} cannot be kept")


def _smallest(given: bytes, flat: AnyArray) -> tuple[bytes, AnyArray]:
    """Choose how to keep the elements (n,); without a smaller way they are returned themselves."""
    if flat.size == 0:
        return given, flat
    with np.errstate(invalid="ignore"):
        low, high = flat.min(), flat.max()  # a nan among them fits nowhere
    for kept, dtype in _SMALL.items():
        limits = np.iinfo(dtype)
        if low < limits.min or not high <= (1 if kept == b"1" else limits.max):
            continue
        small = flat.astype(dtype)
        if not _equal(flat, small):
            break
        return kept, np.packbits(small) if kept == b"1" else small
    return given, flat


def _equal(flat: AnyArray, small: AnyArray) -> bool:
    """Tell whether nothing was lost: neither a fraction nor the sign of a zero."""
    if not np.array_equal(flat, small):
        return False
    if flat.dtype.kind == "i":
        return True
    return int(np.count_nonzero(np.signbit(flat))) == int(np.count_nonzero(small < 0))


@dataclass(frozen=True)
class _Head:
    kept: bytes
    given: bytes
    shape: tuple[int, ...]
    check: int
    size: int

    @classmethod
    def read(cls, part: memoryview) -> "_Head":
        try:
            magic, kept, given, n_dimensions, check = _FIXED.unpack_from(part)
            shape = struct.unpack_from(f"<{n_dimensions}Q", part, _FIXED.size)
            end = _FIXED.size + 8 * n_dimensions
            (own_check,) = _CHECK.unpack_from(part, end)
        except struct.error as error:
            raise _damaged() from error
        if zlib.crc32(part[:end]) != own_check or magic != _MAGIC:
            raise _damaged()
        if kept not in _KEPT or given not in _GIVEN:
            raise _damaged()
        return cls(kept, given, shape, check, end + _CHECK.size)

    @property
    def n_elements(self) -> int:
        return math.prod(self.shape)

    @property
    def n_kept(self) -> int:
        return -(-self.n_elements // 8) if self.kept == b"1" else self.n_elements


def _damaged() -> StoreError:
    return StoreError("A stored array is damaged.")
