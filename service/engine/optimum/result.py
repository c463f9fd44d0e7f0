"""The optimum in float64: weights that are floats, and the cost at exactly these weights."""

from dataclasses import dataclass
from math import inf, isnan, log10, nan, sqrt

import numpy as np

from service.engine.optimum.refinement import Fit, FitProblem, round_if_close
from service.engine.optimum.tolerances import FIT_ATOL
from service.engine.types import Weights

LARGEST_LOG10 = 307.6  # of weights that are given as floats
UNUSED_RTOL = 1e-12  # p_i below this part of their terms are 0 up to rounding
MANY = 1_000_000  # numbers of data that are read again only where they must be
# A cost that is at least this part of its terms has ten digits, since residuals have eleven.
ENOUGH_DIGITS = 1e-10
ENOUGH_DIGITS_OF_MANY = 1e-14  # eight digits, to read many data only once
LARGE_TERMS = 1e3  # terms above this multiple of the mean squared target have visible rounding


@dataclass(frozen=True)
class Optimum:
    """The location of the lowest cost.

    weights
        The minimizer; of several the one whose |w_rec| is closest to 1 by ratio, positive before
        negative. Where no weights attain the infimum, the limits of weights that approach it:
        nan for w_in where it grows without bound, nan for both where w_rec does. Also nan for a
        w_in outside the float64 range.
    cost
        The minimum, or the infimum; inf above the float64 range.
    log10_cost
        Its logarithm; -inf where it is 0.
    attained
        Whether any weights have this cost.
    unique
        Whether exactly one pair of weights has it.
    w_in_sign, log10_abs_w_in
        The minimizer's w_in, whatever its size. Where the infimum is not attained the sign is 0
        and the logarithm inf or -inf, as w_in grows or vanishes.
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
        """Return the optimum at weights.

        Parameters
        ----------
        w_in
            The sign and the logarithm of w_in where it is not a float.
        """
        cost = inf if isnan(cost) else cost  # where its parts overflow
        if w_in is None:
            size = abs(weights.w_in)
            w_in = int(np.sign(weights.w_in)), log10(size) if size > 0.0 else -inf
        log_cost = log10(cost) if cost > 0.0 else -inf
        return cls(weights, cost, log_cost, attained, unique and attained, *w_in)


def optimum_of_fit(problem: FitProblem, fit: Fit) -> tuple[Optimum, float]:
    """Return the float weights of a fit with their cost, and the cost without their rounding."""
    (chart, u), w_rec = fit.point, _float_w_rec(fit)
    power = problem.power_at_zero(chart)
    if fit.scale == 0.0:
        p = problem.values(fit.point)
        used = float(np.abs(p).max()) > UNUSED_RTOL * sqrt(problem.power_bound(fit.point))
        unique = used and (u != 0.0 or (power == 0 and chart == 0))
        return Optimum.at(Weights(0.0, w_rec), fit.cost, unique=unique), fit.cost
    log_u = log10(abs(u)) if u != 0.0 else 0.0
    size = log10(abs(fit.scale)) + (-power if chart == 0 else power) * log_u
    if abs(size) >= LARGEST_LOG10:
        sign = int(np.sign(fit.scale) * np.sign(u) ** power)
        return Optimum.at(Weights(nan, w_rec), fit.cost, w_in=(sign, size)), fit.cost
    half = power // 2  # the whole power may overflow where w_in does not
    weights = Weights(fit.scale / w_rec**half / w_rec ** (power - half), w_rec)
    if not _needs_digits(problem, fit):
        return Optimum.at(weights, fit.cost), fit.cost
    weights, fit = problem.refine(weights)
    optimum = Optimum.at(weights, fit.cost)
    return optimum, min(optimum.cost, fit.floor)


def limit_optimum(fit: Fit) -> Optimum:
    """Return an infimum that no weights attain."""
    if fit.point == (1, 0.0):
        return Optimum.at(Weights(nan, nan), fit.cost, attained=False, w_in=(0, -inf))
    return Optimum.at(Weights(nan, _float_w_rec(fit)), fit.cost, attained=False, w_in=(0, inf))


def _float_w_rec(fit: Fit) -> float:
    if fit.point == (1, 0.0):
        return 1.0  # a cost that is attained at infinity is the same everywhere
    return fit.point.u + 0.0 if fit.point.chart == 0 else round_if_close(fit.point.w_rec)


def _needs_digits(problem: FitProblem, fit: Fit) -> bool:
    """Return whether a cost is so small that it needs more digits than the fit has."""
    many = problem.inputs.size > MANY
    if fit.cost >= (ENOUGH_DIGITS_OF_MANY if many else ENOUGH_DIGITS) * fit.magnitude:
        return False
    # Another look at the data costs time: rounding alone may be taken for zero, if it is small.
    size = float(problem.targets @ problem.targets) / len(problem.targets)
    rounding = FIT_ATOL * fit.magnitude if many else 0.0
    return fit.cost > rounding or fit.magnitude > LARGE_TERMS * size
