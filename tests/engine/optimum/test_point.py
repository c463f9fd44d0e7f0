"""Points of the projective line, compared with arithmetic by hand."""

from itertools import pairwise
from math import inf

import pytest

from service.engine.optimum.point import Point


@pytest.mark.parametrize(
    ("w_rec", "chart", "u"),
    [
        (0.0, 0, 0.0),
        (0.5, 0, 0.5),
        (-1.0, 0, -1.0),
        (1.0, 0, 1.0),
        (4.0, 1, 0.25),
        (-8.0, 1, -0.125),
        (2.0**1000, 1, 2.0**-1000),
    ],
)
def test_a_point_lies_in_the_chart_where_its_powers_do_not_overflow(
    w_rec: float, chart: int, u: float
) -> None:
    assert Point.at(w_rec) == (chart, u)
    assert Point.at(w_rec).w_rec == w_rec


def test_infinity_is_0_of_the_second_chart() -> None:
    assert Point(1, 0.0).w_rec == inf


@pytest.mark.parametrize(
    ("start", "step", "end"),
    [
        ((0, 0.25), 0.5, (0, 0.75)),
        ((0, 0.75), 0.5, (1, 0.8)),
        ((0, -0.75), -0.5, (1, -0.8)),
        ((1, 0.75), 1.25, (0, 0.5)),
        ((1, 0.25), -0.5, (1, -0.25)),  # from 4 through infinity to -4
    ],
)
def test_a_step_leads_to_the_other_chart_where_it_leaves_this_one(
    start: tuple[int, float], step: float, end: tuple[int, float]
) -> None:
    assert Point(*start).moved(step) == end


def test_distances_add_up_along_the_line_to_its_length() -> None:
    around = [Point.at(w_rec) for w_rec in (0.0, 0.5, 1.0, 2.0, -2.0, -1.0, -0.5, 0.0)]
    distances = [one.distance(other) for one, other in pairwise(around)]
    assert distances == [0.5, 0.5, 0.5, 1.0, 0.5, 0.5, 0.5]
    assert Point.at(0.0).distance(Point(1, 0.0)) == 2.0


def test_distances_are_those_of_the_shorter_way() -> None:
    # From -0.5 to -2 by -1, and from 0.25 to -4 by 0, not by infinity.
    assert Point.at(-0.5).distance(Point.at(-2.0)) == 1.0
    assert Point.at(0.25).distance(Point.at(-4.0)) == 2.0
    assert Point.at(-4.0).distance(Point.at(0.25)) == 2.0
    # 1 is one point, of both charts.
    assert Point(0, 1.0).distance(Point(1, 1.0)) == Point(0, -1.0).distance(Point(1, -1.0)) == 0.0


def test_points_where_the_charts_overlap_are_close() -> None:
    """The search evaluates each chart a little beyond its ends."""
    # w_rec of -1 - 1e-7 and, by the other chart, of -1 + 1e-7; then of 1.
    for end in (-1.0, 1.0):
        one, other = Point(0, end * (1.0 + 1e-7)), Point(1, end * (1.0 + 1e-7))
        assert one.distance(other) == pytest.approx(2e-7, rel=1e-6)
        assert other.distance(one) == one.distance(other)


def test_w_rec_of_magnitude_1_are_preferred_and_then_positive_and_small_ones() -> None:
    ordered = [1.0, -1.0, 0.5, 2.0, -0.5, -2.0, 0.25, 4.0, 0.0, inf]
    points = [Point.at(w_rec) if w_rec != inf else Point(1, 0.0) for w_rec in ordered]
    assert sorted(set(points), key=Point.preference) == points


def test_rounding_does_not_change_the_preference() -> None:
    assert Point.at(1.0 + 1e-12).preference() < Point.at(-1.0).preference()
