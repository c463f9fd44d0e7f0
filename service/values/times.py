"""Times of series: their step, and their start."""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Step, describe_step
from service.engine.types import Array
from service.values.dates import COMPACT, DateOrder, is_ambiguous, is_clock, parse_date
from service.values.gaps import (
    CLOCK_CHANGE,
    TOLERANCE,
    are_equal,
    find_usual,
    propose_step,
    round_step,
    without_clock_changes,
)
from service.values.numbers import LARGEST, SMALLEST, explain_out_of_range, in_range, is_number
from service.values.steps import (
    BUSINESS_DAY,
    MONTHS,
    ONE_MONTH,
    UNITS,
    format_times,
    list_times,
)

KIND: Final = "a date; write dates as 2024-01-31, 2024-01-31 13:00, 2024-Q1 or 2024-W05"
NUMBER: Final = (
    f"a number like the first one, 0 or with a magnitude from {SMALLEST:g} to {LARGEST:g}"
)
MAX_STEPS: Final = 2.0**53  # of a grid, as integers; no table is that long
EPOCH: Final = 946_684_800, 4_102_444_800  # seconds from 1970 to 2000 and to 2100
SERIAL: Final = 25_569  # 1970 in the days that spreadsheets count
# Columns whose numbers can be such days; those of times only if one has a fraction.
DATED: Final = re.compile(r"(date|datum|datetime|timestamp|zeitstempel|fecha)\b.*", re.IGNORECASE)
TIMED: Final = re.compile(r"(time|zeit|uhrzeit|temps)\b.*", re.IGNORECASE)
LATE: Final = 10.0  # seconds by which a logger can be late, at most a tenth of its step

MAX_NAMED: Final = 1000  # sequences whose names and first times are stored

# The length of a step, as text.
LENGTH: Final = r"^(\d{1,9}(?:\.\d{1,9})?) ?(?:(second|minute|hour|day|week)s?)?$"
STEP_LENGTH: Final = re.compile(LENGTH, re.ASCII)


@dataclass(eq=False)
class TimesError(ValueError):
    """An error of times."""

    row: int | None  # the index of a time; None for all of them
    detail: str
    n_gaps: int = 0  # the number of gaps if they are the only error
    are_regular: bool = False  # equally many rows precede each gap, as in a working week
    length: str | None = None  # the usual step, if the times increase in other steps
    n_repeated: int = 0  # rows at the time of the row before, if no time is earlier
    is_ambiguous: bool = False  # the day or the month can be first
    is_unreadable: bool = False  # a text is no time


class Grid(NamedTuple):
    """Rows on a grid of times."""

    steps: NDArray[np.int64]  # (N,) counted from 0 in the sequence of the row
    moved: Array  # (N,) by which the times are later than these steps, as a share of a step
    step: Step


