"""The structure of tables: which lines are comments, the header, units, rows, and the end."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from service.errors import Invalid, count
from service.formats.base import SeriesColumns, SizeLimits
from service.formats.csv_tables import find_separator, split_line
from service.formats.numerals import MISSING, SWITCHES, find_sign, find_switch, is_numeral
from service.formats.series_rows import decode_name
from service.formats.text import Line, Text
from service.schemas.series import MAX_NAME
from service.schemas.tables import Kind
from service.values.dates import is_date

SAMPLE: Final = 1000  # lines that determine the structure
SAMPLE_SIZE: Final = 200_000  # characters after which no further line is added
EXAMINED: Final = 1000  # fields of a line that may begin the rows
TAIL: Final = 20  # lines among which the end of a table is found
COMMENT: Final = re.compile(r"(?:#|%|//|!)\s*+")
ANNOTATION: Final = re.compile("#(?:group|datatype|default),")  # of files of InfluxDB
DECLARED: Final = re.compile(r'"?sep=(.)"?')  # which spreadsheets write
# The label of a row of totals, with that of the group.
TOTALS: Final = re.compile(
    r"(?:[\w-]{1,20} )?(?:(?:grand |sub)?totals?|sum|(?:zwischen)?summe|(?:gesamt)?ergebnis|gesamt"
    r"|gesamtsumme|total g\u00e9n\u00e9ral|somme|totale|insgesamt|average|mean|mittelwert|moyenne)"
    r"(?: [\w-]{1,20})?",
    re.IGNORECASE,
)
LABELLED: Final = re.compile(
    r'[\s",;|]*+(?:\d[\w-]*+ )?[^\W\d]'
)  # a line whose first field can be that
SENTINEL: Final = re.compile(r"(-9999?)(?:[.,]0*)?")  # numbers that often stand for missing ones
LOGGER: Final = "TOA5"  # the first field of a file of a Campbell logger
EMPTY, TOTAL, NOTE = "empty", "a total", "a note"  # lines below the last row, or between rows
AGAIN: Final = "the header again"
INDEX: Final = re.compile(r"|#|no\.?|nr\.?|row|index|unnamed: 0", re.IGNORECASE)


class Structure(NamedTuple):
    """The lines and the columns of a table."""

    text: Text
    limits: SizeLimits
    skip: int | None  # lines above the table, if given
    separator: str
    width: int  # fields of a row
    header: Line | None  # None for a table without a header
    first: int  # the first line that can be a row
    names: list[str]
    units: list[str]
    kinds: list[Kind]
    signs: dict[int, str]  # that the numbers of a column have, or its pair of words
    sample: list[list[str]]  # rows
    n_above: int  # lines above the header
    # Lines that repeat the header, and those below the last row, once all rows are read
    left_out: list[tuple[int, str]]
    # Numbers that often stand for missing ones, by their columns, once all rows are read
    sentinels: Counter[tuple[int, str]]

    def split(self, text: str) -> list[str]:
        """Return the fields of a line."""
        return split_line(text, self.separator)

    def rows(self) -> Iterator[Line]:
        """Yield the rows, without comments, headers again, and what follows the last row."""
        held = deque[Line]()
        header = find_repeatable(self.header, self.separator)
        skipped: dict[str, list[int]] = {}
        self.sentinels.clear()
        for number, line in read_lines(self.text, self.limits, self.skip):
            if number < self.first:
                continue
            what = AGAIN if line == header else self._find_reason(line)
            if what is not None:
                skipped.setdefault(what, []).append(number)
                continue
            if "-999" in line:
                matches = enumerate(map(SENTINEL.fullmatch, self.split(line)))
                self.sentinels.update((j, match[1]) for j, match in matches if match is not None)
            held.append((number, line))
            if len(held) > TAIL:
                yield held.popleft()
        ends = [find_end(self.split(line), self.width) for _, line in held]
        while ends and ends[-1] in {EMPTY, NOTE}:
            ends.pop()
        if ends[-1:] == [TOTAL] and ends[-2:] != [TOTAL, TOTAL]:  # not those of a group
            ends.pop()
        self.left_out[:] = [
            (number, find_end(self.split(line), self.width) or "")
            for number, line in [*held][len(ends) :]
        ]
        for what in (TOTAL, AGAIN):  # of groups of rows, and where files were joined
            first, *more = skipped.get(what, [0])
            others = f", like {count(len(more), 'more line')}" if more else ""
            self.left_out[:0] = [(first, f"{what}{others}")] if first else []
        yield from islice(held, len(ends))

    def _find_reason(self, line: str) -> str | None:
        """Return why a line is no row; None if it can be one."""
        if COMMENT.match(line) and is_comment(line, len(self.split(line)), self.width):
            return NOTE
        return TOTAL if LABELLED.match(line) and self.is_total(self.split(line)) else None

    def is_total(self, fields: Sequence[str]) -> bool:
        """Return True for a row of totals, with their label in a column of times or numbers."""
        j = next((j for j, field in enumerate(fields) if field), 0)
        is_label = j < self.width and self.kinds[j] in {"time", "number"}
        return is_label and find_end(fields, self.width) == TOTAL


def read_lines(text: Text, limits: SizeLimits, skip: int | None) -> Iterator[Line]:
    """Yield the lines that are not blank, rules below a header or annotations."""
    for number, line in text.lines(limits, skip or 0):
        if ("---" in line and not line.strip("-+|=: \t")) or ANNOTATION.match(line):
            continue
        row = line.strip()[1:].removesuffix("|") if line.startswith("|") else line
        if row.strip():
            yield number, row


def find_structure(text: Text, limits: SizeLimits, chosen: SeriesColumns) -> Structure | None:
    """Return the structure of a table from its first lines, None if it is empty; raises Invalid."""
    lines = _take_sample(read_lines(text, limits, chosen.skip))
    declared = DECLARED.fullmatch(lines[0][1]) if lines else None
    if declared is not None:
        del lines[0]
    if not lines:
        return None
    separator = "\t" if text.encoding is None else find_separator(lines)
    rows = [(line, split_line(line[1], separator)) for line in lines]
    widths = Counter(len(fields) for _, fields in rows)
    width = max(widths, key=lambda n: (widths[n], n > 1))  # the first of equally frequent ones
    rows = _find_content(rows, width)
    if not rows:
        return None
    at = _find_header(rows, width, chosen.header)
    header: Line | None = None
    names = [f"column_{column + 1}" for column in range(width)]
    if at is not None:
        header, fields = rows[at]
        fields = [COMMENT.sub("", fields[0], 1), *fields[1:]] if width > 1 else fields
        fields = [*map(decode_name, fields)]
        names = _to_names(rows[at - 1][1] if at else [], fields, rows[at + 1 :], width)
    rows = rows[0 if at is None else at + 1 :]
    units = [""] * width if at is None else _take_units(rows, width)
    rows = _find_rows(rows, find_repeatable(header, separator), width)
    first = rows[0][0][0] if rows else limits.max_steps**2
    sample = [_pad(fields, width) for _, fields in rows]
    fields_of = [*zip(*sample, strict=True)] or [()] * width
    signs, kinds = _find_kinds(names, fields_of)
    for column, sign in signs.items():
        units[column] = units[column] or ("" if sign in SWITCHES else sign)
    read = text, limits, chosen.skip, separator
    names = names if chosen.is_series else _complete(names, limits)
    columns = names, units, kinds, signs
    n_above = at or 0
    found = Structure(*read, width, header, first, *columns, sample, n_above, [], Counter())
    sample[:] = [row for row in sample if not found.is_total(row)]
    return found


def _find_content(rows: list[tuple[Line, list[str]]], width: int) -> list[tuple[Line, list[str]]]:
    """Return the rows without comments, and of a logger's four lines the names and the units."""
    rows = [row for row in rows if not is_comment(row[0][1], len(row[1]), width)]
    if rows and rows[0][1][0] == LOGGER:  # station, names, units, how they were measured
        rows[:4] = rows[1:3]
    return rows


