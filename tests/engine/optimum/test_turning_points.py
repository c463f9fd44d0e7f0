"""Minima between the points of a grid, compared with functions whose minima are known."""

from collections.abc import Callable
from math import cos, pi, sin

import numpy as np
import pytest

from service.engine.optimum.point import Point
from service.engine.optimum.turning_points import find_roots, find_turns
from service.engine.optimum.variable_projection import Evaluations
from service.engine.types import Array

Slope = Callable[[float], float]


def make_evaluations(u: Array, chart: int = 0) -> Evaluations:
    """Return evaluations at points of one chart; only chart and u are used."""
    zeros = np.zeros(len(u))
    return Evaluations(np.full(len(u), chart), u, zeros[None], zeros, zeros, zeros)


def find_one(slope: Slope, low: float, high: float, chart: int = 0) -> tuple[Point, int]:
    """Return the root between two points, and how often the slope was computed."""
    points = []

    def slope_at(point: Point) -> float:
        points.append(point)
        return slope(point.u)

    ends = np.array([low, high])
    slopes = np.array([slope(low), slope(high)])
    (root,) = find_roots(slope_at, make_evaluations(ends, chart), np.array([0]), slopes)
    assert {point.chart for point in points} <= {chart}
    return root, len(points)


def test_the_gaps_around_the_minima_of_a_cosine_are_found() -> None:
    u = np.linspace(-1.0, 1.0, 50)
    gaps, low = find_turns(u, np.cos(7.0 * u), -7.0 * np.sin(7.0 * u))
    minima = np.array([-pi / 7.0, pi / 7.0])
    np.testing.assert_array_equal(gaps, np.searchsorted(u, minima) - 1)
    assert (low <= -1.0).all()
    assert (low >= -1.0 - 2.0 * (7.0 * (u[1] - u[0])) ** 2).all()


@pytest.mark.parametrize("position", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("power", [2, 4])
def test_bounds_are_below_the_minima_of_convex_functions(position: float, power: int) -> None:
    u = np.array([-0.5, 0.25, 1.0])
    x = u - (0.25 + 0.75 * position)
    gaps, low = find_turns(u, 3.0 + x**power, power * x ** (power - 1))
    assert gaps[-1] == 1
    assert (low <= 3.0).all()


def test_a_minimum_at_a_point_belongs_to_the_gaps_on_both_sides() -> None:
    u = np.array([-1.0, 0.0, 1.0])
    gaps, low = find_turns(u, u**2, 2.0 * u)
    assert gaps.tolist() == [0, 1]
    assert (low <= 0.0).all()


def test_maxima_and_slopes_without_digits_are_not_minima() -> None:
    u = np.array([-1.0, 0.0, 1.0])
    assert not find_turns(u, -((u - 0.5) ** 2), 1.0 - 2.0 * u)[0].size
    assert not find_turns(u, np.full(3, np.nan), np.array([-1.0, np.nan, 1.0]))[0].size


def test_there_is_no_gap_from_one_chart_to_the_other() -> None:
    u = np.array([-1.0, 1.0, -1.0, 1.0])
    slopes = np.array([-1.0, -1.0, 1.0, 1.0])
    assert not find_turns(u, np.zeros(4), slopes)[0].size


@pytest.mark.parametrize("chart", [0, 1])
@pytest.mark.parametrize(
    ("slope", "low", "high", "root"),
    [
        (lambda u: u - 0.3, -1.0, 1.0, 0.3),
        (lambda u: u**3 - 0.125, 0.0, 1.0, 0.5),
        (lambda u: sin(u) - cos(u), 0.0, 1.0, pi / 4.0),
        (lambda u: u**2 - 2.0 / 9.0, 0.0, 0.9, 2.0**0.5 / 3.0),
        (lambda u: 1e-9 - 1e-18 / u, 1e-12, 1.0, 1e-9),
        (lambda u: 1e200 * (u - 0.7), -0.1, 0.9, 0.7),
        (lambda u: 1e-200 * (u + 0.7), -0.9, 0.1, -0.7),
    ],
)
def test_roots_are_accurate(slope: Slope, low: float, high: float, root: float, chart: int) -> None:
    found, _ = find_one(slope, low, high, chart)
    assert found.chart == chart
    assert found.u == pytest.approx(root, rel=1e-14, abs=1e-18)


@pytest.mark.parametrize("power", [3, 7, 15])
def test_a_slope_that_is_steep_on_one_side_takes_few_evaluations(power: int) -> None:
    """The method of false position keeps the steep end: for the power 15 it takes over 1,000."""
    found, count = find_one(lambda u: (1.0 + u) ** power - 2.0, 0.0, 2.0)
    assert found.u == pytest.approx(2.0 ** (1.0 / power) - 1.0, rel=1e-14)
    assert count <= 12 + 2 * power


@pytest.mark.parametrize(
    ("slopes", "end"),
    [((0.0, 1.0), 0.2), ((2.0, 1.0), 0.2), ((-1.0, 0.0), 0.4), ((-2.0, -1.0), 0.4)],
)
def test_an_end_is_the_root_if_the_slope_has_one_sign(
    slopes: tuple[float, float], end: float
) -> None:
    def fail(point: Point) -> float:
        raise AssertionError(point)

    ends = make_evaluations(np.array([0.2, 0.4]), 1)
    assert find_roots(fail, ends, np.array([0]), np.array(slopes)) == [Point(1, end)]


def test_each_gap_has_a_root_in_its_own_chart() -> None:
    u = np.array([-1.0, 0.0, 1.0, -1.0, 0.0, 1.0])
    zeros = np.zeros(6)
    charts = np.array([0, 0, 0, 1, 1, 1])
    evaluations = Evaluations(charts, u, zeros[None], zeros, zeros, zeros)
    roots = {0: 0.25, 1: -0.75}
    slopes = np.array([at - roots[chart] for at, chart in zip(u, charts.tolist(), strict=True)])

    def slope(point: Point) -> float:
        return point.u - roots[point.chart]

    found = find_roots(slope, evaluations, np.array([1, 3]), slopes)
    assert found == [Point(0, 0.25), Point(1, -0.75)]
