"""CSV tables: datasets are read, columns of any kind are written."""

import io
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import BinaryIO, Final, NoReturn

import numpy as np

from service.engine.interruption import check_interruption
from service.engine.types import Array
from service.errors import Invalid, LimitExceeded, Malformed, count
from service.formats.base import CHUNK, DatasetArrays, SizeLimits
from service.formats.csv_layout import (
    SEPARATORS,
    Layout,
    Line,
    cite,
    find_layout,
    is_number,
    shorten,
    split_line,
)
from service.formats.decimal_marks import DecimalMarks
from service.schemas.arrays import explain_out_of_range, in_range
from service.store.array_codec import ArrayStream

SAMPLE: Final = 20  # lines that determine the layout
PARSED_NUMBERS: Final = 4_000  # numbers parsed per call of numpy, which holds the GIL
MAX_FIELD: Final = 100  # characters of a field, averaged over the longest row


def read_csv(body: bytes, limits: SizeLimits) -> DatasetArrays:
    """Read a table with one sequence per row and its target.

    The target is in the column that the header names ``target``, otherwise in the last column.
    `find_layout` finds the separator, which is a comma, a semicolon or a tab. Numbers have a
    decimal point, or a decimal comma that is not the separator or is in quotes. A byte order mark,
    any line ending, blank lines, spaces around numbers and quoted numbers are accepted.

    It raises Malformed, Invalid and LimitExceeded. The pointer of an invalid number is that of the
    same number in JSON, and the detail quotes the line. What follows an error is not read.
    """
    return _read_table(read_lines(body, limits), limits)


def read_lines(body: bytes, limits: SizeLimits) -> Iterator[Line]:
    """Yield the lines that are not blank; raises Malformed and LimitExceeded."""
    try:
        yield from _split_lines(body, limits)
    except UnicodeDecodeError as error:
        detail = f"the table is not UTF-8: {error.reason}; spreadsheets save it as CSV UTF-8"
        raise Malformed(detail) from None


def _split_lines(body: bytes, limits: SizeLimits) -> Iterator[Line]:
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig")
    longest = MAX_FIELD * (limits.max_steps + 1)
    for number, line in enumerate(text, 1):
        if len(line) > longest:
            separator = next((mark for mark in SEPARATORS if mark in line), SEPARATORS[0])
            limits.check_cells(1, line.count(separator))
            detail = f"line {number} has {len(line)} characters; the limit is {longest}"
            raise LimitExceeded(detail, "/dataset", line=number, limit=longest, needed=len(line))
        if not line.isspace():
            yield number, line


