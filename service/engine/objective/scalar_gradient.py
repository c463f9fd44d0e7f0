"""The gradient at one pair of weights, with as few calls as possible.

Training computes one gradient after another, and calls take as long as the arithmetic. Polynomials
are split into even and odd powers, which are summed in arrays that are allocated once.
"""

from collections.abc import Callable, Sequence
from math import nan

import numpy as np

from service.engine.arithmetic import UNDERFLOW, stack_polynomials
from service.engine.types import Array

Gradient = Callable[[float, float], tuple[float, float]]


def make_scalar_gradient(polynomials: Sequence[Array], scale: float, largest: float) -> Gradient:
    """Return the gradient of scale / 2 (a w_in² - 2 b w_in + c) as a function of (w_in, w_rec).

    The polynomials are a, b, da, db and dc, by rising power of w_rec. The function returns nan for
    both derivatives where |w_rec| is above ``largest``, so that powers may overflow, or where they
    may underflow, and inf where products with w_in overflow. It is not thread-safe.
    """
    rows = stack_polynomials(*polynomials)
    rows = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    # Even and odd powers of each polynomial: with w², a sum loses fewer digits near w = -1.
    table = rows.reshape(len(rows), -1, 2).swapaxes(1, 2).reshape(2 * len(rows), -1)
    factors, powers = np.ones((2, table.shape[1]))
    values = np.empty(len(table))
    fill = factors[1:].fill
    multiply_up = np.multiply.accumulate
    dot = table.dot
    read = values.tolist

    def gradient(w_in: float, w: float) -> tuple[float, float]:
        if not -largest < w < largest:
            return nan, nan
        fill(w * w)
        multiply_up(factors, 0, None, powers)
        dot(powers, values)
        a_0, a_1, b_0, b_1, da_0, da_1, db_0, db_1, dc_0, dc_1 = read()
        a = a_1 * w + a_0
        if a < UNDERFLOW:
            return nan, nan
        da = da_1 * w + da_0
        db = db_1 * w + db_0
        dc = dc_1 * w + dc_0
        by_w_rec = w_in * (w_in * (0.5 * da) - db) + 0.5 * dc
        return scale * (w_in * a - (b_1 * w + b_0)), scale * by_w_rec

    return gradient
