"""Decimals with 60 digits and exponents of any size, for a few numbers."""

from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from itertools import accumulate, repeat
from math import log2
from operator import mul
from typing import Final

import numpy as np

from service.engine.arithmetic.double_double import DoubleDouble

DECIMAL: Final = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def decimal_powers(w: float, count: int) -> list[Decimal]:
    """Return the powers of a finite number from 0 to count - 1, for a count of at least 1."""
    with localcontext(DECIMAL):
        return [*accumulate(repeat(Decimal(w), count - 1), mul, initial=Decimal(1))]


def split_decimal(number: Decimal) -> tuple[float, int]:
    """Return a float and an exponent of 2 whose product is the number."""
    with localcontext(DECIMAL):
        exponent = int(number.adjusted() * log2(10.0)) if number else 0
        return float(number / Decimal(2) ** exponent), exponent


def to_double_double(numbers: Sequence[Decimal], factor: Decimal) -> DoubleDouble:
    """Return the products of K numbers and a factor as double-double numbers (K,)."""
    with localcontext(DECIMAL):
        products = [number * factor for number in numbers]
        high = [*map(float, products)]
        low = [float(exact - Decimal(each)) for exact, each in zip(products, high, strict=True)]
    return DoubleDouble(np.array(high), np.array(low))
