"""The step of a series, from a column of times."""

import re
from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import isfinite
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
EPOCH: Final = datetime(1970, 1, 1)
MONTH: Final = re.compile(r"\d{4}-\d\d", re.ASCII)
ISO: Final = re.compile(r"\d{4}-\d\d-\d\d.*+", re.ASCII)
SLASHES: Final = re.compile(
    r"(\d\d?)([./])(\d\d?)\2(\d{4})(?: (\d\d?):(\d\d)(?::(\d\d))?)?", re.ASCII
)


def _read_number(text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    number = float(text.replace(",", "."))
    if not isfinite(number):
        raise ValueError(text)
    return number


def _read_iso(text: str) -> datetime:
    if MONTH.fullmatch(text):
        text += "-01"
    if not ISO.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text)


def _wall_seconds(text: str) -> float:
    return (_read_iso(text).replace(tzinfo=None) - EPOCH).total_seconds()


def _utc_seconds(text: str) -> float:
    time = _read_iso(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return (time.astimezone(UTC).replace(tzinfo=None) - EPOCH).total_seconds()


def _day_first(text: str, *, swapped: bool = False) -> float:
    match = SLASHES.fullmatch(text)
    if match is None or (swapped and match[2] == "."):
        raise ValueError(text)
    day, month = (match[3], match[1]) if swapped else (match[1], match[3])
    hour, minute, second = (int(part or 0) for part in match.groups()[4:])
    date = datetime(int(match[4]), int(month), int(day), hour, minute, second)
    return (date - EPOCH).total_seconds()


def _month_first(text: str) -> float:
    return _day_first(text, swapped=True)


READINGS: Final[dict[str, Callable[[str], float]]] = {
    "numbers": _read_number,
    "dates": _wall_seconds,
    "times in UTC": _utc_seconds,
    "days first": _day_first,
    "months first": _month_first,
}


class Times:
    """A column of times, in every way in which all of it can be read.

    Parameters
    ----------
    name
        The header of the column. It is the unit where the times are numbers.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._readings = {reading: array("d") for reading in READINGS}
        self._lines = array("q")

    def add(self, lines: Sequence[Line], texts: Sequence[str]) -> None:
        """Add the times of lines; raises Invalid for a text that is not a time."""
        self._lines.extend(number for number, _ in lines)
        furthest = 0
        for reading, times in list(self._readings.items()):
            parse = READINGS[reading]
            try:
                times.extend(map(parse, texts))
            except (ValueError, OverflowError):
                # The reading ends at a text that is not one of its times.
                furthest = max(furthest, len(times))
                del self._readings[reading]
        if not self._readings:
            index = furthest - (len(self._lines) - len(lines))
            detail = (
                f"{cite(lines[index])}: {texts[index][:40]!r} in the column {self._name!r} is "
                "neither a number nor a date; write dates as 2024-01-31 or 2024-01-31 13:00"
            )
            raise Invalid(detail, parameter="time")

    def find_step(self, codes: NDArray[np.int64]) -> Step:
        """Return the step between the times of each sequence.

        Parameters
        ----------
        codes : (N,)
            The sequence of each row.

        Raises
        ------
        Invalid
            A time is not later than the one before it in its sequence, or the steps are not equal,
            or the dates have two readings.
        """
        order = np.argsort(codes, kind="stable")
        follows = np.diff(codes[order]) == 0
        if not follows.any():
            return Step()
        lines = np.frombuffer(self._lines, np.int64)[order[1:]][follows]
        steps: dict[Step, str] = {}
        problem = ""
        for reading, column in self._readings.items():
            times = np.frombuffer(column)[order]
            gaps = np.diff(times)[follows]
            step = None if reading == "numbers" else _find_months(times, follows)
            if step is None and _are_equal(gaps):
                step = self._to_step(reading, gaps)
            if step is None:
                problem = problem or self._explain(reading, gaps, lines)
            else:
                steps.setdefault(step, reading)
        if len(steps) > 1:
            listed = ", or ".join(
                f"{why}, with a step of {step.length:g} {step.unit}" for step, why in steps.items()
            )
            detail = f"the column {self._name!r} can be {listed}; write dates as 2024-01-31"
            raise Invalid(detail, parameter="time")
        if not steps:
            raise Invalid(problem, parameter="time")
        step = next(iter(steps))
        if not in_range(np.array(step.length)):
            detail = f"the step in {self._name!r}: {explain_out_of_range(step.length)}"
            raise Invalid(detail, parameter="time")
        return step

    def _to_step(self, reading: str, gaps: Array) -> Step:
        # Twelve digits: a sum of rounded differences has no more.
        if reading == "numbers":
            return Step(float(f"{gaps.mean():.12g}"), self._name)
        seconds = round(_usual(gaps), 6)
        unit = next((unit for unit, size in UNITS.items() if seconds % size == 0), "second")
        return Step(seconds / UNITS[unit], unit)

    def _explain(self, reading: str, gaps: Array, lines: NDArray[np.int64]) -> str:
        """Return what is wrong with the first gap that is not like the others."""
        if (gaps <= 0).any():
            i = int(np.argmax(gaps <= 0))
            what = "the same as" if gaps[i] == 0 else "earlier than"
            return (
                f"line {lines[i]}: the time in {self._name!r} is {what} in the row before; sort "
                "the rows by time, or name the column that tells sequences apart (sequence=…)"
            )
        usual = _usual(gaps)
        i = int(np.argmax(np.abs(gaps - usual) > TOLERANCE * usual))
        step = self._to_step(reading, np.array([usual]))
        return (
            f"line {lines[i]}: the step in {self._name!r} is {gaps[i] / usual:.4g} times the usual "
            f"{step.length:g} {step.unit}; add rows with an empty target for missing times, or "
            "leave time out if the rows are equally spaced"
        )


def _usual(gaps: Array) -> float:
    """Return the lower median, which is one of the gaps."""
    return float(np.sort(gaps)[(len(gaps) - 1) // 2])


def _are_equal(gaps: Array) -> bool:
    usual = _usual(gaps)
    return bool(usual > 0 and (np.abs(gaps - usual) <= TOLERANCE * usual).all())


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
