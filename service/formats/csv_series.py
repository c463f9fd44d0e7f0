"""Series as CSV tables in long form: a header, and one row per step."""

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series, Step
from service.engine.types import Array
from service.errors import Invalid
from service.formats.base import CHUNK, SeriesColumns, SeriesStream, SizeLimits
from service.formats.csv import LIKE_A_NUMBER, to_texts, write_rows
from service.formats.csv_tables import (
    SAMPLE,
    SEPARATORS,
    DecimalMarks,
    Layout,
    Line,
    TableReader,
    cite,
    find_separator,
    read_lines,
    shorten,
    split_line,
)
from service.schemas.series import MAX_INPUTS, MAX_NAME, NAME_PATTERN, check_inputs, to_names
from service.values.numbers import is_number
from service.values.times import MAX_NAMED, Times, TimesError, list_times

NO_HEADER: Final = "there is no header; the first line must contain the column names"
LAYOUT: Final = "the first line must contain the column names, followed by one row per step"
WHICH_MARK: Final = "give the decimal mark (decimal=, or decimal=.)"
NAME_RULE: Final = f"a name has 1 to {MAX_NAME} characters, no quotes and no control characters"
ADVICE: Final = "; leave missing targets empty, write no units, and choose the inputs (inputs=…)"
TIME: Final = "time"  # the header of dates
SEQUENCE: Final = "sequence"  # the header of the names of the sequences
MISSING: Final = re.compile(r"|na|n/a|nan|null|none|-|\?", re.IGNORECASE)  # inputs to fill
FORMULA: Final = re.compile(r"'*+[=+@-]")  # formulas, also if already encoded


def read_series_csv(body: bytes, chosen: SeriesColumns, limits: SizeLimits) -> Series:
    """Read a table with a header and one row per step.

    The rows of a sequence are in the order of time; sequences may be interleaved. An empty target
    is a gap. Separators, decimal marks, quotes, line endings and errors are those of `read_csv`.
    """
    lines = read_lines(body, limits)
    sample = list(islice(lines, SAMPLE))
    if not sample:
        raise Invalid(f"the table is empty: {LAYOUT}", "/sequences")
    layout = _find_layout(sample, chosen)
    # If commas separate fields, points are unambiguous.
    ambiguous = "," if layout.separator == "," else ".,"
    mark, width = chosen.decimal_mark, len(layout.names)
    marks = {
        DecimalMarks("/sequences", mark, ambiguous, WHICH_MARK): slice(column, None, width)
        for column in [*layout.inputs, layout.target]
    }
    series = _SeriesRows(layout, limits, chosen)
    try:
        for rows in TableReader(layout, marks).read(chain(sample[1:], lines)):
            series.add(*rows)
        if not series.codes:
            detail = f"{cite(sample[0])}: there are no rows below the header: {LAYOUT}"
            raise Invalid(detail, "/sequences")
        return series.to_series()
    except TimesError as error:
        row, detail, n_gaps, are_regular = error.args
        number = None if row is None else int(series.lines[row])
        where = "" if number is None else f"line {number}: "
        members: dict[str, Any] = {"line": number}
        if n_gaps:
            members |= {"n_gaps": n_gaps, "are_regular": are_regular}
            each = "the gap" if n_gaps == 1 else f"each of the {n_gaps} gaps"
            detail += f", or start a new sequence after {each} (gaps=sequences)"
        raise Invalid(f"{where}{detail}", parameter="time", **members) from None


