"""The search for all local minima of the reduced cost, and for its level sets.

The grid is dense where minima crowd, and is refined where the cubic through values and slopes may
hide an extremum. All extrema are then roots of the slope, and the ends of a level set are roots of
the cost less the level.
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from service.engine.fit.problem import Problem
from service.engine.fit.reduced_cost import RESIDUAL_RTOL, Evaluation, evaluate
from service.engine.types import Array

GRID: Final = 48  # grid points from 0 to 1
ROUNDS: Final = 6  # how many times a gap of the grid may be halved
EQUAL_COST_RTOL: Final = 1e-9  # costs that differ by less count as equal
# Where columns coincide at an end of the range, a point this far inside replaces it.
BESIDE: Final = 1e-8


class Interval(NamedTuple):
    """All w_rec from low to high."""

    low: float
    high: float


class Minimum(NamedTuple):
    """A local minimum of the cost."""

    w_rec: float
    cost: float


class Solution:
    """All local minima of the reduced cost of a problem. Costs are sums of squares."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        grid = make_grid(problem.targets.shape[1], *problem.options.w_rec)
        evaluated = _refine(problem, _drop_jumps(problem, evaluate(problem, grid)))
        extrema = _find_roots(problem, evaluated, lambda at: at.slope)
        self.evaluated = _add(problem, evaluated, extrema)  # at all visited points, sorted by w
        self.minima = _separate_minima(self.evaluated, problem.scale)  # the lowest first
        self.w, self.cost = self.minima[0]
        # Targets minus unknowns; collinear ones count once.
        n_fitted = 1 + int(self.evaluated.rank.max()) + problem.n_starts * problem.has_own_starts
        self.degrees_of_freedom = problem.n_targets - n_fitted - (problem.rho is not None)
        self.varies = bool(np.max(self.evaluated.cost) > highest_equal(self.cost, problem.scale))

    @property
    def mean_cost(self) -> float:
        """The lowest mean squared error in the units of the targets."""
        return self.problem.to_mean(self.cost)

    @property
    def is_unique(self) -> bool:
        """Whether one w alone has the lowest cost."""
        equal = highest_equal(self.cost, self.problem.scale)
        return self.varies and not any(cost <= equal for _, cost in self.minima[1:])

    @property
    def is_identifiable(self) -> bool:
        """Whether the targets exclude any w of the range."""
        has_all = self.degrees_of_freedom > 0 and self.pieces == [self.problem.options.w_rec]
        return self.varies and not has_all

    @cached_property
    def level(self) -> float:
        """The highest cost of a w in the interval; infinite without degrees of freedom."""
        from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

        if self.degrees_of_freedom <= 0:
            return math.inf
        confidence = 0.5 + 0.5 * self.problem.options.confidence
        quantile = float(stdtrit(self.degrees_of_freedom, confidence))
        level = self.cost * (1.0 + quantile**2 / self.degrees_of_freedom)
        return level + rounding_error(self.cost, self.problem.scale)

    @cached_property
    def pieces(self) -> list[Interval]:
        """The pieces of the interval of w, in order."""
        return self.pieces_below(self.level)

    def pieces_below(self, level: float) -> list[Interval]:
        """Return the pieces of {w: r(w) <= level}, in order.

        No piece is missed, since all local extrema are among the evaluated places.
        """
        root = math.sqrt(level)
        ends = _find_roots(self.problem, self.evaluated, lambda at: np.sqrt(at.cost) - root)
        low, high = self.problem.options.w_rec
        first, last = np.sqrt(self.evaluated.cost[[0, -1]]) <= root
        edges = [*[low] * int(first), *ends.tolist(), *[high] * int(last)]
        return [Interval(*piece) for piece in zip(edges[::2], edges[1::2], strict=True)]


def rounding_error(cost: Any, scale: float) -> Any:
    """Return how far rounding may move a sum of squares."""
    return RESIDUAL_RTOL * np.sqrt(cost * scale) + RESIDUAL_RTOL**2 * scale


