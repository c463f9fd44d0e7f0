"""Double-double numbers compared with exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from service.engine.arithmetic.double_double import (
    DoubleDouble,
    double_powers,
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


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_sums_of_groups(count: int) -> None:
    random = np.random.default_rng(4)
    high = random.normal(size=(count + 2, 3)) * 10.0 ** random.integers(-8, 9, (count + 2, 3))
    high[:2] *= 1e60  # a group of their own, which takes no digits from the other
    numbers = DoubleDouble(high, high * 2.0**-54 * random.uniform(-1.0, 1.0, high.shape))
    members = np.arange(count + 2) < 2
    found = numbers.sums(np.array([members, ~members], float))
    for i, rows in enumerate((slice(2), slice(2, None))):
        for j in range(3):
            each = [
                exact(DoubleDouble(*pair))
                for pair in zip(*(part[rows, j] for part in numbers), strict=True)
            ]
            bound = max(map(abs, each)) * len(each) ** 2 * Fraction(1, 2**103)
            assert abs(exact(found.at((i, j))) - sum(each)) <= bound


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
