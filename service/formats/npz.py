"""Archives of arrays in the format npz: reading datasets, and writing arrays of any kind."""

import io
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.interruption import check_interruption
from service.engine.types import Array
from service.errors import Invalid, Malformed, ServiceError, count
from service.formats.base import (
    CHUNK,
    TARGET,
    DatasetArrays,
    SeriesColumns,
    SizeLimits,
)
from service.schemas.series import check_inputs
from service.schemas.tables import TableOptions
from service.values.numbers import explain_out_of_range, first_outside

FIELDS: Final = ("inputs", "targets", "lengths")  # in the pointers of errors
# The valid names of the fields; the second pair is that of scikit-learn.
NAMES: Final = (FIELDS[:2], ("X", "y"))
SERIES_NAMES: Final = (FIELDS[:2], FIELDS)
MAX_HEADER: Final = 1000  # bytes; numpy's own headers take about a hundred
MAX_MEMBERS: Final = 1000  # listing millions of them would take long
MEMBER_MARK: Final = b"PK\x01\x02"  # at the start of every member's entry in the directory
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the memory for others is not bounded
MAX_EXACT: Final = 2**53  # float64 represents all integers up to this magnitude


def read_npz(body: bytes, limits: SizeLimits, chosen: SeriesColumns | None) -> DatasetArrays:
    """Read an archive of ``inputs`` (N, T) and ``targets`` (N,), and no other arrays.

    They may be named ``X`` and ``y``, and the targets may be a column (N, 1). The sizes are checked
    before anything is unpacked. It raises Malformed, Invalid and LimitExceeded.
    """
    if chosen is not None:
        raise Invalid("kind=explicit applies to tables, not to npz", parameter="kind")
    inputs, targets = _open(body, NAMES)
    shape = inputs.shape
    if len(shape) != 2 or min(shape) < 1 or targets.shape not in {shape[:1], (shape[0], 1)}:
        detail = "inputs must have the shape (n, T) and targets (n,) or (n, 1), n and T at least 1"
        detail += f", not {shape} and {targets.shape}"
        if len(shape) == 3:
            detail += "; a series (n, T, q) needs the query parameter kind=series"
        raise Invalid(detail, "/inputs")
    limits.check_cells(*shape)
    return _check(inputs.read(), "/inputs"), _check(targets.read().reshape(-1), "/targets")


def read_series_npz(body: bytes, chosen: SeriesColumns, limits: SizeLimits) -> Series:
    """Read an archive of ``inputs`` (n, T, q) and ``targets`` (n, T), nan for missing ones.

    With ``lengths`` (n,), steps after the end of a sequence are ignored. The names of the columns
    are in the query; by default they are ``input_1``, ``input_2``, … and ``target``. It raises the
    errors of `read_npz`.
    """
    for parameter in ("sequence", "time", "clock", *TableOptions.model_fields):
        if getattr(chosen, parameter) is not None:
            raise Invalid(f"{parameter} applies to tables, not to npz", parameter=parameter)
    inputs, targets, *others = _open(body, SERIES_NAMES)
    shape = inputs.shape
    if len(shape) != 3 or min(shape[:2]) < 1 or targets.shape != shape[:2]:
        detail = "inputs must have the shape (n, T, q) and targets (n, T), n and T at least 1"
        raise Invalid(f"{detail}, not {shape} and {targets.shape}", "/inputs")
    n_samples, n_steps, n_inputs = shape
    target = chosen.target or TARGET
    check_inputs(n_inputs)
    names = chosen.inputs
    if names is None:
        names = tuple(f"input_{j}" for j in range(1, n_inputs + 1))
    if len(names) != n_inputs:
        detail = f"{count(n_inputs, 'input')}, but {count(len(names), 'name')}"
        raise Invalid(detail, parameter="inputs")
    repeated = [name for j, name in enumerate(names) if name in (target, *names[:j])]
    if repeated:
        raise Invalid(f"two columns are named {repeated[0]}", parameter="inputs")
    limits.check_cells(*shape)
    every = np.full(n_samples, n_steps)
    lengths = _read_lengths(others[0], n_samples, n_steps) if others else every
    is_step = np.arange(n_steps) < lengths[:, np.newaxis]
    x, y = inputs.read(), targets.read()
    _check(np.where(is_step[..., np.newaxis], x, 0.0), "/inputs")
    _check(np.where(is_step & ~np.isnan(y), y, 0.0), "/targets")
    if np.isnan(y[is_step]).all():
        raise Invalid("all targets are missing", "/targets")
    return Series(x[is_step], y[is_step], lengths, names, target)


def _read_lengths(member: "_Member", n_samples: int, n_steps: int) -> NDArray[np.int64]:
    if member.shape == (n_samples,) and member.dtype.kind != "b":
        numbers = member.read()
        if np.isin(numbers, np.arange(1, n_steps + 1)).all():
            return numbers.astype(np.int64)
    detail = f"lengths must be {n_samples} whole numbers from 1 to {n_steps}"
    raise Invalid(detail, "/lengths")


