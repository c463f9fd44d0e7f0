"""The optimum in float64: weights that are floats, and the cost at exactly these weights."""

from dataclasses import dataclass
from math import inf, isnan, log10, nan
from typing import Final

import numpy as np

from service.engine.arithmetic import EPSILON
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import Fit, FitProblem, round_if_close
from service.engine.types import Weights

LARGEST_LOG10: Final = 307.6  # of weights that are returned as floats


@dataclass(frozen=True)
class Optimum:
    """The location of the lowest cost.

    Attributes
    ----------
    weights
        The minimizer. If there are several, the one whose |w_rec| is closest to 1 by ratio,
        positive before negative. If no weights attain the infimum, the limits of weights that
        approach it: w_in is nan where it grows without bound, and both are nan where w_rec does.
        A w_in outside the float64 range is also nan.
    cost
        The minimum, or the infimum; inf above the float64 range.
    log10_cost
        Its logarithm; -inf where it is 0.
    attained
        Whether any weights have this cost.
    unique
        Whether exactly one pair of weights has it.
    w_in_sign, log10_abs_w_in
        The w_in of the minimizer, also outside the float64 range. If the infimum is not attained,
        the sign is 0, and the logarithm is inf if w_in grows and -inf if it vanishes.
    """

    weights: Weights
    cost: float
    log10_cost: float
    attained: bool
    unique: bool
    w_in_sign: int
    log10_abs_w_in: float

    @classmethod
    def at(
        cls,
        weights: Weights,
        cost: float,
        *,
        attained: bool = True,
        unique: bool = True,
        w_in: tuple[int, float] | None = None,
    ) -> "Optimum":
        """Return the optimum with given weights and cost.

        ``w_in`` is the sign and the logarithm of w_in where it is outside the float64 range.
        """
        cost = inf if isnan(cost) else cost  # nan where its terms overflow
        if w_in is None:
            size = abs(weights.w_in)
            w_in = int(np.sign(weights.w_in)), log10(size) if size > 0.0 else -inf
        log_cost = log10(cost) if cost > 0.0 else -inf
        return cls(weights, cost, log_cost, attained, unique and attained, *w_in)


def optimum_of_fit(problem: FitProblem, fit: Fit) -> Optimum:
    """Return the optimum at the minimizer of a fit, with the cost at its float weights.

    ``unique`` is whether other w_in have another cost.
    """
    (chart, u), w_rec = fit.point, _float_w_rec(fit.point)
    if fit.at_root and fit.scale != 0.0:
        to_infinity = fit.point == (1, 0.0)
        limit = Weights(nan, nan if to_infinity else w_rec)
        size = -inf if to_infinity else inf
        return Optimum.at(limit, fit.cost, attained=False, w_in=(0, size))
    power = problem.power_at_zero(chart)
    log_u = log10(abs(u)) if u != 0.0 else 0.0
    size = log10(abs(fit.scale)) + (-power if chart == 0 else power) * log_u if fit.scale else 0.0
    if abs(size) >= LARGEST_LOG10:
        sign = int(np.sign(fit.scale) * np.sign(u) ** power)
        return Optimum.at(Weights(nan, w_rec), fit.cost, w_in=(sign, size))
    unique = not fit.at_root  # where inputs have no effect, every w_in has the same cost
    half = power // 2  # the whole power may overflow where w_in does not
    w_in = fit.scale / w_rec**half / w_rec ** (power - half) if fit.scale else 0.0
    weights = Weights(w_in, w_rec)
    return Optimum.at(*problem.cost_near(weights), unique=unique)


def _float_w_rec(point: Point) -> float:
    if point == (1, 0.0):
        return 1.0  # a cost that is attained at infinity is the same everywhere
    return point.u + 0.0 if point.chart == 0 else round_if_close(point.w_rec, 4.0 * EPSILON)
