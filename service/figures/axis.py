"""Axes as plain values: limits, ticks and labels, positioned in units of the panel (0 to 1).

Matplotlib's ``MaxNLocator`` chooses the ticks. The labels are formatted here, because Matplotlib's
formatters require an ``Axis`` object, return markup instead of Unicode, and do not support numbers
outside the float64 range.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from service.engine.types import Array
from service.figures.numbers import (
    MINUS,
    TIMES,
    format_log10_number,
    format_number,
    format_power_of_ten,
)

# The largest distance from the panel, in panels, at which values are drawn.
FAR = 1e4
# The distance to a limit (in steps) within which ticks snap to it.
_ON_LIMIT = 1e-6


@dataclass(frozen=True)
class Axis:
    """One side of a panel."""

    low: float  # the value at 0, which may be the larger one
    high: float  # the value at 1
    ticks: Sequence[float] | Array  # positions from 0 to 1
    labels: Sequence[str]  # one per tick
    caption: str  # the quantity of the axis

    def to_unit(self, values: Array) -> Array:
        """Return the positions of values (any shape), 0 at ``low`` and 1 at ``high``.

        Positions are nan where a value is not finite, and at most ``FAR`` from 0. Values are
        halved first, so that limits of 1e308 do not overflow.
        """
        low = self.low / 2
        with np.errstate(over="ignore", invalid="ignore"):
            units = (np.asarray(values, dtype=np.float64) / 2 - low) / (self.high / 2 - low)
        return np.where(np.isfinite(values), np.clip(units, -FAR, FAR), np.nan)

    def centers(self, n: int) -> Array:
        """Return the values (n,) at the centers of ``n`` equal cells, from ``low`` to ``high``."""
        fractions = (np.arange(n) + 0.5) / n
        return self.low * (1 - fractions) + self.high * fractions


# A function that returns an axis with at most a number of ticks, or one more.
MakeAxis = Callable[[int], Axis]


def linear_axis(low: float, high: float, caption: str, max_ticks: int) -> Axis:
    """Return an axis with at most ``max_ticks`` + 1 ticks at round numbers.

    The labels of a window that is narrow compared with its distance from zero are differences
    from a round number, and those of very large or small numbers are multiples of a power of
    ten. The caption states both.
    """
    half_span = high / 2 - low / 2
    exponent = min(max(math.floor(math.log10(half_span)), -300), 300)
    scale = 10.0**exponent
    base = 0.0
    if max(abs(low), abs(high)) / 2 > 1e3 * half_span:
        base = _roundest(low, high)
    start, stop = (low - base) / scale, (high - base) / scale
    # In these units the window is 2 to 20 wide: six decimals remove rounding errors.
    values, step = _round_values(round(start, 6), round(stop, 6), max_ticks)
    units = [min(max((value - start) / (stop - start), 0.0), 1.0) for value in values]
    if base == 0 and -3 <= exponent <= 4:
        return Axis(low, high, units, _labels(values, step, scale), caption)
    shift = "" if base == 0 else f" {MINUS if base > 0 else '+'} {format_number(abs(base), 15)}"
    caption = f"{caption}{shift} ({TIMES}{format_power_of_ten(exponent)})"
    return Axis(low, high, units, _labels(values, step, 1.0), caption)


def log_axis(log10_values: Array, caption: str, max_ticks: int, *, plain: bool = False) -> Axis:
    """Return an axis around numbers given by their log10 (m,), of which some may not be finite.

    There are about ``max_ticks`` ticks, at least two: at 1, 2 and 5 times powers of ten if there is
    space for all of them, otherwise at whole powers if possible. ``plain`` numbers have no power of
    ten from 0.0001 to 10,000, and evenly spaced ticks in a short range.
    """
    low, high = finite_range(log10_values)
    margin = max(0.06 * (high - low), 0.1)
    low, high = low - margin, high + margin
    last = math.ceil(high) if high - low <= max_ticks else math.floor(low)
    steps = [math.log10(factor) + k for k in range(math.floor(low), last) for factor in (1, 2, 5)]
    ticks = [tick for tick in steps if low <= tick <= high]
    labels = [format_log10_number(tick, 5 if plain else 1) for tick in ticks]
    if plain and len(ticks) < 2:
        values, _ = _round_values(10.0**low, 10.0**high, max_ticks)
        ticks = [math.log10(value) for value in values]
        labels = [format_number(value, 6) for value in values]
    elif not 2 <= len(ticks) <= max_ticks:
        ticks, _ = _round_values(low, high, max_ticks, integer=True, min_n_ticks=2)
        labels = log_labels(ticks)
    return Axis(low, high, [(tick - low) / (high - low) for tick in ticks], labels, caption)


def integer_axis(first: int, last: int, caption: str, max_ticks: int) -> Axis:
    """Return an axis of whole numbers, descending if ``first`` is the larger."""
    low, high = min(first, last), max(first, last)
    ticks = [low]
    if low < high:
        values, _ = _round_values(low, high, max_ticks, integer=True)
        ticks = [round(value) for value in values]
    span = last - first or 1
    units = [(tick - first) / span for tick in ticks]
    return Axis(float(first), float(first + span), units, list(map(str, ticks)), caption)


def finite_range(values: Array) -> tuple[float, float]:
    """Return the lowest and the highest of the finite values, or zeros if there are none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def widen(low: float, high: float, share: float) -> tuple[float, float]:
    """Return a range with a margin on both sides, proportional to it and never 0."""
    margin = share * (high - low) or 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def log_labels(log10_values: Sequence[float]) -> list[str]:
    """Label each number with three to eight digits, as few as make the labels distinct."""
    for digits in range(3, 9):
        labels = [log_label(value, digits) for value in log10_values]
        if len(set(labels)) == len(labels):
            break
    return labels


def log_label(log10_value: float, digits: int = 3) -> str:
    """Return ``10⁴`` for 4, ``25.1`` for 1.4."""
    nearest = round(log10_value)
    if abs(log10_value - nearest) < 1e-9:
        return format_power_of_ten(nearest)
    return format_log10_number(log10_value, digits)


def _round_values(
    low: float, high: float, max_ticks: int, **options: int
) -> tuple[list[float], float]:
    """Return evenly spaced round numbers from ``low`` to ``high``, and their distance."""
    options = {"min_n_ticks": 1, **options}
    locator = MaxNLocator(max(max_ticks, 1), steps=[1, 2, 5, 10], **options)
    values = np.asarray(locator.tick_values(low, high)).tolist()
    step = values[1] - values[0]  # there are at least two, one at or outside each limit
    slack = _ON_LIMIT * step
    return [value for value in values if low - slack <= value <= high + slack], step


def _roundest(low: float, high: float) -> float:
    """Return the number with the fewest digits between two numbers of one sign."""
    middle = low / 2 + high / 2
    rounded = (float(f"{middle:.{digits}e}") for digits in range(17))
    return next((base for base in rounded if low <= base <= high), middle)


def _labels(values: Sequence[float], step: float, scale: float) -> list[str]:
    """Format multiples of ``step``, times ``scale``, with the decimals that the step requires."""
    decimals = max(0, -math.floor(math.log10(step * scale) + 1e-9))
    texts = [f"{value * scale:.{decimals}f}" for value in values]
    return ["0" if float(text) == 0 else text.replace("-", MINUS) for text in texts]
