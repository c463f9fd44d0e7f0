"""Series as CSV tables in long form: a header, and one row per step."""

import re
from array import array
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import chain, islice
from typing import BinaryIO, Final, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series, Step
from service.engine.types import Array
from service.errors import Invalid, count
from service.formats.base import CHUNK, SeriesColumns, SeriesStream, SizeLimits
from service.formats.csv import PARSED_NUMBERS, SAMPLE, DecimalMarks, encode_rows, read_lines
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
from service.schemas.arrays import explain_out_of_range, in_range
from service.schemas.series import MAX_NAME, NAME_PATTERN, check_inputs, to_names
from service.schemas.times import Times, TimesError, list_times

GAP: Final = "0"  # parsed in place of an empty target
NO_HEADER: Final = "there is no header; the first line must name the columns"
LAYOUT: Final = "a line with the names of the columns must come first, and then one row per step"
WHICH_MARK: Final = "name the decimal mark (decimal=, or decimal=.)"
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
    separator, fields = _find_header(sample, chosen)
    line, inputs = sample[0], list[int]()
    taken: dict[int, str] = {}

    def find(name: str, parameter: str) -> int:
        indices = [i for i, field in enumerate(fields) if field == name]
        if not indices:
            raise Invalid(_explain_missing(line, fields, name), parameter=parameter)
        if len(indices) > 1:
            detail = f"{cite(line)}: {len(indices)} columns are named {name!r}; rename one of them"
            raise Invalid(detail, parameter=parameter)
        other = taken.setdefault(indices[0], parameter)
        if other != parameter or (parameter == "inputs" and indices[0] in inputs):
            uses = "" if other == parameter else f" for {other} and for {parameter}"
            detail = f"the column {name!r} is chosen twice{uses or ' as an input'}; choose it once"
            raise Invalid(detail, parameter=parameter)
        return indices[0]

    target = find(TARGET if chosen.target is None else chosen.target, "target")
    sequence, time = (
        None if name is None else find(name, parameter)
        for name, parameter in ((chosen.sequence, "sequence"), (chosen.time, "time"))
    )
    others = [field for i, field in enumerate(fields) if i not in taken]
    for name in others if chosen.inputs is None else chosen.inputs:
        if not name:
            detail = f"{cite(line)}: a column has no name; choose the inputs by name (inputs=…)"
            raise Invalid(detail, parameter="inputs")
        inputs.append(find(name, "inputs"))
    check_inputs(len(inputs))
    for i, parameter in taken.items():
        _check_name(fields[i], f"column {i + 1}", parameter)
    return _Columns(separator, fields, inputs, target, sequence, time)


def _check_name(name: str, citation: str, parameter: str) -> None:
    if len(name) > MAX_NAME or not re.match(NAME_PATTERN, name):
        what = f"at most {MAX_NAME} characters, no quotes and no control characters"
        raise Invalid(f"{citation}: a name has {what}", parameter=parameter)


def _find_header(sample: list[Line], chosen: SeriesColumns) -> tuple[str, list[str]]:
    """Return the separator and the header: the first that fits the chosen names and the rows.

    Raises Invalid if all names look like numbers or dates.
    """
    names = {*(chosen.inputs or ()), chosen.target or TARGET, chosen.sequence, chosen.time} - {None}
    for separator in SEPARATORS:
        rows = [split_line(text, separator) for _, text in sample]
        header = [*map(_decode_name, rows[0])]
        if names <= {*header} and len({len(row) for row in rows}) == 1:
            if all(map(LIKE_A_NUMBER.match, rows[0])):
                raise Invalid(f"{cite(sample[0])}: {NO_HEADER}", parameter="target")
            return separator, header
    separator = find_separator(sample)
    return separator, [*map(_decode_name, split_line(sample[0][1], separator))]


def _explain_missing(line: Line, fields: list[str], name: str) -> str:
    if any(is_number(field) for field in fields):
        return f"{cite(line)}: {NO_HEADER}"
    nearest = get_close_matches(name, fields, 1, 0.5)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    listed = ", ".join(field[:40] for field in fields[:20])
    return f"{cite(line)}: there is no column {name!r}. {hint}The columns are {listed}"


