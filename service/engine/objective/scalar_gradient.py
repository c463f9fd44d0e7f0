"""The gradient at one pair of weights, as fast as plain Python allows.

Training computes one gradient after another, and calls and loops take as long as the arithmetic:
with arrays of one pair, the tutorial's run takes 14 times as long. Source code without them is
therefore generated once for each set of lengths, as ``collections.namedtuple`` generates classes.
Short polynomials are evaluated by Horner's rule on Python floats. Long ones are split into even
and odd powers, which are summed in arrays that are allocated once.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice
from math import nan
from typing import Any, Final

import numpy as np

from service.engine.arithmetic import UNDERFLOW, stack_polynomials
from service.engine.types import Array

SHORT: Final = 15  # up to this number of steps, Horner's rule is as fast

SOURCE: Final = """
def make(scale, largest, {arguments}):
    def gradient(w_in, w):
        if not -largest < w < largest:
            return nan, nan
        {assignment}
        a = {0}
        if a < UNDERFLOW:
            return nan, nan
        by_w_rec = w_in * (w_in * (0.5 * ({2})) - ({3})) + 0.5 * ({4})
        return scale * (w_in * a - ({1})), scale * by_w_rec
    return gradient
"""

TABLE: Final = "fill, multiply_up, factors, powers, dot, values, read"
SPLIT: Final = "fill(w * w); multiply_up(factors, 0, None, powers); dot(powers, values); "

Gradient = Callable[[float, float], tuple[float, float]]


def make_scalar_gradient(polynomials: Sequence[Array], scale: float, largest: float) -> Gradient:
    """Return the gradient of scale / 2 (a w_in² - 2 b w_in + c) as a function of (w_in, w_rec).

    The polynomials are a, b, da, db and dc, by rising power of w_rec. The function returns nan for
    both derivatives where |w_rec| is above ``largest``, so that powers may overflow, or where they
    may underflow, and inf where products with w_in overflow. It is not thread-safe.
    """
    short = len(polynomials[0]) < 2 * SHORT  # a has 2 T - 1 coefficients
    own = np.concatenate(polynomials).tolist() if short else _make_split(polynomials)
    lengths = map(len, polynomials) if short else [2] * len(polynomials)
    gradient: Gradient = _compile(*lengths, known=short)(scale, largest, *own)
    return gradient


def _make_split(polynomials: Sequence[Array]) -> tuple[Any, ...]:
    """Return the names in ``SPLIT``, which reduces each polynomial in w to degree 1.

    The result has two coefficients for each polynomial, of the even and the odd powers.
    """
    rows = stack_polynomials(*polynomials)
    rows = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    table = rows.reshape(len(rows), -1, 2).swapaxes(1, 2).reshape(2 * len(rows), -1)
    factors, powers = np.ones((2, table.shape[1]))
    values = np.empty(len(table))
    multiply_up = np.multiply.accumulate
    return factors[1:].fill, multiply_up, factors, powers, table.dot, values, values.tolist


@cache
def _compile(*lengths: int, known: bool) -> Any:
    """Return ``make`` of ``SOURCE``, which takes coefficients, or the result of ``_make_split``."""
    names = iter(coefficients := [f"c{k}" for k in range(sum(lengths))])
    values = [_horner(list(islice(names, length))) for length in lengths]
    listed = ", ".join(coefficients)
    head = (listed, "pass") if known else (TABLE, SPLIT + listed + " = read()")
    source = SOURCE.format(*values, arguments=head[0], assignment=head[1])
    namespace: dict[str, Any] = {"nan": nan, "UNDERFLOW": UNDERFLOW}
    exec(source, namespace)  # noqa: S102 - contains only generated names
    return namespace["make"]


def _horner(coefficients: list[str]) -> str:
    """Return the value of a polynomial in w as an expression."""
    *lower, value = coefficients
    for name in reversed(lower):
        value = f"({value}) * w + {name}"
    return value
