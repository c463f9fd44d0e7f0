"""The step of a series, from a column of times."""

import re
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Step
from service.engine.types import Array
from service.errors import Invalid
from service.formats.csv_layout import NUMBER, Line, cite
from service.schemas.arrays import explain_out_of_range, in_range

TOLERANCE: Final = 0.01  # of a step: rounded times, and clock changes in weekly data
UNITS: Final = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
DATE: Final = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d))?(\D.*+)?", re.ASCII)
WEEK: Final = re.compile(r"\d{4}-?W\d\d(-?[1-7])?", re.ASCII)  # of ISO 8601
DAY_FIRST: Final = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(\D.*+)?", re.ASCII)


def _to_seconds(text: str) -> float:
    """Return the seconds of a date since 1970; raises ValueError for another text."""
    if WEEK.fullmatch(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    match, order = DATE.fullmatch(text), (1, 2, 3)
    if match is None:
        match, order = DAY_FIRST.fullmatch(text), (3, 2, 1)
    if match is None:
        raise ValueError(text)
    year, month, day = (int(match[i] or 1) for i in order)
    time = datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}{match[4] or ''}")
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


class Times:
    """A column of times: numbers, or dates if the first one is not a number.

    The name of the column is the unit of numbers.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._times, self._lines = array("d"), array("q")
        self._are_dates = False

    def add(self, lines: Sequence[Line], texts: Sequence[str]) -> None:
        """Add the times of lines; raises Invalid for a text that is not a time."""
        if not self._lines:
            self._are_dates = NUMBER.fullmatch(texts[0]) is None
        for line, text in zip(lines, texts, strict=True):
            try:
                time = _to_seconds(text) if self._are_dates else float(text.replace(",", "."))
            except (ValueError, OverflowError):
                time = np.nan
            if not np.isfinite(time):
                kind = "a date; write dates as 2024-01-31, 2024-01-31 13:00 or 2024-W05"
                detail = (
                    f"{cite(line)}: {text[:40]!r} in the column {self._name!r} is not "
                    f"{kind if self._are_dates else 'a number, as the first one'}"
                )
                raise Invalid(detail, parameter="time")
            self._times.append(time)
            self._lines.append(line[0])

    def find_step(self, codes: NDArray[np.int64]) -> Step:
        """Return the step between the times of each sequence; ``codes`` (N,) are those of the rows.

        It raises Invalid if a time is not later than the one before it in its sequence, or the
        steps are not equal.
        """
        order = np.argsort(codes, kind="stable")
        follows = np.diff(codes[order]) == 0
        if not follows.any():
            return Step()
        times = np.frombuffer(self._times)[order]
        gaps = np.diff(times)[follows]
        step = _find_months(times, follows) if self._are_dates else None
        if step is None:
            lines = np.frombuffer(self._lines, np.int64)[order[1:]][follows]
            usual = self._check_gaps(gaps, lines)
            step = self._to_step(usual if self._are_dates else float(gaps.mean()))
        if not in_range(np.array(step.length)):
            detail = f"the step in {self._name!r}: {explain_out_of_range(step.length)}"
            raise Invalid(detail, parameter="time")
        return step

    def _to_step(self, gap: float) -> Step:
        if not self._are_dates:
            # A mean of rounded differences has no more digits.
            return Step(float(f"{gap:.12g}"), self._name)
        seconds = round(gap, 6)
        unit = next((unit for unit, size in UNITS.items() if seconds % size == 0), "second")
        return Step(seconds / UNITS[unit], unit)

    def _check_gaps(self, gaps: Array, lines: NDArray[np.int64]) -> float:
        """Return the usual gap; raises Invalid for one that is not positive, or another one."""
        if (gaps <= 0).any():
            i = int(np.argmax(gaps <= 0))
            what = "the same as" if gaps[i] == 0 else "earlier than"
            detail = (
                f"line {lines[i]}: the time in {self._name!r} is {what} in the row before; sort "
                "the rows by time, or name the column that tells sequences apart (sequence=…)"
            )
            raise Invalid(detail, parameter="time")
        usual = float(np.sort(gaps)[(len(gaps) - 1) // 2])  # the lower median, which is a gap
        differs = np.abs(gaps - usual) > TOLERANCE * usual
        if differs.any():
            i, step = int(np.argmax(differs)), self._to_step(usual)
            detail = (
                f"line {lines[i]}: the step in {self._name!r} is {gaps[i] / usual:.4g} times the "
                f"usual {step.length:g} {step.unit}; for missing times, add rows "
                "with inputs and an empty target; leave time out if the rows are equally spaced"
            )
            raise Invalid(detail, parameter="time")
        return usual


def _find_months(times: Array, follows: NDArray[np.bool_]) -> Step | None:
    """Return a step of months or years between dates in seconds, or None."""
    dates = times.astype("datetime64[s]")
    months = dates.astype("datetime64[M]")
    since = dates - months  # the start of the month
    until = (months + np.timedelta64(1, "M")).astype("datetime64[s]") - dates
    if (since != since[0]).any() and (until != until[0]).any():
        return None
    gaps = np.diff(months.astype(np.int64))[follows]
    if gaps[0] <= 0 or (gaps != gaps[0]).any():
        return None
    years, rest = divmod(int(gaps[0]), 12)
    return Step(float(gaps[0]), "month") if rest else Step(float(years), "year")
