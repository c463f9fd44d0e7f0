"""Tables with roles of columns: series with one row per step, or one sequence per row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series, Step
from service.errors import Invalid, LimitExceeded, count
from service.formats.base import CHUNK, DatasetArrays, SeriesColumns, SeriesStream, SizeLimits
from service.formats.csv import join_sequences, read_csv, to_texts, write_rows
from service.formats.csv_tables import Layout, TableReader, list_numbers
from service.formats.numerals import Numerals, cite, find_numerals, shorten
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
NUMBERED: Final = {"label": "Name the columns column_1, column_2, …", "query": {"header": 0}}


def read_series_csv(body: bytes, chosen: SeriesColumns, limits: SizeLimits) -> Series:
    """Read a table with a header and one row per step, as text or a workbook.

    The rows of a sequence are in the order of time; sequences may be interleaved. A missing target
    is a gap. `find_structure` finds the separator, the header, units and the last row. It raises
    Malformed, Invalid and LimitExceeded, with the repairs of the table as members.
    """
    text = open_text(body, chosen.encoding, chosen.sheet)
    found = find_structure(text, limits, chosen)
    if found is None:
        raise Invalid(f"the table is empty: {LAYOUT}", "/sequences")
    if chosen.roles is None:
        return read_table(found, chosen)[0]
    proposed = propose_roles(found, chosen)
    proposed.check(found)
    series, _ = read_table(found, proposed.chosen)
    return replace(series, roles=proposed.describe())


def read_table(found: Structure, chosen: SeriesColumns) -> tuple[Series, str]:
    """Return the series of a table with a known structure, and its decimal mark.

    It raises the errors of `read_series_csv`.
    """
    layout = _find_layout(found, chosen)
    numerals = _find_numerals(found, layout, chosen)
    order = chosen.dates or _find_order(found, layout)
    series = SeriesRows(layout, found.limits, chosen, order)
    rows = found.rows()
    try:
        for part in TableReader(layout, numerals).read(rows):
            series.add(*part)
        if not series.codes:
            where = "" if found.header is None else f"{cite(found.header)}: "
            raise Invalid(f"{where}there are no rows below the header: {LAYOUT}", "/sequences")
        totals = [line for line, what in found.left_out if what == TOTAL]
        series.repairs += [f"the total in line {line} left out" for line in totals]
        return series.to_series(), numerals.decimal
    except LimitExceeded as error:
        if not error.errors:  # of the work, not of the table
            raise
        n_rows = len(series.codes) + sum(1 for _ in rows)
        raise _explain_length(error, n_rows, found.limits) from None
    except TimesError as error:
        raise _explain_times(error, series, chosen) from None


def read_dataset_csv(
    body: bytes, limits: SizeLimits, chosen: SeriesColumns | None
) -> DatasetArrays:
    """Read a table with one sequence per row, strictly if no columns are chosen.

    Otherwise the roles of other columns are proposed. It raises Malformed, Invalid and
    LimitExceeded.
    """
    if chosen is None:
        return read_csv(body, limits)
    text = open_text(body, chosen.encoding, chosen.sheet)
    found = find_structure(text, limits, chosen)
    if found is None:
        raise Invalid("the table has no rows", "/inputs")
    return read_sequences(found, propose_roles(found, chosen).chosen)[0]


def read_sequences(found: Structure, chosen: SeriesColumns) -> tuple[DatasetArrays, str]:
    """Return the sequences in the rows of a table with a known structure, and its decimal mark.

    It raises the errors of `read_dataset_csv`.
    """
    layout = _find_layout(found, chosen)
    numerals = _find_numerals(found, layout, chosen)
    parts = TableReader(layout, numerals).read(found.rows())
    complete = (numbers[~np.isnan(numbers).any(axis=1)] for _, _, numbers in parts)
    arrays = join_sequences(complete, len(layout.inputs), found.limits)
    if not arrays[1].size:
        raise Invalid("the table has no complete rows", "/inputs")
    return arrays, numerals.decimal


def _find_numerals(found: Structure, layout: Layout, chosen: SeriesColumns) -> Numerals:
    """Return the notation of the numbers of a table; raises Invalid if it is ambiguous."""
    mark = chosen.decimal_mark or ("." if found.text.encoding is None else None)
    if mark is not None:
        return Numerals(mark, missing=chosen.missing)
    columns = {j for j, kind in enumerate(found.kinds) if kind in {"number", "index"}}
    columns |= {*layout.inputs, layout.target} - {layout.time}
    fields = list_numbers(found.rows(), layout, sorted(columns))
    numerals = find_numerals(fields, layout.separator, "/sequences", WHICH_MARK)
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
        {"label": f"Use the last {n} of {n_rows} rows", "query": {"last": n}},
        {"label": f"Use means of {every} rows", "query": {"every": every}},
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
    fields = [f'"{name}"' if "," in name else name for name in names]
    repairs = [
        {
            "label": f"Use the proposed inputs: {', '.join(names)}",
            "query": {"inputs": ",".join(fields)},
        },
        {"label": "Use no inputs", "query": {"inputs": ""}},
    ]
    return LimitExceeded(error.detail, parameter="inputs", **error.members, repairs=repairs)


def _explain_times(error: TimesError, series: SeriesRows, chosen: SeriesColumns) -> Invalid:
    """Return the error of times, with their repairs."""
    detail, n_gaps = error.detail, error.n_gaps
    number = None if error.row is None else int(series.lines[error.row])
    members: dict[str, Any] = {"line": number}
    repairs: list[dict[str, Any]] = []
    if n_gaps:
        members |= {"n_gaps": n_gaps, "are_regular": error.are_regular}
        each = "the gap" if n_gaps == 1 else f"each of the {n_gaps} gaps"
        detail += f"; add its step (gaps=missing), or start a new sequence after {each} "
        detail += "(gaps=sequences)"
        repairs = [
            {"label": "Add the missing steps", "query": {"gaps": "missing"}},
            {"label": f"Start a new sequence after {each}", "query": {"gaps": "sequences"}},
        ]
        if error.are_regular:
            repairs.append({"label": "Read the rows without times", "query": {"time": ""}})
    if error.n_repeated:
        detail += ", or average the rows at equal times (repeated=mean)"
        label = f"Use means of rows at equal times ({count(error.n_repeated, 'repeated time')})"
        repairs.append({"label": label, "query": {"repeated": "mean"}})
    if error.length is not None and chosen.grid is None:
        label = series.describe_grid(error.length)
        repairs.append({"label": label, "query": {"grid": error.length, "between": "hold"}})
    if "dates=" in detail:
        repairs = [
            {"label": f"The {part} is first in dates", "query": {"dates": f"{part}-first"}}
            for part in ("day", "month")
        ]
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
        "clock": chosen.clock or None,
    }
    inputs = chosen.inputs
    if inputs is None:
        inputs = tuple(name for name in header if name not in roles.values())
    positions: dict[str, list[int]] = {}
    for column, field in enumerate(header):
        positions.setdefault(field, []).append(column)
    at = dict[str | None, int]()
    # All of them, unless there are too many.
    few = inputs[:MAX_INPUTS] if chosen.is_series else inputs
    for parameter, name in [*roles.items(), *(("inputs", name) for name in few)]:
        if name is not None:
            problem = _find_problem(positions, name, is_taken=name in at)
            if problem is not None:
                repairs = [NUMBERED] if problem == NO_HEADER else None
                raise Invalid(f"{where}{problem}", parameter=parameter, repairs=repairs)
            at[name] = positions[name][0]
    _check_number(len(inputs), found, chosen)
    columns, target = [at[name] for name in inputs], at[chosen.target]
    sequence, time, clock = (at.get(roles[role]) for role in ("sequence", "time", "clock"))
    advice = ADVICE if chosen.is_series else ONE_ROW
    parts = columns, target, chosen.is_series, sequence, time, advice, chosen.fill is not None
    return Layout(found.separator, header, *parts, found.signs, found.units, clock)


def _find_problem(positions: Mapping[str, list[int]], name: str, *, is_taken: bool) -> str | None:
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
    return None if is_name(name) else f"column {positions[name][0] + 1}: {NAME_RULE}"


def write_series_csv(series: SeriesStream, file: BinaryIO) -> None:
    """Write a table in the format of `read_series_csv`: sequence, time, inputs, target.

    The header of times is the unit of the step, or ``time`` for dates. Without times, the first
    step is at the time of one step. Sequences without names are numbered from 0. Underscores are
    appended to a header that is also the name of another column.
    """
    names = [*series.columns["inputs"], series.columns["target"]]
    step = Step(**series.columns["step"])
    starts = series.columns.get("start_times") or ()
    labels = [*map(encode_name, series.columns.get("sequence_names") or ())]
    time = make_unique(TIME if starts and isinstance(starts[0], str) else step.unit, names)
    sequence = make_unique(SEQUENCE, [time, *names])
    ends, n_inputs = np.cumsum(series.lengths), len(names) - 1

    def write(rows: NDArray[np.int64]) -> Iterator[Iterable[str]]:
        codes = np.searchsorted(ends, rows, side="right")
        steps = rows - (ends[codes] - series.lengths[codes])
        inputs = series.inputs.take(len(rows) * n_inputs).reshape(len(rows), n_inputs)
        return zip(
            [labels[code] if labels else str(code) for code in codes.tolist()],
            list_times(starts, step, codes, steps),
            *map(to_texts, inputs.T),
            to_texts(series.targets.take(len(rows))),
            strict=True,
        )

    chunks = (np.arange(first, min(first + CHUNK, ends[-1])) for first in range(0, ends[-1], CHUNK))
    write_rows(map(encode_name, [sequence, time, *names]), map(write, chunks), file)


def make_unique(name: str, others: Sequence[str]) -> str:
    """Return a header with as many underscores appended as make it differ from others."""
    while name in others:
        name += "_"
    return name
