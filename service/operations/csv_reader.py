"""Read a dataset from the bytes of a CSV table."""

import io
import re
from array import array
from collections.abc import Iterator
from itertools import islice
from typing import Final, NoReturn

import numpy as np

from service.engine.types import Array
from service.errors import Invalid, LimitExceeded, Malformed
from service.operations.limits import Limits
from service.operations.resolve import ResolvedDataset, from_arrays
from service.schemas.arrays import explain_out_of_range, in_range

CHUNK: Final = 4_000  # numbers parsed at a time; meanwhile nothing else in the process runs
SHOWN: Final = 40  # characters of what is no number
LONGEST: Final = 2_000  # characters of a number: written out, the smallest has 1,077
WIDEST: Final = 100  # characters of a field, on average over the longest row that is read

# All quantifiers are possessive, so that no character is looked at again for each of those before
# it: these meet lines of any length.
NUMBER: Final = re.compile(
    r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:e[+-]?\d++)?", re.ASCII | re.IGNORECASE
)
NO_NUMBER: Final = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
NO_NAME: Final = re.compile(r"[\"'\u2018\u2019\u201c\u201d]*+\s*+[-+.\u2212\d]")
QUOTED: Final = re.compile(r'(^|,)[ \t]*+"([^",]*+)"[ \t]*+(?=,|$)')
TEXT: Final = re.compile(r'"\s*+([^",\s]?+)[^"]*+"')

Line = tuple[int, str]  # its number from 1, and what it says


def read_csv(body: bytes, allowed: Limits) -> ResolvedDataset:
    """Read a table: a sequence a row, its target in the last column.

    As RFC 4180 has it, and more patient: a byte order mark, line ends of every kind, blank
    lines, spaces around numbers and numbers in quotes are all well. A first line of nothing but
    names is a header.

    Raises
    ------
    Malformed
        It is not text in UTF-8.
    Invalid
        Something in it is no number, or rows differ in length; the pointer is that of the
        same number in JSON, and the detail has the line.
    LimitExceeded
        There are too many numbers, or too many in a row; the rest is not read then.
    """
    try:
        return _table(_lines(body, allowed), allowed)
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error.reason} in the table") from None


def _lines(body: bytes, allowed: Limits) -> Iterator[Line]:
    """Yield all lines that are not blank, numbers in quotes freed from them."""
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig")
    longest = WIDEST * (allowed.max_steps + 1)
    for number, line in enumerate(text, 1):
        if len(line) > longest:
            allowed.check_cells(1, line.count(","))
            message = f"line {number} has {len(line)} characters; the limit is {longest}"
            raise LimitExceeded(message, "/dataset")
        if not line.isspace():
            yield number, QUOTED.sub(r"\1\2", line) if '"' in line else line


def _table(lines: Iterator[Line], allowed: Limits) -> ResolvedDataset:
    first = next(lines, None)
    if first is None:
        raise Invalid("the table has no rows", "/inputs")
    beginnings = TEXT.sub(r'"\1', first[1])  # what is in quotes may hold commas
    width = beginnings.count(",") + 1
    if width < 2:
        message = "line {}: a row is its inputs and, last, its target, with commas between them"
        raise Invalid(message.format(first[0]), "/inputs/0")
    allowed.check_cells(1, width - 1)
    begun = [] if _is_header(beginnings.split(",")) else [first]
    inputs, targets = array("d"), array("d")  # these grow without a copy beside them
    row = 0
    while chunk := begun + list(islice(lines, max(1, CHUNK // width))):
        part = _numbers(chunk, width, row)
        inputs.frombytes(part[:, :-1].tobytes())
        targets.frombytes(part[:, -1].tobytes())
        row += len(chunk)
        begun = []
        allowed.check_cells(row, width - 1)
    if not row:
        raise Invalid("the table has a header and no rows", "/inputs")
    return from_arrays(np.frombuffer(inputs).reshape(row, width - 1), np.frombuffer(targets))


def _is_header(fields: list[str]) -> bool:
    """Tell whether there is a name among the fields of a line, and nothing that may be a number.

    A line of both is no header, nor is one of numbers written in some other way, ``'1'`` or 1_000:
    rather is a name refused than a row lost to a slip.
    """
    fields = [field.strip() for field in fields]
    others = (NO_NAME.match(field) or NO_NUMBER.fullmatch(field) for field in fields)
    return any(fields) and not any(others)


def _numbers(chunk: list[Line], width: int, row: int) -> Array:
    """Parse lines, the first of which is the given row, as an array (len(chunk), width)."""
    if any(line.count(",") != width - 1 for _, line in chunk):  # numpy would parse all of it first
        _blame(chunk, width, row)
    try:
        table = np.loadtxt([line for _, line in chunk], delimiter=",", comments=None, ndmin=2)
    except ValueError:
        _blame(chunk, width, row)
    if table.shape != (len(chunk), width):
        _blame(chunk, width, row)
    fine = in_range(table)
    if not fine.all():
        i, j = np.unravel_index(int(np.argmin(fine)), table.shape)
        _refuse(chunk[i][0], explain_out_of_range(float(table[i, j])), row + int(i), int(j), width)
    return table


def _blame(chunk: list[Line], width: int, row: int) -> NoReturn:
    """Raise for the first thing that is wrong in lines that numpy did not read."""
    for i, (number, line) in enumerate(chunk, row):
        fields = line.split(",", width)
        for j, field in enumerate(map(str.strip, fields[:width])):
            if not _is_number(field):
                what = f"{field[:SHOWN]!r} is not a number" if field else "a number is missing"
                _refuse(number, what, i, j, width)
        if len(fields) != width:
            n_fields = line.count(",") + 1
            message = f"line {number}: the row has {n_fields} fields, the first line {width}"
            raise Invalid(message, f"/inputs/{i}")
    message = f"lines {chunk[0][0]} to {chunk[-1][0]} are not a table of numbers"
    raise Invalid(message, f"/inputs/{row}")


def _is_number(field: str) -> bool:
    """Tell whether a field is a number as this reads it, or one that is not finite."""
    if len(field) > LONGEST:
        return False
    return bool(NUMBER.fullmatch(field) or NO_NUMBER.fullmatch(field))


def _refuse(line: int, what: str, row: int, column: int, width: int) -> NoReturn:
    place = f"/targets/{row}" if column == width - 1 else f"/inputs/{row}/{column}"
    raise Invalid(f"line {line}: {what}", place)
