"""The mean squared error and its gradient."""

from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.network import mean_squared_error, output_gradient

numbers = st.floats(-1e3, 1e3, allow_subnormal=False)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=9)


@given(pairs)
def test_cost_matches_exact_fractions(rows: list[tuple[float, float]]) -> None:
    outputs, targets = np.array(rows).T
    residuals = [Fraction(y) - Fraction(t) for y, t in rows]
    exact = sum((r * r for r in residuals), Fraction(0)) / len(rows)
    # A residual has an error of half a unit in the last place of the larger number.
    slack = sum(map(abs, residuals), Fraction(0)) * Fraction(1e-12)
    error = abs(Fraction(mean_squared_error(outputs, targets)) - exact)
    assert error <= exact * Fraction(1e-14) + slack


@pytest.mark.parametrize(
    ("residuals", "cost"),
    [
        ([1.5e154] + [0.0] * 19, 1.125e307),  # its square overflows, the mean does not
        ([1e154] * 3, 1e308),  # the sum of the squares overflows
        ([3e-155, 4e-155], 1.25e-309),  # the squares are subnormal
        ([1e-162] * 2, 0.0),  # the mean is the smallest float or 0
        ([0.0, 0.0], 0.0),
        ([1e200], inf),
        ([1.7e308], inf),
    ],
)
def test_squares_may_overflow_or_underflow(residuals: list[float], cost: float) -> None:
    outputs = np.array(residuals)
    zeros = np.zeros(len(residuals))
    assert mean_squared_error(outputs, zeros) == pytest.approx(cost, rel=1e-12, abs=5e-324)
    assert mean_squared_error(zeros, outputs) == pytest.approx(cost, rel=1e-12, abs=5e-324)


@pytest.mark.parametrize("output", [inf, -inf, nan])
def test_an_output_that_is_not_finite_has_infinite_cost(output: float) -> None:
    assert mean_squared_error(np.array([1.0, output]), np.array([1.0, 2.0])) == inf


def test_residuals_near_the_largest_float() -> None:
    outputs, targets = np.array([1.5e308, 0.0]), np.array([0.5e308, 0.0])
    np.testing.assert_array_equal(output_gradient(outputs, targets), [1e308, 0.0])
    assert mean_squared_error(np.array([1.5e308]), np.array([-1.5e308])) == inf
