"""Extended exponents, polynomials, decompositions of matrices, and the shared tolerances."""

from service.engine.arithmetic import tolerances
from service.engine.arithmetic.decompositions import (
    decompose,
    find_singular_values,
    invert,
    solve,
)
from service.engine.arithmetic.extended import ExtendedArray, extended_powers, running_products
from service.engine.arithmetic.polynomials import (
    ExtendedPolynomials,
    Polynomials,
    differentiate,
    fill_powers,
    stack_polynomials,
)
from service.engine.arithmetic.tolerances import EPSILON, EXPONENT_OF_ZERO, SAFE_MIN, UNDERFLOW

__all__ = [
    "EPSILON",
    "EXPONENT_OF_ZERO",
    "SAFE_MIN",
    "UNDERFLOW",
    "ExtendedArray",
    "ExtendedPolynomials",
    "Polynomials",
    "decompose",
    "differentiate",
    "extended_powers",
    "fill_powers",
    "find_singular_values",
    "invert",
    "running_products",
    "solve",
    "stack_polynomials",
    "tolerances",
]
