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

MAX_HEADER: Final = 1000  # bytes; numpy's own headers take about a hundred
MAX_ENTRIES: Final = 1000
PIECE_BYTES: Final = 1 << 20
ENTRY_MARK: Final = b"PK\x01\x02"  # at the start of every entry in the directory of an archive
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
NAMES: Final = ("inputs", "targets")
MAGIC: Final = b"\x93NUMPY"
DTYPE: Final = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248])")
# Everything that zipfile raises for damaged archives, from its source and from trials.
ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def read_npz(body: bytes, limits: Limits) -> ResolvedDataset:
    """Read an archive of ``inputs`` (N, T) and ``targets`` (N,).

    Integers, booleans and floating point of up to 64 bits are read exactly, in any byte order and
    memory order.

    Raises
    ------
    Malformed
        The body is not an npz archive, or a damaged one.
    Invalid
        The arrays are not these two, or do not have these shapes, or hold a number that a dataset
        may not hold.
    """
    archive = Archive(body, NAMES)
    inputs, targets = (archive.shapes[name] for name in NAMES)
    if len(inputs) != 2 or 0 in inputs:
        detail = f"inputs must have the shape (n, T), both at least 1, not {inputs}"
        raise Invalid(detail, "/inputs")
    if len(targets) != 1:
        raise Invalid(f"targets must have the shape (n,), not {targets}", "/targets")
    if targets[0] != inputs[0]:
        detail = (
            f"there must be one target per sequence: {inputs[0]} sequences, {targets[0]} targets"
        )
        raise Invalid(detail, "")
    limits.check_cells(*inputs)
    resolved = from_arrays(archive.load("inputs"), archive.load("targets"))
    for name in NAMES:
        numbers: Array = getattr(resolved.dataset, name)
        at = first_outside(numbers)
        if at is not None:
            raise Invalid(explain_out_of_range(float(numbers[at])), _pointer(name, *at))
    return resolved


class _Member(NamedTuple):
    """An array as its header declares it; the elements start at ``offset``."""

    info: zipfile.ZipInfo
    dtype: np.dtype[Any]
    fortran_order: bool
    shape: tuple[int, ...]
    offset: int

    @property
    def n_bytes(self) -> int:
        """The size of all elements in bytes."""
        n = self.dtype.itemsize
        for length in self.shape:
            n *= length
        return n


class Archive:
    """An npz archive that holds arrays of numbers with the given names, and nothing else.

    The shapes are known at once; `load` unpacks.

    Raises
    ------
    Malformed
        The body is not an npz archive, or a damaged one.
    Invalid
        An array is missing, there are others, or one does not hold numbers.
    """

    def __init__(self, body: bytes, names: Sequence[str]) -> None:
        if body.count(ENTRY_MARK) > MAX_ENTRIES:  # listing millions of entries would take long
            raise Malformed("the archive has too many members")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
        except ZIP_ERRORS as error:
            raise Malformed("the body is not a complete npz archive") from error
        self._members = {
            name: self._read_header(name, info)
            for name, info in _find_members(names, self._zip.infolist()).items()
        }

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array; the size of its member is that of the shape."""
        return {name: member.shape for name, member in self._members.items()}

    def load(self, name: str) -> Array:
        """Unpack an array as float64.

        Raises
        ------
        Malformed
            Its bytes are damaged.
        Invalid
            Float64 cannot represent an integer exactly.
        """
        member = self._members[name]
        elements = self._unpack(member)
        order: Literal["F", "C"] = "F" if member.fortran_order else "C"
        if member.dtype.kind == "b":
            elements = elements.view(np.uint8) != 0
        _check_exact(name, elements, member.shape, order)
        array = elements.reshape(member.shape, order=order)
        return np.ascontiguousarray(array, dtype=np.float64)

    def _unpack(self, member: _Member) -> NDArray[Any]:
        """Unpack all elements in pieces, so that they are in memory only once."""
        unpacked = np.empty(member.n_bytes, np.uint8)
        filled = 0
        try:
            with self._zip.open(member.info) as file:
                file.read(member.offset)
                while piece := file.read(PIECE_BYTES):
                    unpacked[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
                    filled += len(piece)
        except ZIP_ERRORS as error:
            raise Malformed(f"{member.info.filename} is damaged") from error
        if filled != member.n_bytes:
            raise Malformed(f"{member.info.filename} is shorter than declared")
        return unpacked.view(member.dtype)

    def _read_header(self, name: str, info: zipfile.ZipInfo) -> _Member:
        if info.flag_bits & 1:
            raise Malformed(f"{info.filename} is encrypted")
        if info.compress_type not in METHODS:
            raise Malformed(f"{info.filename} is neither stored nor deflated")
        member = _parse_header(name, info, self._read_start(info))
        if member.offset + member.n_bytes != info.file_size:
            raise Malformed(f"{info.filename} does not have the size that its header declares")
        return member

    def _read_start(self, info: zipfile.ZipInfo) -> bytes:
        """Return the first bytes of a member, enough for any header that is accepted."""
        n_bytes = min(info.file_size, MAX_HEADER + 12)
        try:
            with self._zip.open(info) as file:
                start = file.read(n_bytes)
        except ZIP_ERRORS as error:
            raise Malformed(f"{info.filename[:80]} is damaged") from error
        if len(start) != n_bytes:
            raise Malformed(f"{info.filename[:80]} is shorter than declared")
        return start


def _find_members(
    names: Sequence[str], infos: Sequence[zipfile.ZipInfo]
) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name; raises Invalid unless there is one for each name and no other."""
    expected = {f"{name}.npy": name for name in names}
    listed = " and ".join(names)
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.filename not in expected:
            raise Invalid(
                f"the archive contains {info.filename[:80]!r}; only {listed} are allowed", ""
            )
        if expected[info.filename] in found:
            raise Invalid(f"the archive contains {info.filename} twice", "")
        found[expected[info.filename]] = info
    for name in names:
        if name not in found:
            raise Invalid(f"the archive has no array {name}; it must contain {listed}", f"/{name}")
    return found


