"""Many polynomials at many points."""

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.arithmetic import ExtendedPolynomials, Polynomials, differentiate

numbers = st.floats(-4, 4)


def by_fractions(coefficients: list[float], w: float) -> tuple[Fraction, Fraction]:
    """Return the value, and the sum of the terms' magnitudes."""
    terms = [Fraction(c) * Fraction(w) ** k for k, c in enumerate(coefficients)]
    return sum(terms, Fraction(0)), sum(map(abs, terms), Fraction(0))


@given(
    st.lists(st.lists(numbers, min_size=1, max_size=40), min_size=1, max_size=4),
    st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=4),
)
def test_values(rows: list[list[float]], points: list[float]) -> None:
    values = Polynomials(*map(np.array, rows))(np.array(points))
    for row, row_values in zip(rows, values, strict=True):
        for w, value in zip(points, row_values.tolist(), strict=True):
            exact, bound = by_fractions(row, w)
            assert abs(Fraction(value) - exact) <= 1e-14 * bound + 1e-300


def test_constants_are_nan_where_the_point_is_not_finite() -> None:
    points = np.array([np.inf, -np.inf, np.nan, 3.0])
    values = Polynomials(np.array([2.0]))(points)[0]
    np.testing.assert_array_equal(values, [np.nan, np.nan, np.nan, 2.0])


@pytest.mark.parametrize("degree", [0, 1, 18, 19, 20, 39, 40, 199, 1998])
@pytest.mark.parametrize("w", [-1.0, 0.999, 1.0, 1.01])
def test_long_polynomials_are_accurate(degree: int, w: float) -> None:
    coefficients = np.random.default_rng(1).random(degree + 1)
    values = Polynomials(coefficients, 2.0 * coefficients)(np.full(7000, w))  # in several chunks
    with mpmath.workdps(50):
        exact = mpmath.polyval(coefficients.tolist()[::-1], mpmath.mpf(w))
        size = mpmath.polyval(coefficients.tolist()[::-1], abs(mpmath.mpf(w)))
        assert abs(values[0, 6999] - exact) <= 5e-15 * size
    # The order in which a matrix product adds may depend on where its arrays are in memory.
    np.testing.assert_allclose(values[1], 2.0 * values[0], rtol=0.0, atol=1e-14 * float(size))


def test_derivative() -> None:
    np.testing.assert_array_equal(differentiate(np.array([5.0, 4.0, 3.0, 2.0])), [4.0, 6.0, 6.0])
    np.testing.assert_array_equal(differentiate(np.array([5.0])), [0.0])


@pytest.mark.parametrize("w", [0.0, 5e-324, -1e-160, -0.9, 1.0, -1.0, 1.001, -40.0, 1e150])
@pytest.mark.parametrize(
    "coefficients",
    [[0.0], [2.0], [0.0, 0.0, 3.0], [0.0, 1.0, -2.0, 0.0], [1.0, *([0.5] * 3000), 0.0, -1.0]],
)
def test_extended_polynomials(coefficients: list[float], w: float) -> None:
    evaluate = ExtendedPolynomials(np.ones(2), np.array(coefficients))
    found: Any = evaluate(np.array([w]))[1]
    with mpmath.workdps(50):
        exact = mpmath.polyval(coefficients[::-1], mpmath.mpf(w))
        assert found.sign()[0] == mpmath.sign(exact)
        if exact:
            value = mpmath.ldexp(float(found.mantissa[0]), int(found.exponent[0]))
            assert abs(value / exact - 1) < 1e-11
