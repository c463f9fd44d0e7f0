"""The optimum as an answer: weights that float64 has, and the cost of those very weights."""

from dataclasses import dataclass
from math import inf, isnan, ldexp, log10, nan, sqrt

import numpy as np

from service.engine.arithmetic import scaled_power
from service.engine.optimum.refinement import Fit, FitProblem, simple
from service.engine.types import Weights

MANY = 1_000_000  # numbers of data that are read again only where they must be


@dataclass(frozen=True)
class Optimum:
    """Where the cost is lowest.

    weights
        The minimiser; of several the one whose |w_rec| is closest to 1 by ratio, positive before
        negative. Where no weights attain the infimum, the limits of weights that approach it:
        nan for w_in where it grows without bound, nan for both where w_rec does. Also nan for a
        w_in that is beyond float64.
    cost
        The minimum, or the infimum; inf beyond float64.
    log10_cost
        Its logarithm; -inf where it is 0.
    attained
        Whether any weights have this cost.
    unique
        Whether exactly one pair of weights has it.
    w_in_sign, log10_abs_w_in
        The minimiser's w_in, whatever its size. Where the infimum is not attained the sign is 0
        and the logarithm inf or -inf, as w_in grows or vanishes.
    """

    weights: Weights
    cost: float
    log10_cost: float
    attained: bool
    unique: bool
    w_in_sign: int
    log10_abs_w_in: float


def answer(rows: FitProblem, fit: Fit) -> Optimum:
    """Turn a fit into weights and the cost that those very weights have."""
    w_rec = _float_w_rec(fit)
    power = rows.power_at_zero(fit.chart)
    if fit.scale == 0.0:
        p = rows.values(fit.chart, fit.u)
        used = float(np.abs(p).max()) > 1e-12 * sqrt(rows.size(fit.chart, fit.u))
        unique = used and (fit.u != 0.0 or (power == 0 and fit.chart == 0))
        return described(Weights(0.0, w_rec), fit.cost, 0, -inf, unique=unique)
    small = _is_doubtful(rows, fit)
    turns = log10(abs(fit.u)) if fit.u != 0.0 else 0.0
    size = log10(abs(fit.scale)) + (-power if fit.chart == 0 else power) * turns
    if abs(size) >= 307.6:
        cost = _number(rows.refined_cost(fit) if small else fit.cost)
        sign = int(np.sign(fit.scale) * np.sign(fit.u) ** power)
        return described(Weights(nan, w_rec), cost, sign, size)
    weights, cost = Weights(_unscaled(fit.scale, w_rec, power), w_rec), fit.cost
    if small:
        weights, cost = rows.refined(*weights)
    size = log10(abs(weights.w_in)) if weights.w_in != 0.0 else -inf
    return described(weights, _number(cost), int(np.sign(weights.w_in)), size)


def _number(cost: float) -> float:
    """Return a cost, inf where its parts overflow."""
    return inf if isnan(cost) else cost


def _is_doubtful(rows: FitProblem, fit: Fit) -> bool:
    """Tell whether a cost is so small that it wants more digits than the fit has."""
    if rows.inputs.size <= MANY:
        return fit.cost < 1e-10 * fit.magnitude
    # Another look at many data costs time: rounding alone may be taken for zero, if it is small.
    size = float(rows.targets @ rows.targets) / len(rows.targets)
    zero = fit.cost < 1e-26 * fit.magnitude and fit.magnitude < 1e3 * size
    return fit.cost < 1e-14 * fit.magnitude and not zero


def _float_w_rec(fit: Fit) -> float:
    if fit.chart == 1 and fit.u == 0.0:
        return 1.0  # attained at infinity is attained everywhere
    return fit.u + 0.0 if fit.chart == 0 else simple(1.0 / fit.u)


def _unscaled(scale: float, w_rec: float, power: int) -> float:
    """Return scale / w_rec ** power, where that is a float but its parts may not be."""
    divisor, exponent = scaled_power(w_rec, power)
    return ldexp(scale / divisor.high, -exponent)


def limit_answer(fit: Fit) -> Optimum:
    """Describe an infimum that no weights attain."""
    if fit.chart == 1 and fit.u == 0.0:
        return described(Weights(nan, nan), fit.cost, 0, -inf, attained=False)
    return described(Weights(nan, _float_w_rec(fit)), fit.cost, 0, inf, attained=False)


def described(
    weights: Weights,
    cost: float,
    sign: int,
    size: float,
    *,
    attained: bool = True,
    unique: bool = True,
) -> Optimum:
    """Return an answer, the logarithm of its cost filled in."""
    log_cost = log10(cost) if cost > 0.0 else -inf
    return Optimum(weights, cost, log_cost, attained, unique and attained, sign, size)


def weighed(rows: FitProblem, w_in: float, w_rec: float, *, unique: bool) -> Optimum:
    """Return weights with the cost they have."""
    weights, cost = rows.refined(w_in, w_rec)
    size = log10(abs(weights.w_in)) if weights.w_in != 0.0 else -inf
    return described(weights, cost, int(np.sign(weights.w_in)), size, unique=unique)
