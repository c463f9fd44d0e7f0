"""The gradient at one pair of weights, as fast as plain Python allows.

Training computes one gradient after another, a microsecond each, so calls and loops weigh as much
as the arithmetic. Short polynomials are therefore evaluated by Horner's rule on plain floats,
written out as source text once for each set of lengths, as ``collections.namedtuple`` does it;
long ones from a table of powers, in arrays that are made once.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice
from math import nan
from typing import Any, Final

import numpy as np

from service.engine.arithmetic import UNDERFLOW, stack_polynomials
from service.engine.types import Array

SHORT: Final = 15  # up to so many steps Horner's rule is as quick

Gradient = Callable[[float, float], tuple[float, float]]
Values = Callable[[float], tuple[float, ...]]


def make_scalar_gradient(polynomials: Sequence[Array], scale: float, far: float) -> Gradient:
    """Return the gradient of scale / 2 (a w_in² - 2 b w_in + c) as a function of (w_in, w_rec).

    It gives nan for both derivatives where float64 may lack the range for powers of w_rec, and
    inf where it lacks that for their products with w_in. It is not for several threads at once.

    Parameters
    ----------
    polynomials
        a, -b and half the derivatives of a, -2 b and c: coefficients by rising power of w_rec.
    far
        Up to this |w_rec| nothing overflows.
    """
    short = len(polynomials[0]) < 2 * SHORT  # a has 2 T - 1 coefficients
    evaluate = _by_horner(polynomials) if short else _by_powers(polynomials)

    def gradient(w_in: float, w_rec: float) -> tuple[float, float]:
        if not -far < w_rec < far:
            return nan, nan
        a, minus_b, half_slope_a, minus_slope_b, half_slope_c = evaluate(w_rec)
        if a < UNDERFLOW:
            return nan, nan
        by_w_rec = w_in * (w_in * half_slope_a + minus_slope_b) + half_slope_c
        return scale * (w_in * a + minus_b), scale * by_w_rec

    return gradient


def _by_powers(polynomials: Sequence[Array]) -> Values:
    rows = stack_polynomials(*polynomials)
    rows = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    # Even and odd powers apart: half as many to multiply out, one after the other.
    table = np.concatenate([rows[:, ::2], rows[:, 1::2]])
    factors, powers = np.empty((2, table.shape[1]))
    values = np.empty(len(table))
    fill, multiply_up = factors.fill, np.multiply.accumulate
    dot, read = table.dot, values.tolist

    def evaluate(w: float) -> tuple[float, ...]:
        fill(w * w)
        factors[0] = 1.0
        multiply_up(factors, 0, None, powers)
        dot(powers, values)
        a, b, c, d, e, odd_a, odd_b, odd_c, odd_d, odd_e = read()
        return a + w * odd_a, b + w * odd_b, c + w * odd_c, d + w * odd_d, e + w * odd_e

    return evaluate


def _by_horner(polynomials: Sequence[Array]) -> Values:
    make = _compile_horner(*map(len, polynomials))
    evaluate: Values = make(*np.concatenate(polynomials).tolist())
    return evaluate


@cache
def _compile_horner(*lengths: int) -> Any:
    """Return a function from the coefficients of polynomials to their values as a function of w."""
    names = iter(coefficients := [f"c{k}" for k in range(sum(lengths))])
    values = ", ".join(_horner(list(islice(names, length))) for length in lengths)
    source = f"lambda {', '.join(coefficients)}: lambda w: ({values})"
    return eval(source)  # noqa: S307 - made of names of our own


def _horner(coefficients: list[str]) -> str:
    """Return the value of a polynomial in w as an expression."""
    *lower, value = coefficients
    for name in reversed(lower):
        value = f"({value}) * w + {name}"
    return value
