"""Optima in float64, compared with fits worked out by hand and with costs in fractions."""

from fractions import Fraction
from math import inf, isnan, log10, nan

import numpy as np
import pytest

from service.engine.optimum.point import Point
from service.engine.optimum.refinement import Fit, FitProblem
from service.engine.optimum.result import Optimum, optimum_of_fit
from service.engine.types import Weights

INPUTS = np.array([[1.0, 2.0, 0.0, 0.0], [3.0, -1.0, 0.0, 0.0], [2.0, 2.0, 0.0, 0.0]])
TARGETS = np.array([3.0, 1.0, -2.0])
# Columns 0 and 1 of 4 have the powers 3 and 2.
PROBLEM = FitProblem(INPUTS, TARGETS, 0.0, 2, 3)


def cost_at(w_in: float, w_rec: float) -> float:
    """Return the cost of exactly these weights, computed in fractions."""
    u, w = Fraction(w_in), Fraction(w_rec)
    outputs = [u * w**2 * (w * Fraction(a) + Fraction(b)) for a, b, *_ in INPUTS.tolist()]
    errors = (y - Fraction(t) for y, t in zip(outputs, TARGETS.tolist(), strict=True))
    return float(sum(error**2 for error in errors) / 3)


def make_fit(
    point: Point, scale: float, cost: float, *, magnitude: float = 1.0, at_root: bool = False
) -> Fit:
    return Fit(point, scale, cost, 0.0, 0.0, 1.0, magnitude, at_root)


@pytest.mark.parametrize("w_rec", [0.5, -0.25, 1.0, 4.0, -3.0])
def test_the_scale_of_a_fit_becomes_w_in(w_rec: float) -> None:
    fit = PROBLEM.fit(Point.at(w_rec))
    found = optimum_of_fit(PROBLEM, fit)
    p = w_rec**2 * (INPUTS[:, :2] @ np.array([w_rec, 1.0]))
    w_in = (p @ TARGETS) / (p @ p)
    assert found.weights.w_rec == w_rec
    assert found.weights.w_in == pytest.approx(w_in, rel=1e-14)
    assert (found.w_in_sign, found.attained, found.unique) == (np.sign(w_in), True, True)
    assert found.log10_abs_w_in == pytest.approx(log10(abs(w_in)), abs=1e-14)
    assert found.cost == pytest.approx(cost_at(*found.weights), rel=1e-13)
    assert found.log10_cost == log10(found.cost)


def test_a_cost_without_digits_is_computed_from_the_float_weights() -> None:
    """The cost of a fit far below its terms is a rounding error."""
    w_in, w_rec = 0.7, 0.3
    targets = np.array([w_in * w_rec**2 * (w_rec * a + b) for a, b, *_ in INPUTS.tolist()])
    problem = FitProblem(INPUTS, targets, 0.0, 2, 3)
    found = optimum_of_fit(problem, make_fit(Point.at(w_rec), w_in * w_rec**2, 1e-20))
    assert found.weights == (w_in, w_rec)
    u, w = Fraction(w_in), Fraction(w_rec)
    errors = [
        u * w**2 * (w * Fraction(a) + Fraction(b)) - Fraction(t)
        for (a, b, *_), t in zip(INPUTS.tolist(), targets.tolist(), strict=True)
    ]
    assert found.cost == pytest.approx(float(sum(e * e for e in errors) / 3), rel=1e-6)


def test_a_scale_at_a_root_is_not_attained() -> None:
    found = optimum_of_fit(PROBLEM, make_fit(Point(0, 0.25), 2.0, 0.5, at_root=True))
    assert isnan(found.weights.w_in)
    assert found.weights.w_rec == 0.25
    assert (found.cost, found.attained, found.unique) == (0.5, False, False)
    assert (found.w_in_sign, found.log10_abs_w_in) == (0, inf)