def _find_kinds(
    names: list[str], columns: Sequence[Sequence[str]]
) -> tuple[dict[int, str], list[Kind]]:
    """Return the signs of columns by their places, and the kinds of all columns."""
    signs = {
        j: sign
        for j, column in enumerate(columns)
        if (sign := find_sign(column) or find_switch(column))
    }
    kinds = [
        _find_kind(name, column, signs.get(j, ""))
        for j, (name, column) in enumerate(zip(names, columns, strict=True))
    ]
    return signs, kinds


def is_comment(line: str, n_fields: int, width: int) -> bool:
    """Return True for a line that begins with a mark of comments, and is no row."""
    return COMMENT.match(line) is not None and (n_fields != width or width == 1)


def _take_sample(lines: Iterator[Line]) -> list[Line]:
    sample, size = list[Line](), 0
    for line in islice(lines, SAMPLE):
        sample.append(line)
        size += len(line[1])
        if size > SAMPLE_SIZE:
            break
    return sample


def _find_header(rows: list[tuple[Line, list[str]]], width: int, line: int | None) -> int | None:
    """Return the index of the header, None without one; raises Invalid."""
    if line == 0:
        return None
    if line is not None:
        for i, ((number, _), _) in enumerate(rows):
            if number == line:
                return i
        raise Invalid(f"line {line} is not at the top of the table", parameter="header")
    n_above = next(
        (
            i
            for i, (_, fields) in enumerate(rows)
            if len(fields) >= width - 1
            and any(map(_is_value, fields[:EXAMINED]))
            and not (i + 1 < len(rows) and _are_names(rows[i + 1][1], width))
        ),
        len(rows),
    )
    names = [
        (len(fields) <= width, sum(map(bool, fields)), -i)
        for i, (_, fields) in enumerate(rows[:n_above])
        if len(fields) >= width - 1
    ]
    if names:
        return -max(names)[2]
    first = rows[0][1]
    return None if all(map(_is_value, filter(None, first))) else 0