def _parse_header(name: str, info: zipfile.ZipInfo, start: bytes) -> _Member:
    """Parse the header of an npy file of format 1, 2 or 3, which differ in size and encoding.

    numpy's own parser tokenizes headers that it cannot evaluate, accepts True as a length, and
    does not distinguish an unknown element type from a damaged header.
    """
    malformed = Malformed(f"{info.filename} is not an array in numpy's format")
    text_start = {b"\x01\x00": 10, b"\x02\x00": 12, b"\x03\x00": 12}.get(start[6:8])
    if start[:6] != MAGIC or text_start is None or len(start) < text_start:
        raise malformed
    (length,) = struct.unpack("<H" if text_start == 10 else "<I", start[8:text_start])
    text = start[text_start : text_start + length]
    if length > MAX_HEADER or len(text) != length:
        raise malformed
    try:
        fields = ast.literal_eval(text.decode("utf-8").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise malformed from None
    if not isinstance(fields, dict) or fields.keys() != {"descr", "fortran_order", "shape"}:
        raise malformed
    descr, fortran_order, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    if not isinstance(fortran_order, bool) or not isinstance(shape, tuple):
        raise malformed
    if not all(type(length) is int and length >= 0 for length in shape):
        raise malformed
    if not isinstance(descr, str) or not DTYPE.fullmatch(descr):
        detail = f"{name} has elements of type {str(descr)[:40]!r}; only numbers are allowed"
        raise Invalid(detail, f"/{name}")
    return _Member(info, np.dtype(descr), fortran_order, shape, text_start + length)


def _check_exact(
    name: str, elements: NDArray[Any], shape: tuple[int, ...], order: Literal["F", "C"]
) -> None:
    """Raise Invalid for integers that float64 would round; ``elements`` are in memory order."""
    if elements.dtype.kind not in "iu" or elements.dtype.itemsize < 8:
        return
    for start, piece in pieces(elements):
        sizes = np.abs(piece.astype(piece.dtype.newbyteorder("="))).view(np.uint64)
        lowest_bit = np.maximum(sizes & (~sizes + np.uint64(1)), np.uint64(1))
        rounded = sizes // lowest_bit >= 2**53
        if rounded.any():
            first = int(np.argmax(rounded))
            at = np.unravel_index(start + first, shape, order)
            raise Invalid(f"float64 cannot represent {piece[first]} exactly", _pointer(name, *at))


def _pointer(*steps: Any) -> str:
    return "".join(f"/{step}" for step in steps)