def _find_layout(sample: list[Line], chosen: SeriesColumns) -> Layout:
    """Return the columns of a table by its header; raises Invalid."""
    line, separator = sample[0], find_separator(sample)
    header = [*map(_decode_name, split_line(line[1], separator))]
    if all(map(LIKE_A_NUMBER.match, header)):
        raise Invalid(f"{cite(line)}: {NO_HEADER}", parameter="target")
    roles = {"target": chosen.target, "sequence": chosen.sequence, "time": chosen.time}
    inputs = chosen.inputs
    if inputs is None:
        inputs = tuple(name for name in header if name not in roles.values())
    positions: dict[str, list[int]] = {}
    for column, field in enumerate(header):
        positions.setdefault(field, []).append(column)
    found = dict[str | None, int]()
    few = inputs[:MAX_INPUTS]  # all of them, unless there are too many
    for parameter, name in [*roles.items(), *(("inputs", name) for name in few)]:
        if name is not None:
            problem = _find_problem(positions, name, is_taken=name in found)
            if problem is not None:
                raise Invalid(f"{cite(line)}: {problem}", parameter=parameter)
            found[name] = positions[name][0]
    check_inputs(len(inputs))
    columns, target = [found[name] for name in inputs], found[chosen.target]
    sequence, time = found.get(chosen.sequence), found.get(chosen.time)
    missing = None if chosen.fill is None else MISSING
    return Layout(separator, header, columns, target, True, sequence, time, ADVICE, missing)


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
    return None if _is_name(name) else f"column {positions[name][0] + 1}: {NAME_RULE}"


def _is_name(name: str) -> bool:
    return len(name) <= MAX_NAME and re.match(NAME_PATTERN, name) is not None


