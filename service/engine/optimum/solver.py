"""The exact global minimum of the cost for the identity activation, by variable projection.

For each w_rec, the best w_in solves a linear problem. The remaining cost is a rational function of
w_rec (``reduced_cost``). Its lowest point, which may be at infinity, is one of the local minima
that the search of ``profile`` finds on both sides (``candidates``). Data that need no search are
solved here, where the minimum is also selected.
"""

from dataclasses import dataclass, replace
from math import inf, isfinite, isnan, log, log10, nan
from typing import Final

import numpy as np

from service.engine.arithmetic import EPSILON, UNDERFLOW, tolerances
from service.engine.data import Factor
from service.engine.optimum.candidates import (
    Sides,
    center_inputs,
    find_candidates,
    has_equal_sequences,
)
from service.engine.optimum.reduced_cost import (
    ReducedCost,
    ReducedPoints,
    convert,
    snap_to_six_digits,
)
from service.engine.types import Array, Weights

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
    attained
        True if finite float64 weights have this cost.
    unique
        True if it is attained, and all other minima are higher by more than the accuracy of costs.
    """

    weights: Weights
    cost: float
    attained: bool = True
    unique: bool = True

    @property
    def log10_cost(self) -> float:
        """The logarithm of the cost; -inf where that is 0."""
        return log10(self.cost) if self.cost > 0.0 else -inf


@np.errstate(all="ignore")  # candidates that overflow are excluded by their costs
def find_optimum(factor: Factor, initial_state: float) -> Optimum:
    """Return the global minimum of the cost over both weights.

    Parameters
    ----------
    factor
        Of N sequences of T steps.
    initial_state
        s0, the same for all sequences.

    Returns
    -------
    Optimum
        Its cost is that of its float weights, with the accuracy ``tolerances.COST_RTOL`` and
        ``tolerances.COST_ATOL``. It exceeds the global minimum only by the rounding of the
        weights, unless magnitudes differ so much that squares of some numbers underflow relative
        to others.

    References
    ----------
    G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
    """
    if not factor.inputs.any():
        return _without_inputs(factor, initial_state)
    if not factor.targets.any():
        return _without_targets(factor, initial_state)
    if factor.n_steps == 1 and initial_state != 0.0 and not has_equal_sequences(factor):
        return _with_one_step(factor, initial_state)
    rows = factor.compressed()  # the search has many points
    near = ReducedCost(rows, initial_state, is_far=False)
    far = ReducedCost(rows, initial_state, is_far=True)
    candidates, is_flat = find_candidates((near, far))
    candidates = candidates[~np.isnan(candidates.cost)]
    if len(candidates.w):
        optimum = _select(factor, (near, far), candidates, is_flat=is_flat)
        if optimum.cost <= (1.0 + tolerances.EQUAL_COST_RTOL) * near.target_square:
            return optimum
    # The magnitudes differ so much that float64 finds no cost below that of outputs of 0.
    return Optimum(Weights(0.0, 0.0), near.target_square, unique=False)


def _without_inputs(factor: Factor, initial_state: float) -> Optimum:
    """Minimize the mean of (s0 w^T - t)², where all inputs are 0."""
    n_steps = factor.n_steps
    ratio = _mean(factor, factor.targets) / initial_state if initial_state != 0.0 else 1.0
    is_reached = ratio >= 0.0 or n_steps % 2 == 1
    w_rec = float(np.sign(ratio)) * abs(ratio) ** (1.0 / n_steps) if is_reached else 0.0
    return _optimum_near(factor, initial_state, Weights(0.0, w_rec), unique=False)


def _without_targets(factor: Factor, initial_state: float) -> Optimum:
    """Return the optimum where all targets are 0: the cost 0, with w_in = 0.

    With an initial state and w_rec = w other than 0, all outputs are 0 only if the inputs cancel
    the state, s0 w^T for each sequence. They can if, without a state, they fit targets of 1.
    """
    if initial_state == 0.0:
        return Optimum(Weights(0.0, 1.0), 0.0, unique=False)
    rows = np.column_stack([factor.rows[:, :-1], factor.ones])
    fit = find_optimum(Factor(rows, factor.n_samples), 0.0)
    cancels = fit.attained and fit.cost <= tolerances.COST_ATOL
    only_at_0 = not cancels or (fit.unique and fit.weights.w_rec == 0.0)
    # At w_rec = 0 every w_in has the cost 0 unless a last input differs from 0.
    is_unique = only_at_0 and bool(factor.inputs[:, 0].any())
    return Optimum(Weights(0.0, 0.0), 0.0, unique=is_unique)


def _with_one_step(factor: Factor, initial_state: float) -> Optimum:
    """Fit both weights of outputs w_in x + s0 w_rec by a straight line."""
    x = center_inputs(factor)[:, 0]
    x_mean = _mean(factor, factor.inputs[:, 0])
    t_mean = _mean(factor, factor.targets)
    t = factor.targets - t_mean * factor.ones
    w_in = snap_to_six_digits(float(x @ t / (x @ x)))
    w_rec = snap_to_six_digits((t_mean - w_in * x_mean) / initial_state)
    return _optimum_near(factor, initial_state, Weights(w_in, w_rec))


def _mean(factor: Factor, rows: Array) -> float:
    """Return the mean over the sequences of rows (m,)."""
    return float(factor.ones @ rows) / factor.n_samples


def _select(factor: Factor, sides: Sides, points: ReducedPoints, *, is_flat: bool) -> Optimum:
    """Return the lowest of some minima.

    Weights with a |w_rec| close to 1 are preferred between minima of equal cost.
    """
    optima = [_to_optimum(factor, sides, points, k) for k in range(len(points.w))]
    costs = np.array([optimum.cost for optimum in optima])
    lowest = float(costs.min())
    limit = lowest + sides[0].equal_within(lowest, 0.0)
    # The rounding of weights may increase the cost by more than the accuracy of costs: by that of
    # residuals if the cost were the lowest.
    error = points.accuracy / (np.sqrt(points.cost + points.accuracy) + np.sqrt(points.cost))
    highest = limit + error * (2.0 * np.sqrt(lowest) + error)

    def preference(k: int) -> tuple[bool, bool, float, bool, bool]:
        """Return a key that sorts by |ln |w_rec||, positive before negative, small before large."""
        u = float(points.w[k])
        distance = round(abs(log(abs(u))), 9) if u != 0.0 else inf
        return not optima[k].attained, costs[k] > limit, distance, u < 0.0, bool(points.is_far[k])

    first, *others = sorted(np.flatnonzero(costs <= highest).tolist(), key=preference)
    unique = not (is_flat or (others and optima[others[0]].attained))
    return replace(optima[first], unique=optima[first].unique and unique)


def _to_optimum(factor: Factor, sides: Sides, points: ReducedPoints, k: int) -> Optimum:
    """Return the optimum at the minimizer with number k, with the cost at its float weights.

    ``unique`` is True if other w_in have another cost.
    """
    reduced = sides[int(points.is_far[k])]
    scale = points.scale[k]
    cost = float(points.cost[k])
    w_rec = float(convert(points.w[k], reduced.is_far))
    w_rec = snap_to_six_digits(w_rec, 4.0 * EPSILON)
    if points.at_root[k] and scale != 0.0:
        limit = Weights(nan, w_rec if isfinite(w_rec) else nan)
        return Optimum(limit, cost, attained=False, unique=False)
    if not isfinite(w_rec):
        w_rec = 1.0  # a cost that is attained at infinity is the same everywhere
    w_in = 0.0
    if scale != 0.0:
        half = reduced.lowest_power // 2  # the whole power may overflow where w_in does not
        rest = reduced.lowest_power - half
        w_in = float(scale / np.float64(w_rec) ** half / np.float64(w_rec) ** rest)
        if not SMALLEST_W_IN < abs(w_in) < inf:
            return Optimum(Weights(nan, w_rec), cost, attained=False, unique=False)
    # Where inputs have no effect, every w_in has the same cost.
    is_unique = not points.at_root[k]
    return _optimum_near(factor, reduced.initial_state, Weights(w_in, w_rec), unique=is_unique)


def _optimum_near(
    factor: Factor, initial_state: float, weights: Weights, *, unique: bool = True
) -> Optimum:
    """Return the optimum at weights with nearly the best w_in.

    Its w_in is a nearby number of six digits, or the best one. The cost is that of these floats;
    inf if it overflows.
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
    cost = inf if isnan(costs[k]) else float(costs[k])  # nan where its terms overflow
    return Optimum(best_weights, cost, unique=unique)
