"""Arithmetic beyond what float64 offers: more exponent range, and more digits."""

from service.engine.arithmetic.double_double import (
    DoubleDouble,
    ExtendedDoubleDouble,
    extended_powers,
    polynomial_values,
    powers,
    quick_two_sum,
    reciprocal,
    scaled_power,
    split,
    two_product,
    two_sum,
)
from service.engine.arithmetic.extended_float import (
    FAR,
    LN2,
    LOWEST,
    SMALL,
    ExtendedArray,
    SignedLog,
    running_products,
)
from service.engine.arithmetic.polynomials import (
    STRIDE,
    ExtendedPolynomials,
    Polynomials,
    derivative,
    extended_power,
    stacked,
)

__all__ = [
    "FAR",
    "LN2",
    "LOWEST",
    "SMALL",
    "STRIDE",
    "DoubleDouble",
    "ExtendedDoubleDouble",
    "extended_powers",
    "ExtendedArray",
    "ExtendedPolynomials",
    "Polynomials",
    "SignedLog",
    "derivative",
    "extended_power",
    "polynomial_values",
    "powers",
    "quick_two_sum",
    "reciprocal",
    "running_products",
    "scaled_power",
    "split",
    "stacked",
    "two_product",
    "two_sum",
]
