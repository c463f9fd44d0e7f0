"""The search for all local minima of the reduced cost, and for its level sets.

The grid is dense where minima crowd, and is refined where the cubic through values and slopes may
hide an extremum. All extrema are then roots of the slope.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.engine.fit.reduced_cost import RESIDUAL_RTOL, Evaluation, ReducedCost
from service.engine.types import Array

GRID: Final = 48
"""Grid points from 0 to 1."""

ROUNDS: Final = 6
"""How often a gap of the grid may be halved."""

EQUAL_COST_RTOL: Final = 1e-9
"""Costs that differ by less count as equal."""

BESIDE: Final = 1e-8
"""The distance from an end of the range at which columns coincide to a point where they do not."""

AT_LIMIT: Final = 1e-7
"""A minimum that is closer to an end of the range is at it."""


@dataclass(frozen=True, eq=False)
class Solution:
    """The lowest point of a reduced cost in a range. Costs are sums of squares.

    Attributes
    ----------
    evaluated
        At all places that were visited, sorted by w.
    best
        At the lowest point.
    minima
        Pairs (w, cost) of all local minima, the lowest first.
    varies
        Whether the cost depends on w.
    """

    reduced_cost: ReducedCost
    low: float
    high: float
    evaluated: Evaluation
    best: Evaluation
    minima: list[tuple[float, float]]
    unique: bool
    varies: bool
    degrees_of_freedom: int

    @property
    def w(self) -> float:
        """The w_rec of the lowest point."""
        return self.minima[0][0]

    @property
    def cost(self) -> float:
        """The lowest sum of squares."""
        return self.minima[0][1]

    @property
    def mean_cost(self) -> float:
        """The mean squared error in the units of the targets."""
        return self.to_mean(self.cost)

    @property
    def at_limit(self) -> bool:
        """Whether the lowest point is at an end of the range."""
        return min(self.w - self.low, self.high - self.w) < AT_LIMIT

    def to_mean(self, cost: float) -> float:
        """Return the mean squared error of a sum of squares, in the units of the targets."""
        return cost * self.reduced_cost.unit**2 / self.reduced_cost.problem.n_targets

    def pieces_below(self, level: float) -> list[tuple[float, float]]:
        """Return the pieces of {w: r(w) <= level}, in order.

        No piece is missed, since all local extrema are among the evaluated places.
        """
        below = self.evaluated.cost <= level
        at = np.flatnonzero(below[:-1] != below[1:])
        w = self.evaluated.w
        ends = _find_roots(
            lambda w: np.sqrt(self.reduced_cost.evaluate(w).cost) - math.sqrt(level),
            w[at],
            w[at + 1],
        )
        first, last = [self.low] * int(below[0]), [self.high] * int(below[-1])
        edges = [*first, *map(float, ends), *last]
        return list(zip(edges[::2], edges[1::2], strict=True))


def rounding_error(cost: Array | float, scale: float) -> Array:
    """Return how far rounding may move a sum of squares."""
    error: Array = RESIDUAL_RTOL * np.sqrt(cost * scale) + RESIDUAL_RTOL**2 * scale
    return error


def find_minima(reduced_cost: ReducedCost, low: float, high: float) -> Solution:
    """Return the lowest point of a reduced cost on [low, high], and all local minima.

    Parameters
    ----------
    low, high
        The range of w_rec, low < high.

    Returns
    -------
    Solution
    """
    problem, scale = reduced_cost.problem, reduced_cost.scale
    evaluated = reduced_cost.evaluate(make_grid(problem.targets.shape[1], low, high))
    evaluated = _refine(reduced_cost, _drop_jumps(reduced_cost, evaluated))
    a, b, h = evaluated.slope[:-1], evaluated.slope[1:], np.diff(evaluated.w)
    noise = rounding_error(evaluated.cost[1:], scale)
    at = np.flatnonzero((np.sign(a) * np.sign(b) < 0.0) & (h * np.abs(b - a) > noise))
    extrema = _find_roots(
        lambda w: reduced_cost.evaluate(w).slope, evaluated.w[at], evaluated.w[at + 1]
    )
    lowest = int(np.argmin(evaluated.cost))
    candidates = np.concatenate([extrema[a[at] < 0.0], evaluated.w[[0, -1, lowest]]])
    evaluated = Evaluation.join(evaluated, reduced_cost.evaluate(extrema)) if len(at) else evaluated
    chosen = evaluated[np.searchsorted(evaluated.w, np.unique(candidates))]
    minima = _separate(evaluated, chosen, scale)
    w, cost = minima[0]
    highest = float(np.max(evaluated.cost))
    varies = bool(np.ptp(evaluated.cost) > 64.0 * rounding_error(highest, scale))
    equal = cost * (1.0 + EQUAL_COST_RTOL) + rounding_error(cost, scale)
    unique = varies and not any(other <= equal for _, other in minima[1:])
    n_eliminated = problem.n_starts if reduced_cost.has_own_starts else 0
    n_fitted = 1 + int(evaluated.rank.max()) + n_eliminated + (problem.rho is not None)
    return Solution(
        reduced_cost,
        low,
        high,
        evaluated,
        evaluated[np.searchsorted(evaluated.w, [w])],
        minima,
        unique,
        varies,
        problem.n_targets - n_fitted,
    )


def make_grid(n_steps: int, low: float, high: float) -> Array:
    """Return places on [low, high] that are crowded where minima are: within 1/T of |w| = 1.

    Parameters
    ----------
    n_steps
        T, the length of the longest sequence.
    """
    n = max(n_steps, 2)
    gaps = np.sinh(np.linspace(0.0, 1.0, GRID + 1) * math.asinh(n)) / n
    gaps[-1] = 1.0
    inside = 1.0 - gaps
    places = np.concatenate([inside, 1.0 / inside[:-1]])
    places = np.concatenate([-places, places, [low, high]])
    return np.unique(places[(places >= low) & (places <= high)] + 0.0)


def _drop_jumps(reduced_cost: ReducedCost, evaluated: Evaluation) -> Evaluation:
    """Leave out each w at which columns coincide: r jumps there, and its limit counts.

    At an end of the range, a place beside it takes its place.
    """
    rank = np.concatenate([evaluated.rank[[1]], evaluated.rank, evaluated.rank[[-2]]])
    jumps = evaluated.rank < np.minimum(rank[:-2], rank[2:])
    beside = (evaluated.w[[0, -1]] + [BESIDE, -BESIDE])[jumps[[0, -1]]]
    rest = evaluated[~jumps]
    return Evaluation.join(rest, reduced_cost.evaluate(beside)) if len(beside) else rest


def _refine(reduced_cost: ReducedCost, evaluated: Evaluation) -> Evaluation:
    """Halve gaps in which the cubic through values and slopes turns twice."""
    t = np.array([0.25, 0.5, 0.75])[:, None]
    for _ in range(ROUNDS):
        a, b, h = evaluated.slope[:-1], evaluated.slope[1:], np.diff(evaluated.w)
        mean = np.diff(evaluated.cost) / h
        inner = a * (1 - t) * (1 - 3 * t) + b * t * (3 * t - 2) + 6 * mean * t * (1 - t)
        same_sign = np.sign(a) * np.sign(b) >= 0.0  # products of slopes may overflow
        turns_twice = same_sign & (np.sign(inner) * np.sign(a + b) < 0.0).any(axis=0)
        change = h * (np.abs(a) + np.abs(b) + np.abs(mean))
        chosen = turns_twice & (change > rounding_error(evaluated.cost[1:], reduced_cost.scale))
        if not chosen.any():
            break
        middle = evaluated.w[:-1][chosen] + 0.5 * h[chosen]
        evaluated = Evaluation.join(evaluated, reduced_cost.evaluate(middle))
    return evaluated


def _separate(
    evaluated: Evaluation, candidates: Evaluation, scale: float
) -> list[tuple[float, float]]:
    """Return the candidates that a rise separates from every lower one, the lowest first."""
    minima: list[tuple[float, float]] = []
    for i in np.lexsort((1.0 - np.abs(candidates.w), candidates.cost)):
        w, cost = float(candidates.w[i]), float(candidates.cost[i])
        rim = cost * (1.0 + EQUAL_COST_RTOL) + rounding_error(cost, scale)
        between = (slice(*np.searchsorted(evaluated.w, sorted((w, v)))) for v, _ in minima)
        if all(np.max(evaluated.cost[part], initial=-1.0) > rim for part in between):
            minima.append((w, cost))
    return minima


def _find_roots(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Return a root in every [low, high], at whose ends the function has different signs."""
    from scipy.optimize.elementwise import find_root  # noqa: PLC0415 - takes long to import

    if not len(low):
        return low
    root: Array = find_root(function, (low, high)).x
    return np.where(np.isnan(root), low, root)  # where rounding hides the change of sign