def highest_equal(cost: float, scale: float) -> float:
    """Return the highest cost that counts as equal."""
    return cost * (1.0 + EQUAL_COST_RTOL) + float(rounding_error(cost, scale))


def _add(problem: Problem, evaluated: Evaluation, w: Array) -> Evaluation:
    return evaluated.merge(evaluate(problem, w)) if len(w) else evaluated


def make_grid(n_steps: int, low: float, high: float) -> Array:
    """Return points on [low, high], densest within 1/T of |w| = 1, where most minima are.

    ``n_steps`` is T, the length of the longest sequence.
    """
    n = max(n_steps, 2)
    gaps = np.sinh(np.linspace(0.0, 1.0, GRID + 1) * math.asinh(n)) / n
    gaps[-1] = 1.0
    inside = 1.0 - gaps
    places = np.concatenate([inside, 1.0 / inside[:-1]])
    places = np.concatenate([-places, places, [low, high]])
    return np.unique(places[(places >= low) & (places <= high)] + 0.0)


def _drop_jumps(problem: Problem, evaluated: Evaluation) -> Evaluation:
    """Drop every w at which columns coincide: r jumps there, and the limit is what counts.

    At an end of the range, a nearby point replaces it.
    """
    rank = np.concatenate([evaluated.rank[[1]], evaluated.rank, evaluated.rank[[-2]]])
    jumps = evaluated.rank < np.minimum(rank[:-2], rank[2:])
    beside = (evaluated.w[[0, -1]] + [BESIDE, -BESIDE])[jumps[[0, -1]]]
    return _add(problem, evaluated[~jumps], beside)


def _refine(problem: Problem, evaluated: Evaluation) -> Evaluation:
    """Halve gaps in which the cubic through values and slopes has two extrema."""
    t = np.array([0.25, 0.5, 0.75])[:, None]
    for _ in range(ROUNDS):
        a, b, h = evaluated.slope[:-1], evaluated.slope[1:], np.diff(evaluated.w)
        mean = np.diff(evaluated.cost) / h
        inner = a * (1 - t) * (1 - 3 * t) + b * t * (3 * t - 2) + 6 * mean * t * (1 - t)
        same_sign = np.sign(a) * np.sign(b) >= 0.0  # products of slopes may overflow
        turns_twice = same_sign & (np.sign(inner) * np.sign(a + b) < 0.0).any(axis=0)
        change = h * (np.abs(a) + np.abs(b) + np.abs(mean))
        chosen = turns_twice & (change > rounding_error(evaluated.cost[1:], problem.scale))
        middle = evaluated.w[:-1][chosen] + 0.5 * h[chosen]
        if not len(middle):
            break
        evaluated = _add(problem, evaluated, middle)
    return evaluated


def _separate_minima(evaluated: Evaluation, scale: float) -> list[Minimum]:
    """Return the points with a higher cost between them and every lower one, lowest first."""
    minima: list[int] = []
    for i in np.lexsort((1.0 - np.abs(evaluated.w), evaluated.cost)):
        highest = highest_equal(float(evaluated.cost[i]), scale)
        between = (evaluated.cost[min(i, j) : max(i, j)] for j in minima)
        if all(np.max(costs) > highest for costs in between):
            minima.append(i)
    return [Minimum(float(evaluated.w[i]), float(evaluated.cost[i])) for i in minima]


def _find_roots(
    problem: Problem, evaluated: Evaluation, function: Callable[[Evaluation], Array]
) -> Array:
    """Return one root between every two neighbors at which the signs of the function differ."""
    from scipy.optimize.elementwise import find_root  # noqa: PLC0415 - takes long to import

    at = np.flatnonzero(np.diff(function(evaluated) > 0.0))
    low, high = evaluated.w[at], evaluated.w[at + 1]
    if not len(at):
        return low
    root: Array = find_root(lambda w: function(evaluate(problem, w)), (low, high)).x
    return np.where(np.isnan(root), low, root)  # where rounding hides the change of sign