def _are_names(fields: list[str], width: int) -> bool:
    """Return True for texts in all columns; a line above them is the one of merged cells."""
    is_full = width > 1 and len([*filter(None, fields)]) == width
    return is_full and not any(_is_value(each) or MISSING.fullmatch(each) for each in fields)


def _is_value(field: str) -> bool:
    return bool(field) and (is_numeral(field, find_sign([field])) or is_date(field))


def _take_units(rows: list[tuple[Line, list[str]]], width: int) -> list[str]:
    """Remove the line of units, if the first one is that, and return them."""
    if len(rows) < 2 or not _are_units(rows[0][1], rows[1][1]):
        return [""] * width
    _, fields = rows.pop(0)
    return [field.strip("[]()") for field in _pad(fields, width)]


def _are_units(fields: list[str], below: list[str]) -> bool:
    """Return True for the fields of a line of units: text above numbers."""
    numeric = [j for j, field in enumerate(below) if _is_value(field)]
    above = [fields[j] for j in numeric if j < len(fields)]
    has_text = any(not MISSING.fullmatch(field) for field in above)
    return has_text and not any(map(_is_value, fields))


def find_repeatable(header: Line | None, separator: str) -> str | None:
    """Return the text of a header that no row has: None if it consists of numbers and dates."""
    if header is None:
        return None
    _, text = header
    fields = split_line(text, separator)[:EXAMINED]
    return None if all(map(_is_value, filter(None, fields))) else text


def _find_rows(
    rows: list[tuple[Line, list[str]]], header: str | None, width: int
) -> list[tuple[Line, list[str]]]:
    """Return the rows without headers again, and without what follows the last row."""
    rows = [row for row in rows if row[0][1] != header]
    while rows and find_end(rows[-1][1], width) is not None:
        del rows[-1]
    return rows


def _pad(fields: list[str], width: int) -> list[str]:
    return [*fields, *[""] * (width - len(fields))][:width]


def _to_names(
    above: list[str], fields: list[str], rows: list[tuple[Line, list[str]]], width: int
) -> list[str]:
    """Return the names of the columns of a header, with those of groups if names are repeated."""
    if len(fields) == width - 1 and rows and rows[0][1][-1]:
        fields = ["", *fields]  # as in R, the names of rows have no header
    names = [_shorten(name) for name in _pad(fields, width)]
    if len({*filter(None, names)}) < len([*filter(None, names)]) and len(above) == width:
        group = ""
        for column, field in enumerate(above):
            group = field or group
            names[column] = " ".join(filter(None, (group, names[column])))
    return names


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1].rstrip()}\u2026"


def _complete(names: list[str], limits: SizeLimits) -> list[str]:
    """Return names with the positions of their columns where they are empty or repeated.

    It raises LimitExceeded for too many columns.
    """
    limits.check_cells(1, len(names) - 1)
    numbers = Counter(names)
    return [
        name if name and numbers[name] == 1 else f"{name or 'column'}_{column}"
        for column, name in enumerate(names, 1)
    ]


def _find_kind(name: str, fields: Iterable[str], sign: str) -> Kind:
    """Return the kind of a column.

    A few texts do not make a column of numbers one of text: their positions are reported.
    """
    present = [field for field in fields if not MISSING.fullmatch(field)]
    numbers = [field for field in present if is_numeral(field, sign)]
    if not present:
        return "empty"
    if len(numbers) < len(present):
        n_dates = sum(map(is_date, present))
        if n_dates > len(present) / 2:
            return "time"
        return "text" if len(numbers) < len(present) / 2 else "number"
    counts = [int(field) for field in numbers if field.isdecimal() and len(field) < 10]
    by_one = all(value == counts[0] + i for i, value in enumerate(counts))
    is_index = INDEX.fullmatch(name) and len(counts) == len(present) and by_one
    return "index" if is_index else "number"


def find_end(fields: Sequence[str], width: int) -> str | None:
    """Return what a line below the last row is; None for a row."""
    texts = [field for field in fields if field]
    if not texts:
        return EMPTY if width > 1 else None
    if TOTALS.fullmatch(texts[0].rstrip(":")) and width > 1:
        return TOTAL
    is_note = len(texts) == 1 and width > 1 and not _is_value(texts[0])
    return NOTE if is_note else None
