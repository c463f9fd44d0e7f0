"""Arithmetic with more exponent range, or more digits, than float64."""

from service.engine.arithmetic.double_double import (
    DoubleDouble,
    ExtendedDoubleDouble,
    extended_powers,
    polynomial_values,
    quick_two_sum,
    split,
    two_product,
    two_sum,
)
from service.engine.arithmetic.extended_float import (
    LOWEST,
    SMALL,
    ExtendedArray,
    ExtendedFloat,
    running_products,
)
from service.engine.arithmetic.polynomials import (
    ExtendedPolynomials,
    Polynomials,
    differentiate,
    stack_polynomials,
)
from service.engine.arithmetic.tolerances import (
    CANCELLATION,
    EPSILON,
    OVERFLOW,
    ROUNDING,
    TINIEST,
    UNDERFLOW,
)

__all__ = [
    "CANCELLATION",
    "EPSILON",
    "LOWEST",
    "OVERFLOW",
    "ROUNDING",
    "SMALL",
    "TINIEST",
    "UNDERFLOW",
    "DoubleDouble",
    "ExtendedArray",
    "ExtendedDoubleDouble",
    "ExtendedFloat",
    "ExtendedPolynomials",
    "Polynomials",
    "differentiate",
    "extended_powers",
    "polynomial_values",
    "quick_two_sum",
    "running_products",
    "split",
    "stack_polynomials",
    "two_product",
    "two_sum",
]
