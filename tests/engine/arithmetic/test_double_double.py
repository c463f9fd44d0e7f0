"""Double-double numbers compared with exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from service.engine.arithmetic.double_double import (
    DoubleDouble,
    ExtendedDoubleDouble,
    double_powers,
    extended_powers,
    polynomial_values,
    two_product,
    two_sum,
)


def exact(number: DoubleDouble) -> Fraction:
    return Fraction(float(number.high)) + Fraction(float(number.low))


def test_sums_and_products_have_exact_errors() -> None:
    rng = np.random.default_rng(1)
    for a, b in (rng.normal(size=(200, 2)) * 10.0 ** rng.integers(-20, 20, (200, 2))).tolist():
        assert sum(map(Fraction, two_sum(a, b))) == Fraction(a) + Fraction(b)
        assert sum(map(Fraction, two_product(a, b))) == Fraction(a) * Fraction(b)


@pytest.mark.parametrize(
    ("w", "n_steps"),
    # Fractions with the powers of 1e200 take half a minute at 300 steps.
    [(w, n) for w in (0.97, -3.1, 1e-30, 1e200) for n in (1, 2, 10, 50 if w > 1e10 else 300)],
)
def test_polynomials(w: float, n_steps: int) -> None:
    random = np.random.default_rng(2)
    bits = random.integers(0, 2, (2, n_steps))
    rows = np.concatenate([random.normal(size=(3, n_steps)), bits])
    # Large coefficients of small powers must keep their digits.
    rows[0] *= 10.0 ** random.integers(-30, 31, n_steps)
    powers = extended_powers(np.array([w]), n_steps).at((slice(None), 0))
    values, octaves = polynomial_values(rows, powers)
    terms = [
        [Fraction(x) * Fraction(w) ** k / Fraction(2) ** octaves for k, x in enumerate(row)]
        for row in rows.tolist()
    ]
    largest = max(abs(term) for row in terms for term in row)
    for k, row in enumerate(terms):
        assert abs(exact(values.at(k)) - sum(row)) <= largest * n_steps * Fraction(1, 10**24)


def test_polynomials_in_chunks() -> None:
    rows = np.random.default_rng(3).normal(size=(3000, 200))
    powers = extended_powers(np.array([-0.9]), 200).at((slice(None), 0))
    (whole, _), (alone, _) = polynomial_values(rows, powers), polynomial_values(rows[-1:], powers)
    assert whole.high[-1] + whole.low[-1] == pytest.approx(float(alone.high[0]), rel=1e-15)


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_sums_along_the_first_axis(count: int) -> None:
    random = np.random.default_rng(4)
    high = random.normal(size=(count, 3)) * 10.0 ** random.integers(-8, 9, (count, 3))
    numbers = DoubleDouble(high, high * 2.0**-54 * random.uniform(-1.0, 1.0, high.shape))
    found = numbers.sum()
    for j in range(3):
        each = [
            exact(DoubleDouble(*pair))
            for pair in zip(*(part[:, j] for part in numbers), strict=True)
        ]
        bound = max(map(abs, each)) * count**2 * Fraction(1, 2**104)
        assert abs(exact(found.at(j)) - sum(each)) <= bound


@pytest.mark.parametrize("w", [0.0, 5e-324, -1e-200, 0.3, -1.0, 7.0, 1e300])
def test_extended_powers(w: float) -> None:
    table = extended_powers(np.array([w, 0.5]), 60)
    for k in (0, 1, 2, 3, 31, 32, 59):
        high, low, exponent = (float(part[k, 0]) for part in table)
        if high == 0.0:
            assert w == 0.0
            assert k > 0
            continue
        found = (Fraction(high) + Fraction(low)) * Fraction(2) ** int(exponent)
        assert abs(found / Fraction(w) ** k - 1) < Fraction(1, 2**95)
        assert 0.5 <= abs(high) < 1.0


@pytest.mark.parametrize("count", [1, 2, 3, 60])
def test_double_powers(count: int) -> None:
    numbers = np.array([1.1, -0.9, 0.0, 1.0])
    table = double_powers(numbers, count)
    assert table.high.shape == table.low.shape == (count, 4)
    for k in range(count):
        for column, number in enumerate(numbers.tolist()):
            exact = Fraction(number) ** k
            found = Fraction(table.high[k, column]) + Fraction(table.low[k, column])
            assert abs(found - exact) <= Fraction(1, 10**29) * abs(exact)


def test_products_with_exponents() -> None:
    random = np.random.default_rng(5)
    left, right = random.normal(size=(2, 50)) * 10.0 ** random.integers(-150, 150, (2, 50))
    left[0] = right[1] = 0.0
    a, b = ExtendedDoubleDouble.of(left), ExtendedDoubleDouble.of(right)
    product = a.times(b)
    found = np.ldexp(product.high + product.low, product.exponent)
    np.testing.assert_allclose(found, left * right, rtol=1e-15)
