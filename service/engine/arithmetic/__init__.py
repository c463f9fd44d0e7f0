"""Arithmetic with more exponent range, or more digits, than float64."""

from service.engine.arithmetic.double_double import (
    DoubleDouble,
    ExtendedDoubleDouble,
    double_powers,
    extended_powers,
    polynomial_values,
)
from service.engine.arithmetic.extended_float import (
    LOWEST,
    SMALL,
    ExtendedArray,
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
    UNDERFLOW,
)

__all__ = [
    "CANCELLATION",
    "EPSILON",
    "LOWEST",
    "OVERFLOW",
    "ROUNDING",
    "SMALL",
    "UNDERFLOW",
    "DoubleDouble",
    "ExtendedArray",
    "ExtendedDoubleDouble",
    "ExtendedPolynomials",
    "Polynomials",
    "differentiate",
    "double_powers",
    "extended_powers",
    "polynomial_values",
    "running_products",
    "stack_polynomials",
]
