"""Scales of axes: powers of ten, dates, and ranges of values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import matplotlib.dates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from service.engine.numbers import format_log10_number, format_number, format_power_of_ten
from service.engine.types import Array
from service.figures.page import STEPS, Page

_DATES: Final[Any] = matplotlib.dates  # which has no types
FIRST_DAY: Final = float(_DATES.date2num(datetime(1, 1, 2, tzinfo=UTC)))
LAST_DAY: Final = float(_DATES.date2num(datetime(9999, 12, 30, tzinfo=UTC)))
_FEWEST = 5  # ticks for which Matplotlib can place dates of every range
_MOST = 12
_DATE_WIDTH = 4.0  # of a date, in units of the font size

NUMBERS: Final = FuncFormatter(lambda value, _: format_number(value))
INTEGERS: Final = FuncFormatter(lambda value, _: f"{value:.0f}")


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

    def apply(self, page: Page, axes: Axes, low: float, high: float, n_columns: int = 1) -> None:
        """Set the range of a horizontal axis, one of ``n_columns``, its ticks and its caption."""
        width = 0.8 * page.width / n_columns
        axes.set_xlabel(page.fit_caption("time" if self.has_dates else self.caption, width))
        if not self.has_dates:
            axes.set_xlim(low, high)
            return
        axes.set_xlim(max(low, FIRST_DAY), min(high, LAST_DAY))
        most = min(max(int(width / (_DATE_WIDTH * page.font)), _FEWEST), _MOST)
        locator = _DATES.AutoDateLocator(minticks=max(most // 3, 2), maxticks=most)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(_DATES.ConciseDateFormatter(locator))


class DecadeLocator(LogLocator):
    """Ticks at 1, 2 and 5 times powers of ten if there is space, otherwise at powers of ten.

    A range without two of them has evenly spaced ticks.
    """

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two values, and some around them."""
        axis: Any = self.axis
        most = axis.get_tick_space()
        for factors, limit in (((1.0, 2.0, 5.0), most), ((1.0,), np.inf)):
            self.set_params(subs=factors)
            ticks = np.asarray(super().tick_values(vmin, vmax))
            if 2 <= np.sum((ticks >= vmin) & (ticks <= vmax)) <= limit:
                return ticks
        return MaxNLocator(max(most, 1), steps=STEPS).tick_values(vmin, vmax)


class PowerFormatter(Formatter):
    """Labels of numbers that are given by their log10, also outside the float64 range."""

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002 - Matplotlib's
        """Return the label of one number."""
        return log_label(x)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return labels with three to eight digits, as few as make them distinct."""
        for digits in range(3, 9):
            labels = [log_label(value, digits) for value in values]
            if len(set(labels)) == len(labels):
                break
        return labels


def use_log_scale(axes: Axes) -> None:
    """Make the vertical axis logarithmic."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(DecadeLocator())
    axes.yaxis.set_major_formatter(NUMBERS)
    axes.yaxis.set_minor_locator(NullLocator())


def use_powers(axis: Axis) -> None:
    """Label an axis of log10 of numbers with the numbers, at whole powers if possible."""
    axis.set_major_locator(MaxNLocator("auto", steps=STEPS, integer=True, min_n_ticks=2))
    axis.set_major_formatter(PowerFormatter())


def use_integers(axis: Axis) -> None:
    """Label an axis at whole numbers."""
    axis.set_major_locator(MaxNLocator("auto", steps=STEPS, integer=True))
    axis.set_major_formatter(INTEGERS)


def finite_range(values: Array) -> tuple[float, float]:
    """Return the lowest and the highest of the finite values, or zeros if there are none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def widen(low: float, high: float, share: float) -> tuple[float, float]:
    """Return a range with a margin on both sides, proportional to it and never 0."""
    margin = share * (high - low) or 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def log_label(log10_value: float, digits: int = 3) -> str:
    """Return ``10⁴`` for 4, ``25.1`` for 1.4."""
    nearest = round(log10_value)
    if abs(log10_value - nearest) < 1e-9:
        return format_power_of_ten(nearest)
    return format_log10_number(log10_value, digits)
