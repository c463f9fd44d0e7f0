"""Gaps between the times of rows: the usual one, the step of a logger, and clock changes."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array
from service.values.steps import UNITS

TOLERANCE: Final = 0.01  # of a step: rounded times, and clock changes in weekly data
CLOCK_CHANGE: Final = 3_600  # seconds
CHANGE_HOUR: Final = 3  # the latest hour of a clock change
MAX_MEAN_STEPS: Final = 10.0  # of a proposed grid, from one row to the next


def find_usual(gaps: Array) -> float:
    """Return the lower median, which is one of the gaps."""
    return float(np.sort(gaps)[(len(gaps) - 1) // 2])


def propose_step(gaps: Array, usual: float) -> float:
    """Return the shortest step, if all others are multiples and few are added, or the usual one."""
    shortest = float(gaps.min())
    counts = gaps / shortest
    are_multiples = bool((np.abs(counts - np.round(counts)) <= TOLERANCE).all())
    return shortest if are_multiples and counts.mean() <= MAX_MEAN_STEPS else usual


def round_step(gaps: Array, usual: float) -> float:
    """Return the round step of a logger whose times vary, otherwise the usual one."""
    if are_equal(gaps):
        return usual
    mean = float(gaps.sum() / np.round(gaps / usual).sum())
    sizes = (size for size in UNITS.values() if size <= usual)
    steps = (size * round(mean / size) for size in sizes)
    # No time is more than half a step from its row.
    return next((step for step in steps if abs(mean - step) * len(gaps) <= 0.5 * step), usual)


def without_clock_changes(gaps: Array, times: Array) -> Array:
    """Return gaps before times in seconds, with the usual gap at clock changes.

    Clocks change in the night to a Sunday.
    """
    usual = find_usual(gaps)
    dates = times.astype("datetime64[s]")
    hours = (dates.astype("datetime64[h]").astype(int) + 24 * 4) % (7 * 24)  # since Sunday
    is_change = (np.abs(np.abs(gaps - usual) - CLOCK_CHANGE) < 1) & (hours <= CHANGE_HOUR)
    return np.where(is_change, usual, gaps)


def are_equal(values: NDArray[Any]) -> bool:
    """Return True if all values are the same."""
    return bool((values == values[0]).all())