def test_a_scale_at_infinity_is_approached_while_w_in_vanishes() -> None:
    found = optimum_of_fit(PROBLEM, make_fit(Point(1, 0.0), 2.0, 0.5, at_root=True))
    assert isnan(found.weights.w_in)
    assert isnan(found.weights.w_rec)
    assert (found.attained, found.w_in_sign, found.log10_abs_w_in) == (False, 0, -inf)


def test_without_a_scale_a_root_is_attained_by_every_w_in() -> None:
    found = optimum_of_fit(PROBLEM, make_fit(Point(0, 0.0), 0.0, 2.0, at_root=True))
    assert found.weights == (0.0, 0.0)
    assert (found.attained, found.unique, found.w_in_sign) == (True, False, 0)
    # Infinity has no float: any w_rec has the same cost with w_in = 0.
    assert optimum_of_fit(PROBLEM, make_fit(Point(1, 0.0), 0.0, 2.0)).weights == (0.0, 1.0)


@pytest.mark.parametrize(
    ("point", "scale", "sign", "log"),
    [
        (Point(0, 1e-10), 3.0, 1, 10_000.0 + log10(3.0)),
        (Point(0, -1e-10), 3.0, 1, 10_000.0 + log10(3.0)),
        (Point(1, 1e-10), -0.5, -1, -10_020.0 + log10(0.5)),
        (Point(1, -1e-10), -0.5, -1, -10_020.0 + log10(0.5)),
    ],
)
def test_w_in_outside_the_float64_range_has_a_logarithm(
    point: Point, scale: float, sign: int, log: float
) -> None:
    problem = FitProblem(np.ones((3, 1003)), TARGETS, 0.0, 1000, 1002)
    found = optimum_of_fit(problem, make_fit(point, scale, 0.25))
    assert isnan(found.weights.w_in)
    assert found.weights.w_rec == pytest.approx(point.w_rec)
    assert (found.w_in_sign, found.attained) == (sign, True)
    assert found.log10_abs_w_in == pytest.approx(log, rel=1e-12)


@pytest.mark.parametrize("chart", [0, 1])
def test_w_in_has_the_sign_of_an_odd_power_of_w_rec(chart: int) -> None:
    """w_in times w_rec to the first or last power is the scale."""
    powers, scale, u = (1001, 1003), 3.0, -1e-10
    problem = FitProblem(np.ones((3, 1004)), TARGETS, 0.0, *powers)
    found = optimum_of_fit(problem, make_fit(Point(chart, u), scale, 0.25))
    assert (isnan(found.weights.w_in), found.w_in_sign) == (True, -1)
    # The same power where it does not overflow.
    u = -0.99
    found = optimum_of_fit(problem, make_fit(Point(chart, u), scale, 0.25))
    w_rec = Fraction(u) if chart == 0 else 1 / Fraction(u)
    assert found.weights.w_in == pytest.approx(float(scale / w_rec ** powers[chart]), rel=1e-12)
    assert found.w_in_sign == -1


def test_the_power_may_overflow_where_w_in_does_not() -> None:
    problem = FitProblem(np.ones((3, 402)), TARGETS, 0.0, 400, 401)
    found = optimum_of_fit(problem, make_fit(Point(0, 0.1), 1e-120, 0.25))
    assert found.weights.w_in == pytest.approx(1e280, rel=1e-12)


def test_an_optimum_of_given_weights() -> None:
    found = Optimum.at(Weights(-100.0, 0.5), 1e-4)
    assert found == Optimum(Weights(-100.0, 0.5), 1e-4, -4.0, True, True, -1, 2.0)
    assert Optimum.at(Weights(0.0, 0.5), 0.0).log10_cost == -inf
    assert Optimum.at(Weights(0.0, 0.5), 0.0).log10_abs_w_in == -inf
    assert Optimum.at(Weights(1.0, 1.0), nan).cost == inf
    assert not Optimum.at(Weights(nan, 1.0), 1.0, attained=False, w_in=(0, inf)).unique
