"""CSV tables: datasets are read, columns of any kind are written."""

import io
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, NoReturn

import numpy as np

from service.engine.types import Array
from service.errors import Invalid, LimitExceeded, Malformed
from service.formats.base import DatasetArrays, SizeLimits
from service.schemas.arrays import explain_out_of_range, in_range
from service.store.array_codec import ArrayStream

CHUNK: Final = 4_000  # numbers parsed per call of numpy, which holds the GIL
MAX_SHOWN: Final = 40  # characters of an invalid field in a message
MAX_NUMBER: Final = 2_000  # characters of a number; in full, the smallest has 1,077
MAX_FIELD: Final = 100  # characters of a field, averaged over the longest row
PART: Final = 20_000  # numbers written at a time

# Every quantifier is possessive: lines may be long, and no character may be read again for each of
# those before it.
NUMBER: Final = re.compile(
    r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:e[+-]?\d++)?", re.ASCII | re.IGNORECASE
)
NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
LIKE_A_NUMBER: Final = re.compile(r"[\"'\u2018\u2019\u201c\u201d]*+\s*+[-+.\u2212\d]")
QUOTED: Final = re.compile(r'(^|,)[ \t]*+"([^",]*+)"[ \t]*+(?=,|$)')
TEXT: Final = re.compile(r'"\s*+([^",\s]?+)[^"]*+"')

Line = tuple[int, str]  # its number, from 1, and its text


def read_csv(body: bytes, limits: SizeLimits) -> DatasetArrays:
    """Read a table with one sequence per row, its target in the last column.

    The table follows RFC 4180. A byte order mark, any line ending, blank lines, spaces around
    numbers and quoted numbers are accepted as well. The first line is a header if it has only
    names.

    Raises
    ------
    Malformed
        The table is not text in UTF-8.
    Invalid
        A field is not a number, or rows differ in length. The pointer is that of the same number
        in JSON, and the detail has the line.
    LimitExceeded
        There are too many numbers, in a row or in total; the rest is not read.
    """
    try:
        return _read_table(_lines(body, limits), limits)
    except UnicodeDecodeError as error:
        raise Malformed(f"the table is not UTF-8: {error.reason}") from None


def _lines(body: bytes, limits: SizeLimits) -> Iterator[Line]:
    """Yield the lines that are not blank, with quoted numbers unquoted."""
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig")
    longest = MAX_FIELD * (limits.max_steps + 1)
    for number, line in enumerate(text, 1):
        if len(line) > longest:
            limits.check_cells(1, line.count(","))
            detail = f"line {number} has {len(line)} characters; the limit is {longest}"
            raise LimitExceeded(detail, "/dataset")
        if not line.isspace():
            yield number, QUOTED.sub(r"\1\2", line) if '"' in line else line


