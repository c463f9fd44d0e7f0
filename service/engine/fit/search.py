"""The minima of the reduced cost of a problem, and the interval of w_rec."""

import math
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from service.engine.fit.problem import Problem
from service.engine.fit.reduced_cost import Evaluation, evaluate
from service.engine.profile import Interval, make_grid, search

# Where columns coincide at an end of the range, a point this far inside replaces it.
JUMP_OFFSET: Final = 1e-8


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
        start = _without_jumps(problem, evaluate(problem, grid))
        self.profile = search(lambda w: evaluate(problem, w), start, problem.options.w_rec)
        minima = self.profile.minima
        self.minima = list(map(Minimum, minima.w.tolist(), minima.cost.tolist()))
        self.w, self.cost = self.minima[0]
        # Targets minus unknowns; collinear ones count once.
        rank = int(self.profile.points.rank.max())
        n_fitted = 1 + rank + problem.n_starts * problem.has_own_starts
        self.degrees_of_freedom = problem.n_targets - n_fitted - (problem.rho is not None)
        self.varies = not self.profile.is_flat
        self.accuracy = float(minima.accuracy[0])
        # Whether one w alone has the lowest cost
        highest_equal = self.cost + self.accuracy
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
        return self.cost + max(excess, self.accuracy)

    @cached_property
    def pieces(self) -> list[Interval]:
        """The pieces of the interval of w, in order."""
        return self.profile.level_set(self.level)


def _without_jumps(problem: Problem, grid: Evaluation) -> Evaluation:
    """Drop every w at which columns coincide: r jumps there, and the limit is what counts.

    At an end of the range, a nearby point replaces it.
    """
    rank = np.pad(grid.rank, 1, mode="reflect")
    jumps = rank[1:-1] < np.minimum(rank[:-2], rank[2:])
    beside = (grid.w[[0, -1]] + [JUMP_OFFSET, -JUMP_OFFSET])[jumps[[0, -1]]]
    grid = grid[~jumps]
    return grid.merge(evaluate(problem, beside)) if len(beside) else grid
