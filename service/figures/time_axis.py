"""Axes of time: numbers, or dates as days since 1970."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import matplotlib.dates

from service.figures.axis import Axis, MakeAxis, linear_axis
from service.figures.text import printable

_DATES: Final[Any] = matplotlib.dates  # which has no types
FIRST_DAY: Final = float(_DATES.date2num(datetime(1, 1, 2, tzinfo=UTC)))
LAST_DAY: Final = float(_DATES.date2num(datetime(9999, 12, 30, tzinfo=UTC)))
_FEWEST = 5  # for which every range has ticks that Matplotlib can place; then some are left out


@dataclass(frozen=True)
class TimeAxis:
    """The kind of an axis of time.

    Attributes
    ----------
    caption
        Of numbers, such as ``time (hours)``; of dates, the axis shows what they have in common.
    has_dates
        True for days since 1970.
    """

    caption: str
    has_dates: bool = False

    def make(self, low: float, high: float) -> MakeAxis:
        """Return the function that makes an axis of a range."""
        if self.has_dates:
            return partial(date_axis, max(low, FIRST_DAY), min(high, LAST_DAY))
        return partial(linear_axis, low, high, printable(self.caption))


def date_axis(low: float, high: float, max_ticks: int) -> Axis:
    """Return an axis of dates, with ticks at years, months, days or times of day.

    Parameters
    ----------
    low, high
        Days since 1970.
    max_ticks
        The most ticks.
    """
    fewest = max(max_ticks // 3, 2)
    locator = _DATES.AutoDateLocator(minticks=fewest, maxticks=max(max_ticks, _FEWEST))
    found = locator.tick_values(*_DATES.num2date([low, high]))
    ticks = [tick for tick in found.tolist() if low <= tick <= high]
    ticks = ticks[:: -(-len(ticks) // max_ticks)]
    formatter = _DATES.ConciseDateFormatter(locator)
    labels = formatter.format_ticks(ticks)
    units = [(tick - low) / (high - low) for tick in ticks]
    offset = formatter.get_offset()
    return Axis(low, high, units, labels, f"time ({offset})" if offset else "time")
