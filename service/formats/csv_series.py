"""Series as CSV tables in long form: a header, and one row per step."""

import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series, Step
from service.engine.interruption import check_interruption
from service.engine.types import Array
from service.errors import Invalid, count
from service.formats.base import CHUNK, SeriesColumns, SeriesStream, SizeLimits
from service.formats.csv import PARSED_NUMBERS, SAMPLE, encode_rows, read_lines
from service.formats.csv_layout import (
    LIKE_A_NUMBER,
    SEPARATORS,
    TARGET,
    Line,
    cite,
    find_separator,
    is_number,
    shorten,
    split_line,
)
from service.formats.decimal_marks import DecimalMarks
from service.schemas.arrays import explain_out_of_range, in_range
from service.schemas.series import MAX_NAME, NAME_PATTERN, check_inputs, to_names
from service.schemas.times import Times, TimesError, list_times

GAP: Final = "0"  # parsed in place of an empty target
NO_HEADER: Final = "there is no header; the first line must name the columns"
LAYOUT: Final = "a line with the names of the columns must come first, and then one row per step"
WHICH_MARK: Final = "name the decimal mark (decimal=, or decimal=.)"
NAME_RULE: Final = f"a name has 1 to {MAX_NAME} characters, no quotes and no control characters"
TIME: Final = "time"  # the header of dates
SEQUENCE: Final = "sequence"  # the header of the names of the sequences
FORMULA: Final = re.compile(r"'*+[=+@-]")  # what spreadsheets run, also if it was encoded before


