"""Read tables without storing them."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from service.errors import Invalid, count
from service.formats.base import SeriesColumns
from service.formats.csv_series import open_table, read_table
from service.formats.roles import REASONS, REPEATS, Roles, propose_roles
from service.formats.structure import Structure
from service.formats.text import WINDOWS
from service.operations.shared.limits import Limits
from service.schemas.problems import Repair
from service.schemas.series import StepSchema
from service.schemas.tables import TableColumn, TableProblem, TableSummary
from service.values.budget import OverBudget

PATH: Final = "/v1/tables"
N_FIRST: Final = 5  # fields of a column that are shown
# Encodings with which Windows-1252 can be confused.
ENCODINGS: Final = ("mac-roman", "cp850", "windows-1250", "windows-1251")
SENTINEL: Final = re.compile(r"(-9999?)(?:[.,]0*)?")  # numbers that often stand for missing ones
# The kinds of errors by their places.
SLUGS: Final = {
    "time": "times",
    "inputs": "inputs",
    "fill": "missing_inputs",
    "/sequences": "numbers",
    "/dataset": "length",
    "sheet": "sheet",
}


def describe_table(body: bytes, chosen: SeriesColumns, limits: Limits) -> TableSummary:
    """Return what a file contains; raises Malformed, Invalid and LimitExceeded."""
    found = open_table(body, chosen, limits)
    text = found.text
    proposed = propose_roles(found, chosen)
    n_rows, sentinels = _count_rows(found)
    problems = [*_list_notes(found, proposed, chosen, sentinels)]
    series, decimal = None, None
    try:
        proposed.check(found)
        series, decimal = read_table(found, proposed.chosen)
    except OverBudget:
        raise
    except Invalid as error:
        problems.insert(0, _describe_error(error))
    return TableSummary(
        encoding=text.encoding,
        separator=found.separator,
        decimal=decimal,
        sheet=text.sheet,
        sheets=[*text.sheets],
        n_rows=n_rows,
        header_line=found.header and found.header[0],
        columns=[*_describe_columns(found, proposed)],
        step=StepSchema(**series.step._asdict()) if series and chosen.is_series else None,
        repairs=[] if series is None else [*series.repairs],
        problems=problems,
    )


def _count_rows(found: Structure) -> tuple[int, Counter[tuple[int, str]]]:
    """Return the number of rows, and of the sentinels in each column."""
    n_rows, sentinels = 0, Counter[tuple[int, str]]()
    for _, line in found.rows():
        n_rows += 1
        if "-999" in line:
            matches = enumerate(map(SENTINEL.fullmatch, found.split(line)))
            sentinels.update((j, match[1]) for j, match in matches if match is not None)
    return n_rows, sentinels


def _describe_columns(found: Structure, proposed: Roles) -> Iterator[TableColumn]:
    for j, name in enumerate(found.names):
        yield TableColumn(
            name=name,
            unit=found.units[j],
            kind=found.kinds[j],
            first=[row[j][:100] for row in found.sample[:N_FIRST]],
            role=proposed.roles[j],
            because=proposed.because[j],
        )


def _describe_error(error: Invalid) -> TableProblem:
    place = error.errors[0] if error.errors else None
    where = place and (place.parameter or place.pointer)
    members: dict[str, Any] = {key: error.members.get(key) for key in ("line", "column")}
    repairs = error.members.get("repairs") or []
    slug = SLUGS.get(where or "", "columns")
    return TableProblem(slug=slug, is_error=True, sentence=error.detail, **members, repairs=repairs)


def _note(
    slug: str, sentence: str, line: int | None = None, queries: Mapping[str, Any] = {}
) -> TableProblem:
    repairs = [Repair(label=label, query=query) for label, query in queries.items()]
    return TableProblem(slug=slug, is_error=False, sentence=sentence, line=line, repairs=repairs)


def _list_notes(
    found: Structure,
    proposed: Roles,
    chosen: SeriesColumns,
    sentinels: Mapping[tuple[int, str], int],
) -> Iterator[TableProblem]:
    """Yield what may be wrong although the table can be read."""
    if found.text.encoding == WINDOWS and chosen.encoding is None:
        others = {name: {"encoding": name} for name in ENCODINGS}
        sentence = "the text is not UTF-8, and is read as Windows-1252, not in another encoding"
        yield _note("encoding", sentence, None, others)
    if found.header is not None and found.n_above:
        line = found.header[0]
        yield _note("title", f"line {line} is the header; lines above it are left out", line)
    n_unused = proposed.because.count(REASONS["number"])
    if n_unused and chosen.inputs is None:
        inputs = proposed.chosen.inputs or ()
        sentence = f"{len(inputs)} of {len(inputs) + n_unused} inputs are proposed, which have the "
        sentence += f"largest lagged correlation with the target: {', '.join(inputs)}"
        yield _note("inputs", sentence)
    if REPEATS in proposed.because:
        name = proposed.chosen.sequence
        sentence = f"each value of {name!r} is read as a sequence of its own"
        yield _note("sequence", sentence, None, {"Read one sequence": {"sequence": ""}})
    for name in proposed.may_be_groups:
        sentence = f"{name!r} has few values in blocks of rows, and is read as an input"
        query = {f"Read each value of {name!r} as a sequence": {"sequence": name}}
        yield _note("groups", sentence, None, query)
    for line, what in found.left_out:
        yield _note("end", f"line {line} is {what}, and is left out", line)
    for (j, word), n in sentinels.items():
        roles = proposed.roles[j : j + 1]
        if word != chosen.missing and roles in (["target"], ["input"]):
            sentence = f"{word} occurs {count(n, 'time')} in {found.names[j]!r}"
            query = {f"Read {word} as a missing number": {"missing": word}}
            yield _note("sentinel", sentence, None, query)