def _unit(columns: _Columns, time: int) -> str:
    """Return the unit of which `write_series_csv` makes the name of the column of times."""
    others = [name for i, name in enumerate(columns.header) if i not in (time, columns.sequence)]
    return columns.header[time].removesuffix(_suffix(columns.header[time], others))


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
        self._marks = DecimalMarks("/sequences", chosen.decimal_mark, ambiguous, WHICH_MARK)
        self._times = None if columns.time is None else Times(_unit(columns, columns.time))

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
                line = lines[(error.row or 0) - len(self.codes) + len(lines)]
                detail = f"{cite(line)}: {error.detail}"
                raise Invalid(detail, parameter="time", line=line[0]) from None
        numbers = [[row[i] for i in columns.numeric] for row in fields]
        self._numbers.frombytes(self._parse(lines, numbers).tobytes())
        # The longest sequence is at least as long as the average.
        n_samples = max(len(self._labels), 1)
        average = -(-len(self.codes) // n_samples)
        self._limits.check_cells(n_samples, average, len(columns.inputs))

    def to_series(self) -> Series:
        """Return the series; raises Invalid and LimitExceeded."""
        self._marks.check()
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
            if error.row is None:
                raise Invalid(error.detail, parameter="time") from None
            number = self._lines[error.row]
            detail = f"line {number}: {error.detail}"
            raise Invalid(detail, parameter="time", line=number) from None
        return step, self._times.find_starts(codes, step)

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
        if not label:
            name = self.columns.header[column]
            detail = f"{cite(line)}: the column {name!r} is empty; it must name the sequence"
            raise Invalid(detail, parameter="sequence")
        if label not in self._labels:
            _check_name(label, cite(line), "sequence")
        return self._labels.setdefault(label, len(self._labels))

    def _parse(self, lines: list[Line], fields: list[list[str]]) -> Array:
        """Return fields as an array (len(lines), q + 1), nan where a target is missing."""
        is_gap = np.array([row[-1] == "" for row in fields])
        texts = [";".join([*row[:-1], row[-1] or GAP]) for row in fields]
        texts = self._marks.normalize(lines, texts, ";")
        try:
            table = np.loadtxt(texts, delimiter=";", comments=None, ndmin=2)
        except ValueError:
            self._report(lines, fields)
        if table.shape != (len(lines), len(self.columns.numeric)):
            self._report(lines, fields)
        valid = in_range(table)
        if not valid.all():
            i, j = map(int, np.unravel_index(int(np.argmin(valid)), table.shape))
            if np.isnan(table[i, j]):
                self._report(lines, fields)
            raise self._error(lines, i, j, explain_out_of_range(float(table[i, j])))
        table[is_gap, -1] = np.nan
        return table

    def _report(self, lines: list[Line], fields: list[list[str]]) -> NoReturn:
        """Raise Invalid for the first field that is not a number."""
        for i, row in enumerate(fields):
            for j, field in enumerate(row):
                if field == "" and j < len(row) - 1:
                    what = "an input is missing, and only targets may be; fill it in"
                    raise self._error(lines, i, j, what)
                if field and (not is_number(field) or field.lower().endswith("nan")):
                    what = f"{shorten(field)} is not a number"
                    if j == len(row) - 1:
                        what += "; write numbers without units, and leave missing targets empty"
                    elif not self._is_chosen:
                        what += "; choose the inputs by name (inputs=…)"
                    else:
                        what += "; write 0 for none, or leave the column out of the inputs"
                    raise self._error(lines, i, j, what)
        detail = f"lines {lines[0][0]} to {lines[-1][0]} are not a table of numbers"
        raise Invalid(detail, "/sequences")

    def _error(self, lines: list[Line], i: int, j: int, what: str) -> Invalid:
        """Return the error of number j of line i, with its pointer in JSON."""
        column = self.columns.numeric[j]
        row = len(self.codes) - len(lines) + i
        code = self.codes[row]
        step = np.count_nonzero(np.frombuffer(self.codes, np.int64)[:row] == code)
        is_input = j < len(self.columns.inputs)
        field = f"inputs/{step}/{j}" if is_input else f"targets/{step}"
        where = f"column {column + 1} ({self.columns.header[column]!r})"
        detail = f"{cite(lines[i])}, {where}: {what}"
        pointer = f"/sequences/{code}/{field}"
        return Invalid(detail, pointer, line=lines[i][0], column=column + 1)


def write_series_csv(series: SeriesStream, file: BinaryIO) -> None:
    """Write a table that `read_series_csv` reads back: sequence, time, inputs, target.

    The header of times is the unit of the step, or ``time`` for dates. The time of the first step
    is one step if it is not known. Sequences without names are numbered from 0. A header that is
    also the name of another column ends in an underscore.
    """
    names = [*series.columns["inputs"], series.columns["target"]]
    step = Step(**series.columns["step"])
    start_times = series.columns.get("start_times") or [None] * len(series.lengths)
    time = TIME if isinstance(start_times[0], str) else step.unit
    time += _suffix(time, names)
    sequence = SEQUENCE + _suffix(SEQUENCE, [time, *names])
    file.write(encode_rows([map(_encode_name, [sequence, time, *names])]))
    n_inputs = len(names) - 1
    labels = series.columns.get("sequence_names") or map(str, range(len(series.lengths)))
    sequences = zip(map(_encode_name, labels), start_times, series.lengths.tolist(), strict=True)
    for label, start_time, length in sequences:
        for start in range(0, length, CHUNK):
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


def _suffix(name: str, others: list[str]) -> str:
    """Return the underscores after which a name is none of the others.

    Their number is the same for the name with underscores, so that a reader can take them off.
    """
    stem = name.rstrip("_")
    n_underscores = [len(other) - len(stem) for other in others if other.rstrip("_") == stem]
    return "_" * (1 + max(n_underscores, default=-1))


def _encode_name(name: str) -> str:
    """Return a name as a field: an apostrophe keeps spreadsheets from running it as a formula."""
    if FORMULA.match(name):
        name = f"'{name}"
    return f'"{name}"' if any(mark in name for mark in SEPARATORS) else name


def _decode_name(field: str) -> str:
    """Return the name that `_encode_name` made a field of."""
    return field[1:] if field.startswith("'") and FORMULA.match(field) else field
