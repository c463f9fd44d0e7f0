"""Archives of arrays in the format npz: datasets are read, arrays of any kind are written."""

import io
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.interruption import check_interruption
from service.engine.types import Array
from service.errors import Invalid, Malformed, count
from service.formats.base import CHUNK, DatasetArrays, SeriesColumns, SeriesStream, SizeLimits
from service.schemas.arrays import explain_out_of_range, first_outside
from service.schemas.series import check_inputs
from service.store.array_codec import ArrayStream

# The names of the inputs and of the targets; the second pair is that of scikit-learn.
NAMES: Final = (("inputs", "targets"), ("X", "y"))
SERIES_NAMES: Final = (("inputs", "targets"), ("inputs", "targets", "lengths"))
TARGET: Final = "target"
FIELDS: Final = NAMES[0]  # in the pointers of errors
MAX_HEADER: Final = 1000  # bytes; numpy's own headers take about a hundred
MAX_MEMBERS: Final = 1000  # listing millions of them would take long
MEMBER_MARK: Final = b"PK\x01\x02"  # at the start of every member's entry in the directory
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the memory of others is not bounded
MAX_EXACT: Final = 2**53  # float64 represents all integers up to this magnitude


def read_npz(body: bytes, limits: SizeLimits) -> DatasetArrays:
    """Read an archive of ``inputs`` (N, T) and ``targets`` (N,) that holds nothing else.

    They may be named ``X`` and ``y``, and the targets may be a column (N, 1). The sizes are checked
    before anything is unpacked. It raises Malformed, Invalid and LimitExceeded.
    """
    archive, names = _open(body, NAMES)
    inputs, targets = map(partial(_read_shape, archive), FIELDS, names)
    if len(inputs) != 2 or min(inputs) < 1:
        detail = f"inputs must have the shape (n, T), both at least 1, not {inputs}"
        if len(inputs) == 3:
            detail += "; a series (n, T, q) needs the query parameter kind=series"
        raise Invalid(detail, "/inputs")
    if len(targets) == 0 or targets[1:] not in {(), (1,)}:
        raise Invalid(f"targets must have the shape (n,) or (n, 1), not {targets}", "/targets")
    if targets[0] != inputs[0]:
        detail = (
            "there must be one target per sequence: "
            f"{count(inputs[0], 'sequence')}, {count(targets[0], 'target')}"
        )
        raise Invalid(detail, "")
    limits.check_cells(*inputs)
    shapes = (inputs, targets[:1])
    first, second = map(partial(_read_array, archive), FIELDS, names, shapes)
    return first, second


def read_series_npz(body: bytes, chosen: SeriesColumns, limits: SizeLimits) -> Series:
    """Read an archive of ``inputs`` (n, T, q) and ``targets`` (n, T), nan where one is missing.

    With ``lengths`` (n,), what follows the end of a sequence is ignored. The query names the
    columns; by default they are ``input_1``, ``input_2``, … and ``target``. It raises the errors of
    `read_npz`.
    """
    for parameter in ("sequence", "time", "decimal", "thousands"):
        if getattr(chosen, parameter) is not None:
            raise Invalid(f"{parameter} applies to tables, not to npz", parameter=parameter)
    archive, names = _open(body, SERIES_NAMES)
    inputs, targets = map(partial(_read_shape, archive), FIELDS, names)
    if len(inputs) != 3 or min(inputs[:2]) < 1 or targets != inputs[:2]:
        detail = "inputs must have the shape (n, T, q) and targets (n, T), n and T at least 1"
        raise Invalid(f"{detail}, not {inputs} and {targets}", "/inputs")
    (n_samples, n_steps, n_inputs), titles = inputs, chosen.inputs
    check_inputs(n_inputs)
    if titles is None:
        titles = tuple(f"input_{j}" for j in range(1, n_inputs + 1))
    if len(titles) != n_inputs:
        detail = f"{count(n_inputs, 'input')}, but {count(len(titles), 'name')}"
        raise Invalid(detail, parameter="inputs")
    target = TARGET if chosen.target is None else chosen.target
    repeated = [name for j, name in enumerate(titles) if name in (target, *titles[:j])]
    if repeated:
        raise Invalid(f"two columns are named {repeated[0]}", parameter="inputs")
    limits.check_cells(*inputs)
    lengths = np.full(n_samples, n_steps)
    if len(names) == 3:
        lengths = _read_lengths(archive, n_samples, n_steps)
    is_step = np.arange(n_steps) < lengths[:, np.newaxis]
    x = _read_array(archive, "inputs", "inputs", inputs, is_step[..., np.newaxis])
    y = _read_array(archive, "targets", "targets", targets, is_step, gaps=True)
    if np.isnan(y[is_step]).all():
        raise Invalid("all targets are missing", "/targets")
    return Series(x[is_step], y[is_step], lengths, titles, target)


def _read_lengths(archive: zipfile.ZipFile, n_samples: int, n_steps: int) -> NDArray[np.int64]:
    shape = _read_shape(archive, "lengths", "lengths", "iuf")
    if shape == (n_samples,):
        numbers = _read_array(archive, "lengths", "lengths", shape)
        lengths = numbers.astype(np.int64)
        if (lengths == numbers).all() and lengths.min() >= 1 and lengths.max() <= n_steps:
            return lengths
    detail = f"lengths must be {n_samples} whole numbers from 1 to {n_steps}"
    raise Invalid(detail, "/lengths")