class Times:
    """A column of times: numbers, or dates if the first one is not a number.

    The name of the column is the unit of numbers. Seconds or milliseconds since 1970 are dates, in
    UTC, and the days of spreadsheets in a column of dates are dates, in local time. With
    ``skips_unreadable``, a text that is not a time, after the first one, is nan.
    """

    def __init__(
        self, name: str, order: DateOrder | None = None, *, skips_unreadable: bool = False
    ) -> None:
        self._name, self._order, self._skips_unreadable = name, order, skips_unreadable
        self._times = array("d")
        self._offsets = array("d")  # of the local times, in seconds
        self._are_dates = self._have_offsets = False
        self._are_clocks = False  # times of day without a date
        self._epoch_unit = 0.0  # seconds of a number that counts to a date; 0 for other numbers
        self._origin = 0  # 1970 in that unit
        self.step: Step | None = None  # of a grid, instead of that between the times

    def add(self, texts: Sequence[str]) -> None:
        """Add the times of rows; raises TimesError for a text that is not a time."""
        if not self._times:
            self._are_dates = not is_number(texts[0]) or COMPACT.fullmatch(texts[0]) is not None
            self._are_clocks = is_clock(texts[0])
            if not self._are_dates:
                self._epoch_unit = _find_epoch_unit(texts[0])
                self._are_dates = self._have_offsets = self._epoch_unit > 0
                if not self._are_dates and _are_serial(self._name, texts):
                    self._epoch_unit, self._origin = float(UNITS["day"]), SERIAL
                    self._are_dates = True
        for text in texts:
            try:
                self._times.append(self._parse(text))
            except (ValueError, OverflowError):
                kind = KIND if self._are_dates else NUMBER
                is_unclear = is_ambiguous(text) and self._order is None
                if self._skips_unreadable and self._times and not is_unclear:
                    self._skip()
                    continue
                if is_unclear:
                    kind = "clear: its day or its month can be first"
                detail = f"{text[:40]!r} in {self._name!r} is not {kind}"
                raise TimesError(
                    len(self._times), detail, is_ambiguous=is_unclear, is_unreadable=True
                ) from None

    def _skip(self) -> None:
        """Add no time for a row."""
        del self._offsets[len(self._times) :]
        self._times.append(np.nan)
        if self._are_dates:
            self._offsets.append(0.0)

    def _parse(self, text: str) -> float:
        """Return a number in range, or the seconds of a date since 1970; raises ValueError."""
        if self._are_dates and not self._epoch_unit:
            date = parse_date(text, self._order)
            if is_clock(text) is not self._are_clocks:
                raise ValueError(text)
            offset = date.utcoffset()
            self._have_offsets |= offset is not None
            self._offsets.append(0.0 if offset is None else offset.total_seconds())
            # In UTC, because times are written in it, and only some of its years are dates.
            return (date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        number = float(text.replace(",", "."))
        if not (number == 0.0 or SMALLEST <= abs(number) <= LARGEST):
            raise ValueError(text)
        if not self._epoch_unit:
            return number
        seconds = (number - self._origin) * self._epoch_unit
        if self._origin:  # fractions of a day are rounded
            seconds = round(seconds)
        if not EPOCH[0] <= seconds < EPOCH[1]:
            raise ValueError(text)
        self._offsets.append(0.0)
        return seconds

    def settle(self, codes: NDArray[np.int64]) -> None:
        """Read local midnights with offsets as days, and times of day after midnight as later.

        ``codes`` (N,) are the sequences of the rows, in ascending order.
        """
        times, offsets = np.frombuffer(self._times), np.frombuffer(self._offsets)
        if self._have_offsets and ((times + offsets) % UNITS["day"] == 0).all():
            self._have_offsets = False
            self._times = array("d", (times + offsets).tobytes())
        elif self._are_clocks:
            is_next = (np.diff(times) < -0.5 * UNITS["day"]) & (np.diff(codes) == 0)
            n_days = np.cumsum(np.concatenate([[0], is_next]))
            self._times = array("d", (times + n_days * float(UNITS["day"])).tobytes())

    def are_reversed(self, codes: NDArray[np.int64]) -> bool:
        """Return True if no time is later than its predecessor in the sequence.

        ``codes`` (N,) are the sequences of the rows, in ascending order.
        """
        steps = np.diff(np.frombuffer(self._times))[np.diff(codes) == 0]
        return len(steps) > 1 and bool((steps <= 0).all() and (steps < 0).any())

    @property
    def numbers(self) -> Array:
        """The times (N,), those of dates in seconds."""
        return np.array(self._times)

    def find_repeated(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return True for rows (N,) at the time of the row before in their sequence.

        ``codes`` (N,) are the sequences of the rows, in ascending order.
        """
        is_same = (np.diff(np.frombuffer(self._times)) == 0) & (np.diff(codes) == 0)
        return np.concatenate([[False], is_same])

    def take(self, rows: NDArray[np.int64]) -> None:
        """Arrange the times by the indices of their rows, and leave out all others."""
        self._times = array("d", np.frombuffer(self._times)[rows].tobytes())
        if self._offsets:
            self._offsets = array("d", np.frombuffer(self._offsets)[rows].tobytes())

    def find_grid(self, codes: NDArray[np.int64], length: str | None) -> Grid:
        """Return the steps of rows on a grid; raises TimesError.

        Parameters
        ----------
        codes
            The sequences (N,) of the rows, in ascending order.
        length
            The step, such as ``15 minutes``, or a number in the unit of the times; None for the
            usual step, of which the others must be multiples.
        """
        follows = np.diff(codes) == 0
        if not follows.any():
            return Grid(np.zeros(len(codes), np.int64), np.zeros(len(codes)), Step())
        gaps, unit = self._find_gaps(follows)
        usual = find_usual(gaps)
        if length is not None:
            gaps = np.diff(np.frombuffer(self._times))[follows]
            unit = "second" if self._are_dates else self._name
            usual = self._to_seconds(length)
        rows = 1 + np.flatnonzero(follows)
        if (gaps <= 0).any():
            self._check_gaps(gaps, unit, rows)
        since = np.zeros(len(codes))
        since[rows] = gaps
        since = np.cumsum(since)
        exact = (since - since[np.searchsorted(codes, codes)]) / usual
        steps = np.minimum(np.round(exact), MAX_STEPS)
        moved = exact - steps
        if length is None and (np.abs(moved) > self._find_tolerance(usual, unit) / usual).any():
            self._check_gaps(gaps, unit, rows)
        return Grid(steps.astype(np.int64), moved, self._to_step(usual, unit))

    def _to_seconds(self, length: str) -> float:
        """Return the length of a step in seconds, or in the unit of numbers; raises TimesError."""
        number, unit = STEP_LENGTH.fullmatch(length).groups()  # type: ignore[union-attr]
        if (unit is not None) is not self._are_dates or float(number) == 0:
            raise TimesError(None, f"{length!r} is not a step of these times")
        return float(number) * UNITS.get(unit, 1)

    def find_steps(self, codes: NDArray[np.int64]) -> tuple[Step, tuple[str | float, ...]]:
        """Return the step, and the time of the first row of each sequence: dates, or numbers.

        The times are empty if there are too many to store, or if each is one step, the default.
        ``codes`` (N,) are the sequences of the rows, in ascending order.

        It raises TimesError in the same cases as `_find_step`.
        """
        step = self._find_step(codes)
        _, first = np.unique(codes, return_index=True)
        times = np.frombuffer(self._times)[first].tolist()
        is_default = {*times} == {step.length} if not self._are_dates else self._are_clocks
        if len(times) > MAX_NAMED or is_default:
            return step, ()
        if not self._are_dates:
            return step, tuple(times)
        dates = np.array([round(1e6 * time) for time in times], "datetime64[us]")
        return step, tuple(format_times(dates, step, is_utc=self._have_offsets))

    def _find_step(self, codes: NDArray[np.int64]) -> Step:
        """Return the step between the times of each sequence.

        It raises TimesError if a time is not later than its predecessor in the sequence, or the
        steps are not equal.
        """
        follows = np.diff(codes) == 0
        if self.step is not None or not follows.any():
            return self.step or Step()
        gaps, unit = self._find_gaps(follows)
        usual = self._check_gaps(gaps, unit, 1 + np.flatnonzero(follows))
        if unit == "second":
            usual = round_step(gaps, usual)
        step = self._to_step(usual if self._are_dates else float(gaps.mean()), unit)
        if not in_range(np.array(step.length)):
            detail = f"the step in {self._name!r}: {explain_out_of_range(step.length)}"
            raise TimesError(None, detail)
        return step

    def find_late(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return True for rows (N,) that follow a gap in their sequence.

        ``codes`` (N,) are the sequences of the rows, in ascending order.
        """
        follows = np.diff(codes) == 0
        is_late = np.zeros(len(codes), bool)
        if follows.any():
            gaps, unit = self._find_gaps(follows)
            usual = find_usual(gaps)
            is_late[1:][follows] = gaps > usual + self._find_tolerance(usual, unit)
        return is_late

    def _find_gaps(self, follows: NDArray[np.bool_]) -> tuple[Array, str]:
        """Return the time before each row that follows another one, and its unit."""
        times = np.frombuffer(self._times)
        gaps = np.diff(times)[follows]
        if not self._are_dates:
            return gaps, self._name
        dates = np.round(1e6 * times).astype("datetime64[us]")
        days, months = dates.astype("datetime64[D]"), dates.astype("datetime64[M]")
        until_next = (months + ONE_MONTH).astype("datetime64[us]") - dates
        if are_equal(dates - months) or are_equal(until_next):
            return np.diff(months.astype(float))[follows], "month"
        if are_equal(dates - days) and np.is_busday(days).all():
            n_days = np.busday_count(days[:-1], days[1:])[follows].astype(float)
            has_weekend = (n_days == 1) & (gaps > UNITS["day"])
            if has_weekend.any() and find_usual(n_days) == 1:
                return n_days, BUSINESS_DAY
        if not self._have_offsets:
            gaps = without_clock_changes(gaps, times[1:][follows])
        return gaps, "second"

    def _to_step(self, gap: float, unit: str) -> Step:
        if not self._are_dates:
            # The mean of rounded differences is not more precise.
            return Step(float(f"{gap:.12g}"), unit)
        if unit == "month":
            return Step(gap, unit) if gap % 12 else Step(gap / 12, "year")
        if unit == BUSINESS_DAY:
            return Step(gap, unit)
        seconds = round(gap, 6)
        unit = next((unit for unit, size in UNITS.items() if seconds % size == 0), "second")
        return Step(seconds / UNITS[unit], unit)

    def _check_gaps(self, gaps: Array, unit: str, rows: NDArray[np.int64]) -> float:
        """Return the usual gap before rows.

        It raises TimesError for a gap that is not positive, or not the usual one.
        """
        usual = find_usual(gaps)
        is_wrong = (gaps <= 0) | (np.abs(gaps - usual) > self._find_tolerance(usual, unit))
        if not is_wrong.any():
            return usual
        # The order is the first error: it makes gaps of other rows look wrong.
        i = int(np.argmax(gaps <= 0 if (gaps <= 0).any() else is_wrong))
        n_gaps = int(is_wrong.sum()) if (gaps[is_wrong] > usual).all() else 0
        if self._are_dates and abs(abs(gaps[i] - usual) - CLOCK_CHANGE) < 1:
            detail = (
                f"the time in {self._name!r} jumps by an hour; if the clock was "
                "changed there, write times with their offset, as 2024-10-27 02:00+01:00"
            )
        elif gaps[i] <= 0:
            what = "the same as" if gaps[i] == 0 else "earlier than"
            detail = (
                f"the time in {self._name!r} is {what} in the row before; sort "
                "the rows by time, or give the column that identifies the sequences (sequence=…)"
            )
        else:
            step = self._to_step(usual, unit)
            advice = "; leave time out if the rows are equally spaced"
            if n_gaps:
                advice = f": {self._name_missing(int(rows[i]), step)} is missing"
            detail = (
                f"the step in {self._name!r} is {gaps[i] / usual:.4g} times the "
                f"usual {describe_step(step)}{advice}"
            )
        between = np.diff(np.flatnonzero(is_wrong))
        are_regular = len(between) > 1 and are_equal(between)
        length = self._propose_grid(gaps, usual, unit)
        n_repeated = 0 if (gaps < 0).any() else int((gaps == 0).sum())
        raise TimesError(int(rows[i]), detail, n_gaps, are_regular, length, n_repeated)

    def _propose_grid(self, gaps: Array, usual: float, unit: str) -> str | None:
        """Return the step of a grid for unequal gaps as text; None if there is none."""
        if (gaps <= 0).any() or unit in MONTHS:
            return None
        proposed = propose_step(gaps, usual)
        if not self._are_dates:
            text = f"{proposed:g}"
        else:
            step = self._to_step(
                round_step(gaps, usual) if proposed == usual else proposed, "second"
            )
            text = f"{step.length:g} {step.unit}"
        return text if STEP_LENGTH.fullmatch(text) else None

    def _find_tolerance(self, usual: float, unit: str) -> float:
        """Return by how much a step can differ from the usual one."""
        late = min(LATE, 0.1 * usual) if self._are_dates and unit == "second" else 0.0
        return max(TOLERANCE * usual, late)

    def _name_missing(self, row: int, step: Step) -> str:
        """Return the time one step after the row before a gap."""
        time = float(self._times[row - 1])
        if not self._are_dates:
            return f"{time + step.length:.15g}"
        before = np.array([round(1e6 * time)], "datetime64[us]")
        start = format_times(before, step, is_utc=self._have_offsets).tolist()
        one = np.array([1])
        text = str(list_times(start, step, one - 1, one)[0])
        return text[:7] if step.unit == "month" and text.endswith("-01") else text


def _find_epoch_unit(text: str) -> float:
    """Return the seconds of a number that counts from 1970; 0 for one of another kind."""
    number = float(text.replace(",", "."))
    units = (unit for unit in (1.0, 1e-3) if EPOCH[0] <= number * unit < EPOCH[1])
    return next(units, 0.0)


def _are_serial(name: str, texts: Sequence[str]) -> bool:
    """Return True for the days of spreadsheets in a column of dates."""
    try:
        numbers = [float(text.replace(",", ".")) for text in texts]
    except ValueError:
        return False
    first, end = (SERIAL + seconds / UNITS["day"] for seconds in EPOCH)
    has_fraction = any(not number.is_integer() for number in numbers)
    is_named = DATED.fullmatch(name) or (has_fraction and TIMED.fullmatch(name))
    return bool(is_named) and all(first <= number < end for number in numbers)