def read_series_csv(body: bytes, chosen: SeriesColumns, limits: SizeLimits) -> Series:
    """Read a table with one row per step, whose header names the columns.

    The rows of a sequence are in the order of time; sequences may alternate. An empty target is a
    gap. Separators, decimal marks, quotes, line endings and errors are those of `read_csv`.
    """
    lines = read_lines(body, limits)
    sample = list(islice(lines, SAMPLE))
    if not sample:
        raise Invalid(f"the table is empty: {LAYOUT}", "/sequences")
    rows = _Rows(_find_columns(sample, chosen), limits, chosen)
    rest = chain(sample[1:], lines)
    while chunk := list(islice(rest, max(1, PARSED_NUMBERS // rows.columns.width))):
        rows.add(chunk)
    if not rows.codes:
        raise Invalid(
            f"{cite(sample[0])}: there are no rows below the header: {LAYOUT}", "/sequences"
        )
    return rows.to_series()


class _Columns(NamedTuple):
    """The layout of a table: its separator, and the indices and names of the columns."""

    separator: str
    header: list[str]
    inputs: list[int]
    target: int
    sequence: int | None
    time: int | None

    @property
    def width(self) -> int:
        return len(self.header)

    @property
    def numeric(self) -> list[int]:
        return [*self.inputs, self.target]


def _find_columns(sample: list[Line], chosen: SeriesColumns) -> _Columns:
    """Return the columns of a table by its header; raises Invalid."""
    line, separator = sample[0], find_separator(sample)
    header = [*map(_decode_name, split_line(line[1], separator))]
    if all(map(LIKE_A_NUMBER.match, header)):
        raise Invalid(f"{cite(line)}: {NO_HEADER}", parameter="target")
    names: dict[str, tuple[str, ...]] = {
        "target": (TARGET if chosen.target is None else chosen.target,),
        "sequence": () if chosen.sequence is None else (chosen.sequence,),
        "time": () if chosen.time is None else (chosen.time,),
    }
    others = [name for name in header if (name,) not in names.values()]
    names["inputs"] = tuple(others) if chosen.inputs is None else chosen.inputs
    taken, indices = set[str](), dict[str, list[int]]()
    for parameter, wanted in names.items():
        for name in wanted:
            problem = _find_problem(header, name, taken)
            if problem is not None:
                raise Invalid(f"{cite(line)}: {problem}", parameter=parameter)
            taken.add(name)
        indices[parameter] = [header.index(name) for name in wanted]
    check_inputs(len(indices["inputs"]))
    (target,), inputs = indices["target"], indices["inputs"]
    sequence, time = (next(iter(indices[name]), None) for name in ("sequence", "time"))
    return _Columns(separator, header, inputs, target, sequence, time)


def _find_problem(header: list[str], name: str, taken: set[str]) -> str | None:
    """Return why a column cannot be chosen."""
    if name not in header:
        if any(map(is_number, header)):
            return NO_HEADER
        listed = ", ".join(field[:40] for field in header[:20])
        return f"there is no column {name!r}. The columns are {listed}"
    if header.count(name) > 1:
        return f"{header.count(name)} columns are named {shorten(name)}; rename one of them"
    if name in taken:
        return f"the column {name!r} is chosen twice; choose it once"
    return None if _is_name(name) else f"column {header.index(name) + 1}: {NAME_RULE}"


def _is_name(name: str) -> bool:
    return len(name) <= MAX_NAME and re.match(NAME_PATTERN, name) is not None


class _Rows:
    """The rows of a table as they are read."""

    def __init__(self, columns: _Columns, limits: SizeLimits, chosen: SeriesColumns) -> None:
        self.columns, self._limits = columns, limits
        self._is_chosen = chosen.inputs is not None
        self.codes = array("q")  # the sequences of the rows, numbered as they first appear
        self._lines = array("q")  # their numbers, if there are times
        self._numbers = array("d")
        self._labels: dict[str, int] = {}
        # Commas that separate fields leave points only one meaning.
        ambiguous = "," if columns.separator == "," else ".,"
        self._marks = [
            DecimalMarks("/sequences", chosen.decimal_mark, ambiguous, WHICH_MARK)
            for _ in columns.numeric
        ]
        self._times = None if columns.time is None else Times(columns.header[columns.time])

    def add(self, lines: list[Line]) -> None:
        """Add lines; raises as `read_series_csv`."""
        columns = self.columns
        fields = [split_line(text, columns.separator) for _, text in lines]
        self._check_widths(lines, fields)
        for line, row in zip(lines, fields, strict=True):
            self.codes.append(self._find_sequence(line, row))
        if columns.time is not None and self._times is not None:
            self._lines.extend(number for number, _ in lines)
            try:
                self._times.add([row[columns.time] for row in fields])
            except TimesError as error:
                raise self._locate(error) from None
        self._numbers.frombytes(self._parse(lines, fields).tobytes())
        # The longest sequence is at least as long as the average.
        n_samples = max(len(self._labels), 1)
        average = -(-len(self.codes) // n_samples)
        self._limits.check_cells(n_samples, average, len(columns.inputs))

    def to_series(self) -> Series:
        """Return the series; raises Invalid and LimitExceeded."""
        for marks in self._marks:
            marks.check()
        columns, codes = self.columns, np.frombuffer(self.codes, np.int64)
        step, starts = self._find_times(codes)
        lengths = np.bincount(codes)
        self._limits.check_cells(len(lengths), int(lengths.max()), len(columns.inputs))
        table = np.frombuffer(self._numbers).reshape(len(codes), -1)
        if (np.diff(codes) < 0).any():
            table = table[np.argsort(codes, kind="stable")]
        if np.isnan(table[:, -1]).all():
            name = columns.header[columns.target]
            detail = f"all targets in the column {name!r} are missing; choose another column"
            raise Invalid(detail, parameter="target")
        names = tuple(columns.header[i] for i in columns.inputs)
        target = columns.header[columns.target]
        labels = to_names([*self._labels])
        return Series(table[:, :-1], table[:, -1], lengths, names, target, step, labels, starts)

    def _find_times(self, codes: NDArray[np.int64]) -> tuple[Step, tuple[str | float, ...]]:
        """Return the step, and the times of the first rows of the sequences."""
        if self._times is None:
            return Step(), ()
        try:
            step = self._times.find_step(codes)
        except TimesError as error:
            raise self._locate(error) from None
        return step, self._times.find_starts(codes, step)

    def _locate(self, error: TimesError) -> Invalid:
        if error.row is None:
            return Invalid(error.detail, parameter="time")
        number = self._lines[error.row]
        return Invalid(f"line {number}: {error.detail}", parameter="time", line=number)

    def _check_widths(self, lines: list[Line], fields: list[list[str]]) -> None:
        width = self.columns.width
        for line, row in zip(lines, fields, strict=True):
            if len(row) != width:
                detail = f"{cite(line)}: the row has {count(len(row), 'field')}, the header {width}"
                if self.columns.separator == ",":
                    detail += "; if commas are decimal commas, separate the fields by semicolons"
                raise Invalid(detail, "/sequences", line=line[0])

    def _find_sequence(self, line: Line, row: list[str]) -> int:
        column = self.columns.sequence
        if column is None:
            return 0
        label = _decode_name(row[column])
        if label not in self._labels and not _is_name(label):
            where = f"{cite(line)}, column {column + 1} ({self.columns.header[column]!r})"
            raise Invalid(f"{where}: {NAME_RULE}", parameter="sequence")
        return self._labels.setdefault(label, len(self._labels))

    def _parse(self, lines: list[Line], fields: list[list[str]]) -> Array:
        """Return numbers (len(lines), q + 1), nan where a target is missing."""
        columns = [
            self._parse_column(lines, j, [row[i] for row in fields])
            for j, i in enumerate(self.columns.numeric)
        ]
        return np.column_stack(columns)

    def _parse_column(self, lines: list[Line], j: int, texts: list[str]) -> Array:
        is_target = j == len(self.columns.inputs)
        filled = [text or GAP for text in texts] if is_target else texts
        filled = self._marks[j].normalize(lines, filled, ";")
        try:
            column = np.loadtxt(filled, delimiter=";", comments=None, ndmin=1)
        except ValueError:
            column = np.empty(0)
        if column.shape != (len(lines),):
            column = np.array([float(text) if is_number(text) else np.nan for text in filled])
        valid = in_range(column)
        if not valid.all():
            i = int(np.argmin(valid))
            what = self._explain(texts[i], float(column[i]), is_target=is_target)
            index = self.columns.numeric[j]
            where = f"column {index + 1} ({self.columns.header[index]!r})"
            detail = f"{cite(lines[i])}, {where}: {what}"
            raise Invalid(detail, "/sequences", line=lines[i][0], column=index + 1)
        return np.where([text == "" for text in texts], np.nan, column)

    def _explain(self, text: str, number: float, *, is_target: bool) -> str:
        """Return why a field is invalid."""
        if not text:
            return "an input is missing, and only targets may be; fill it in"
        if not np.isnan(number):
            return explain_out_of_range(number)
        if is_target:
            advice = "write numbers without units, and leave missing targets empty"
        elif self._is_chosen:
            advice = "write 0 for none, or leave the column out of the inputs"
        else:
            advice = "choose the inputs by name (inputs=…)"
        return f"{shorten(text)} is not a number; {advice}"


def write_series_csv(series: SeriesStream, file: BinaryIO) -> None:
    """Write a table that `read_series_csv` reads back: sequence, time, inputs, target.

    The header of times is the unit of the step, or ``time`` for dates. The time of the first step
    is one step if it is not known. Sequences without names are numbered from 0. Underscores follow
    a header that is also the name of another column.
    """
    names = [*series.columns["inputs"], series.columns["target"]]
    step = Step(**series.columns["step"])
    start_times = series.columns.get("start_times") or [None] * len(series.lengths)
    time = _make_unique(TIME if isinstance(start_times[0], str) else step.unit, names)
    sequence = _make_unique(SEQUENCE, [time, *names])
    file.write(encode_rows([map(_encode_name, [sequence, time, *names])]))
    n_inputs = len(names) - 1
    labels = series.columns.get("sequence_names") or map(str, range(len(series.lengths)))
    sequences = zip(map(_encode_name, labels), start_times, series.lengths.tolist(), strict=True)
    for label, start_time, length in sequences:
        for start in range(0, length, CHUNK):
            check_interruption()
            n_rows = min(CHUNK, length - start)
            times = list_times(start_time, step, start, n_rows)
            inputs = series.inputs.take(n_rows * n_inputs).reshape(n_rows, n_inputs).tolist()
            targets = series.targets.take(n_rows).tolist()
            rows = zip(times, inputs, targets, strict=True)
            file.write(encode_rows(_fields(label, *row) for row in rows))


def _fields(label: str, time: str, inputs: Sequence[float], target: float) -> Iterator[str]:
    yield label
    yield time
    yield from map(repr, inputs)
    yield "" if target != target else repr(target)  # noqa: PLR0124 - nan is a gap


def _make_unique(name: str, others: list[str]) -> str:
    while name in others:
        name += "_"
    return name


def _encode_name(name: str) -> str:
    """Return a name as a field: an apostrophe keeps spreadsheets from running it as a formula."""
    if FORMULA.match(name):
        name = f"'{name}"
    return f'"{name}"' if any(mark in name for mark in SEPARATORS) else name


def _decode_name(field: str) -> str:
    """Return the name that `_encode_name` made a field of."""
    return field[1:] if field.startswith("'") and FORMULA.match(field) else field
