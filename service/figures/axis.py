"""Axes as plain values: limits, ticks and labels, all placed in units of the panel (0 to 1)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.engine.types import Array
from service.figures.text import MINUS, TIMES, log10_number, number, power_of_ten

FAR = 1e4
"""Values further out than this many panels are drawn as if they were that far."""


@dataclass(frozen=True)
class Axis:
    """One side of a panel: ``low`` is at 0, ``high`` at 1, and ``ticks`` are in those units."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    caption: str

    def unit(self, values: Array) -> Array:
        """Place values in units of the panel; nan where a value is not finite.

        Halves are taken first, so that limits of 1e308 do not overflow.
        """
        low = self.low / 2
        with np.errstate(over="ignore", invalid="ignore"):
            units = (np.asarray(values, dtype=np.float64) / 2 - low) / (self.high / 2 - low)
        return np.where(np.isfinite(values), np.clip(units, -FAR, FAR), np.nan)

    def centres(self, n: int) -> Array:
        """Return the values at the centres of ``n`` equal cells, from ``low`` to ``high``."""
        fractions = (np.arange(n) + 0.5) / n
        return self.low * (1 - fractions) + self.high * fractions


def linear_axis(low: float, high: float, max_ticks: int, caption: str) -> Axis:
    """Return an axis with at most about ``max_ticks`` round ticks.

    A window that is small beside its distance from zero is labelled by differences from a round
    number, and very large or small numbers by multiples of a power of ten; the caption says so.
    """
    half_span = high / 2 - low / 2
    exponent = min(max(math.floor(math.log10(half_span)), -300), 300)
    scale = 10.0**exponent
    base = 0.0
    if max(abs(low), abs(high)) / 2 > 1e3 * half_span:
        base = _roundest(low, high)
    start, stop = (low - base) / scale, (high - base) / scale
    step = _nice_step(stop - start, max_ticks)
    first, last = math.ceil(start / step - 1e-6), math.floor(stop / step + 1e-6)
    multiples = [k * step for k in range(first, last + 1)]
    units = tuple(min(max((m - start) / (stop - start), 0.0), 1.0) for m in multiples)
    if base == 0 and -3 <= exponent <= 4:
        labels = _fixed(multiples, step, exponent)
    else:
        labels = _fixed(multiples, step, 0)
        shift = "" if base == 0 else f" {MINUS if base > 0 else '+'} {number(abs(base), 15)}"
        caption = f"{caption}{shift} ({TIMES}{power_of_ten(exponent)})"
    return Axis(low, high, units, labels, caption)


def log_axis(low: float, high: float, max_ticks: int, caption: str) -> Axis:
    """Return an axis of numbers given by their log10, from ``low`` to ``high`` (log10 too)."""
    step = max(_nice_step(high - low, max_ticks), 1.0)
    ticks = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    if len(ticks) < 2:
        fine = _nice_step(high - low, max_ticks)
        ticks = [k * fine for k in range(math.ceil(low / fine), math.floor(high / fine) + 1)]
    units = tuple((t - low) / (high - low) for t in ticks)
    return Axis(low, high, units, log_labels(ticks), caption)


def log_labels(log10_values: Sequence[float]) -> tuple[str, ...]:
    """Label each number with as few digits, from three to eight, as tell them apart."""
    for digits in range(3, 8):
        labels = tuple(log_label(value, digits) for value in log10_values)
        if len(set(labels)) == len(labels):
            return labels
    return tuple(log_label(value, 8) for value in log10_values)


def log_label(log10_value: float, digits: int = 3) -> str:
    """Return ``10⁴`` for 4, ``25.1`` for 1.4."""
    nearest = round(log10_value)
    if abs(log10_value - nearest) < 1e-9:
        return power_of_ten(nearest)
    return log10_number(log10_value, digits)


def integer_ticks(low: int, high: int, max_ticks: int) -> list[int]:
    """Return round whole numbers from ``low`` to ``high``."""
    step = max(math.ceil(_nice_step(high - low, max_ticks)), 1) if high > low else 1
    return list(range(-(-low // step) * step, high + 1, step))


def _nice_step(span: float, max_ticks: int) -> float:
    raw = span / max(max_ticks, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    return next((m * power for m in (1, 2, 5) if m * power >= raw * (1 - 1e-6)), 10 * power)


def _roundest(low: float, high: float) -> float:
    """Return the number with the fewest digits between two of one sign."""
    middle = low / 2 + high / 2
    rounded = (float(f"{middle:.{digits}e}") for digits in range(17))
    return next((base for base in rounded if low <= base <= high), middle)


def _fixed(multiples: Sequence[float], step: float, exponent: int) -> tuple[str, ...]:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9) - exponent)
    shown = [f"{m * 10.0**exponent:.{decimals}f}" for m in multiples]
    return tuple("0" if float(s) == 0 else s.replace("-", MINUS) for s in shown)
