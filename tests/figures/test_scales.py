"""Ticks near the end of the float64 range, where the steps of Matplotlib's locator overflow."""

import numpy as np
import pytest
from matplotlib.ticker import MaxNLocator

from service.figures.page import STEPS, NumberLocator


@pytest.mark.parametrize(("low", "high"), [(0.0, 1e308), (-8e307, 8e307), (-1e308, -1e305)])
def test_ticks_of_huge_numbers_are_those_of_smaller_ones(low: float, high: float) -> None:
    ticks = NumberLocator(5, steps=STEPS).tick_values(low, high)
    small = np.asarray(MaxNLocator(5, steps=STEPS).tick_values(1e-10 * low, 1e-10 * high))
    inside = small[(small >= 1e-10 * low) & (small <= 1e-10 * high)]
    shown = ticks[(ticks >= low) & (ticks <= high)]
    assert len(shown) >= 2
    np.testing.assert_allclose(shown, inside * 1e10)


def test_other_ticks_are_those_of_matplotlib() -> None:
    ticks = NumberLocator(5, steps=STEPS).tick_values(-3.0, 17.0)
    np.testing.assert_array_equal(ticks, MaxNLocator(5, steps=STEPS).tick_values(-3.0, 17.0))