def _open(body: bytes, choices: Sequence[tuple[str, ...]]) -> list["_Member"]:
    """Return the arrays of an archive, which must have one of the choices of names."""
    if body.count(MEMBER_MARK) > MAX_MEMBERS:
        raise Malformed("the archive has too many members")
    with _read_errors("the body"):
        archive = zipfile.ZipFile(io.BytesIO(body))
    files = sorted(archive.namelist())
    for names in choices:
        if files == sorted(f"{name}.npy" for name in names):
            return [_Member(archive, *pair) for pair in zip(names, FIELDS, strict=False)]
    listed = ", or ".join(" and ".join(names) + " only" for names in choices)
    raise Invalid(f"the archive must contain {listed}, not {', '.join(files)[:80]!r}", "")


class _Member:
    """An array of numbers in an archive, of the size of its member."""

    def __init__(self, archive: zipfile.ZipFile, name: str, field: str) -> None:
        self._archive, self._name, self._pointer = archive, name, f"/{field}"
        info = archive.getinfo(f"{name}.npy")
        if info.compress_type not in METHODS or info.flag_bits & 1:
            raise Malformed(f"{info.filename} is neither stored nor deflated, or it is encrypted")
        with _read_errors(info.filename), archive.open(info) as file:
            # Versions 2 and 3 differ in the encoding of names, which arrays of numbers do not have.
            is_first = npy.read_magic(file) == (1, 0)
            read_header = npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0
            self.shape, _, self.dtype = read_header(file, max_header_size=MAX_HEADER)
            n_bytes = file.tell() + math.prod(self.shape) * self.dtype.itemsize
        if self.dtype.kind not in "biuf" or self.dtype.itemsize > 8:
            what = f"elements of type {str(self.dtype)[:40]!r}; only numbers are allowed"
            raise Invalid(f"{name} has {what}", self._pointer)
        if any(isinstance(length, bool) for length in self.shape):  # integers only for the header
            detail = f"{name} has the shape {self.shape}, which is not of integers"
            raise Invalid(detail, self._pointer)
        if n_bytes != info.file_size:
            raise Malformed(f"{info.filename} does not have the size that its header declares")

    def read(self) -> Array:
        """Return the array as float64."""
        file_name = f"{self._name}.npy"
        with _read_errors(file_name), self._archive.open(file_name) as file:
            array = npy.read_array(file, allow_pickle=False, max_header_size=MAX_HEADER)
            if array.dtype.kind in "iu":
                largest = max(-int(array.min(initial=0)), int(array.max(initial=0)))
                if largest > MAX_EXACT:
                    what = "integers above 2^53, which float64 may round; use float64"
                    raise Invalid(f"{self._name} has {what}", self._pointer)
            return np.ascontiguousarray(array, dtype=np.float64)


def _check(numbers: Array, pointer: str) -> Array:
    """Return numbers that a dataset can contain; raises Invalid for others."""
    at = first_outside(numbers)
    if at is not None:
        where = "/".join((pointer, *map(str, at)))
        raise Invalid(explain_out_of_range(float(numbers[at])), where)
    return numbers


@contextmanager
def _read_errors(what: str) -> Iterator[None]:
    """Raise Malformed for any exception; zipfile and numpy do not specify which they raise."""
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        detail = f"{what} is damaged, or not in numpy's format: {str(error)[:100]}"
        raise Malformed(detail) from error


def write_npz(arrays: Mapping[str, NDArray[Any]], file: BinaryIO) -> None:
    """Write a compressed archive, chunk by chunk; equal arrays give equal bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # its time is the beginning of 1980
            entry.compress_type = zipfile.ZIP_DEFLATED  # an entry ignores the type of its archive
            with archive.open(entry, "w", force_zip64=True) as member:
                descr = npy.dtype_to_descr(array.dtype)
                header = {"descr": descr, "fortran_order": False, "shape": array.shape}
                npy.write_array_header_1_0(member, header)
                numbers = np.ascontiguousarray(array).reshape(-1)
                for i in range(0, array.size, CHUNK):
                    check_interruption()
                    member.write(numbers[i : i + CHUNK].view(np.uint8).data)


def write_series_npz(series: Series, file: BinaryIO) -> None:
    """Write an archive that `read_series_npz` reads; nan follows the end of shorter sequences."""
    lengths = series.lengths
    is_known = np.arange(lengths.max()) < lengths[:, None]
    inputs = np.full((*is_known.shape, len(series.input_names)), np.nan)
    targets = np.full(is_known.shape, np.nan)
    inputs[is_known], targets[is_known] = series.inputs, series.targets
    arrays: dict[str, NDArray[Any]] = {"inputs": inputs, "targets": targets}
    if not is_known.all():
        arrays["lengths"] = lengths
    write_npz(arrays, file)


def write_dataset_npz(inputs: Array, targets: Array, file: BinaryIO) -> None:
    """Write an archive of ``inputs`` (N, T) and ``targets`` (N,)."""
    write_npz({"inputs": inputs, "targets": targets}, file)
