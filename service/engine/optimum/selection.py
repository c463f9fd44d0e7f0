"""Selection of the minimum among the candidates, and whether it is attained and unique."""

from dataclasses import dataclass, replace
from math import inf, isfinite, isnan, log, log10, nan
from typing import Final

import numpy as np

from service.engine.arithmetic import EPSILON, UNDERFLOW, tolerances
from service.engine.data import Factor
from service.engine.optimum.refinement import Fit, fit, snap_to_six_digits
from service.engine.types import Weights

SMALLEST_W_IN: Final = 1e-307  # of weights that are returned as floats


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
        Whether finite float64 weights have this cost.
    unique
        Whether it is attained, and all other minima are higher by more than the accuracy of costs.
    """

    weights: Weights
    cost: float
    log10_cost: float
    attained: bool
    unique: bool

    @classmethod
    def at(
        cls, weights: Weights, cost: float, *, attained: bool = True, unique: bool = True
    ) -> "Optimum":
        """Return the optimum with given weights and cost."""
        cost = inf if isnan(cost) else cost  # nan where its terms overflow
        log_cost = log10(cost) if cost > 0.0 else -inf
        return cls(weights, cost, log_cost, attained, unique and attained)


def select_optimum(fits: list[Fit], *, is_flat: bool) -> Optimum:
    """Return the lowest of some minima with finite costs.

    Weights with a |w_rec| close to 1 are preferred between minima of equal cost, as all are if
    ``is_flat``.
    """
    if not fits:
        return Optimum.at(Weights(nan, nan), inf, attained=False)
    highest = min(fit.cost + fit.accuracy for fit in fits)
    fits = [fit for fit in fits if fit.cost - fit.accuracy <= highest]
    optima = [_to_optimum(fit) for fit in fits]
    lowest = min(optimum.cost for optimum in optima)
    limit = lowest + tolerances.EQUAL_COST_RTOL * lowest
    limit += tolerances.COST_ATOL * fits[0].side.target_square
    # 0 and infinity represent all points beside them that cost the same.
    found = list(zip(fits, optima, strict=True))
    found.sort(key=lambda pair: pair[0].cost - (pair[0].u == 0.0) * pair[0].rounding(pair[0].cost))
    minima: list[tuple[Fit, Optimum]] = []
    for one, optimum in found:
        # The rounding of weights may increase the cost by more than the accuracy of costs.
        is_equal = optimum.cost <= limit + one.rounding(lowest)
        is_known = any(_is_same_minimum(one, other, limit) for other, _ in minima)
        if is_equal and (is_flat or not is_known):
            minima.append((one, optimum))
    attained = [pair for pair in minima if pair[1].attained]
    lowest_minima = [pair for pair in attained or minima if pair[1].cost <= limit]
    first = min(lowest_minima or minima, key=lambda pair: _preference(pair[0]))[1]
    return replace(first, unique=first.unique and len(attained) == 1 and not is_flat)


def optimum_near(
    factor: Factor, initial_state: float, weights: Weights, *, unique: bool = True
) -> Optimum:
    """Return the optimum at weights with nearly the best w_in.

    Its w_in is a number of six digits near that, or the best one. The cost is that of these floats;
    inf where it overflows.
    """
    w_rec = np.array([weights.w_rec])
    plain = factor.parabolas(w_rec, initial_state)
    if UNDERFLOW < plain.square[0] < inf and np.isfinite(plain.rest[0]):
        w_in = np.array([[snap_to_six_digits(weights.w_in), float(plain.vertex[0])]])
        costs = plain(w_in)[0] / factor.n_samples
    else:
        extended = factor.extended_parabolas(w_rec, initial_state)
        w_in = np.array([[snap_to_six_digits(weights.w_in), float(extended.vertex.value()[0])]])
        costs = (extended(w_in) * (1.0 / factor.n_samples)).value()[0]
    rounded, best = costs.tolist()
    rounding = tolerances.RESIDUAL_RTOL**2 * float(factor.targets @ factor.targets)
    k = 1 if max(best, rounding / factor.n_samples) < rounded else 0
    best_weights = Weights(float(w_in[0, k]), weights.w_rec)
    return Optimum.at(best_weights, float(costs[k]), unique=unique)


def _to_optimum(fit: Fit) -> Optimum:
    """Return the optimum at the minimizer of a fit, with the cost at its float weights.

    ``unique`` is whether other w_in have another cost.
    """
    side, w_rec = fit.side, snap_to_six_digits(fit.w_rec, 4.0 * EPSILON)
    if fit.at_root and fit.scale != 0.0:
        limit = Weights(nan, w_rec if isfinite(w_rec) else nan)
        return Optimum.at(limit, fit.cost, attained=False)
    if not isfinite(w_rec):
        w_rec = 1.0  # a cost that is attained at infinity is the same everywhere
    w_in, half = 0.0, side.power // 2  # the whole power may overflow where w_in does not
    if fit.scale != 0.0:
        w_in = float(
            fit.scale / np.float64(w_rec) ** half / np.float64(w_rec) ** (side.power - half)
        )
        if not SMALLEST_W_IN < abs(w_in) < inf:
            return Optimum.at(Weights(nan, w_rec), fit.cost, attained=False)
    # Where inputs have no effect, every w_in has the same cost.
    weights, unique = Weights(w_in, w_rec), not fit.at_root
    return optimum_near(side.factor, side.initial_state, weights, unique=unique)


def _is_same_minimum(one: Fit, other: Fit, limit: float) -> bool:
    """Return whether no cost between two minimizers of equal cost is higher than a limit."""
    u = one.side.to_u(other.w_rec)
    if not abs(u - one.u) <= tolerances.PLATEAU:
        return False
    between = (fit(one.side, one.u + part * (u - one.u)) for part in np.linspace(0.125, 0.875, 7))
    return all(
        middle.cost <= max(limit, one.cost) + middle.rounding(one.cost) for middle in between
    )


def _preference(fit: Fit) -> tuple[float, bool, bool]:
    """Return a key that sorts by |ln |w_rec||, positive before negative, small before large."""
    distance = -log(abs(fit.u)) if fit.u != 0.0 else inf
    return round(abs(distance), 9), fit.u < 0.0, fit.side.is_far
