"""Axes: positions of ticks and their labels."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.figures.axis import FAR, Axis, integer_axis, linear_axis, log_axis

MINUS = "\N{MINUS SIGN}"
weights = st.floats(-1e6, 1e6, allow_nan=False)


def test_the_tutorial_window_has_ticks_at_whole_numbers() -> None:
    axis = linear_axis(-3, 3, 7, "w_in")
    assert axis.labels == (f"{MINUS}3", f"{MINUS}2", f"{MINUS}1", "0", "1", "2", "3")
    assert axis.ticks == pytest.approx([0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert axis.caption == "w_in"


def test_a_narrow_window_is_labeled_by_differences() -> None:
    axis = linear_axis(1 - 5e-10, 1 + 5e-10, 5, "w_in")
    assert axis.caption == f"w_in {MINUS} 1 (\N{MULTIPLICATION SIGN}10⁻¹⁰)"
    assert axis.labels == (f"{MINUS}4", f"{MINUS}2", "0", "2", "4")
    assert axis.ticks == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], abs=1e-6)
    below = linear_axis(-2 - 1e-9, -2 + 1e-9, 5, "w_rec")
    assert below.caption.startswith("w_rec + 2 ")


def test_large_numbers_are_multiples_of_a_power() -> None:
    axis = linear_axis(-1e6, 1e6, 5, "w_rec")
    assert axis.caption == "w_rec (\N{MULTIPLICATION SIGN}10⁶)"
    assert axis.labels == (f"{MINUS}1.0", f"{MINUS}0.5", "0", "0.5", "1.0")


@given(weights, weights, st.integers(1, 9))
def test_ticks_lie_on_the_axis_and_labels_differ(low: float, high: float, n: int) -> None:
    low, high = min(low, high), max(low, high)
    assume(high - low > 1e-12 * max(abs(low), abs(high), 1e-200))
    axis = linear_axis(low, high, n, "w_in")
    assert all(0 <= tick <= 1 for tick in axis.ticks)
    assert list(axis.ticks) == sorted(axis.ticks)
    assert len(set(axis.labels)) == len(axis.labels) == len(axis.ticks) <= n + 1


def test_positions_reach_the_limits_of_float64() -> None:
    axis = Axis(-1e308, 1e308, (), (), "")
    assert axis.to_unit(np.array([-1e308, 0, 1e308])) == pytest.approx([0, 0.5, 1])
    near = Axis(0, 1, (), (), "")
    far = near.to_unit(np.array([1e300, -1e300, np.inf, np.nan]))
    np.testing.assert_array_equal(far, [FAR, -FAR, np.nan, np.nan])


def test_log_axis_has_ticks_at_whole_powers() -> None:
    assert log_axis(-6.4, 6.3, 7, "cost").labels == (
        "10⁻⁶",
        "10⁻⁴",
        "10⁻²",
        "10⁰",
        "10²",
        "10⁴",
        "10⁶",
    )
    assert "10⁶⁰⁰" in log_axis(-400, 700, 6, "cost").labels


def test_log_axis_of_less_than_a_decade_still_has_distinct_labels() -> None:
    axis = log_axis(1.4525, 1.4526, 4, "cost")
    assert len(axis.labels) == len(set(axis.labels)) >= 2
    assert all(label.startswith("28.3") for label in axis.labels)


def test_log_axis_has_ticks_at_1_2_and_5_where_there_is_room() -> None:
    axis = log_axis(-0.1, 1.1, 8, "cost")
    assert axis.labels == ("1", "2", "5", "10¹")
    np.testing.assert_allclose(axis.ticks, (np.log10([1, 2, 5, 10]) + 0.1) / 1.2)
    assert log_axis(-0.1, 1.1, 3, "cost").labels == ("10⁰", "10¹")


@pytest.mark.parametrize(("first", "last"), [(0, 10), (10, 0), (3, 3)])
def test_integer_axis_runs_from_its_first_to_its_last_number(first: int, last: int) -> None:
    axis = integer_axis(first, last, 5, "step")
    ends = {int(label): tick for label, tick in zip(axis.labels, axis.ticks, strict=True)}
    assert ends[first] == 0.0
    assert last == first or ends[last] == 1.0
