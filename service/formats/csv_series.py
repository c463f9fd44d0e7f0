"""Tables with roles of columns: series with one row per step, or one sequence per row."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.errors import Invalid, LimitExceeded, count
from service.formats.base import (
    CHUNK,
    TARGET,
    DatasetArrays,
    SeriesColumns,
    SizeLimits,
)
from service.formats.csv import to_texts, write_rows
from service.formats.csv_tables import Layout, TableReader, join_names, list_numbers, split_names
from service.formats.notes import list_notes
from service.formats.numerals import Numerals, cite, find_numerals, shorten
from service.formats.repairs import Offer, offer
from service.formats.reshape import check_layout, describe_pivot, pivot
from service.formats.roles import MAX_COLUMNS, propose_roles
from service.formats.series_rows import NAME_RULE, SeriesRows, encode_name, is_name
from service.formats.structure import TOTAL, Structure, find_structure
from service.formats.text import open_text
from service.schemas.series import MAX_INPUTS, check_inputs
from service.values.dates import DateOrder, find_order
from service.values.numbers import is_number
from service.values.steps import list_times
from service.values.times import TimesError

NO_HEADER: Final = "there is no header; the first line must contain the column names"
LAYOUT: Final = "the first line must contain the column names, followed by one row per step"
WHICH_MARK: Final = "give the decimal mark (decimal=, or decimal=.)"
ADVICE: Final = "; leave missing targets empty, write no units, and choose the inputs (inputs=…)"
ONE_ROW: Final = "; choose the columns of the steps (inputs=…)"
TIME: Final = "time"  # the header of dates
SEQUENCE: Final = "sequence"  # the header of the names of the sequences
# The header of an index in files of pandas and R, and the one that pandas reads there.
INDEX: Final = re.compile(r"|unnamed: 0(\.\d+)?")
LIKE_A_NUMBER: Final = re.compile(r"[\"'\u2018\u2019\u201c\u201d]*+\s*+[-+.,\u2212\d]")
ROWS: Final = SeriesColumns(kind="explicit", target="", sequence="", time="", clock="")
NUMBERED: Final = offer("header", 0)


def read_series_csv(body: bytes, chosen: SeriesColumns, limits: SizeLimits) -> Series:
    """Read a table with a header and one row per step, as text or a workbook.

    The rows of a sequence are in the order of time; sequences may be interleaved. A missing target
    is a gap. `find_structure` finds the separator, the header, units and the last row. It raises
    Malformed, Invalid and LimitExceeded, with the repairs of the table as members.
    """
    found = open_table(body, chosen, limits)
    proposed = None if chosen.roles is None else propose_roles(found, chosen)
    if proposed is not None:
        check_layout(found, proposed)
    series, _ = read_table(found, chosen if proposed is None else proposed.chosen)
    roles = () if proposed is None else proposed.describe()
    return replace(series, roles=roles, notes=list_notes(found, chosen, proposed, series.notes))


def read_dataset_csv(
    body: bytes, limits: SizeLimits, chosen: SeriesColumns | None
) -> DatasetArrays:
    """Read a table with one sequence per row, strictly if no columns are chosen.

    Otherwise the roles of other columns are proposed. It raises Malformed, Invalid and
    LimitExceeded. The pointer of an invalid number is that of the same number in JSON.
    """
    found = open_table(body, chosen or ROWS, limits)
    columns = find_rows(found) if chosen is None else propose_roles(found, chosen).chosen
    series, _ = read_table(found, columns, is_strict=chosen is None)
    return series.inputs, series.targets


def open_table(body: bytes, chosen: SeriesColumns, limits: SizeLimits) -> Structure:
    """Return the structure of a table in a file; raises Malformed, Invalid and LimitExceeded."""
    text = open_text(body, chosen.encoding, chosen.sheet)
    found = find_structure(text, limits, chosen)
    if found is not None and chosen.pivot is not None:
        chosen = chosen.model_copy(update={"skip": None, "header": None})
        found = find_structure(pivot(found, chosen), limits, chosen)
    if found is None:
        raise Invalid(f"the table is empty and has no rows: {LAYOUT}", _find_place(chosen))
    return found


def _find_place(chosen: SeriesColumns) -> str:
    return "/sequences" if chosen.is_series else "/inputs"


def read_table(
    found: Structure, chosen: SeriesColumns, *, is_strict: bool = False
) -> tuple[Series, str]:
    """Return the series of a table with a known structure, and its decimal mark.

    If each row is a sequence, the inputs of the series are the steps. No row of a strict table can
    be left out. It raises the errors of `read_series_csv`.
    """
    layout = _find_layout(found, chosen)
    if is_strict:
        layout = layout._replace(advice="")
    numerals = _find_numerals(found, layout, chosen)
    order = chosen.dates or _find_order(found, layout)
    series = SeriesRows(layout, found.limits, chosen, order)
    rows = found.rows()
    try:
        for part in TableReader(layout, numerals).read(rows):
            series.add(*part)
        if not series.codes:
            where = "" if found.header is None else f"{cite(found.header)}: "
            detail = f"{where}the table has a header but no rows: {LAYOUT}"
            raise Invalid(detail, _find_place(chosen))
        for line, what in found.left_out if is_strict else ():
            raise Invalid(f"line {line} is {what}, and no row", "/inputs", line=line)
        totals = [pair for pair in found.left_out if pair[1].startswith(TOTAL)]
        series.repairs += [
            f"{what.replace(TOTAL, f'the total in line {line}')} left out" for line, what in totals
        ]
        if chosen.pivot is not None:
            series.repairs.append(describe_pivot(chosen.pivot))
        return series.to_series(), numerals.decimal
    except LimitExceeded as error:
        if not error.errors or not chosen.is_series:  # of the work, or of the table as it is
            raise
        n_rows = len(series.codes) + sum(1 for _ in rows)
        raise _explain_length(error, n_rows, found.limits) from None
    except TimesError as error:
        raise _explain_times(error, series, chosen) from None


def find_rows(found: Structure) -> SeriesColumns:
    """Return the columns of a strict table: its target is named so, or is the last column.

    It raises Invalid if its first line can be read in two ways. A line with names and numbers is
    not a header, nor is a line of numbers in another notation, such as ``'1'``: it is better to
    reject a name than to lose a row.
    """
    names = found.names
    targets = [name for name in names if name.lower() == TARGET]
    problem = None
    if len(names) < 2:
        problem = "a row must have inputs and a target, separated by commas, semicolons or tabs"
    elif found.header is not None:
        fields = [field.lower() for field in found.split(found.header[1])]
        n_targets = fields.count(TARGET)
        targets = targets or [names[fields.index(TARGET)]] if n_targets else []
        if n_targets > 1:
            problem = f"{n_targets} columns are named target"
        elif any(fields) and INDEX.fullmatch(fields[0]):
            problem = (
                "the first column has no name, like an index: use to_csv(index=False) in pandas, "
                "write.csv(row.names = FALSE) in R"
            )
        elif not n_targets and any(map(LIKE_A_NUMBER.match, fields)):
            problem = "this can be a row, or a header; write numbers, or add a column named target"
    elif found.sample[0] == [str(column) for column in range(len(names))] != found.sample[-1]:
        problem = "this can be a row, or a header with the numbers of the columns"
    if problem is not None:
        first = found.header or (found.first, found.separator.join(found.sample[0]))
        raise Invalid(f"{cite(first)}: {problem}", "/inputs", line=first[0])
    target = targets[0] if targets else names[-1]
    inputs = tuple(name for name in names if name != target)
    return ROWS.model_copy(update={"target": target, "inputs": inputs})


def _find_numerals(found: Structure, layout: Layout, chosen: SeriesColumns) -> Numerals:
    """Return the notation of the numbers of a table; raises Invalid if it is ambiguous."""
    mark = chosen.decimal_mark or ("." if found.text.encoding is None else None)
    if mark is not None:
        return Numerals(mark, missing=chosen.missing)
    columns = {j for j, kind in enumerate(found.kinds) if kind in {"number", "index"}}
    columns |= {*layout.inputs, layout.target} - {layout.time}
    fields = list_numbers(found.rows(), layout, sorted(columns))
    numerals = find_numerals(fields, layout.separator, _find_place(chosen), WHICH_MARK)
    return numerals._replace(missing=chosen.missing)


def _find_order(found: Structure, layout: Layout) -> DateOrder | None:
    """Return the order of day and month, from the first date that proves it."""
    column = layout.time
    if column is None or not any("/" in row[column] or "-" in row[column] for row in found.sample):
        return None
    fields = (found.split(line)[column : column + 1] for _, line in found.rows())
    orders = (find_order(field) for field in chain.from_iterable(fields) if field[4:5] != "-")
    return next(filter(None, orders), None)


def _explain_length(error: LimitExceeded, n_rows: int, limits: SizeLimits) -> LimitExceeded:
    """Return the error of a table with too many rows, with what makes it shorter."""
    n = limits.max_steps
    every = -(-n_rows // n)
    repairs = [
        offer("last", n, n, n_rows),
        offer("every", every, every),
    ]
    detail = f"{error.detail}; the table has {count(n_rows, 'row')}"
    more = {"repairs": repairs} if n_rows > n else {}
    return LimitExceeded(detail, "/dataset", **{**error.members, **more})


def _check_number(n_inputs: int, found: Structure, chosen: SeriesColumns) -> None:
    """Raise Invalid or LimitExceeded for too few or too many inputs."""
    if not chosen.is_series:
        if n_inputs == 0:
            raise Invalid("a row must have at least one step and a target", parameter="inputs")
        return
    try:
        check_inputs(n_inputs)
    except LimitExceeded as error:
        raise _explain_inputs(error, found, chosen) from None


def _explain_inputs(error: LimitExceeded, found: Structure, chosen: SeriesColumns) -> LimitExceeded:
    """Return the error of a table with too many inputs, with those that are proposed."""
    if found.width > MAX_COLUMNS:
        return error
    names = propose_roles(found, chosen.model_copy(update={"inputs": None})).chosen.inputs or ()
    repairs = [
        offer("inputs", join_names(names), f"the proposed inputs: {', '.join(names)}"),
        offer("inputs", "", "no inputs"),
    ]
    return LimitExceeded(error.detail, parameter="inputs", **error.members, repairs=repairs)


def _explain_times(error: TimesError, series: SeriesRows, chosen: SeriesColumns) -> Invalid:
    """Return the error of times, with their repairs."""
    detail, n_gaps = error.detail, error.n_gaps
    number = None if error.row is None else int(series.lines[error.row])
    members: dict[str, Any] = {"line": number}
    repairs: list[Offer] = []
    if n_gaps:
        members |= {"n_gaps": n_gaps, "are_regular": error.are_regular}
        each = "the gap" if n_gaps == 1 else f"each of the {n_gaps} gaps"
        repairs = [offer("gaps", "sequences", each), offer("gaps", "missing")]
        if error.are_regular:
            repairs.insert(1, offer("time", ""))
    if error.n_repeated:
        repairs.append(offer("repeated", "mean", count(error.n_repeated, "repeated time")))
    if error.length is not None and chosen.grid is None:
        grid = offer("grid", error.length, series.describe_grid(error.length))
        repairs.append({**grid, "query": {**grid["query"], "between": "hold"}})
    if error.is_unreadable:
        repairs = [offer("fill", "drop", "time") if error.row else offer("time", "")]
    if error.is_ambiguous:
        repairs = [offer("dates", f"{part}-first", part) for part in ("day", "month")]
    where = "" if number is None else f"line {number}: "
    return Invalid(f"{where}{detail}", parameter="time", **members, repairs=repairs or None)


def _find_layout(found: Structure, chosen: SeriesColumns) -> Layout:
    """Return the columns of a table by its header; raises Invalid."""
    header = found.names
    where = "" if found.header is None else f"{cite(found.header)}: "
    if found.header is None and chosen.header is None and chosen.is_series:
        line = f"line {found.first}"
        raise Invalid(f"{line}: {NO_HEADER}", parameter="target", repairs=[NUMBERED])
    # An empty name is the choice of no column.
    roles = {
        "target": chosen.target,
        "sequence": chosen.sequence or None,
        "time": chosen.time or None,
    }
    clocks = split_names(chosen.clock)
    inputs = chosen.inputs
    if inputs is None:
        inputs = tuple(name for name in header if name not in {*roles.values(), *clocks})
    positions: dict[str, list[int]] = {}
    for column, field in enumerate(header):
        positions.setdefault(field, []).append(column)
    at = dict[str | None, int]()
    # All of them, unless there are too many.
    few = inputs[:MAX_INPUTS] if chosen.is_series else inputs
    others = (("clock", name) for name in clocks), (("inputs", name) for name in few)
    for parameter, name in chain(roles.items(), *others):
        if name is not None:
            problem = _find_problem(
                positions, name, is_taken=name in at, is_series=chosen.is_series
            )
            if problem is not None:
                repairs = [NUMBERED] if problem == NO_HEADER else None
                raise Invalid(f"{where}{problem}", parameter=parameter, repairs=repairs)
            at[name] = positions[name][0]
    _check_number(len(inputs), found, chosen)
    columns, target = [at[name] for name in inputs], at[chosen.target]
    sequence, time = (at.get(roles[role]) for role in ("sequence", "time"))
    advice = ADVICE if chosen.is_series else ONE_ROW
    parts = columns, target, chosen.is_series, sequence, time, advice, chosen.fill is not None
    after = [at[name] for name in clocks]
    return Layout(found.separator, header, *parts, found.signs, found.units, after)


def _find_problem(
    positions: Mapping[str, list[int]], name: str, *, is_taken: bool, is_series: bool
) -> str | None:
    """Return why a column is invalid, given the positions of the columns of each name."""
    if name not in positions:
        if any(map(is_number, positions)):
            return NO_HEADER
        listed = ", ".join(field[:40] for field in islice(positions, 20))
        return f"there is no column {name!r}. The columns are {listed}"
    if len(positions[name]) > 1:
        return f"{len(positions[name])} columns are named {shorten(name)}; rename one of them"
    if is_taken:
        return f"the column {name!r} is chosen twice; choose it once"
    return (
        None if is_name(name) or not is_series else f"column {positions[name][0] + 1}: {NAME_RULE}"
    )


def write_series_csv(series: Series, file: BinaryIO) -> None:
    """Write a table in the format of `read_series_csv`: sequence, time, inputs, target.

    The header of times is the unit of the step, or ``time`` for dates. Without times, the first
    step is at the time of one step. Sequences without names are numbered from 0. Underscores are
    appended to a header that is also the name of another column.
    """
    names = [*series.input_names, series.target_name]
    starts = series.start_times
    labels = [*map(encode_name, series.sequence_names)]
    time = make_unique(TIME if starts and isinstance(starts[0], str) else series.step.unit, names)
    sequence = make_unique(SEQUENCE, [time, *names])
    ends = np.cumsum(series.lengths)

    def write(rows: NDArray[np.int64]) -> Iterator[Iterable[str]]:
        codes = np.searchsorted(ends, rows, side="right")
        steps = rows - (ends[codes] - series.lengths[codes])
        return zip(
            [labels[code] if labels else str(code) for code in codes.tolist()],
            list_times(starts, series.step, codes, steps),
            *map(to_texts, series.inputs[rows].T),
            to_texts(series.targets[rows]),
            strict=True,
        )

    chunks = (np.arange(first, min(first + CHUNK, ends[-1])) for first in range(0, ends[-1], CHUNK))
    write_rows(map(encode_name, [sequence, time, *names]), map(write, chunks), file)


def make_unique(name: str, others: Sequence[str]) -> str:
    """Return a header with as many underscores appended as make it differ from others."""
    while name in others:
        name += "_"
    return name