def _read_table(lines: Iterator[Line], limits: SizeLimits) -> DatasetArrays:
    first = next(lines, None)
    if first is None:
        raise Invalid("the table has no rows", "/inputs")
    shortened = TEXT.sub(r'"\1', first[1])  # quoted text may contain commas
    width = shortened.count(",") + 1
    if width < 2:
        detail = f"line {first[0]}: a row must have inputs and a target, separated by commas"
        raise Invalid(detail, "/inputs/0")
    limits.check_cells(1, width - 1)
    start = [] if _is_header(shortened.split(",")) else [first]
    inputs, targets = array("d"), array("d")  # they grow in place
    row = 0
    while chunk := start + list(islice(lines, max(1, CHUNK // width))):
        part = _parse(chunk, width, row)
        inputs.frombytes(part[:, :-1].tobytes())
        targets.frombytes(part[:, -1].tobytes())
        row += len(chunk)
        start = []
        limits.check_cells(row, width - 1)
    if not row:
        raise Invalid("the table has a header but no rows", "/inputs")
    return np.frombuffer(inputs).reshape(row, width - 1), np.frombuffer(targets)


def _is_header(fields: list[str]) -> bool:
    """Return whether a line has a name among its fields, and no field that may be a number.

    A line with both is not a header, nor is one of numbers in another notation, such as ``'1'`` or
    ``1_000``: it is better to reject a name than to lose a row.
    """
    fields = [field.strip() for field in fields]
    others = (LIKE_A_NUMBER.match(field) or NOT_FINITE.fullmatch(field) for field in fields)
    return any(fields) and not any(others)


def _parse(chunk: list[Line], width: int, row: int) -> Array:
    """Parse lines as an array (len(chunk), width); ``row`` is the index of the first one."""
    # Counted first, since numpy would parse everything before it noticed.
    if any(line.count(",") != width - 1 for _, line in chunk):
        _report(chunk, width, row)
    try:
        table = np.loadtxt([line for _, line in chunk], delimiter=",", comments=None, ndmin=2)
    except ValueError:
        _report(chunk, width, row)
    if table.shape != (len(chunk), width):
        _report(chunk, width, row)
    valid = in_range(table)
    if not valid.all():
        i, j = np.unravel_index(int(np.argmin(valid)), table.shape)
        what = explain_out_of_range(float(table[i, j]))
        _raise(chunk[i][0], what, row + int(i), int(j), width)
    return table


def _report(chunk: list[Line], width: int, row: int) -> NoReturn:
    """Raise Invalid for the first error in lines that numpy did not read."""
    for i, (number, line) in enumerate(chunk, row):
        fields = line.split(",", width)
        for j, field in enumerate(map(str.strip, fields[:width])):
            if not _is_number(field):
                shown = f"{field[:MAX_SHOWN]!r} is not a number"
                _raise(number, shown if field else "a number is missing", i, j, width)
        if len(fields) != width:
            n_fields = line.count(",") + 1
            detail = f"line {number}: the row has {n_fields} fields, the first row {width}"
            raise Invalid(detail, f"/inputs/{i}")
    detail = f"lines {chunk[0][0]} to {chunk[-1][0]} are not a table of numbers"
    raise Invalid(detail, f"/inputs/{row}")


def _is_number(field: str) -> bool:
    """Return whether a field is a number, finite or not."""
    if len(field) > MAX_NUMBER:
        return False
    return bool(NUMBER.fullmatch(field) or NOT_FINITE.fullmatch(field))


def _raise(line: int, what: str, row: int, column: int, width: int) -> NoReturn:
    pointer = f"/targets/{row}" if column == width - 1 else f"/inputs/{row}/{column}"
    raise Invalid(f"line {line}: {what}", pointer)


def write_csv(columns: Mapping[str, ArrayStream]) -> Iterator[bytes]:
    """Yield the parts of a table with a header, from columns (m,).

    Numbers read back exactly. Where a number is not finite the field is empty.
    """
    yield _encode([columns])
    n_rows = max(column.size for column in columns.values())
    n_rows_per_part = max(1, PART // len(columns))
    for _ in range(0, n_rows, n_rows_per_part):
        part = [column.take(n_rows_per_part).tolist() for column in columns.values()]
        yield _encode(zip(*(map(_text, column) for column in part), strict=True))


def write_dataset_csv(inputs: ArrayStream, targets: ArrayStream) -> Iterator[bytes]:
    """Yield the parts of a table with one sequence per row, its target in the last column.

    Parameters
    ----------
    inputs, targets
        The arrays (N, T) and (N,), finite.
    """
    n_samples, n_steps = inputs.shape
    yield _encode([[*(f"x_{k}" for k in range(1, n_steps + 1)), "target"]])
    n_rows = max(1, PART // (n_steps + 1))
    for _ in range(0, n_samples, n_rows):
        sequences = inputs.take(n_rows * n_steps).reshape(-1, n_steps)
        rows = np.column_stack([sequences, targets.take(n_rows)]).tolist()
        yield _encode(map(repr, row) for row in rows)


def _encode(rows: Iterable[Iterable[str]]) -> bytes:
    return "".join([",".join(row) + "\r\n" for row in rows]).encode("ascii")


def _text(number: float) -> str:
    text = repr(number)
    return "" if text in ("inf", "-inf", "nan") else text
