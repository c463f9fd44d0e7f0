"""The gradient at one pair of weights, as fast as plain Python allows.

Training computes one gradient after another, a microsecond each, so calls and loops weigh as much
as the arithmetic. Short polynomials are therefore evaluated by Horner's rule on plain floats,
written out as source text once for each pair of lengths, as ``collections.namedtuple`` does it;
long ones from a table of powers, in arrays that are made once.
"""

from collections.abc import Callable, Iterator
from functools import cache
from math import nan
from typing import Any, Final

import numpy as np

from service.engine.arithmetic import UNDERFLOW, differentiate, stack_polynomials
from service.engine.types import Array

SHORT: Final = 20  # up to so many steps Horner's rule is as quick

Gradient = Callable[[float, float], tuple[float, float]]
Slope = Callable[[float], float]


def make_scalar_gradient(
    a: Array, b: Array, scale: float, far: float, half_slope_c: Slope | None = None
) -> Gradient:
    """Return the gradient of scale / 2 (a w_in² - 2 b w_in + c) as a function of (w_in, w_rec).

    It gives nan for both derivatives where float64 may lack the range for powers of w_rec, and
    inf where it lacks that for their products with w_in. It is not for several threads at once.

    Parameters
    ----------
    a : (2 T - 1,)
    b : (T,), or (2 T,) with an initial state
        Coefficients by rising power of w_rec.
    far
        Up to this |w_rec| nothing overflows.
    half_slope_c
        Half the derivative of c by w_rec, if c is not constant.
    """
    if len(a) >= 2 * SHORT:  # a has 2 T - 1 of them
        return _by_powers(a, b, scale, far, half_slope_c)
    make = _by_horner(len(a), len(b), with_c=half_slope_c is not None)
    gradient: Gradient = make(*a.tolist(), *b.tolist(), scale, far, half_slope_c)
    return gradient


def _by_powers(
    a: Array, b: Array, scale: float, far: float, half_slope_c: Slope | None
) -> Gradient:
    table = stack_polynomials(a, 0.5 * differentiate(a), b, differentiate(b))
    # Even and odd powers apart: half as many to multiply out, one after the other.
    even, odd = table[:, ::2], table[:, 1::2]
    table = np.zeros((8, even.shape[1]))
    table[:4], table[4:, : odd.shape[1]] = even, odd
    factors, powers = np.empty((2, table.shape[1]))
    values = np.empty(8)
    fill, multiply_up = factors.fill, np.multiply.accumulate
    dot, read = table.dot, values.tolist

    def gradient(w_in: float, w_rec: float) -> tuple[float, float]:
        if not -far < w_rec < far:
            return nan, nan
        fill(w_rec * w_rec)
        factors[0] = 1.0
        multiply_up(factors, 0, None, powers)
        dot(powers, values)
        a, half_slope_a, b, slope_b, odd_a, odd_half_slope_a, odd_b, odd_slope_b = read()
        a += w_rec * odd_a
        if a < UNDERFLOW:
            return nan, nan
        half_slope_a += w_rec * odd_half_slope_a
        by_w_rec = w_in * (w_in * half_slope_a - (slope_b + w_rec * odd_slope_b))
        if half_slope_c is not None:
            by_w_rec += half_slope_c(w_rec)
        return scale * (w_in * a - (b + w_rec * odd_b)), scale * by_w_rec

    return gradient


@cache
def _by_horner(n_a: int, n_b: int, *, with_c: bool) -> Any:
    """Return a factory: from coefficients, scale, far and half_slope_c to the gradient."""
    names = [f"{name}{k}" for name, n in (("a", n_a), ("b", n_b)) for k in range(n)]
    source = f"""
def make({", ".join(names)}, scale, far, half_slope_c):
    def gradient(w_in, w_rec):
        if not -far < w_rec < far:
            return nan, nan
        square = w_rec * w_rec
        {"; ".join(_horner("a", n_a))}
        {"; ".join(_horner("b", n_b))}
        if a < UNDERFLOW:
            return nan, nan
        by_w_rec = w_in * (w_in * (0.5 * slope_a) - slope_b)
        {"by_w_rec += half_slope_c(w_rec)" if with_c else ""}
        return scale * (w_in * a - b), scale * by_w_rec
    return gradient
"""
    namespace: dict[str, Any] = {"nan": nan, "UNDERFLOW": UNDERFLOW}
    exec(source, namespace)  # noqa: S102 - made of names and numbers of our own
    return namespace["make"]


def _horner(name: str, count: int) -> Iterator[str]:
    """Yield the steps for value and slope, two coefficients and seven operations at a time."""
    slope = f"slope_{name}"
    so_far = ""
    yield f"{name} = {name}{count - 1}"
    if count == 1:
        yield f"{slope} = 0.0"
    if count % 2 == 0:
        yield f"{slope} = {name}"
        yield f"{name} = {name} * w_rec + {name}{count - 2}"
        so_far = f"{slope} * square + "
    for k in range(count - 2 - (count + 1) % 2, 0, -2):
        yield f"first = {name} * w_rec"
        yield f"middle = first + {name}{k}"
        yield f"{name} = middle * w_rec + {name}{k - 1}"
        yield f"{slope} = {so_far}first + middle"
        so_far = f"{slope} * square + "
