"""Arithmetic with more exponent range, or more digits, than float64."""

from service.engine.arithmetic.decimals import (
    DECIMAL,
    decimal_powers,
    split_decimal,
    to_double_double,
)
from service.engine.arithmetic.double_double import DoubleDouble, double_powers, fill_powers
from service.engine.arithmetic.extended_float import LOWEST, SMALL, ExtendedArray, running_products
from service.engine.arithmetic.polynomials import (
    ExtendedPolynomials,
    Polynomials,
    differentiate,
    stack_polynomials,
)
from service.engine.arithmetic.sliced_products import column_products, polynomial_values
from service.engine.arithmetic.tolerances import EPSILON, UNDERFLOW

__all__ = [
    "DECIMAL",
    "EPSILON",
    "LOWEST",
    "SMALL",
    "UNDERFLOW",
    "DoubleDouble",
    "ExtendedArray",
    "ExtendedPolynomials",
    "Polynomials",
    "column_products",
    "decimal_powers",
    "differentiate",
    "double_powers",
    "fill_powers",
    "polynomial_values",
    "running_products",
    "split_decimal",
    "stack_polynomials",
    "to_double_double",
]
