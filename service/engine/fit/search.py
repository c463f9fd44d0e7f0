"""The search for all local minima of the reduced cost, and for its level sets.

The grid is dense where minima crowd, and is refined where the cubic through values and slopes may
hide an extremum. All extrema are then roots of the slope, and the ends of a level set are roots of
the cost less the level.
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Final, NamedTuple

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
    """All local minima of the reduced cost of a problem."""

    @np.errstate(over="ignore", invalid="ignore")  # far from the optimum, costs may overflow
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        grid = make_grid(problem.targets.shape[1], *problem.options.w_rec)
        self.evaluated = evaluate(problem, grid)  # at all visited points, sorted by w
        self._drop_jumps()
        self._refine()
        self._visit(self._find_roots(lambda at: at.slope))
        self.minima = self._separate_minima()  # the lowest first
        self.w, self.cost = self.minima[0]
        # Targets minus unknowns; collinear ones count once.
        n_fitted = 1 + int(self.evaluated.rank.max()) + problem.n_starts * problem.has_own_starts
        self.degrees_of_freedom = problem.n_targets - n_fitted - (problem.rho is not None)
        highest_equal = self.cost + float(self._tolerance(self.cost))
        self.varies = bool(np.max(self.evaluated.cost) > highest_equal)
        # Whether one w alone has the lowest cost
        self.is_unique = self.varies and all(cost > highest_equal for _, cost in self.minima[1:])

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
        excess = self.cost * quantile**2 / self.degrees_of_freedom
        return self.cost + max(excess, float(self._tolerance(self.cost)))

    @cached_property
    def pieces(self) -> list[Interval]:
        """The pieces of the interval of w, in order."""
        return self.pieces_below(self.level)

    def pieces_below(self, level: float) -> list[Interval]:
        """Return the pieces of {w: r(w) <= level}, in order.

        No piece is missed, since all local extrema are among the evaluated places.
        """
        root = math.sqrt(level)
        ends = self._find_roots(lambda at: np.sqrt(at.cost) - root)
        low, high = self.problem.options.w_rec
        first, last = np.sqrt(self.evaluated.cost[[0, -1]]) <= root
        edges = [*[low] * int(first), *ends.tolist(), *[high] * int(last)]
        return [Interval(*piece) for piece in zip(edges[::2], edges[1::2], strict=True)]

    def _tolerance(self, cost: Array | float) -> Array:
        """Return by how much costs may differ that count as equal."""
        scale = self.problem.scale
        rounding = RESIDUAL_RTOL * np.sqrt(cost) * np.sqrt(scale) + RESIDUAL_RTOL**2 * scale
        tolerance: Array = EQUAL_COST_RTOL * cost + rounding
        return tolerance

    def _visit(self, w: Array) -> None:
        if len(w):
            self.evaluated = self.evaluated.merge(evaluate(self.problem, w))

    def _find_roots(self, function: Callable[[Evaluation], Array]) -> Array:
        """Return one root between every two neighbors at which the signs of the function differ."""
        from scipy.optimize.elementwise import find_root  # noqa: PLC0415 - takes long to import

        at = np.flatnonzero(np.diff(function(self.evaluated) > 0.0))
        low, high = self.evaluated.w[at], self.evaluated.w[at + 1]
        if not len(at):
            return low
        root: Array = find_root(lambda w: function(evaluate(self.problem, w)), (low, high)).x
        return np.where(np.isnan(root), low, root)  # where rounding hides the change of sign

    def _drop_jumps(self) -> None:
        """Drop every w at which columns coincide: r jumps there, and the limit is what counts.

        At an end of the range, a nearby point replaces it.
        """
        w, rank = self.evaluated.w, np.pad(self.evaluated.rank, 1, mode="reflect")
        jumps = rank[1:-1] < np.minimum(rank[:-2], rank[2:])
        self.evaluated = self.evaluated[~jumps]
        self._visit((w[[0, -1]] + [BESIDE, -BESIDE])[jumps[[0, -1]]])

    def _refine(self) -> None:
        """Halve gaps in which the cubic through values and slopes has two extrema."""
        t = np.array([0.25, 0.5, 0.75])[:, None]
        for _ in range(ROUNDS):
            w, cost, slope = self.evaluated.w, self.evaluated.cost, self.evaluated.slope
            a, b, h = slope[:-1], slope[1:], np.diff(w)
            mean = np.diff(cost) / h
            inner = a * (1 - t) * (1 - 3 * t) + b * t * (3 * t - 2) + 6 * mean * t * (1 - t)
            same_sign = np.sign(a) * np.sign(b) >= 0.0  # products of slopes may overflow
            turns_twice = same_sign & (np.sign(inner) * np.sign(a + b) < 0.0).any(axis=0)
            change = h * (np.abs(a) + np.abs(b) + np.abs(mean))
            chosen = turns_twice & (change > self._tolerance(cost[1:]))
            self._visit((w[:-1] + 0.5 * h)[chosen])

    def _separate_minima(self) -> list[Minimum]:
        """Return the points with a higher cost between them and every lower one, lowest first."""
        w, cost, minima = self.evaluated.w, self.evaluated.cost, list[int]()
        for i in np.lexsort((1.0 - np.abs(w), cost)):
            highest_equal = cost[i] + self._tolerance(cost[i])
            if all(np.max(cost[min(i, j) : max(i, j)]) > highest_equal for j in minima):
                minima.append(i)
        return [Minimum(float(w[i]), float(cost[i])) for i in minima]


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
