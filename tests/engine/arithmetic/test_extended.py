"""Numbers with a separate exponent."""

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.engine.arithmetic import ExtendedArray

finite = st.floats(allow_nan=False, allow_infinity=False)
exponents = st.integers(-5000, 5000)
wides = st.tuples(finite, exponents)


def exact(number: ExtendedArray) -> Fraction:
    mantissa = Fraction(float(number.mantissa))
    return mantissa * Fraction(2) ** int(number.exponent) if mantissa else Fraction(0)


def near(number: ExtendedArray, expected: Fraction) -> bool:
    return abs(exact(number) - expected) <= abs(expected) * Fraction(2) ** -52


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
