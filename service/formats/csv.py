"""CSV tables: reading datasets, and writing columns of any kind."""

import math
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.interruption import check_interruption
from service.engine.types import Array
from service.errors import Invalid
from service.formats.base import CHUNK, TARGET, DatasetArrays, SizeLimits
from service.formats.csv_tables import Layout, TableReader, find_separator, list_numbers, split_line
from service.formats.numerals import Numerals, cite, find_numerals
from service.formats.text import Line, open_text
from service.values.array_codec import ArrayStream
from service.values.numbers import is_number

SAMPLE: Final = 20  # lines that determine the layout
# The header of an index in files of pandas and R, and the one that pandas reads there.
INDEX: Final = re.compile(r"|unnamed: 0(\.\d+)?")
LIKE_A_NUMBER: Final = re.compile(r"[\"'\u2018\u2019\u201c\u201d]*+\s*+[-+.,\u2212\d]")


def read_csv(body: bytes, limits: SizeLimits) -> DatasetArrays:
    """Read a table with one sequence per row and its target.

    The target is in the column ``target`` of the header, otherwise in the last column.
    `find_layout` finds the separator, which is a comma, a semicolon or a tab. Numbers have a
    decimal point, or a decimal comma that is not the separator or is in quotes. A byte order mark,
    any line ending, blank lines, spaces around numbers and quoted numbers are accepted.

    It raises Malformed, Invalid and LimitExceeded. The pointer of an invalid number is that of the
    same number in JSON, and the detail quotes the line. Reading stops at the first error.
    """
    text = open_text(body)
    sample = list(islice(text.lines(limits), SAMPLE))
    if not sample:
        raise Invalid("the table has no rows", "/inputs")
    layout, has_header = find_layout(sample)
    n_steps = len(layout.inputs)
    limits.check_cells(1, n_steps)

    def read_rows() -> Iterator[Line]:
        return islice(text.lines(limits), has_header, None)

    numerals = Numerals()  # in a workbook
    if text.encoding is not None:
        fields = list_numbers(read_rows(), layout)
        numerals = find_numerals(fields, layout.separator, "/inputs", "write points")
    parts = TableReader(layout, numerals).read(read_rows())
    inputs, targets = join_sequences((numbers for _, _, numbers in parts), n_steps, limits)
    if not targets.size:
        raise Invalid(f"{cite(sample[0])}: the table has a header but no rows", "/inputs")
    return inputs, targets


def join_sequences(parts: Iterable[Array], n_steps: int, limits: SizeLimits) -> DatasetArrays:
    """Return the inputs (N, T) and the targets (N,) of rows (n, T + 1); raises LimitExceeded."""
    inputs, targets = array("d"), array("d")  # they grow in place
    for numbers in parts:
        inputs.frombytes(numbers[:, :-1].tobytes())
        targets.frombytes(numbers[:, -1].tobytes())
        limits.check_cells(len(targets), n_steps)
    return np.frombuffer(inputs).reshape(-1, n_steps), np.frombuffer(targets)


def find_layout(sample: list[Line]) -> tuple[Layout, bool]:
    """Return the layout of a table from its first lines, and True if the first one is a header.

    It is a header if it contains ``target``, or only names. The target is selected by the header;
    otherwise it is the last column. It raises Invalid if the layout is ambiguous.
    """
    separator = find_separator(sample)
    header = split_line(sample[0][1], separator)
    fields = [field.lower() for field in header]
    n_targets = fields.count(TARGET)
    problem = None
    if len(fields) < 2:
        problem = "a row must have inputs and a target, separated by commas, semicolons or tabs"
    elif n_targets > 1:
        problem = f"{n_targets} columns are named target"
    elif any(fields) and INDEX.fullmatch(fields[0]):
        problem = (
            "the first column has no name, like an index: use to_csv(index=False) in pandas, "
            "write.csv(row.names = FALSE) in R"
        )
    elif len(sample) > 1 and fields == [str(column) for column in range(len(fields))]:
        readings = "a row, or a header with the numbers of the columns"
        problem = f"this can be {readings}; add a header such as x_1,target"
    if problem is not None:
        raise Invalid(f"{cite(sample[0])}: {problem}", "/inputs", line=sample[0][0])
    target = fields.index(TARGET) if n_targets else len(fields) - 1
    inputs = [column for column in range(len(fields)) if column != target]
    # A line with names and numbers is not a header, nor is a line of numbers in another notation,
    # such as ``'1'``: it is better to reject a name than to lose a row.
    may_be_row = any(LIKE_A_NUMBER.match(field) or is_number(field) for field in fields)
    has_header = n_targets > 0 or (any(fields) and not may_be_row)
    names = header if has_header else [""] * len(header)
    return Layout(separator, names, inputs, target), has_header


def write_csv(columns: Mapping[str, ArrayStream], file: BinaryIO) -> None:
    """Write a table with a header, chunk by chunk, from columns (m,).

    Numbers are written exactly. The field of a non-finite number is empty. Texts are unchanged.
    """
    n_rows = max(column.size for column in columns.values())
    size = max(1, CHUNK // len(columns))
    chunks = (
        zip(*(to_texts(column.take(size)) for column in columns.values()), strict=True)
        for _ in range(0, n_rows, size)
    )
    write_rows(columns, chunks, file)


def write_dataset_csv(inputs: ArrayStream, targets: ArrayStream, file: BinaryIO) -> None:
    """Write a table of inputs (N, T), with the targets (N,) in the last column."""
    n_samples, n_steps = inputs.shape
    size = max(1, CHUNK // (n_steps + 1))
    tables = (
        np.column_stack([inputs.take(size * n_steps).reshape(-1, n_steps), targets.take(size)])
        for _ in range(0, n_samples, size)
    )
    chunks = ((map(repr, row) for row in table.tolist()) for table in tables)
    write_rows([*(f"x_{k}" for k in range(1, n_steps + 1)), TARGET], chunks, file)


def write_rows(
    names: Iterable[str], chunks: Iterable[Iterable[Iterable[str]]], file: BinaryIO
) -> None:
    """Write a header, and chunks of rows of fields."""
    for rows in chain([[names]], chunks):
        check_interruption()
        file.write("".join([",".join(row) + "\r\n" for row in rows]).encode())


def to_texts(column: NDArray[Any]) -> list[str]:
    """Return numbers as fields, empty for non-finite numbers; texts are unchanged."""
    values: list[Any] = column.tolist()
    if column.dtype == object:
        return values
    return [repr(value) if math.isfinite(value) else "" for value in values]
