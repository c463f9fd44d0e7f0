"""The gradient at one point, by Horner's rule and by powers, compared with numpy.polynomial."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.polynomial import polynomial

from service.engine.arithmetic.polynomials import differentiate
from service.engine.objective.scalar_gradient import SHORT, Gradient, make_scalar_gradient

WEIGHTS = st.floats(-1.5, 1.5)
SWITCH = [(2 * SHORT - 1, SHORT), (2 * SHORT + 1, SHORT + 1)]  # from Horner's rule to powers
LENGTHS = [(1, 1), (3, 2), (5, 3), (7, 8), (19, 10), *SWITCH]


def gradient_of(
    a: np.ndarray, b: np.ndarray, scale: float, far: float, half_slope_c: float = 0.0
) -> Gradient:
    polynomials = a, -b, 0.5 * differentiate(a), -differentiate(b), np.array([0.0, half_slope_c])
    return make_scalar_gradient(polynomials, scale, far)


def coefficients(size: int) -> st.SearchStrategy[np.ndarray]:
    """Return whole numbers, whose sums are exact, so that only powers are rounded."""
    return arrays(np.float64, size, elements=st.integers(1, 9).map(float))


@pytest.mark.parametrize(("n_a", "n_b"), [*LENGTHS, pytest.param(199, 100, marks=pytest.mark.slow)])
@given(data=st.data(), w_in=WEIGHTS, w_rec=WEIGHTS)
def test_gradient_is_the_derivative_of_the_quadratic(
    n_a: int, n_b: int, data: st.DataObject, w_in: float, w_rec: float
) -> None:
    a, b = data.draw(coefficients(n_a)), data.draw(coefficients(n_b))
    gradient = gradient_of(a, b, 0.5, 1e3)
    value_a, value_b = polynomial.polyval(w_rec, a), polynomial.polyval(w_rec, b)
    slope_a = polynomial.polyval(w_rec, polynomial.polyder(a))
    slope_b = polynomial.polyval(w_rec, polynomial.polyder(b))
    by_w_in = 0.5 * (w_in * value_a - value_b)
    by_w_rec = 0.5 * w_in * (0.5 * w_in * slope_a - slope_b)
    found = gradient(w_in, w_rec)
    if value_a < 1e-9:  # random coefficients, unlike sums of squares, may give such a value
        return
    size = polynomial.polyval(abs(w_rec), a) + polynomial.polyval(abs(w_rec), b)
    assert found[0] == pytest.approx(by_w_in, abs=1e-14 * size)
    assert found[1] == pytest.approx(by_w_rec, abs=1e-14 * size * n_a)


@pytest.mark.parametrize("n_steps", [3, 30])
def test_a_slope_of_the_constant_term_is_added(n_steps: int) -> None:
    a, b = np.ones(2 * n_steps - 1), np.ones(n_steps)
    plain = gradient_of(a, b, 2.0, 1e3)
    more = gradient_of(a, b, 2.0, 1e3, 10.0)
    (by_w_in, by_w_rec), found = plain(0.5, 0.75), more(0.5, 0.75)
    assert found[0] == by_w_in
    assert found[1] == pytest.approx(by_w_rec + 15.0, rel=1e-15)


@pytest.mark.parametrize("n_steps", [3, 30])
def test_gradient_is_nan_where_float64_may_overflow_or_underflow(n_steps: int) -> None:
    a, b = np.ones(2 * n_steps - 1), np.ones(n_steps)
    gradient = gradient_of(a, b, 1.0, 5.0)
    for w_rec in (5.0, -5.0, np.inf, np.nan):
        assert all(map(isnan, gradient(1.0, w_rec)))
    assert not any(map(isnan, gradient(1.0, 4.9)))
    tiny = gradient_of(1e-290 * a, b, 1.0, 5.0)
    assert all(map(isnan, tiny(1.0, 0.5)))


@pytest.mark.parametrize("n_steps", [3, 30])
def test_gradients_of_equal_length_do_not_share_coefficients(n_steps: int) -> None:
    a, b = np.ones(2 * n_steps - 1), np.ones(n_steps)
    one, other = gradient_of(a, b, 1.0, 5.0), gradient_of(3.0 * a, b, 1.0, 5.0)
    first = one(1.0, 0.5)
    assert other(1.0, 0.5) != first
    assert one(1.0, 0.5) == first