def _read_table(lines: Iterator[Line], limits: SizeLimits) -> DatasetArrays:
    sample = list(islice(lines, SAMPLE))
    if not sample:
        raise Invalid("the table has no rows", "/inputs")
    layout = find_layout(sample)
    n_steps = layout.width - 1
    limits.check_cells(1, n_steps)
    rows = chain(sample[layout.has_header :], lines)
    marks = DecimalMarks("/inputs")
    inputs, targets = array("d"), array("d")  # they grow in place
    row = 0
    while chunk := list(islice(rows, max(1, PARSED_NUMBERS // layout.width))):
        numbers = _parse(chunk, layout, marks, row)
        inputs.frombytes(np.delete(numbers, layout.target, axis=1).tobytes())
        targets.frombytes(numbers[:, layout.target].tobytes())
        row += len(chunk)
        limits.check_cells(row, n_steps)
    if not row:
        raise Invalid(f"{cite(sample[0])}: the table has a header but no rows", "/inputs")
    marks.check()
    return np.frombuffer(inputs).reshape(row, n_steps), np.frombuffer(targets)


def _parse(chunk: list[Line], layout: Layout, marks: DecimalMarks, row: int) -> Array:
    """Parse lines as an array (len(chunk), width); ``row`` is the index of the first one."""
    width, separator = layout.width, layout.separator
    texts = [text for _, text in chunk]
    if '"' in "".join(texts):
        fields = [split_line(text, separator) for text in texts]
        if any(len(row_fields) != width for row_fields in fields):
            _report(chunk, layout, row)
        separator = ";"  # commas that remain are decimal commas
        texts = [separator.join(row_fields) for row_fields in fields]
    # Counted first, since numpy would parse everything before it noticed.
    if any(text.count(separator) != width - 1 for text in texts):
        _report(chunk, layout, row)
    texts = marks.normalize(chunk, texts, separator)
    try:
        table = np.loadtxt(texts, delimiter=separator, comments=None, ndmin=2)
    except ValueError:
        _report(chunk, layout, row)
    if table.shape != (len(chunk), width):
        _report(chunk, layout, row)
    valid = in_range(table)
    if not valid.all():
        i, j = map(int, np.unravel_index(int(np.argmin(valid)), table.shape))
        what = explain_out_of_range(float(table[i, j]))
        detail = f"{cite(chunk[i])}: {what}"
        raise Invalid(detail, layout.pointer(row + i, j), line=chunk[i][0], column=j + 1)
    return table


def _report(chunk: list[Line], layout: Layout, row: int) -> NoReturn:
    """Raise Invalid for the first error in lines that numpy did not read."""
    width = layout.width
    for i, line in enumerate(chunk, row):
        fields = split_line(line[1], layout.separator)
        for j, field in enumerate(fields[:width]):
            if not is_number(field):
                what = f"{shorten(field)} is not a number" if field else "a number is missing"
                detail = f"{cite(line)}: {what} in column {j + 1}"
                raise Invalid(detail, layout.pointer(i, j), line=line[0], column=j + 1)
        if len(fields) != width:
            detail = (
                f"{cite(line)}: the row has {count(len(fields), 'field')}, the first line {width}"
            )
            if layout.separator == ",":
                detail += "; if the commas are decimal commas, separate the fields by semicolons"
            raise Invalid(detail, f"/inputs/{i}", line=line[0])
    detail = f"lines {chunk[0][0]} to {chunk[-1][0]} are not a table of numbers"
    raise Invalid(detail, f"/inputs/{row}")


def write_csv(columns: Mapping[str, ArrayStream], file: BinaryIO) -> None:
    """Write a table with a header, chunk by chunk, from columns (m,).

    Numbers read back exactly. Where a number is not finite the field is empty. Texts are written
    as they are.
    """
    file.write(encode_rows([columns]))
    n_rows = max(column.size for column in columns.values())
    n_rows_per_chunk = max(1, CHUNK // len(columns))
    for _ in range(0, n_rows, n_rows_per_chunk):
        check_interruption()
        chunk = [column.take(n_rows_per_chunk).tolist() for column in columns.values()]
        file.write(encode_rows(zip(*(map(_text, column) for column in chunk), strict=True)))


def write_dataset_csv(inputs: ArrayStream, targets: ArrayStream, file: BinaryIO) -> None:
    """Write a table of inputs (N, T), with the targets (N,) in the last column."""
    n_samples, n_steps = inputs.shape
    file.write(encode_rows([[*(f"x_{k}" for k in range(1, n_steps + 1)), "target"]]))
    n_rows = max(1, CHUNK // (n_steps + 1))
    for _ in range(0, n_samples, n_rows):
        check_interruption()
        sequences = inputs.take(n_rows * n_steps).reshape(-1, n_steps)
        rows = np.column_stack([sequences, targets.take(n_rows)]).tolist()
        file.write(encode_rows(map(repr, row) for row in rows))


def encode_rows(rows: Iterable[Iterable[str]]) -> bytes:
    """Return fields as lines."""
    return "".join([",".join(row) + "\r\n" for row in rows]).encode()


def _text(value: float | str) -> str:
    text = value if isinstance(value, str) else repr(value)
    return "" if text in ("inf", "-inf", "nan") else text
