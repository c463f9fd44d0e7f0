"""Arithmetic with more exponent range than float64, polynomials, and the shared tolerances."""

from service.engine.arithmetic.extended import (
    ExtendedArray,
    concatenate,
    extended_powers,
    running_products,
)
from service.engine.arithmetic.polynomials import (
    ExtendedPolynomials,
    Polynomials,
    differentiate,
    fill_powers,
    stack_polynomials,
)
from service.engine.arithmetic.tolerances import (
    COST_ATOL,
    COST_RTOL,
    EPSILON,
    EQUAL_COST_RTOL,
    EXPONENT_OF_ZERO,
    RESIDUAL_RTOL,
    SAFE_MIN,
    UNDERFLOW,
)

__all__ = [
    "COST_ATOL",
    "COST_RTOL",
    "EPSILON",
    "EQUAL_COST_RTOL",
    "EXPONENT_OF_ZERO",
    "RESIDUAL_RTOL",
    "SAFE_MIN",
    "UNDERFLOW",
    "ExtendedArray",
    "ExtendedPolynomials",
    "Polynomials",
    "concatenate",
    "differentiate",
    "extended_powers",
    "fill_powers",
    "running_products",
    "stack_polynomials",
]
