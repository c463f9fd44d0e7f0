"""Decimals compared with exact fractions."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from service.engine.arithmetic.decimals import (
    DECIMAL,
    decimal_powers,
    split_decimal,
    to_double_double,
)


@pytest.mark.parametrize("w", [0.0, 5e-324, -1e-200, 0.3, -1.0, 7.0, 1e300])
@pytest.mark.parametrize("count", [1, 2, 60])
def test_powers(w: float, count: int) -> None:
    powers = decimal_powers(w, count)
    assert len(powers) == count
    for k, power in enumerate(powers):
        exact = Fraction(w) ** k
        assert abs(Fraction(power) - exact) <= abs(exact) * Fraction(1, 10**57)


def test_exponents_of_any_size() -> None:
    for w in (1e300, -1e-300):
        power = decimal_powers(w, 10_000)[-1]
        assert abs(power.adjusted() - 300 * 9999 * (1 if abs(w) > 1.0 else -1)) <= 1
        assert (power < 0) == (w < 0.0)


@pytest.mark.parametrize("text", ["0", "1", "-0.1", "7e-12345", "-3.5e98765", "1e1000001"])
def test_splitting(text: str) -> None:
    number = Decimal(text)
    factor, exponent = split_decimal(number)
    assert factor == 0.0 or 1e-3 < abs(factor) < 1e3
    with localcontext(DECIMAL):
        again = Decimal(factor) * Decimal(2) ** exponent
        assert abs(again - number) <= abs(number) * Decimal("1.2e-16")


def test_rounding_to_double_double() -> None:
    numbers = [Decimal(1) / Decimal(3), Decimal("-1e-290"), Decimal(0), Decimal(5)]
    for factor in (Decimal(1), Decimal(-3), Decimal("1e30")):
        high, low = to_double_double(numbers, factor)
        for number, *parts in zip(numbers, high.tolist(), low.tolist(), strict=True):
            exact = Fraction(number) * Fraction(factor)
            assert parts[0] == float(exact)
            assert abs(sum(map(Fraction, parts)) - exact) <= abs(exact) * Fraction(1, 2**104)


def test_products_outside_the_float64_range_may_fit_after_the_factor() -> None:
    high, low = to_double_double([Decimal("1e5000000")], Decimal("-1e-4999999"))
    assert (high.tolist(), low.tolist()) == ([-10.0], [0.0])
