"""Many polynomials at many points."""

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.arithmetic import polynomials as module
from service.engine.arithmetic.polynomials import (
    ExtendedPolynomials,
    Polynomials,
    differentiate,
    extended_power,
)

numbers = st.floats(-4, 4)


def by_fractions(coefficients: list[float], w: float) -> tuple[Fraction, Fraction]:
    """Return the value, and the sum of the terms' magnitudes."""
    terms = [Fraction(c) * Fraction(w) ** k for k, c in enumerate(coefficients)]
    return sum(terms, Fraction(0)), sum(map(abs, terms), Fraction(0))


@given(
    st.lists(st.lists(numbers, min_size=1, max_size=40), min_size=1, max_size=4),
    st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=4),
)
def test_values_and_magnitudes(rows: list[list[float]], points: list[float]) -> None:
    evaluate = Polynomials(*map(np.array, rows))
    values, magnitudes = evaluate.evaluate_with_magnitudes(np.array(points))
    np.testing.assert_array_equal(evaluate(np.array(points)), values)
    for row, row_values, row_sizes in zip(rows, values, magnitudes, strict=True):
        for w, value, size in zip(points, row_values.tolist(), row_sizes.tolist(), strict=True):
            exact, bound = by_fractions(row, w)
            assert abs(Fraction(value) - exact) <= 1e-14 * bound + 1e-300
            underflow = 1.1e-280 * sum(map(abs, row))
            assert Fraction(size) - bound * (1 - Fraction(1e-14)) >= -1e-300
            assert Fraction(size) - bound * (1 + Fraction(1e-14)) <= underflow + 1e-300


def test_constants_are_nan_where_the_point_is_not_finite() -> None:
    points = np.array([np.inf, -np.inf, np.nan, 3.0])
    values = Polynomials(np.array([2.0]))(points)[0]
    np.testing.assert_array_equal(values, [np.nan, np.nan, np.nan, 2.0])


def test_bounds_contain_the_terms_that_underflow() -> None:
    row, w = [0.0, 0.0, 1e300], np.array([1e-170])
    values, bounds = Polynomials(np.array(row)).evaluate_with_magnitudes(w)
    assert values[0, 0] == 0.0
    assert bounds[0, 0] >= 1e-40
    # Divided by w², the first term underflows, although it is the largest.
    both = ExtendedPolynomials(np.array([1e300, 0.0, 1e-50])).evaluate_with_magnitudes(1.0 / w)
    value, bound = (float(each.at((0, 0)).log10()) for each in both)
    assert value == pytest.approx(290.0)
    assert bound >= 300.0


@pytest.mark.parametrize("degree", [0, 1, 18, 19, 20, 39, 40, 199, 1998])
@pytest.mark.parametrize("w", [-1.0, 0.999, 1.0, 1.01])
def test_long_polynomials_are_accurate(
    degree: int, w: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 64)  # several chunks
    coefficients = np.random.default_rng(1).random(degree + 1)
    values = Polynomials(coefficients, 2.0 * coefficients)(np.full(7, w))
    with mpmath.workdps(50):
        exact = mpmath.polyval(coefficients.tolist()[::-1], mpmath.mpf(w))
        size = mpmath.polyval(coefficients.tolist()[::-1], abs(mpmath.mpf(w)))
        assert abs(values[0, 6] - exact) <= 5e-15 * size
    np.testing.assert_array_equal(values[1], 2.0 * values[0])


def test_derivative() -> None:
    np.testing.assert_array_equal(differentiate(np.array([5.0, 4.0, 3.0, 2.0])), [4.0, 6.0, 6.0])
    np.testing.assert_array_equal(differentiate(np.array([5.0])), [0.0])


@pytest.mark.parametrize("w", [5e-324, -3e-200, -0.7, 1.0, -1.0, 1.0000001, 3.0, -1e150, 1.7e308])
@pytest.mark.parametrize("power", [0, 1, 999, 1000, 1001, 20_000])
def test_extended_powers(w: float, power: int) -> None:
    found = extended_power(np.array([w]), np.array([power]))
    with mpmath.workdps(50):
        exact = mpmath.mpf(w) ** power
        value = mpmath.ldexp(float(found.mantissa[0]), int(found.exponent[0]))
        assert abs(value / exact - 1) < 1e-11


def test_extended_powers_of_zero() -> None:
    found = extended_power(np.zeros(3), np.array([0, 1, 5000]))
    np.testing.assert_array_equal(found.value(), [1.0, 0.0, 0.0])


@pytest.mark.parametrize("w", [0.0, 5e-324, -1e-160, -0.9, 1.0, -1.0, 1.001, -40.0, 1e150])
@pytest.mark.parametrize(
    "coefficients",
    [[0.0], [2.0], [0.0, 0.0, 3.0], [0.0, 1.0, -2.0, 0.0], [1.0, *([0.5] * 3000), 0.0, -1.0]],
)
def test_extended_polynomials(coefficients: list[float], w: float) -> None:
    evaluate = ExtendedPolynomials(np.ones(2), np.array(coefficients))
    found: Any = evaluate(np.array([w])).at(1)
    with mpmath.workdps(50):
        exact = mpmath.polyval(coefficients[::-1], mpmath.mpf(w))
        assert found.sign()[0] == mpmath.sign(exact)
        if exact:
            value = mpmath.ldexp(float(found.mantissa[0]), int(found.exponent[0]))
            assert abs(value / exact - 1) < 1e-11
    values, magnitudes = evaluate.evaluate_with_magnitudes(np.array([w]))
    positive = ExtendedPolynomials(np.ones(2), np.abs(coefficients))(np.array([abs(w)]))
    np.testing.assert_array_equal(values.at(1), found)
    np.testing.assert_allclose(magnitudes.log(), positive.log(), rtol=1e-14)
