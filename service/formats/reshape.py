"""Tables with another layout than a column per variable, and a row per time."""

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final

from service.errors import Invalid
from service.formats.base import SeriesColumns
from service.formats.group_columns import VALUE, VARIABLE, check_long
from service.formats.numerals import is_numeral, shorten
from service.formats.repairs import describe
from service.formats.roles import REPEATS, SEQUENCE, TRANSPOSED, Roles, propose_roles
from service.formats.structure import Structure
from service.formats.text import UTF_8, Text
from service.values.dates import is_date

HEADER: Final = "header"  # the value of `pivot` for times in the header
MIN_TIMES: Final = 3  # in a header that has times
TIME: Final = "time"
YEAR: Final = re.compile(r"(1[5-9]|20)\d\d")


def pivot(found: Structure, chosen: SeriesColumns) -> Text:
    """Return a table with a column per variable and a row per time; raises Invalid."""
    if chosen.pivot == HEADER:
        return _transpose(found)
    variable, _, value = (chosen.pivot or "").rpartition(":")
    for name in (variable, value):
        if found.names.count(name) != 1:
            listed = ", ".join(each[:40] for each in found.names[:20])
            detail = f"pivot={variable}:{value} has no column {name!r}. The columns are {listed}"
            raise Invalid(detail, parameter="pivot")
    at, column = (found.names.index(name) for name in (variable, value))
    keys = _find_keys(found, chosen, at, column)
    variables: dict[str, None] = {}
    table: dict[tuple[str, ...], dict[str, str]] = {}
    for number, line in found.rows():
        fields = [*found.split(line), *[""] * found.width]
        row = table.setdefault(tuple(fields[j] for j in keys), {})
        name = fields[at]
        if name in row:
            detail = f"line {number}: a second value of {shorten(name)} at the same time"
            raise Invalid(detail, parameter="pivot", line=number)
        variables[name] = None
        row[name] = fields[column]
        if len(row) == 1:
            found.limits.check_cells(len(table), 1, len(variables))
    header = [found.names[j] for j in keys] + [*variables]
    rows = ([*key, *(row.get(name, "") for name in variables)] for key, row in table.items())
    return _to_text(found, header, rows)


def describe_pivot(value: str) -> str:
    """Return the sentence about a table that was read with another layout."""
    return describe("pivot", "row" if value == HEADER else f"value of {value.rpartition(':')[0]!r}")


def _find_keys(found: Structure, chosen: SeriesColumns, at: int, column: int) -> list[int]:
    """Return the columns of times and sequences: texts and times that differ for a variable."""
    update = {"target": found.names[column], "inputs": (), "sequence": "", "pivot": None}
    roles = propose_roles(found, chosen.model_copy(update=update)).roles
    columns = [*zip(*found.sample, strict=True)]
    others = {
        j
        for j, kind in enumerate(found.kinds)
        if kind in {"time", "text"}
        and len({*zip(columns[at], columns[j], strict=True)}) > len({*columns[at]})
    }
    others |= {j for j, role in enumerate(roles) if role in {"time", "clock"}}
    others |= {j for j, name in enumerate(found.names) if name and name == chosen.sequence}
    return sorted(others - {at, column})


def _transpose(found: Structure) -> Text:
    """Return the columns of a table as rows."""
    lines = [[*found.names]] if found.header is not None else []
    lines += [found.split(line) for _, line in found.rows()]
    lines[0][0] = "year" if all(map(YEAR.fullmatch, lines[0][1:])) else TIME
    columns = zip_longest(*lines, fillvalue="")
    return _to_text(found, next(columns), (each for each in columns if any(each)))


def _to_text(found: Structure, header: Iterable[str], rows: Iterable[Sequence[str]]) -> Text:
    """Return lines with the separator of a table."""
    text, separator = found.text, found.separator
    lines = [
        separator.join(f'"{field}"' if separator in field else field for field in fields)
        for fields in (header, *rows)
    ]
    body = "\n".join(lines).encode()
    return text._replace(body=body, encoding=text.encoding and UTF_8)


def check_layout(found: Structure, proposed: Roles) -> None:
    """Raise Invalid for a table with times in its header, or with pairs of variable and value."""
    if has_times_above(found):
        detail = "the header has times, and each row a variable"
        raise Invalid(detail, parameter="pivot", repairs=[TRANSPOSED])
    chosen = proposed.chosen
    columns = dict(zip(found.names, zip(*found.sample, strict=True), strict=False))  # no rows
    times = columns.get(chosen.time or "", ())
    if 0 < len({*times}) == len(times):
        return
    numbers = [chosen.target, *(chosen.inputs or ())]
    named = zip(found.names, found.kinds, proposed.because, strict=True)
    variables = [
        name
        for name, kind, why in named
        if kind == "text" and why != "chosen" and VARIABLE.fullmatch(name)
    ]
    variables = variables if any(map(VALUE.fullmatch, numbers)) else []
    if REPEATS in proposed.because and not SEQUENCE.fullmatch(chosen.sequence or ""):
        variables.append(chosen.sequence or "")
    for name in variables[:1]:
        check_long(name, columns[name], numbers)


def has_times_above(found: Structure) -> bool:
    """Return True for a header of dates, or of numbers at equal steps beside names."""
    first = found.names if found.header is not None else [*found.sample[:1], []][0]
    texts = first[1:]
    if len(texts) < MIN_TIMES or not found.sample or any(map(is_numeral, _list_names(found))):
        return False
    if all(map(is_date, texts)):
        return True
    if not all(map(str.isdecimal, texts)):
        return False
    numbers = [*map(int, texts)]
    step = numbers[1] - numbers[0]
    return step > 0 and numbers == [*range(numbers[0], numbers[-1] + 1, step)]


def _list_names(found: Structure) -> list[str]:
    """Return the first fields of the rows below the header."""
    return [row[0] for row in found.sample[found.header is None :]]
