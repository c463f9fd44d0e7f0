"""Numbers with an exponent of their own."""

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.arithmetic import ExtendedArray, extended_powers, running_products

finite = st.floats(allow_nan=False, allow_infinity=False)
exponents = st.integers(-5000, 5000)
wides = st.tuples(finite, exponents)


def exact(number: ExtendedArray) -> Fraction:
    mantissa = Fraction(float(number.mantissa))
    return mantissa * Fraction(2) ** int(number.exponent) if mantissa else Fraction(0)


def near(number: ExtendedArray, expected: Fraction) -> bool:
    return abs(exact(number) - expected) <= abs(expected) * Fraction(2) ** -52


@given(finite)
def test_conversion_from_and_to_float_is_exact(value: float) -> None:
    wide = ExtendedArray.from_floats(value)
    assert float(wide.value()) == value
    assert float(wide.sign()) == np.sign(value)
    assert wide.mantissa == 0.0 or 0.5 <= abs(wide.mantissa) < 1.0


@given(wides, wides)
def test_products_and_sums_match_fractions(a: Any, b: Any) -> None:
    (x, m), (y, n) = a, b
    p, q = Fraction(x) * Fraction(2) ** m, Fraction(y) * Fraction(2) ** n
    left, right = ExtendedArray.from_floats(x, float(m)), ExtendedArray.from_floats(y, float(n))
    assert near(left * right, p * q)
    assert near(left + right, p + q)
    assert near(left - right, p - q)
    assert near(x - right, Fraction(x) - q)
    assert near(np.float64(x) * right, Fraction(x) * q)


@given(st.lists(wides, min_size=1, max_size=6))
def test_a_sum_along_an_axis(numbers: list[Any]) -> None:
    values, powers = np.array(numbers).T
    total = ExtendedArray.from_floats(values[:, None], powers[:, None]).sum(axis=0)
    terms = [Fraction(v) * Fraction(2) ** int(p) for v, p in zip(values, powers, strict=True)]
    assert total.mantissa.shape == (1,)
    error = abs(exact(total[0]) - sum(terms))
    assert error <= sum(map(abs, terms)) * Fraction(2) ** -50


@pytest.mark.parametrize("log", [0.0, 1.0, -0.3, 709.9, -745.2, 1e4, -12345.678, 1e6, -1e6])
def test_the_exponential_of_any_logarithm(log: float) -> None:
    with mpmath.workdps(60):
        expected = mpmath.exp(mpmath.mpf(log))
        found = mpmath.ldexp(
            mpmath.mpf(float(ExtendedArray.exp(log).mantissa)), int(ExtendedArray.exp(log).exponent)
        )
        assert abs(found / expected - 1) < mpmath.mpf(4e-16)
        assert float(ExtendedArray.exp(log).log10()) == pytest.approx(log / np.log(10.0), rel=1e-15)


@pytest.mark.parametrize("log", [-1e20, -1e200, -1.7e308])
def test_exponentials_far_beyond_whole_numbers_keep_their_logarithm(log: float) -> None:
    found = ExtendedArray.exp(np.array([log, -np.inf]))
    expected = max(log, -1.7e308 * np.log(2.0))
    assert found.log()[0] == pytest.approx(expected, rel=1e-15)
    np.testing.assert_array_equal(found.sign(), [1.0, 0.0])


def test_numbers_outside_the_float64_range() -> None:
    numbers = ExtendedArray.from_floats(
        np.array([0.75, -0.75, 0.75, -0.75, 0.0]), np.array([2e3, 2e3, -2e3, -2e3, 7])
    )
    np.testing.assert_array_equal(numbers.value(), [np.inf, -np.inf, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(np.signbit(numbers.value()), [False, True, False, True, False])
    np.testing.assert_array_equal(numbers.sign(), [1.0, -1.0, 1.0, -1.0, 0.0])
    expected = np.log(0.75) + np.array([1, 1, -1, -1, -np.inf]) * 2000 * np.log(2.0)
    np.testing.assert_allclose(numbers.log(), expected, rtol=1e-15)
    np.testing.assert_allclose(numbers.log10(), expected / np.log(10.0), rtol=1e-15)


def test_a_sum_that_cancels_is_zero() -> None:
    total = ExtendedArray.from_floats(np.array([3.0, -1.0, -2.0]), 9000.0).sum(axis=0)
    assert (float(total.sign()), float(total.log())) == (0.0, -np.inf)
    assert float((ExtendedArray.from_floats(0.0) + 0.0).log()) == -np.inf


@given(
    st.lists(st.tuples(st.floats(0.5, 0.999), st.integers(-900, 900)), min_size=1, max_size=1200)
    | st.just([(0.5, -3)] * 2000)
)
def test_running_products_match_logarithms(factors: list[Any]) -> None:
    mantissas, powers = np.array(factors).T
    mantissas[1::2] *= -1.0
    found = running_products(
        ExtendedArray.from_floats(np.array([3.0])),
        ExtendedArray.from_floats(mantissas[:, None], powers[:, None]),
    )
    signs = np.cumprod(np.concatenate([[1.0], np.sign(mantissas)]))
    logs = np.log10(3.0) + np.concatenate(
        [[0.0], np.cumsum(np.log10(np.abs(mantissas)) + powers * np.log10(2.0))]
    )
    np.testing.assert_array_equal(found.sign()[:, 0], signs)
    np.testing.assert_allclose(found.log10()[:, 0], logs, rtol=1e-11, atol=1e-9)


def test_running_products_stay_0_after_a_factor_0() -> None:
    factors = np.full((600, 2), 0.5)
    factors[300, 1] = 0.0
    found = running_products(
        ExtendedArray.from_floats(np.ones(2)), ExtendedArray.from_floats(factors)
    )
    np.testing.assert_array_equal(found.sign()[:, 0], 1.0)
    np.testing.assert_array_equal(found.sign()[:, 1], np.arange(601) <= 300)
    np.testing.assert_array_equal(found.value()[:, 0], 0.5 ** np.arange(601))


@pytest.mark.parametrize("w", [5e-324, -3e-200, -0.7, 1.0, -1.0, 1.0000001, 3.0, -1e150, 1.7e308])
@pytest.mark.parametrize("power", [0, 1, 999, 1000, 1001, 20_000])
def test_extended_powers(w: float, power: int) -> None:
    number = extended_powers(ExtendedArray.from_floats(np.array([w])), np.array([[power]]))[0, 0]
    with mpmath.workdps(50):
        exact = mpmath.mpf(w) ** power
        value = mpmath.ldexp(float(number.mantissa), int(number.exponent))
        assert abs(value / exact - 1) < 1e-11


def test_extended_powers_of_zero() -> None:
    powers = extended_powers(ExtendedArray.from_floats(np.zeros(3)), np.array([0, 1, 5000]))
    np.testing.assert_array_equal(powers.value(), [1.0, 0.0, 0.0])
