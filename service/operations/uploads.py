"""Datasets as files: from the bytes of a csv table or an npz archive to samples."""

import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from service.engine.samples import Samples
from service.engine.types import Array
from service.errors import Invalid, Malformed
from service.operations.archives import Archive
from service.operations.limits import Limits
from service.operations.samples import given
from service.schemas.arrays import LARGEST, SMALLEST

CHUNK: Final = 4_000  # numbers parsed at a time; meanwhile nothing else in the process runs
SHOWN: Final = 40  # characters of what is no number

NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
NO_NUMBER: Final = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
QUOTED: Final = re.compile(r'(^|,)[ \t]*"([^",]*)"[ \t]*(?=,|$)')
TEXT: Final = re.compile(r'"[^"]*"')

ARRAYS: Final = ("inputs", "targets")

Line = tuple[int, str]  # its number from 1, and what it says


def from_csv(body: bytes, allowed: Limits) -> Samples:
    """Read a table: a sequence a row, its target in the last column.

    As RFC 4180 has it, and more patient: a byte order mark, line ends of every kind, blank
    lines, spaces around numbers and numbers in quotes are all well. A first line without any
    number is a header.

    Raises
    ------
    Malformed
        It is not text in UTF-8.
    Invalid
        Something in it is no number, or rows differ in length; the pointer is that of the
        same number in JSON, and the detail has the line.
    """
    try:
        return _table(_lines(body), allowed)
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error.reason} in the table") from None


def from_npz(body: bytes, allowed: Limits) -> Samples:
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
    samples = given(archive.load("inputs"), archive.load("targets"))
    for name in ARRAYS:
        array: Array = getattr(samples, name)
        outside = np.argwhere(~_acceptable(array))
        if len(outside):
            at = tuple(outside[0])
            raise Invalid(_why_not(float(array[at])), "".join(f"/{i}" for i in (name, *at)))
    return samples


def _lines(body: bytes) -> Iterator[Line]:
    """Yield all lines that are not blank, numbers in quotes freed from them."""
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig")
    for number, line in enumerate(text, 1):
        if not line.isspace():
            yield number, QUOTED.sub(r"\1\2", line) if '"' in line else line


def _table(lines: Iterator[Line], allowed: Limits) -> Samples:
    first = next(lines, None)
    if first is None:
        raise Invalid("the table has no rows", "/inputs")
    width = TEXT.sub("", first[1]).count(",") + 1
    if width < 2:
        message = "line {}: a row is its inputs and, last, its target, with commas between them"
        raise Invalid(message.format(first[0]), "/inputs/0")
    begun = [] if _is_header(first[1]) else [first]
    parts: list[Array] = []
    row = 0
    while chunk := begun + list(islice(lines, max(1, CHUNK // width))):
        parts.append(_numbers(chunk, width, row))
        row += len(chunk)
        begun = []
        allowed.check_cells(row, width - 1)
    if not parts:
        raise Invalid("the table has a header and no rows", "/inputs")
    inputs, targets = ([part[:, columns] for part in parts] for columns in (np.s_[:-1], -1))
    return given(np.concatenate(inputs), np.concatenate(targets))


def _is_header(line: str) -> bool:
    """Tell whether there is a name in the line, and no number.

    A line of both is no header: rather is a name refused than a row lost to a slip.
    """
    fields = [field.strip() for field in line.split(",")]
    numbers = (NUMBER.fullmatch(field) or NO_NUMBER.fullmatch(field) for field in fields)
    return any(fields) and not any(numbers)


def _numbers(chunk: list[Line], width: int, row: int) -> Array:
    """Parse lines, the first of which is the given row, as an array (len(chunk), width)."""
    try:
        table = np.loadtxt([line for _, line in chunk], delimiter=",", comments=None, ndmin=2)
    except ValueError:
        _blame(chunk, width, row)
    if table.shape != (len(chunk), width):
        _blame(chunk, width, row)
    fine = _acceptable(table)
    if not fine.all():
        i, j = np.unravel_index(int(np.argmin(fine)), table.shape)
        _refuse(chunk[i][0], _why_not(float(table[i, j])), row + int(i), int(j), width)
    return table


def _blame(chunk: list[Line], width: int, row: int) -> NoReturn:
    """Raise for the first thing that is wrong in lines that numpy did not read."""
    for i, (number, line) in enumerate(chunk, row):
        fields = [field.strip() for field in line.split(",")]
        for j, field in enumerate(fields[:width]):
            if not (NUMBER.fullmatch(field) or NO_NUMBER.fullmatch(field)):
                what = f"{field[:SHOWN]!r} is not a number" if field else "a number is missing"
                _refuse(number, what, i, j, width)
        if len(fields) != width:
            message = f"line {number}: the row has {len(fields)} fields, the first line {width}"
            raise Invalid(message, f"/inputs/{i}")
    message = f"lines {chunk[0][0]} to {chunk[-1][0]} are not a table of numbers"
    raise Invalid(message, f"/inputs/{row}")


def _refuse(line: int, what: str, row: int, column: int, width: int) -> NoReturn:
    place = f"/targets/{row}" if column == width - 1 else f"/inputs/{row}/{column}"
    raise Invalid(f"line {line}: {what}", place)


def _acceptable(numbers: Array) -> NDArray[np.bool_]:
    """Tell of which numbers float64 can hold the moments; see ``service.schemas.arrays``."""
    sizes = np.abs(numbers)
    fine: NDArray[np.bool_] = (sizes <= LARGEST) & ((sizes >= SMALLEST) | (sizes == 0.0))
    return fine


def _why_not(number: float) -> str:
    if not np.isfinite(number):
        return "a number must be finite"
    return f"{number!r} must be 0 or of a magnitude from {SMALLEST:g} to {LARGEST:g}"
