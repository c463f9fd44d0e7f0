"""Tables: their separator, their fields, and the numbers in selected columns."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from service.engine.interruption import check_interruption
from service.engine.types import Array
from service.errors import Invalid, count
from service.formats.numerals import MARKS, OTHER, SWITCHES, Numerals, cite, is_numeral, shorten
from service.formats.repairs import Offer, offer
from service.formats.text import Line
from service.schemas.series import MAX_NAME
from service.values.numbers import explain_out_of_range, in_range

PARSED_NUMBERS: Final = 4_000  # read at a time
SEPARATORS: Final = (";", "\t", "|", ",")  # with the others, a comma can be a decimal comma
BLANK: Final = " "  # one or several, if there is no other separator

# Every quantifier is possessive, because backtracking in long lines would take quadratic time. A
# field in quotes can contain separators.
QUOTED: Final = re.compile(r'"[^"]*+"')
FIELDS: Final = {
    separator: re.compile(
        rf'{re.escape(separator)} *+(?:"([^"]*+)" *+(?={re.escape(separator)}|$)'
        rf"|([^{separator}]*+))"
    )
    for separator in SEPARATORS
} | {BLANK: re.compile(r' (?:"([^"]*+)"(?= |$)|([^ ]*+))')}


def split_line(text: str, separator: str) -> list[str]:
    """Return the fields of a line without quotes and surrounding spaces."""
    if separator == BLANK:
        text = " ".join(text.split())
    if '"' not in text:
        return [field.strip() for field in text.split(separator)]
    pairs = FIELDS[separator].findall(separator + text)
    return [(quoted or plain).strip() for quoted, plain in pairs]


def split_names(text: str | None) -> list[str]:
    """Return the names in a list with commas."""
    return [*filter(None, split_line(text or "", ","))]


def join_names(names: Iterable[str]) -> str:
    """Return a list of names with commas, in quotes if they contain one."""
    return ",".join(f'"{name}"' if "," in name else name for name in names)


def find_separator(sample: Sequence[Line]) -> str:
    """Return the separator that most lines of a sample have equally often."""
    texts = [QUOTED.sub("quoted", text) if '"' in text else text for _, text in sample]

    def count_lines(separator: str) -> int:
        numbers = Counter(filter(None, (text.count(separator) for text in texts)))
        return max(numbers.values(), default=0)

    found = max(SEPARATORS, key=count_lines)  # the first of those that are equally frequent
    if count_lines(found):
        return found
    first, *others = [len(text.split()) for text in texts]
    width = others[0] if others else first
    has_header = first == width or first == width - 1 > 1  # R writes none for the names of rows
    is_table = width > 1 and has_header and {*others} <= {width}
    return BLANK if is_table else SEPARATORS[-1]


class Layout(NamedTuple):
    """The contents of the columns of a table."""

    separator: str
    names: list[str]  # of all columns; empty for a column without one
    inputs: list[int]
    target: int
    is_series: bool = False  # targets may be missing
    sequence: int | None = None
    time: int | None = None
    advice: str = ""  # for a field that is not a number
    fills: bool = False  # missing inputs are allowed
    signs: Mapping[int, str] = MappingProxyType({})  # of the units in the numbers of columns
    units: Sequence[str] = ()  # of all columns, if known
    clocks: Sequence[int] = ()  # columns that follow that of the times, such as times of day

    def list_times(self, fields: Sequence[str]) -> list[str]:
        """Return the times of rows, whose fields follow each other."""
        width = len(self.names)
        columns = [fields[each::width] for each in (self.time, *self.clocks) if each is not None]
        return [" ".join(parts) for parts in zip(*columns, strict=True)]

    def name(self, column: int) -> str:
        """Return the name of a column with its unit."""
        name, unit = self.names[column], self.units[column] if self.units else ""
        return f"{name} ({unit})" if unit and unit not in name else name

    def pointer(self, row: int, column: int | None = None) -> str:
        """Return the JSON pointer to a number, or to a row."""
        if self.is_series:
            return "/sequences"
        if column == self.target:
            return f"/targets/{row}"
        return f"/inputs/{row}" + ("" if column is None else f"/{self.inputs.index(column)}")


def list_numbers(
    lines: Iterable[Line], layout: Layout, columns: Sequence[int] | None = None
) -> Iterator[tuple[Line, str, str]]:
    """Yield the fields in which `find_numerals` may find the notation of numbers.

    ``columns`` are those that contain numbers, by default all.
    """
    separator, signs = layout.separator, layout.signs
    marks = ('"', ".") if separator == "," else (",", ".")
    for n_lines, line in enumerate(lines):
        if n_lines % PARSED_NUMBERS == 0:
            check_interruption()
        if marks[0] in line[1] or marks[1] in line[1]:
            fields = split_line(line[1], separator)
            for column in range(len(fields)) if columns is None else columns:
                if column < len(fields):
                    yield line, fields[column], signs.get(column, "")


class TableReader:
    """A reader of the rows of a table, and the numbers in its columns.

    The numbers of a row are those of the inputs, then of the target. All columns of a table are
    read together if it is not a series, because there can be many.
    """

    def __init__(self, layout: Layout, numerals: Numerals) -> None:
        self._layout, self._numerals = layout, numerals
        self._n_rows = 0

    def read(self, lines: Iterator[Line]) -> Iterator[tuple[list[Line], list[str], Array]]:
        """Yield a few rows at a time; raises Invalid.

        Each part has lines, their fields, and their numbers (n, m), nan for missing ones.
        """
        layout, width = self._layout, len(self._layout.names)
        columns = [*layout.inputs, layout.target]
        is_whole = len(columns) == width and not layout.is_series and not layout.signs
        groups = [range(column, width, width) for column in columns]
        if is_whole:
            groups = [range(width)]
        while part := list(islice(lines, max(1, PARSED_NUMBERS // width))):
            check_interruption()
            fields = self._split(part)
            numbers = np.hstack([self._read_numbers(part, fields, group) for group in groups])
            yield part, fields, numbers[:, columns] if is_whole else numbers
            self._n_rows += len(part)

    def _split(self, part: list[Line]) -> list[str]:
        """Return the fields of lines; raises Invalid unless their number is equal."""
        separator, width = self._layout.separator, len(self._layout.names)
        texts = [text for _, text in part]
        if separator == BLANK:
            texts = [" ".join(text.split()) for text in texts]
        whole = separator.join(texts)
        if '"' in whole:
            rows = [split_line(text, separator) for text in texts]
            widths = [*map(len, rows)]
        else:  # counted first, because fields take more memory than text
            rows = []
            widths = [text.count(separator) + 1 for text in texts]
        if {*widths} != {width}:
            rows = [self._cut(i, line, widths[i]) for i, line in enumerate(part)]
        fields = [*chain.from_iterable(rows)] or whole.split(separator)
        return [field.strip() for field in fields] if " " in whole else fields

    def _cut(self, i: int, line: Line, n_fields: int) -> list[str]:
        """Return the fields of a line without empty ones at its end; raises Invalid."""
        separator, width = self._layout.separator, len(self._layout.names)
        fields = split_line(line[1], separator) if n_fields <= 2 * width else []
        if len(fields) >= width and not any(fields[width:]):
            return fields[:width]
        given = count(n_fields, "field")
        detail = f"{cite(line)}: the row has {given}, the first line {width}"
        if separator == ",":
            detail += "; if commas are decimal commas, separate the fields by semicolons"
        raise Invalid(detail, self._layout.pointer(self._n_rows + i), line=line[0])

    def _read_numbers(self, part: list[Line], fields: list[str], columns: range) -> Array:
        """Return the numbers in columns of rows (len(part), len(columns)); raises Invalid."""
        layout = self._layout
        fields = fields[columns.start :: columns.step]
        numbers = self._numerals.read(fields, layout.signs.get(columns.start, ""))
        valid = in_range(numbers)
        if layout.fills or (layout.is_series and columns.start == layout.target):
            lacking = np.flatnonzero(np.isnan(numbers))
            valid[lacking] = [self._numerals.is_missing(fields[k]) for k in lacking.tolist()]
        if not valid.all():
            k = int(np.argmin(valid))
            i, j = divmod(k, len(fields) // len(part))
            column = columns.start + j
            raise self._explain(part[i], i, column, fields[k], float(numbers[k]))
        return numbers.reshape(len(part), -1)

    def _explain(self, line: Line, i: int, column: int, field: str, number: float) -> Invalid:
        """Return the error of a field that is not a number of a dataset."""
        layout = self._layout
        sign = layout.signs.get(column, "")
        repairs: list[Offer] = []
        if not field or (layout.advice and self._numerals.is_missing(field)):
            what = "a number is missing"
            if layout.advice:
                has_row = self._n_rows + i > 0
                repairs = offer_fills(can_hold=has_row, is_series=layout.is_series)
        elif not np.isnan(number):
            what = explain_out_of_range(number)
        elif sign in SWITCHES:
            what = (
                f"{shorten(field)} is not {sign.replace('/', ' or ')}, unlike the fields above it"
            )
        elif sign not in field:
            what = f"{shorten(field)} has no {sign}, unlike the numbers above it"
        elif is_numeral(field):
            what = self._explain_marks(field)
        else:
            what = f"{shorten(field)} is not a number{layout.advice}"
            if layout.advice and len(field) <= MAX_NAME:
                repairs = [offer("missing", field, shorten(field))]
        name = f" ({layout.names[column]!r})" if layout.names[column] else ""
        detail = f"{cite(line)}, column {column + 1}{name}: {what}"
        pointer = layout.pointer(self._n_rows + i, column)
        where: dict[str, Any] = {"line": line[0], "column": column + 1}
        return Invalid(detail, pointer, **where, repairs=repairs or None)

    def _explain_marks(self, field: str) -> str:
        """Return why the marks of a number do not agree with those of other numbers."""
        decimal, proof, _ = self._numerals
        other = OTHER[decimal]
        if proof is None:
            return f"the {MARKS[other]} in {shorten(field)} does not separate thousands"
        return (
            f"{shorten(field)} does not have the decimal {MARKS[decimal]} of {cite(proof)}; one "
            "must be the decimal mark, the other the thousands separator"
        )


def offer_fills(*, can_hold: bool, is_series: bool = True) -> list[Offer]:
    """Return the repairs of a missing number; there may be no value before it to hold."""
    values = ["drop", *(["hold"] if can_hold else []), "zero"] if is_series else ["drop"]
    return [offer("fill", value, "number") for value in values]
