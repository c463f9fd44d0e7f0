"""Steps of series: their units, and the times of steps as numbers, dates and text."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Step
from service.values.dates import parse_date

UNITS: Final = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
BUSINESS_DAY: Final = "business day"
MONTHS: Final = {"month": 1, "year": 12}
ONE_MONTH: Final = np.timedelta64(1, "M")
CLOCK_UNITS: Final = {"hour", "minute", "second"}


def multiply(step: Step, n: int) -> Step:
    """Return the length of n steps, in the largest unit of which it is a multiple."""
    for units in (UNITS, {"year": 12, "month": 1}):
        if step.unit in units:
            length = n * step.length * units[step.unit]
            unit = next((each for each, size in units.items() if length % size == 0), step.unit)
            return Step(length / units[unit], unit)
    return Step(n * step.length, step.unit)


def list_times(
    starts: Sequence[str | float],
    step: Step,
    sequences: NDArray[np.int64],
    steps: NDArray[np.int64],
) -> NDArray[np.object_]:
    """Return times as text (n,).

    Parameters
    ----------
    starts
        The times of the first steps of all sequences, as returned by `Times.find_steps`. If they
        are empty, every sequence begins at the time of one step.
    sequences
        The sequences (n,) of the times.
    steps
        Their steps (n,), counted from 0.
    """
    times = find_times(starts, step, sequences, steps)
    if times.dtype.kind != "M":
        return np.array([f"{time:.15g}" for time in times.tolist()], object)
    return format_times(times, step, is_utc=str(starts[0]).endswith("Z"))


def find_times(
    starts: Sequence[str | float],
    step: Step,
    sequences: NDArray[np.int64],
    steps: NDArray[np.int64],
) -> NDArray[Any]:
    """Return times (n,), as numbers or as datetime64 in microseconds.

    The parameters are those of `list_times`.
    """
    if not starts or not isinstance(starts[0], str):
        origins = np.array(starts)[sequences] if starts else step.length
        return np.asarray(origins + steps * step.length)
    used, codes = np.unique(sequences, return_inverse=True)
    dates = [parse_date(str(starts[i]).removesuffix("Z")) for i in used]
    begins = np.array(dates, "datetime64[us]")[codes]
    if step.unit in MONTHS:
        months = begins.astype("datetime64[M]")
        later = months + steps * (round(step.length * MONTHS[step.unit]) * ONE_MONTH)
        is_last = (begins + np.timedelta64(1, "D")).astype("datetime64[M]") > months
        from_end = (later + ONE_MONTH).astype("datetime64[us]") - (months + ONE_MONTH - begins)
        from_start = later.astype("datetime64[us]") + (begins - months)
        times = np.where(is_last, from_end, from_start)  # months have different lengths
    elif step.unit == BUSINESS_DAY:
        days = begins.astype("datetime64[D]")
        times = np.busday_offset(days, steps).astype("datetime64[us]") + (begins - days)
    else:
        size = 1e6 * step.length * UNITS.get(step.unit, 0)  # without a unit, all steps are 0
        times = begins + np.round(steps * size).astype("timedelta64[us]")
    return np.asarray(times)


def format_times(dates: NDArray[np.datetime64], step: Step, *, is_utc: bool) -> NDArray[np.object_]:
    """Return dates as text, with the time of day only as far as the dates and the step require."""
    days = dates.astype("datetime64[D]")
    if (dates == days).all() and step.unit not in CLOCK_UNITS:
        return np.datetime_as_string(days).astype(object)
    rounded = (dates.astype(f"datetime64[{unit}]") for unit in ("m", "s", "ms", "us"))
    times = next(times for times in rounded if (times == dates).all())
    return np.datetime_as_string(times, timezone="UTC" if is_utc else "naive").astype(object)
