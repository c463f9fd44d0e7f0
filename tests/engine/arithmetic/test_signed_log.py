"""Numbers as signs and logarithms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.arithmetic.extended_float import SignedLog

finite = st.floats(-1e100, 1e100, allow_subnormal=False)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=5))
def test_signed_logarithms_calculate(rows: list[tuple[float, float]]) -> None:
    left, right = np.array(rows).T
    a, b = SignedLog.of(left), SignedLog.of(right)
    np.testing.assert_allclose(a.value(), left, rtol=1e-12)
    np.testing.assert_allclose(a.times(b).value(), left * right, rtol=1e-12)
    size = float(np.sum(np.abs(left)))
    assert float(a.sum().value()) == pytest.approx(float(np.sum(left)), rel=1e-12, abs=1e-12 * size)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(a.log10(), np.log10(np.abs(left)), rtol=1e-14, atol=1e-14)


def test_signed_logarithms_beyond_float64() -> None:
    numbers = SignedLog(np.array([1.0, -1.0, 1.0, 0.0]), np.array([1e4, 1e4, -1e4, -np.inf]))
    np.testing.assert_array_equal(numbers.value(), [np.inf, -np.inf, 0.0, 0.0])
    assert (numbers.sum().sign, numbers.sum().log) == (0.0, -np.inf)
    doubled = SignedLog(np.ones((2, 3)), np.full((2, 3), 5e5)).sum(axis=0)
    np.testing.assert_array_equal(doubled.sign, np.ones(3))
    np.testing.assert_allclose(doubled.log, 5e5 + np.log(2.0), rtol=1e-15)
    assert (SignedLog.of(0.0).sign, SignedLog.of(0.0).log) == (0.0, -np.inf)
    assert SignedLog.of(np.zeros(3)).sum().sign == 0.0
