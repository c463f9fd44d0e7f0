"""Read a dataset from an uploaded npz archive.

Nothing is unpacked before its size is checked.
"""

import ast
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array
from service.errors import Invalid, Malformed
from service.operations.limits import Limits
from service.operations.resolve import ResolvedDataset, from_arrays
from service.schemas.arrays import explain_out_of_range, first_outside, pieces

MAGIC: Final = b"\x93NUMPY"
LONGEST_HEADER: Final = 1000  # bytes; numpy's own take about a hundred
MOST_ENTRIES: Final = 1000
PIECE_BYTES: Final = 1 << 20
DTYPE: Final = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248])")
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# All that zipfile raises for damaged archives, by its source and by trial.
BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)

ARRAYS: Final = ("inputs", "targets")


class _Member(NamedTuple):
    """An array as its header declares it; ``offset`` is where the elements begin."""

    info: zipfile.ZipInfo
    dtype: np.dtype[Any]
    fortran_order: bool
    shape: tuple[int, ...]
    offset: int

    @property
    def n_bytes(self) -> int:
        """The bytes of all elements."""
        n = self.dtype.itemsize
        for length in self.shape:
            n *= length
        return n


def read_npz(body: bytes, allowed: Limits) -> ResolvedDataset:
    """Read an archive of ``inputs`` (N, T) and ``targets`` (N,).

    Whole numbers, truth values and floating point of up to 64 bits are taken exactly, in any
    byte and memory order.

    Raises
    ------
    Malformed
        It is no npz archive, or a damaged one.
    Invalid
        The arrays are not these two, or not of these shapes, or hold something that is not a
        number of a dataset.
    """
    archive = Archive(body, ARRAYS)
    inputs, targets = (archive.shapes[name] for name in ARRAYS)
    if len(inputs) != 2 or 0 in inputs:
        raise Invalid(f"inputs must be of shape (n, T), both at least 1, not {inputs}", "/inputs")
    if len(targets) != 1:
        raise Invalid(f"targets must be of shape (n,), not {targets}", "/targets")
    if targets[0] != inputs[0]:
        message = f"{inputs[0]} sequences need as many targets, not {targets[0]}"
        raise Invalid(message, "")
    allowed.check_cells(*inputs)
    samples = from_arrays(archive.load("inputs"), archive.load("targets"))
    for name in ARRAYS:
        numbers: Array = getattr(samples.dataset, name)
        at = first_outside(numbers)
        if at is not None:
            raise Invalid(
                explain_out_of_range(float(numbers[at])), "".join(f"/{i}" for i in (name, *at))
            )
    return samples