def _open(
    body: bytes, choices: Sequence[tuple[str, ...]]
) -> tuple[zipfile.ZipFile, tuple[str, ...]]:
    """Return an archive and the choice of names that its arrays have."""
    if body.count(MEMBER_MARK) > MAX_MEMBERS:
        raise Malformed("the archive has too many members")
    with _read_errors("the body"):
        archive = zipfile.ZipFile(io.BytesIO(body))
    files = sorted(archive.namelist())
    for names in choices:
        if files == sorted(f"{name}.npy" for name in names):
            return archive, names
    listed = ", or ".join(" and ".join(names) + " only" for names in choices)
    raise Invalid(f"the archive must contain {listed}, not {', '.join(files)[:80]!r}", "")


def _read_shape(
    archive: zipfile.ZipFile, field: str, name: str, kinds: str = "biuf"
) -> tuple[int, ...]:
    """Return the shape of an array of numbers whose size is that of its member."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in METHODS or info.flag_bits & 1:
        raise Malformed(f"{info.filename} is neither stored nor deflated, or it is encrypted")
    with _read_errors(info.filename), archive.open(info) as file:
        # The versions 2 and 3 differ in the encoding of names, which arrays of numbers do not have.
        is_first = npy.read_magic(file) == (1, 0)
        read_header = npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0
        shape, _, dtype = read_header(file, max_header_size=MAX_HEADER)
        n_bytes = file.tell() + math.prod(shape) * dtype.itemsize
    if dtype.kind not in kinds or dtype.itemsize > 8:
        detail = f"{name} has elements of type {str(dtype)[:40]!r}; only numbers are allowed"
        raise Invalid(detail, f"/{field}")
    if any(isinstance(length, bool) for length in shape):  # numpy takes them as integers here only
        raise Invalid(f"{name} has the shape {shape}, which is not of integers", f"/{field}")
    if n_bytes != info.file_size:
        raise Malformed(f"{info.filename} does not have the size that its header declares")
    return shape


def _read_array(
    archive: zipfile.ZipFile,
    field: str,
    name: str,
    shape: tuple[int, ...],
    used: NDArray[np.bool_] | None = None,
    *,
    gaps: bool = False,
) -> Array:
    """Return an array as float64 in a shape; numbers that are not used, and gaps, may be nan."""
    with _read_errors(f"{name}.npy"), archive.open(f"{name}.npy") as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False, max_header_size=MAX_HEADER)
    try:
        if array.dtype.kind in "iu":
            largest = max(-int(array.min(initial=0)), int(array.max(initial=0)))
            if largest > MAX_EXACT:
                detail = f"{name} has integers above 2^53, which float64 may round; use float64"
                raise Invalid(detail, f"/{field}")
        numbers = np.ascontiguousarray(array, dtype=np.float64).reshape(shape)
        checked = numbers if used is None else np.where(used, numbers, 0.0)
        if gaps:
            checked = np.nan_to_num(checked, posinf=np.inf, neginf=-np.inf)
        at = first_outside(checked)
    except (ValueError, TypeError) as error:
        raise Invalid(f"{name} cannot be read: {str(error)[:100]}", f"/{field}") from error
    if at is not None:
        pointer = "/".join(("", field, *map(str, at)))
        raise Invalid(explain_out_of_range(float(numbers[at])), pointer)
    return numbers


@contextmanager
def _read_errors(what: str) -> Iterator[None]:
    """Raise Malformed in place of any exception; zipfile and numpy list none for damaged bytes."""
    try:
        yield
    except Exception as error:
        detail = f"{what} is damaged, or not in numpy's format: {str(error)[:100]}"
        raise Malformed(detail) from error


def write_npz(arrays: Mapping[str, ArrayStream], file: BinaryIO) -> None:
    """Write a compressed archive, chunk by chunk; equal arrays give equal bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # its time is the beginning of 1980
            entry.compress_type = zipfile.ZIP_DEFLATED  # an entry ignores the type of its archive
            with archive.open(entry, "w", force_zip64=True) as member:
                descr = npy.dtype_to_descr(array.dtype)
                header = {"descr": descr, "fortran_order": False, "shape": array.shape}
                npy.write_array_header_1_0(member, header)
                for _ in range(0, array.size, CHUNK):
                    check_interruption()
                    member.write(np.ascontiguousarray(array.take(CHUNK)).data.cast("B"))


def write_series_npz(series: SeriesStream, file: BinaryIO) -> None:
    """Write an archive that `read_series_npz` reads; nan follows the end of shorter sequences."""
    lengths, n_inputs = series.lengths, len(series.columns["inputs"])
    shape = len(lengths), int(lengths.max())

    def pad(stream: ArrayStream, width: int) -> Iterator[Array]:
        for length in lengths.tolist():
            yield stream.take(length * width)
            yield np.full((shape[1] - length) * width, np.nan)

    dtype = np.dtype(np.float64)
    arrays = {
        "inputs": ArrayStream((*shape, n_inputs), dtype, pad(series.inputs, n_inputs)),
        "targets": ArrayStream(shape, dtype, pad(series.targets, 1)),
    }
    if lengths.min() < shape[1]:
        arrays["lengths"] = ArrayStream.of(lengths)
    write_npz(arrays, file)


def write_dataset_npz(inputs: ArrayStream, targets: ArrayStream, file: BinaryIO) -> None:
    """Write an archive of ``inputs`` (N, T) and ``targets`` (N,)."""
    write_npz({"inputs": inputs, "targets": targets}, file)
