"""The rows of a series during reading, and the repairs of their gaps and times."""

import re
from array import array
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Note, Series, Step, describe_step
from service.engine.types import Array
from service.errors import Invalid, count
from service.formats.base import SeriesColumns, SizeLimits
from service.formats.csv_tables import SEPARATORS, Layout, offer_fills, split_names
from service.formats.numerals import cite
from service.formats.repairs import INVENTED, describe
from service.formats.text import Line
from service.schemas.series import MAX_NAME, NAME_PATTERN, to_names
from service.values.dates import DateOrder
from service.values.steps import multiply
from service.values.times import MAX_NAMED, Times

NAME_RULE: Final = f"a name has 1 to {MAX_NAME} characters, no quotes and no control characters"
# Formulas at the start of a name, or of what a spreadsheet makes of it that splits at other
# separators than commas; also if already encoded.
FORMULA: Final = re.compile(r"(^|[;|\t] *+)('*+)(?=[=+@-])")
# The share of a step by which a grid may move times without a condition. In simulations with 200
# steps and a white input, moves by up to 0.1 steps make time constants of one step and more at most
# 3 % longer; moves by up to 0.4 steps make them 15 % longer at one step, 10 % at two, 7 % at four.
MOVED: Final = 0.1
Rows = NDArray[np.int64]


class _Steps(NamedTuple):
    """The steps of all sequences."""

    codes: Rows  # (N,) their sequences, in ascending order
    inputs: Array  # (N, q)
    targets: Array  # (N,)

    def take(self, rows: Rows) -> "_Steps":
        """Return the steps with these indices."""
        return _Steps(self.codes[rows], self.inputs[rows], self.targets[rows])


