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

PART_BYTES: Final = 1024 * 1024
ITEM_BYTES: Final = 8  # of float64 and int64; no other type is stored
DAMAGED: Final = "a stored array is damaged"
_CHECK: Final = struct.Struct("<I")


def encode(array: AnyArray) -> Iterator[Buffer]:
    """Convert an array to parts of at most 1 MiB, which `decode` converts back.

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


def decode(parts: Iterable[Buffer]) -> AnyArray:
    """Convert parts back to an array, which is in memory once and writable.

    It raises StoreError if they are not the output of `encode`: damaged, missing or too many.
    """
    header, body = b"", bytearray()
    for part in parts:
        if header:
            body += part
        else:
            header = bytes(part)
    content = header[_CHECK.size :]
    if len(content) < _CHECK.size or header[: _CHECK.size] != _CHECK.pack(zlib.crc32(content)):
        raise StoreError(DAMAGED)
    file = io.BytesIO(content[_CHECK.size :])
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    is_complete = len(body) == math.prod(shape) * ITEM_BYTES
    if not is_complete or content[: _CHECK.size] != _CHECK.pack(zlib.crc32(body)):
        raise StoreError(DAMAGED)
    return np.frombuffer(body, dtype).reshape(shape)
