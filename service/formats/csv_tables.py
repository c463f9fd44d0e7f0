"""Tables: their lines, fields, and the numbers in selected columns."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from service.engine.interruption import check_interruption
from service.engine.types import Array
from service.errors import Invalid, LimitExceeded, Malformed, count
from service.formats.base import SizeLimits
from service.values.numbers import explain_out_of_range, in_range, is_number

SAMPLE: Final = 20  # lines that determine the layout
PARSED_NUMBERS: Final = 4_000  # read at a time
SEPARATORS: Final = (";", "\t", ",")  # with the others, a comma can be a decimal comma
MAX_FIELD: Final = 100  # characters of a field, averaged over the longest row
MAX_SHOWN: Final = 40  # characters of a line or a field in a message

# Every quantifier is possessive, because backtracking in long lines would take quadratic time. A
# field in quotes can contain separators.
QUOTED: Final = re.compile(r'"[^"]*+"')
FIELDS: Final = {
    separator: re.compile(rf'{separator} *+(?:"([^"]*+)" *+(?={separator}|$)|([^{separator}]*+))')
    for separator in SEPARATORS
}
MARKS: Final = {",": "comma", ".": "point"}
OTHER: Final = {",": ".", ".": ","}
# Numbers with thousands separators, optionally followed by the other mark.
THOUSANDS: Final = {
    mark: re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:[{mark}]\d{{3}})++(?:[{OTHER[mark]}]\d*+)?")
    for mark in MARKS
}


Line: TypeAlias = tuple[int, str]
"""The number of a line, from 1, and its text."""


def read_lines(body: bytes, limits: SizeLimits) -> Iterator[Line]:
    """Yield the lines that are not blank; raises Malformed and LimitExceeded."""
    longest = MAX_FIELD * (limits.max_steps + 1)
    try:
        for number, line in enumerate(io.TextIOWrapper(io.BytesIO(body), "utf-8-sig"), 1):
            if len(line) > longest:
                detail = f"line {number} has {len(line)} characters; the limit is {longest}"
                raise LimitExceeded(
                    detail, "/dataset", line=number, limit=longest, needed=len(line)
                )
            if line.isspace():
                check_interruption()
            else:
                yield number, line.rstrip("\n")
    except UnicodeDecodeError as error:
        detail = f"the table is not UTF-8: {error.reason}; spreadsheets save it as CSV UTF-8"
        raise Malformed(detail) from None


def split_line(text: str, separator: str) -> list[str]:
    """Return the fields of a line without quotes and surrounding spaces."""
    if '"' not in text:
        return [field.strip() for field in text.split(separator)]
    pairs = FIELDS[separator].findall(separator + text)
    return [(quoted or plain).strip() for quoted, plain in pairs]


def find_separator(sample: list[Line]) -> str:
    """Return the first of the separators in the first and in the last line of a sample."""
    first, last = (QUOTED.sub("", sample[i][1]) for i in (0, -1))
    used = (separator for separator in SEPARATORS if separator in first and separator in last)
    return next(used, SEPARATORS[-1])


def cite(line: Line) -> str:
    """Return the number and the beginning of a line, for a message."""
    number, text = line
    return f"line {number} ({shorten(text)})"


def shorten(text: str) -> str:
    """Return a text in quotes, for a message."""
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")


class DecimalMarks:
    """The decimal mark of numbers, with the first number for each of both marks."""

    def __init__(
        self, pointer: str, decimal: str | None, ambiguous: Sequence[str], advice: str
    ) -> None:
        """Start with no numbers.

        Parameters
        ----------
        pointer
            The JSON pointer of errors.
        decimal
            The decimal mark, if given. The other mark then separates thousands.
        ambiguous
            The marks that can separate thousands if no decimal mark is known.
        advice
            The advice for ambiguous numbers.
        """
        self._pointer, self._decimal, self._advice = pointer, decimal, advice
        self._ambiguous = {*ambiguous}
        self._first: dict[str, tuple[Line, str]] = {}

    def normalize(self, lines: Sequence[Line], fields: Sequence[str]) -> Sequence[str]:
        """Return the fields of lines, equally many of each, with decimal points.

        It raises Invalid if both marks are used.
        """
        n_fields = len(fields) // len(lines)
        if self._decimal is not None:
            return [self._ungroup(lines[i // n_fields], field) for i, field in enumerate(fields)]
        whole = ";".join(fields)
        for mark in MARKS:
            if mark not in self._first and mark in whole:
                i = next(i for i, field in enumerate(fields) if mark in field)
                self._first[mark] = lines[i // n_fields], fields[i]
        if len(self._first) == 2:
            comma, point = (cite(self._first[mark][0]) for mark in MARKS)
            detail = (
                f"{comma} uses a comma and {point} a point: one must be the decimal mark, the "
                f"other the thousands separator; {self._advice}"
            )
            raise Invalid(detail, self._pointer)
        for mark in self._first.keys() & self._ambiguous:
            if any(mark in field and not THOUSANDS[mark].fullmatch(field) for field in fields):
                self._ambiguous.remove(mark)
        return [field.replace(",", ".") for field in fields] if "," in self._first else fields

    def _ungroup(self, line: Line, field: str) -> str:
        """Return a number with a decimal point, and without thousands separators."""
        (other,) = MARKS.keys() - {self._decimal}
        if other in field and not THOUSANDS[other].fullmatch(field):
            detail = f"{cite(line)}: the {MARKS[other]} in a number does not separate thousands"
            raise Invalid(detail, self._pointer)
        return field.replace(other, "").replace(",", ".")

    def check(self) -> None:
        """Raise Invalid if every mark could also separate thousands."""
        for mark in self._first.keys() & self._ambiguous:
            line, number = self._first[mark]
            decimal, whole = number.replace(",", "."), number.replace(mark, "")
            name = MARKS[mark]
            readings = f"{decimal} with a decimal {name}, or {whole} with a thousands separator"
            detail = f"{cite(line)}: {number} is ambiguous: {readings}; {self._advice}"
            raise Invalid(detail, self._pointer)


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
    missing: re.Pattern[str] | None = None  # texts of missing inputs, if allowed

    def pointer(self, row: int, column: int | None = None) -> str:
        """Return the JSON pointer to a number, or to a row."""
        if self.is_series:
            return "/sequences"
        if column == self.target:
            return f"/targets/{row}"
        return f"/inputs/{row}" + ("" if column is None else f"/{self.inputs.index(column)}")


class TableReader:
    """A reader of the rows of a table, and the numbers in selected columns."""

    def __init__(self, layout: Layout, marks: Mapping[DecimalMarks, slice]) -> None:
        """Start at the first row.

        Parameters
        ----------
        marks
            The decimal marks of groups of columns, all of numbers.
        """
        self._layout, self._marks = layout, marks
        self._n_rows = 0

    def read(self, lines: Iterator[Line]) -> Iterator[tuple[list[Line], list[str], Array]]:
        """Yield a few rows at a time; raises Invalid.

        Each part has lines, their fields, and their numbers (n, m), nan for missing ones.
        """
        width = len(self._layout.names)
        while part := list(islice(lines, max(1, PARSED_NUMBERS // width))):
            check_interruption()
            fields = self._split(part)
            numbers = [
                self._read_numbers(part, fields, marks, range(width)[columns])
                for marks, columns in self._marks.items()
            ]
            yield part, fields, np.hstack(numbers)
            self._n_rows += len(part)
        for marks in self._marks:
            marks.check()

    def _split(self, part: list[Line]) -> list[str]:
        """Return the fields of lines; raises Invalid unless their number is equal."""
        separator, width = self._layout.separator, len(self._layout.names)
        texts = [text for _, text in part]
        whole = separator.join(texts)
        if '"' in whole:
            rows = [split_line(text, separator) for text in texts]
            widths = [*map(len, rows)]
        else:  # counted first, because fields take more memory than text
            rows = []
            widths = [text.count(separator) + 1 for text in texts]
        if {*widths} != {width}:
            i = next(i for i, n_fields in enumerate(widths) if n_fields != width)
            given = count(widths[i], "field")
            detail = f"{cite(part[i])}: the row has {given}, the first line {width}"
            if separator == ",":
                detail += "; if commas are decimal commas, separate the fields by semicolons"
            raise Invalid(detail, self._layout.pointer(self._n_rows + i), line=part[i][0])
        fields = [*chain.from_iterable(rows)] or whole.split(separator)
        return [field.strip() for field in fields] if " " in whole else fields

    def _read_numbers(
        self, part: list[Line], fields: list[str], marks: DecimalMarks, columns: range
    ) -> Array:
        """Return the numbers in columns of rows (len(part), len(columns))."""
        fields = fields[columns.start :: columns.step]
        texts = marks.normalize(part, fields)
        try:
            numbers = np.fromiter(map(float, texts), np.float64, len(texts))
        except ValueError:
            numbers = np.array([float(text) if is_number(text) else np.nan for text in texts])
        valid = in_range(numbers)
        if self._layout.is_series and columns[0] == self._layout.target:
            valid |= [not field for field in fields]
        elif self._layout.missing is not None:
            valid |= [bool(self._layout.missing.fullmatch(field)) for field in fields]
        if not valid.all():
            k = int(np.argmin(valid))
            i, j = divmod(k, len(columns))
            raise self._explain(part[i], i, columns[j], fields[k], float(numbers[k]))
        return numbers.reshape(len(part), len(columns))

    def _explain(self, line: Line, i: int, column: int, field: str, number: float) -> Invalid:
        """Return the error of a field that is not a number of a dataset."""
        layout = self._layout
        name = f" ({layout.names[column]!r})" if layout.names[column] else ""
        if not field:
            what = "a number is missing"
            if layout.is_series:
                what += ", which can be filled (fill=hold, zero or drop)"
        elif np.isnan(number):
            what = f"{shorten(field)} is not a number{layout.advice}"
        else:
            what = explain_out_of_range(number)
        detail = f"{cite(line)}, column {column + 1}{name}: {what}"
        pointer = layout.pointer(self._n_rows + i, column)
        return Invalid(detail, pointer, line=line[0], column=column + 1)
