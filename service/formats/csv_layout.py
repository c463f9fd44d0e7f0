"""The layout of a table: its separator, its header, and the column of its target."""

import re
from typing import Final, NamedTuple, TypeAlias

from service.errors import Invalid

SEPARATORS: Final = (";", "\t", ",")  # a comma may be a decimal comma beside the others
TARGET: Final = "target"
MAX_SHOWN: Final = 40  # characters of a line or a field in a message
MAX_NUMBER: Final = 2_000  # characters of a number; in full, the smallest has 1,077

# Every quantifier is possessive: lines may be long, and no character may be read again for each of
# those before it.
NUMBER: Final = re.compile(
    r"[+-]?(?:\d++(?:[.,]\d*+)?|[.,]\d++)(?:e[+-]?\d++)?", re.ASCII | re.IGNORECASE
)
NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
LIKE_A_NUMBER: Final = re.compile(r"[\"'\u2018\u2019\u201c\u201d]*+\s*+[-+.,\u2212\d]")
# The header of an index that pandas and R write, and the one that pandas reads there.
INDEX: Final = re.compile(r"|unnamed: 0(\.\d+)?")
QUOTED: Final = re.compile(r'"[^"]*+"')
# A field in quotes, which may contain separators, or one without.
FIELDS: Final = {
    separator: re.compile(rf'{separator} *+(?:"([^"]*+)" *+(?={separator}|$)|([^{separator}]*+))')
    for separator in SEPARATORS
}


Line: TypeAlias = tuple[int, str]
"""The number of a line, from 1, and its text."""


class Layout(NamedTuple):
    """The separator, the number of fields, the column of the target, and if there is a header."""

    separator: str
    width: int
    target: int
    has_header: bool

    def pointer(self, row: int, column: int) -> str:
        """Return the JSON pointer to a number."""
        if column == self.target:
            return f"/targets/{row}"
        return f"/inputs/{row}/{column - (column > self.target)}"


def find_layout(sample: list[Line]) -> Layout:
    """Return the layout of a table from its first lines; raises Invalid if it is not clear.

    The first line is a header if it names a target, or if it has only names. A header decides which
    column is the target; otherwise it is the last column.
    """
    separator = find_separator(sample)
    fields = [field.lower() for field in split_line(sample[0][1], separator)]
    n_targets = fields.count(TARGET)
    has_header = n_targets > 0 or _has_only_names(fields)
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
    return Layout(separator, len(fields), target, has_header)


def split_line(text: str, separator: str) -> list[str]:
    """Return the fields of a line without quotes and surrounding spaces."""
    if '"' not in text:
        return [field.strip() for field in text.split(separator)]
    fields = FIELDS[separator].findall(separator + text.rstrip("\n"))
    return [(quoted or plain).strip() for quoted, plain in fields]


def is_number(field: str) -> bool:
    """Return whether a field is a number, finite or not, with a decimal point or comma."""
    is_match = NUMBER.fullmatch(field) or NOT_FINITE.fullmatch(field)
    return len(field) <= MAX_NUMBER and bool(is_match)


def cite(line: Line) -> str:
    """Return the number and the beginning of a line, as a message quotes it."""
    number, text = line
    return f"line {number} ({shorten(text)})"


def shorten(text: str) -> str:
    """Return a text in quotes, as a message shows it."""
    text = text.rstrip("\n")
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")


def find_separator(sample: list[Line]) -> str:
    """Return the first of the separators in the first line that makes a table of the sample."""
    plain = QUOTED.sub("", sample[0][1])
    used = [separator for separator in SEPARATORS if separator in plain] or [","]
    fitting = (separator for separator in used if _is_table(sample, separator))
    return used[0] if len(used) == 1 else next(fitting, used[0])


def _is_table(sample: list[Line], separator: str) -> bool:
    """Return whether all lines have the same number of fields, and the last one numbers only."""
    rows = [split_line(text, separator) for _, text in sample]
    return len({len(row) for row in rows}) == 1 and all(map(is_number, rows[-1]))


def _has_only_names(fields: list[str]) -> bool:
    """Return whether a line has a name among its fields, and no field that may be a number.

    A line with both is not a header, nor is one of numbers in another notation, such as ``'1'`` or
    ``1_000``: it is better to reject a name than to lose a row.
    """
    others = (LIKE_A_NUMBER.match(field) or NOT_FINITE.fullmatch(field) for field in fields)
    return any(fields) and not any(others)