class SeriesRows:
    """The rows of a series during reading."""

    def __init__(
        self,
        layout: Layout,
        limits: SizeLimits,
        chosen: SeriesColumns,
        order: DateOrder | None = None,
    ) -> None:
        self._layout, self._limits, self._chosen = layout, limits, chosen
        self.codes = array("q")  # the sequences of the rows, in order of appearance
        self.lines = array("q")  # their numbers
        self._inputs, self._targets = array("d"), array("d")
        self._labels: dict[str, int] = {}
        self._times = None
        if layout.time is not None:
            name, is_dropped = layout.names[layout.time], chosen.fill == "drop"
            self._times = Times(name, order, skips_unreadable=is_dropped)
        self.repairs: list[str] = []
        self.invented: list[Note] = []  # by repairs
        self._steps: _Steps  # of all rows, after the last one was added

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
            self._times.add(layout.list_times(fields))
        self._inputs.frombytes(numbers[:, :-1].tobytes())
        self._targets.frombytes(numbers[:, -1].tobytes())
        if not layout.is_series:
            self._limits.check_cells(len(self.codes), len(layout.inputs))
            return
        # The longest sequence is at least as long as the average, unless it is shortened later.
        n_samples = max(len(self._labels), 1)
        if self._chosen.last or self._chosen.every:
            n_samples = len(self.codes)
        average = -(-len(self.codes) // n_samples)
        self._limits.check_cells(n_samples, average, len(layout.inputs))

    def _find_sequence(self, line: Line, field: str, column: int) -> int:
        label = decode_name(field)
        if label not in self._labels and not is_name(label):
            where = f"{cite(line)}, column {column + 1} ({self._layout.names[column]!r})"
            raise Invalid(f"{where}: {NAME_RULE}", parameter="sequence")
        return self._labels.setdefault(label, len(self._labels))

    def to_series(self) -> Series:
        """Return the series; raises Invalid, TimesError and LimitExceeded."""
        chosen, times = self._chosen, self._times
        codes = np.frombuffer(self.codes, np.int64)
        inputs = np.frombuffer(self._inputs).reshape(len(codes), len(self._layout.inputs))
        self._steps = _Steps(codes, inputs, np.frombuffer(self._targets))
        if (np.diff(codes) < 0).any():
            self._take(np.argsort(codes, kind="stable"))
        self._repair(times)
        labels = self._divide([*self._labels])
        codes = self._steps.codes
        step, starts = (Step(), ()) if times is None else times.find_steps(codes)
        if chosen.every is not None:
            step = multiply(step, chosen.every)
            self._average(chosen.every)
        codes, inputs, targets = self._steps
        lengths = np.bincount(codes)
        if self._layout.is_series:
            self._limits.check_cells(len(lengths), int(lengths.max()), inputs.shape[1])
        names = [self._layout.name(column) for column in self._layout.inputs]
        target = self._layout.name(self._layout.target)
        if np.isnan(targets).all():
            detail = f"all targets in the column {target!r} are missing; choose another column"
            raise Invalid(detail, parameter="target")
        parts = lengths, tuple(names), target, step, to_names(labels), starts
        return Series(inputs, targets, *parts, tuple(self.repairs), notes=tuple(self.invented))

    def _repair(self, times: Times | None) -> None:
        """Make the repairs of rows; raises Invalid, TimesError and LimitExceeded."""
        chosen = self._chosen
        if times is not None:
            self._drop_undated(times)
            self._arrange(times)
        if chosen.repeated is not None:
            self._merge(self._require_times("repeated"))
        if chosen.differences is not None:
            self._subtract(split_names(chosen.differences))
        if chosen.last is not None:
            self._take_last(chosen.last)
        if chosen.grid is not None or chosen.gaps == "missing":
            self._add_steps()
        if chosen.fill is not None:
            self._fill(chosen.fill)

    def _report(self, repair: str, *words: Any) -> None:
        """Add the sentence about a repair, and a note if it invented inputs."""
        sentence = describe(repair, *words)
        self.repairs.append(sentence)
        if repair in INVENTED and self._layout.inputs:
            assumption, better = INVENTED[repair]
            sentence = f"{sentence}, {assumption}"
            self.invented.append(Note("invented", sentence, (better,), is_open=True))

    def _take(self, rows: Rows) -> None:
        """Select steps, lines and times by the indices of their rows."""
        self._steps = self._steps.take(rows)
        self.lines = array("q", np.frombuffer(self.lines, np.int64)[rows].tobytes())
        if self._times is not None:
            self._times.take(rows)

    def _keep(self, rows: Rows) -> None:
        """Select rows, and leave out sequences without any."""
        self._take(rows)
        found, codes = np.unique(self._steps.codes, return_inverse=True)
        if len(found) < len(self._labels):
            labels = [*self._labels]
            self._labels = {labels[code]: k for k, code in enumerate(found)}
            self._steps = self._steps._replace(codes=codes)

    def _drop_undated(self, times: Times) -> None:
        """Leave out rows whose time could not be read; raises Invalid."""
        is_dated = ~np.isnan(times.numbers)
        if not is_dated.any():
            raise Invalid("no row has a time that can be read", parameter="time")
        if not is_dated.all():
            self._keep(np.flatnonzero(is_dated))
            self._report("fill=drop", count(int((~is_dated).sum()), "row"), "time")

    def _arrange(self, times: Times) -> None:
        """Arrange rows in the order of time if the latest of each sequence is the first."""
        codes = self._steps.codes
        if times.are_reversed(codes):
            self._take(np.lexsort((-np.arange(len(codes)), codes)))
            self.repairs.append("rows in the order of time")
        elif self._chosen.pivot is not None:  # whose variables can begin at different times
            self._take(np.lexsort((times.numbers, codes)))
        times.settle(self._steps.codes)

    def _merge(self, times: Times) -> None:
        """Replace rows at equal times by their means."""
        is_repeated = times.find_repeated(self._steps.codes)
        if is_repeated.any():
            _, inputs, targets = self._steps
            kept = np.flatnonzero(~is_repeated)
            self._take(kept)
            self._steps = _Steps(self._steps.codes, _average(inputs, kept), _average(targets, kept))
            self._report("repeated", count(int(is_repeated.sum()), "repeated time"))

    def _subtract(self, names: list[str]) -> None:
        """Replace counters by their differences, and leave out the first row of each sequence.

        It raises Invalid.
        """
        codes, inputs, targets = self._steps
        known = [self._layout.names[j] for j in (*self._layout.inputs, self._layout.target)]
        for name in names:
            if name not in known:
                detail = f"{name!r} is neither the target nor an input"
                raise Invalid(detail, parameter="differences")
        is_first = np.diff(codes, prepend=-1) > 0
        if self._chosen.gaps == "sequences":
            is_first |= self._require_times("gaps").find_late(codes)
        if is_first.all():
            raise Invalid("differences require two rows", parameter="differences")
        columns = [known.index(name) for name in names]
        numbers = np.column_stack([inputs, targets])
        numbers[1:, columns] = np.diff(numbers[:, columns], axis=0)
        self._steps = _Steps(codes, numbers[:, :-1], numbers[:, -1])
        self._keep(np.flatnonzero(~is_first))
        self._report("differences", ", ".join(names))

    def _take_last(self, n: int) -> None:
        """Select the last rows of each sequence."""
        codes = self._steps.codes
        after = np.searchsorted(codes, codes, side="right") - np.arange(len(codes))
        if (after > n).any():
            self._take(np.flatnonzero(after <= n))
            self._report("last", n, count(len(codes), "row"))

    def _require_times(self, parameter: str) -> Times:
        if self._times is None:
            detail = f"{parameter} requires a column of times (time=…)"
            raise Invalid(detail, parameter=parameter)
        return self._times

    def describe_grid(self, length: str | None) -> str:
        """Return by how much a grid moves times, and the number of targets that stay."""
        times, (codes, _, targets) = self._require_times("grid"), self._steps
        grid = times.find_grid(codes, length)
        kept = _find_nearest(codes, grid.steps, grid.moved)
        n_targets, n_kept = (int((~np.isnan(each)).sum()) for each in (targets, targets[kept]))
        moved = float(np.abs(grid.moved[kept]).max())
        share = f"moved by at most {moved * grid.step.length:.3g}"
        share += f"; {n_kept} of {count(n_targets, 'target')} stay"
        if moved > MOVED:
            share += "; only for time constants above a step"
        return f"Times on a grid of {describe_step(grid.step)}, {share}"

    def _add_steps(self) -> None:
        """Put the times on a grid, and add steps without targets where it has no row.

        It raises Invalid, TimesError and LimitExceeded.
        """
        length = self._chosen.grid
        times = self._require_times("gaps" if length is None else "grid")
        grid = times.find_grid(self._steps.codes, length)
        if length is not None:
            self.repairs.append(self.describe_grid(length))
        kept = _find_nearest(self._steps.codes, grid.steps, grid.moved)
        codes, steps = self._steps.codes[kept], grid.steps[kept]
        is_last = np.append(np.diff(codes) > 0, True)
        lengths = steps[is_last] + 1
        n_inputs = self._steps.inputs.shape[1]
        self._limits.check_cells(int(lengths.max()), 1, n_inputs)  # so that the sum is in range
        total = int(lengths.sum())
        self._limits.check_cells(total, 1, n_inputs)
        ends = np.cumsum(lengths)
        is_row = np.zeros(total, bool)
        is_row[(ends - lengths)[codes] + steps] = True
        self._take(kept[np.cumsum(is_row) - 1])
        n_added = int(total - is_row.sum())
        if self._chosen.between == "zero":
            self._steps.inputs[~is_row] = 0.0
        self._steps.targets[~is_row] = np.nan
        times.step = grid.step
        if n_added:
            self._report("gaps=missing", count(n_added, "missing step"))

    def _fill(self, how: str) -> None:
        """Fill missing inputs; those of rows to drop stay missing. It raises Invalid."""
        codes, inputs, targets = self._steps
        is_incomplete = self._find_incomplete()
        n_rows = int(is_incomplete.sum())
        if n_rows:
            self._report(f"fill={how}", count(n_rows, "row"), "number")
        if how == "zero":
            self._steps = _Steps(codes, np.nan_to_num(inputs), targets)
        if how == "hold":
            rows = np.arange(len(codes))[:, None]
            held = np.maximum.accumulate(np.where(np.isnan(inputs), -1, rows), axis=0)
            has_none = (held < np.searchsorted(codes, codes)[:, None]).any(axis=1)
            if has_none.any():
                line = int(self.lines[int(np.argmax(has_none))])
                detail = f"line {line}: the sequence has no value before this gap to hold"
                raise Invalid(
                    detail, parameter="fill", line=line, repairs=offer_fills(can_hold=False)
                )
            self._steps = _Steps(codes, np.take_along_axis(inputs, held, axis=0), targets)

    def _find_incomplete(self) -> NDArray[np.bool_]:
        """Return True for rows (N,) without an input, or if each is a sequence without a target."""
        _, inputs, targets = self._steps
        is_incomplete = np.isnan(inputs).any(axis=1)
        return is_incomplete if self._layout.is_series else is_incomplete | np.isnan(targets)

    def _divide(self, labels: list[str]) -> list[str]:
        """Begin sequences after gaps and rows that are left out, and return the names of all.

        It raises Invalid.
        """
        codes = self._steps.codes
        is_dropped = self._find_incomplete()
        is_late = np.zeros(len(codes), bool)
        if self._chosen.gaps == "sequences":
            is_late = self._require_times("gaps").find_late(codes)
            if is_late.any():
                self._report("gaps=sequences", count(int(is_late.sum()), "gap"))
        begins = is_dropped | is_late
        if not begins.any():
            return labels
        parts = np.cumsum((np.diff(codes, prepend=-1) > 0) | begins) - 1
        kept = np.flatnonzero(~is_dropped)
        if not kept.size:
            raise Invalid("a number is missing in every row", parameter="fill")
        self._take(kept)
        _, first, divided = np.unique(parts[kept], return_index=True, return_inverse=True)
        labels = _number(labels, codes[kept][first])
        self._steps = self._steps._replace(codes=divided)
        return labels

    def _average(self, n: int) -> None:
        """Replace each n steps by their means, and leave out the rest of each sequence."""
        codes, inputs, targets = self._steps
        places = np.arange(len(codes)) - np.searchsorted(codes, codes)
        lengths = np.bincount(codes)
        kept = np.flatnonzero(places < (lengths // n * n)[codes])
        if (lengths < n).any():
            raise Invalid(f"a sequence has fewer than {n} rows", parameter="every")
        starts = np.arange(0, len(kept), n)
        means = _average(inputs[kept], starts), _average(targets[kept], starts)
        self._steps = _Steps(codes[kept][::n], *means)
        self._report("every", count(n, "row"))


def _average(values: Array, starts: Rows) -> Array:
    """Return the means (n, …) of the known values from each start to the next one."""
    is_known = ~np.isnan(values)
    sums = np.add.reduceat(np.where(is_known, values, 0.0), starts)
    n_known = np.add.reduceat(is_known.astype(np.float64), starts)
    return np.divide(sums, n_known, out=np.full_like(sums, np.nan), where=n_known > 0)


def _find_nearest(codes: Rows, steps: Rows, moved: Array) -> Rows:
    """Return the indices of rows that are moved least among those at the same step."""
    order = np.lexsort((np.abs(moved), steps, codes))
    is_first = np.append(True, (np.diff(codes[order]) != 0) | (np.diff(steps[order]) != 0))
    nearest: Rows = order[is_first]
    return nearest


def _number(labels: list[str], codes: Rows) -> list[str]:
    """Return the names of parts of sequences, with numbers that make them unique.

    They are empty if the sequences have no names, or there are too many parts to store them.
    """
    if not labels or len(codes) > MAX_NAMED:
        return []
    return [f"{labels[code][: MAX_NAME - 5]} {i}" for i, code in enumerate(codes.tolist(), 1)]


def is_name(name: str) -> bool:
    """Return True for a valid name."""
    return len(name) <= MAX_NAME and re.match(NAME_PATTERN, name) is not None


def decode_name(field: str) -> str:
    """Return the name in a field whose apostrophes prevent the evaluation of formulas."""
    return FORMULA.sub(lambda match: match[1] + match[2][1:], field) if "'" in field else field


def encode_name(name: str) -> str:
    """Return a name as a field: apostrophes prevent spreadsheets from evaluating formulas."""
    name = FORMULA.sub(r"\1'\2", name)
    return f'"{name}"' if any(mark in name for mark in SEPARATORS) else name
