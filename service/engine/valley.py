"""The valley of the cost: the best input weight for each recurrent one."""

import numpy as np

from service.engine.moment_costs import cost_polynomials
from service.engine.moments import Moments
from service.engine.polynomials import WidePolynomials
from service.engine.types import Array
from service.engine.wide import Wide


def best_w_in(moments: Moments, initial_state: float, w_rec: Array) -> Array:
    """Return the w_in of least cost for each w_rec, for the identity activation.

    With w_rec held, the cost is the parabola a w_in² - 2 b w_in + c, so its lowest point is b / a
    (``service.engine.moment_costs``). Both may be far beyond float64 where their ratio is not.

    Parameters
    ----------
    w_rec : (M,)
        Finite.

    Returns
    -------
    w_in : (M,)
        inf beyond float64; nan where every w_in has the same cost, the inputs being zero.
    """
    square, product, _ = cost_polynomials(moments, initial_state)
    both = WidePolynomials(square, product)(w_rec)
    a, b = both.at(0), both.at(1)
    curved = a.mantissa > 0.0
    below = np.where(curved, a.mantissa, 1.0)
    ratio = Wide.of(b.mantissa / below, b.exponent - np.where(curved, a.exponent, 0.0))
    return np.where(curved, ratio.value(), np.nan)
