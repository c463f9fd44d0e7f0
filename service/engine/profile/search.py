"""The search for all local minima of a function of w_rec, and for its level sets.

The points of the grid are joined by more where the cubic through values and slopes may hide an
extremum. All extrema are then roots of the slope, and the ends of a level set are roots of the
function less the level.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter
from typing import Final, Generic, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.engine.interruption import check_interruption
from service.engine.profile.points import find_roots
from service.engine.types import Array

ROUNDS: Final = 6  # how many times a gap of the grid may be halved
MAX_POINTS: Final = 2000  # that are refined; rounding errors may have extrema everywhere


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A function evaluated at W points.

    A subclass adds arrays (W, ...) with other results at the same points.

    Attributes
    ----------
    w : (W,)
        The points.
    cost : (W,)
        The values; any real numbers, nan where rounding leaves no digits.
    slope : (W,)
        The derivatives with respect to w.
    accuracy : (W,)
        Costs that differ by less count as equal.
    """

    w: Array
    cost: Array
    slope: Array
    accuracy: Array

    def __getitem__(self, where: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        return type(self)(*map(itemgetter(where), vars(self).values()))

    def concatenate(self, *others: Self) -> Self:
        """Return these points and those of others, in this order."""
        rows = map(dict.values, map(vars, (self, *others)))
        return type(self)(*map(np.concatenate, zip(*rows, strict=True)))

    def merge(self, *others: Self) -> Self:
        """Return these points and those of others, sorted by w, each w once."""
        merged = self.concatenate(*others)
        return merged[np.unique(merged.w, return_index=True)[1]]


E = TypeVar("E", bound=Evaluation)


class Interval(NamedTuple):
    """All w_rec from low to high."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Profile(Generic[E]):
    """A function of w_rec that is known well enough to find its minima and level sets.

    Attributes
    ----------
    evaluate
        Evaluates it at points (W,).
    points
        All evaluated points but those without a cost, sorted by w.
    interval
        The range that was searched.
    """

    evaluate: Callable[[Array], E]
    points: E
    interval: Interval

    @property
    def is_complete(self) -> bool:
        """Whether the search ended before it had too many points, so that no minimum is missed."""
        return len(self.points.w) <= MAX_POINTS

    @property
    def is_flat(self) -> bool:
        """Whether no cost is higher than another by more than their accuracy."""
        lowest = int(np.argmin(self.points.cost))
        highest_equal = self.points.cost[lowest] + self.points.accuracy[lowest]
        return not bool(np.max(self.points.cost) > highest_equal)

    @cached_property
    def minima(self) -> E:
        """The local minima, lowest first: points with higher costs between them and lower ones."""
        w, cost, accuracy = self.points.w, self.points.cost, self.points.accuracy
        padded = np.pad(cost, 1, constant_values=np.inf)
        candidates = np.flatnonzero((cost <= padded[:-2]) & (cost <= padded[2:]))
        order = np.lexsort((1.0 - np.abs(w[candidates]), cost[candidates]))
        minima = list[int]()
        for i in candidates[order].tolist():
            highest_equal = cost[i] + accuracy[i]
            if all(np.max(cost[min(i, j) : max(i, j)]) > highest_equal for j in minima):
                minima.append(i)
        return self.points[np.array(minima)]

    def level_set(self, level: float) -> list[Interval]:
        """Return the intervals where the cost is at most a level, in order.

        None is missed, since all local extrema are among the points.
        """
        ends = self.find_roots(lambda at: at.cost - level)
        first, last = self.points.cost[[0, -1]] <= level
        low, high = self.interval
        edges = [*[low] * int(first), *ends.tolist(), *[high] * int(last)]
        return [Interval(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)]

    def find_roots(self, function: Callable[[E], Array]) -> Array:
        """Return a root between every two neighboring points where the signs of values differ.

        Parameters
        ----------
        function
            Returns values (W,) that follow from evaluations at W points.

        Returns
        -------
        roots : (K,)
            Increasing.
        """
        values = function(self.points)
        at = np.flatnonzero(np.diff(values > 0.0))
        if not len(at):
            return self.points.w[at]
        return find_roots(
            lambda w: function(self.evaluate(w)),
            (self.points.w[at], self.points.w[at + 1]),
            (values[at], values[at + 1]),
        )


def search(evaluate: Callable[[Array], E], start: E, interval: tuple[float, float]) -> Profile[E]:
    """Find all extrema of a function of w_rec in a range.

    Parameters
    ----------
    evaluate
        Evaluates it at points (W,).
    start
        Points at which it has been evaluated, such as those of `make_grid`, sorted by w. A cost
        must be known at one of them.
    interval
        The range to search. Its ends, or points beside them, are among those of ``start``.

    Returns
    -------
    Profile
        With all evaluated points.
    """
    points = refine(start[~np.isnan(start.cost)], evaluate)
    profile = Profile(evaluate, points, Interval(*interval))
    for _ in range(2):
        extrema = profile.find_roots(lambda at: at.slope)
        points = _add(profile.points, evaluate, extrema)
        # An extremum may show that there is more than one beside it.
        profile = replace(profile, points=refine(points, evaluate))
        if len(profile.points.w) == len(points.w):
            break
    return profile


def refine(points: E, evaluate: Callable[[Array], E]) -> E:
    """Add points to a grid where the cubic through values and slopes has two extrema.

    Parameters
    ----------
    points
        W evaluated points with known costs, sorted by w.
    evaluate
        Evaluates the function at points (K,).

    Returns
    -------
    points
        The same and those added, sorted; a gap is halved at most ``ROUNDS`` times.
    """
    for _ in range(ROUNDS):
        if len(points.w) > MAX_POINTS:
            break
        middles = _find_doubtful_middles(points)
        if not len(middles):
            break
        points = _add(points, evaluate, middles)
    return points


def _add(points: E, evaluate: Callable[[Array], E], w: Array) -> E:
    """Return the points, and those at w (K,) that have a cost."""
    if not len(w):
        return points
    check_interruption()
    added = evaluate(w)
    return points.merge(added[~np.isnan(added.cost)])


def _find_doubtful_middles(points: Evaluation) -> Array:
    """Return the middles of gaps in which the cubic through values and slopes has two extrema."""
    t = np.array([0.25, 0.5, 0.75])[:, None]
    a, b, h = points.slope[:-1], points.slope[1:], np.diff(points.w)
    mean = np.diff(points.cost) / h
    inner = a * (1.0 - t) * (1.0 - 3.0 * t) + b * t * (3.0 * t - 2.0) + 6.0 * mean * t * (1.0 - t)
    same_sign = np.sign(a) * np.sign(b) >= 0.0  # products of slopes may overflow
    turns_twice = same_sign & (np.sign(inner) * np.sign(a + b) < 0.0).any(axis=0)
    change = h * (np.abs(a) + np.abs(b) + np.abs(mean))
    is_doubtful = turns_twice & (change > points.accuracy[1:])
    middles: Array = (points.w[:-1] + 0.5 * h)[is_doubtful]
    return middles