class Archive:
    """An npz archive of arrays of numbers with the given names, and nothing else.

    ``shapes`` are known at once; `load` unpacks.

    Raises
    ------
    Malformed
        It is no npz archive, or a damaged one.
    Invalid
        Members are missing, there are others, or one holds no plain numbers.
    """

    def __init__(self, body: bytes, names: Sequence[str]) -> None:
        # Every entry begins with this mark: archives of millions are not even listed.
        if body.count(b"PK\x01\x02") > MOST_ENTRIES:
            raise Malformed("the archive has too many members")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
        except BROKEN as error:
            raise Malformed("the body is not a whole npz archive") from error
        self._members = {
            name: self._declared(name, info)
            for name, info in _only(names, self._zip.infolist()).items()
        }

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array, as declared and as large as the member is."""
        return {name: member.shape for name, member in self._members.items()}

    def load(self, name: str) -> Array:
        """Unpack an array as float64, every number exactly what it was.

        Raises
        ------
        Malformed
            Its bytes are damaged.
        Invalid
            A whole number has more digits than float64.
        """
        member = self._members[name]
        elements = self._elements(member)
        order: Literal["F", "C"] = "F" if member.fortran_order else "C"
        if member.dtype.kind == "b":
            elements = elements.view(np.uint8) != 0
        _check_exact(name, elements, member.shape, order)
        array = elements.reshape(member.shape, order=order)
        return np.ascontiguousarray(array, dtype=np.float64)

    def _elements(self, member: _Member) -> NDArray[Any]:
        """Unpack all elements piece by piece, so that they are in memory once; writable."""
        unpacked = np.empty(member.n_bytes, np.uint8)
        filled = 0
        try:
            with self._zip.open(member.info) as file:
                file.read(member.offset)
                while piece := file.read(PIECE_BYTES):
                    unpacked[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
                    filled += len(piece)
        except BROKEN as error:
            raise Malformed(f"{member.info.filename} is damaged") from error
        if filled != member.n_bytes:
            raise Malformed(f"{member.info.filename} is shorter than declared")
        return unpacked.view(member.dtype)

    def _unpack(self, info: zipfile.ZipInfo, n_bytes: int) -> bytes:
        """Return the first bytes of a member; never more, whatever is packed in it."""
        try:
            with self._zip.open(info) as file:
                data = file.read(n_bytes)
        except BROKEN as error:
            raise Malformed(f"{info.filename[:80]} is damaged") from error
        if len(data) != n_bytes:
            raise Malformed(f"{info.filename[:80]} is shorter than declared")
        return data

    def _declared(self, name: str, info: zipfile.ZipInfo) -> _Member:
        if info.flag_bits & 1:
            raise Malformed(f"{info.filename} is encrypted")
        if info.compress_type not in METHODS:
            raise Malformed(f"{info.filename} is neither stored nor deflated")
        head = self._unpack(info, min(info.file_size, LONGEST_HEADER + 12))
        member = _header(name, info, head)
        if member.offset + member.n_bytes != info.file_size:
            raise Malformed(f"{info.filename} is not of the size that its header declares")
        return member


def _only(names: Sequence[str], infos: Sequence[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name; each once, and no others."""
    expected = {f"{name}.npy": name for name in names}
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.filename not in expected:
            raise Invalid(f"the archive holds {info.filename[:80]!r}; only {_list(names)}", "")
        if expected[info.filename] in found:
            raise Invalid(f"the archive holds {info.filename} twice", "")
        found[expected[info.filename]] = info
    for name in names:
        if name not in found:
            raise Invalid(f"the archive has no array {name}; it needs {_list(names)}", f"/{name}")
    return found


def _list(names: Sequence[str]) -> str:
    return " and ".join(names)


def _header(name: str, info: zipfile.ZipInfo, head: bytes) -> _Member:
    """Read the head of an npy file (format 1 or 2) without building anything of it."""
    broken = Malformed(f"{info.filename} is not an array in numpy's format")
    start = {b"\x01\x00": 10, b"\x02\x00": 12}.get(head[6:8])
    if head[:6] != MAGIC or start is None or len(head) < start:
        raise broken
    (length,) = struct.unpack("<H" if start == 10 else "<I", head[8:start])
    text = head[start : start + length]
    if length > LONGEST_HEADER or len(text) != length:
        raise broken
    try:
        fields = ast.literal_eval(text.decode("ascii").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise broken from None
    if not isinstance(fields, dict) or fields.keys() != {"descr", "fortran_order", "shape"}:
        raise broken
    descr, fortran_order, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    if not isinstance(fortran_order, bool) or not isinstance(shape, tuple):
        raise broken
    if not all(type(length) is int and length >= 0 for length in shape):
        raise broken
    if not isinstance(descr, str) or not DTYPE.fullmatch(descr):
        what = f"{name} has elements of type {str(descr)[:40]!r}; only numbers are read"
        raise Invalid(what, f"/{name}")
    return _Member(info, np.dtype(descr), fortran_order, shape, start + length)


def _check_exact(
    name: str, elements: NDArray[Any], shape: tuple[int, ...], order: Literal["F", "C"]
) -> None:
    """Refuse whole numbers that float64 would round, among elements as they lie in memory."""
    if elements.dtype.kind not in "iu" or elements.dtype.itemsize < 8:
        return
    for start, piece in pieces(elements):
        sizes = np.abs(piece.astype(piece.dtype.newbyteorder("="))).view(np.uint64)
        lowest_bit = np.maximum(sizes & (~sizes + np.uint64(1)), np.uint64(1))
        rounded = sizes // lowest_bit >= 2**53
        if rounded.any():
            first = int(np.argmax(rounded))
            at = np.unravel_index(start + first, shape, order)
            pointer = "".join(f"/{i}" for i in (name, *at))
            raise Invalid(f"{piece[first]} has more digits than float64", pointer)