class _SeriesRows:
    """The rows of a series during reading."""

    def __init__(self, layout: Layout, limits: SizeLimits, chosen: SeriesColumns) -> None:
        self._layout, self._limits, self._chosen = layout, limits, chosen
        self.codes = array("q")  # the sequences of the rows, in order of appearance
        self.lines = array("q")  # their numbers
        self._inputs, self._targets = array("d"), array("d")
        self._labels: dict[str, int] = {}
        self._times = None if layout.time is None else Times(layout.names[layout.time])

    def add(self, lines: list[Line], fields: list[str], numbers: Array) -> None:
        """Add rows; raises Invalid, TimesError and LimitExceeded."""
        layout = self._layout
        self.lines.extend(number for number, _ in lines)
        width, sequence = len(layout.names), layout.sequence
        if sequence is None:
            self.codes.extend([0] * len(lines))
        else:
            found = zip(lines, fields[sequence::width], strict=True)
            self.codes.extend(self._find_sequence(*row, sequence) for row in found)
        if layout.time is not None and self._times is not None:
            self._times.add(fields[layout.time :: width])
        self._inputs.frombytes(numbers[:, :-1].tobytes())
        self._targets.frombytes(numbers[:, -1].tobytes())
        # The longest sequence is at least as long as the average.
        n_samples = max(len(self._labels), 1)
        average = -(-len(self.codes) // n_samples)
        self._limits.check_cells(n_samples, average, len(layout.inputs))

    def _find_sequence(self, line: Line, field: str, column: int) -> int:
        label = _decode_name(field)
        if label not in self._labels and not _is_name(label):
            where = f"{cite(line)}, column {column + 1} ({self._layout.names[column]!r})"
            raise Invalid(f"{where}: {NAME_RULE}", parameter="sequence")
        return self._labels.setdefault(label, len(self._labels))

    def to_series(self) -> Series:
        """Return the series; raises Invalid, TimesError and LimitExceeded."""
        layout = self._layout
        codes = np.frombuffer(self.codes, np.int64)
        inputs = np.frombuffer(self._inputs).reshape(len(codes), len(layout.inputs))
        labels = [*self._labels]
        rows = np.arange(len(codes))
        if (np.diff(codes) < 0).any():
            rows = np.argsort(codes, kind="stable")
            codes = codes[rows]
            inputs = inputs[rows]
            self._arrange(rows)
        inputs = self._fill(inputs, codes)
        is_dropped = np.isnan(inputs).any(axis=1)
        begins = is_dropped | self._find_late(codes)
        if begins.any():
            parts = np.cumsum((np.diff(codes, prepend=-1) > 0) | begins) - 1
            kept = np.flatnonzero(~is_dropped)
            self._arrange(kept)
            _, first, divided = np.unique(parts[kept], return_index=True, return_inverse=True)
            labels = _number(labels, codes[kept][first])
            codes = divided
            inputs = inputs[kept]
            rows = rows[kept]
        step, starts = (Step(), ()) if self._times is None else self._times.find_steps(codes)
        lengths = np.bincount(codes)
        self._limits.check_cells(len(lengths), int(lengths.max()), len(layout.inputs))
        targets = np.frombuffer(self._targets)[rows]
        target = layout.names[layout.target]
        if np.isnan(targets).all():
            detail = f"all targets in the column {target!r} are missing; choose another column"
            raise Invalid(detail, parameter="target")
        names = tuple(layout.names[column] for column in layout.inputs)
        return Series(inputs, targets, lengths, names, target, step, to_names(labels), starts)

    def _arrange(self, rows: NDArray[np.int64]) -> None:
        """Select lines and times by the indices of their rows."""
        if not rows.size:
            raise Invalid("an input is missing in every row", parameter="fill")
        self.lines = array("q", np.frombuffer(self.lines, np.int64)[rows].tobytes())
        if self._times is not None:
            self._times.take(rows)

    def _find_late(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return True for rows (N,) that begin a sequence because of a gap; raises Invalid."""
        if self._chosen.gaps is None:
            return np.zeros(len(codes), bool)
        if self._times is None:
            raise Invalid("gaps require a column of times (time=…)", parameter="gaps")
        return self._times.find_late(codes)

    def _fill(self, inputs: Array, codes: NDArray[np.int64]) -> Array:
        """Return inputs (N, q) with missing values filled; raises Invalid.

        With ``drop``, missing inputs are not filled.
        """
        if self._chosen.fill == "zero":
            return np.nan_to_num(inputs)
        if self._chosen.fill != "hold":
            return inputs
        rows = np.arange(len(codes))[:, None]
        held = np.maximum.accumulate(np.where(np.isnan(inputs), -1, rows), axis=0)
        has_none = (held < np.searchsorted(codes, codes)[:, None]).any(axis=1)
        if has_none.any():
            line = int(self.lines[int(np.argmax(has_none))])
            detail = f"line {line}: the sequence has no value before this gap to hold"
            raise Invalid(detail, parameter="fill", line=line)
        return np.take_along_axis(inputs, held, axis=0)


def _number(labels: list[str], codes: NDArray[np.int64]) -> list[str]:
    """Return the names of parts of sequences, with numbers that make them unique.

    They are empty if the sequences have no names, or there are too many parts to store them.
    """
    if not labels or len(codes) > MAX_NAMED:
        return []
    return [f"{labels[code][: MAX_NAME - 5]} {i}" for i, code in enumerate(codes.tolist(), 1)]


def write_series_csv(series: SeriesStream, file: BinaryIO) -> None:
    """Write a table in the format of `read_series_csv`: sequence, time, inputs, target.

    The header of times is the unit of the step, or ``time`` for dates. Without times, the first
    step is at the time of one step. Sequences without names are numbered from 0. Underscores are
    appended to a header that is also the name of another column.
    """
    names = [*series.columns["inputs"], series.columns["target"]]
    step = Step(**series.columns["step"])
    starts = series.columns.get("start_times") or ()
    labels = [*map(_encode_name, series.columns.get("sequence_names") or ())]
    time = _make_unique(TIME if starts and isinstance(starts[0], str) else step.unit, names)
    sequence = _make_unique(SEQUENCE, [time, *names])
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
    write_rows(map(_encode_name, [sequence, time, *names]), map(write, chunks), file)


def _make_unique(name: str, others: list[str]) -> str:
    while name in others:
        name += "_"
    return name


def _encode_name(name: str) -> str:
    """Return a name as a field: an apostrophe prevents spreadsheets from evaluating a formula."""
    if FORMULA.match(name):
        name = f"'{name}"
    return f'"{name}"' if any(mark in name for mark in SEPARATORS) else name


def _decode_name(field: str) -> str:
    """Return the name in a field of `_encode_name`."""
    return field[1:] if field.startswith("'") and FORMULA.match(field) else field
