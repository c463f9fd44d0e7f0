"""The profile of the cost: the best input weight for each recurrent weight."""

from service.engine.arithmetic import ExtendedPolynomials
from service.engine.data import Moments, cost_polynomials
from service.engine.types import Array


def best_w_in(moments: Moments, initial_state: float, w_rec: Array) -> Array:
    """Return the w_in of least cost for each w_rec, for the identity activation.

    With w_rec held, the cost is the parabola a w_in² - 2 b w_in + c, so its lowest point is b / a
    (``service.engine.data.moments``). Both may overflow where their ratio does not.

    Parameters
    ----------
    w_rec : (M,)
        Finite.

    Returns
    -------
    w_in : (M,)
        inf where it overflows; nan where every w_in has the same cost because p_i is zero.
    """
    square, product, _ = cost_polynomials(moments, initial_state)
    both = ExtendedPolynomials(square, product)(w_rec)
    found: Array = both.at(1).divided_by(both.at(0)).value()
    return found
