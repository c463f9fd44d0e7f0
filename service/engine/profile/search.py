"""The search for all local minima of a function of w_rec, and for its level sets.

Points are added to the grid where the cubic through values and slopes indicates a missed extremum.
All extrema are then roots of the slope, and the ends of a level set are roots of the function minus
the level.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Generic, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.engine.interruption import check_interruption
from service.engine.profile.points import find_bracketed_roots
from service.engine.types import Array

ROUNDS: Final = 6  # the maximum number of bisections of a gap of the grid
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
        The values; nan or infinite where there is none.
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
        return type(self)(*(values[where] for values in vars(self).values()))

    def concatenate(self, *others: Self) -> Self:
        """Return these points and those of others, in this order."""
        columns = zip(*(vars(points).values() for points in (self, *others)), strict=True)
        return type(self)(*(np.concatenate(column) for column in columns))

    def merge(self, *others: Self) -> Self:
        """Return these points and those of others, sorted by w, each w once."""
        merged = self.concatenate(*others)
        return merged[np.unique(merged.w, return_index=True)[1]]


E = TypeVar("E", bound=Evaluation)


class Bounds(NamedTuple):
    """All w_rec from low to high."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Profile(Generic[E]):
    """A function of w_rec that is evaluated at enough points to find its minima and level sets.

    Attributes
    ----------
    evaluate
        Evaluates it at points (W,).
    points
        All evaluated points with a cost, sorted by w.
    interval
        The range that was searched.
    atol
        The accuracy of roots; 0 for the last digits.
    max_points
        The number of points above which gaps were not refined; ``MAX_POINTS`` by default.
    """

    evaluate: Callable[[Array], E]
    points: E
    interval: Bounds
    atol: float = 0.0
    max_points: int | None = None

    @property
    def is_complete(self) -> bool:
        """False if the search ended because it had too many points: a minimum may be missed."""
        return len(self.points.w) <= (self.max_points or MAX_POINTS)

    @property
    def is_flat(self) -> bool:
        """True if no cost exceeds another by more than their accuracy."""
        lowest = int(np.argmin(self.points.cost))
        highest_equal = self.points.cost[lowest] + self.points.accuracy[lowest]
        return not bool(np.max(self.points.cost) > highest_equal)

    @cached_property
    def minima(self) -> E:
        """The local minima, lowest first: points with higher costs between them and lower ones."""
        return self.points[find_minima(self.points)]

    def level_set(self, level: float) -> list[Bounds]:
        """Return the intervals where the cost is at most a level, in order.

        None is missed, since all local extrema are among the points.
        """
        ends = self.find_roots(lambda at: at.cost - level)
        first, last = self.points.cost[[0, -1]] <= level
        low, high = self.interval
        edges = [*[low] * int(first), *ends.tolist(), *[high] * int(last)]
        return [Bounds(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)]

    def find_roots(self, function: Callable[[E], Array]) -> Array:
        """Return a root between any two adjacent points whose values differ in sign.

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
        gaps = np.flatnonzero(np.diff(values > 0.0))
        return self._find_roots_in(gaps, function, self.atol)

    def find_extrema(self, highest: float) -> Array:
        """Return the extrema between points, one in each gap in which the slope changes its sign.

        A gap is omitted if the extremum is above ``highest`` according to the tangents at its ends;
        for a maximum, according to the lower end. Of a maximum only the cost matters, which depends
        on the square of its distance.

        Parameters
        ----------
        highest
            The bound on the cost; inf omits no gap.

        Returns
        -------
        extrema : (K,)
            Increasing.
        """
        cost = self.points.cost
        signs = np.sign(self.points.slope)
        gaps = np.flatnonzero(signs[:-1] * signs[1:] < 0.0)
        left = self.points.slope[gaps]
        right = self.points.slope[gaps + 1]
        part = left / (left - right)  # of the gap, at which a straight slope is 0
        depth = np.diff(self.points.w)[gaps] * np.fmax(-left * part, right * (1.0 - part))
        low = np.minimum(cost[gaps], cost[gaps + 1]) - np.fmax(depth, 0.0)
        gaps = gaps[~(low > highest)]
        of_maxima = math.sqrt(self.atol) * np.diff(self.points.w)[gaps]
        is_maximum = self.points.slope[gaps] > 0.0
        atol = np.where(is_maximum, np.maximum(of_maxima, self.atol), self.atol)
        return self._find_roots_in(gaps, lambda at: at.slope, atol)

    def _find_roots_in(
        self, gaps: NDArray[np.intp], function: Callable[[E], Array], atol: Array | float
    ) -> Array:
        """Return a root in each of some gaps, given by the numbers of their left ends."""
        if not len(gaps):
            return np.empty(0)
        left = self.points[gaps]
        right = self.points[gaps + 1]
        return find_bracketed_roots(
            lambda w: function(self.evaluate(w)),
            (left.w, right.w),
            (function(left), function(right)),
            atol,
        )


def search(
    evaluate: Callable[[Array], E],
    start: E,
    interval: tuple[float, float],
    highest: float = np.inf,
    atol: float = 0.0,
    max_points: int | None = None,
) -> Profile[E]:
    """Find all extrema of a function of w_rec in a range.

    Parameters
    ----------
    evaluate
        Evaluates it at points (W,).
    start
        Points at which it has been evaluated, such as those of `make_grid`, sorted by w. A cost
        must be known at one of them.
    interval
        The range to search. Its ends, or adjacent points, are among those of ``start``.
    highest
        A bound on the cost. Extrema that are higher according to the tangents at adjacent points
        are not computed to the last digit.
    atol
        The accuracy of roots; 0 for the last digits.
    max_points
        The number of points above which gaps are not refined; ``MAX_POINTS`` by default.

    Returns
    -------
    Profile
        With all evaluated points.
    """
    points = _refine(start[np.isfinite(start.cost)], evaluate, max_points)
    profile = Profile(evaluate, points, Bounds(*interval), atol, max_points)
    for _ in range(2):
        extrema = profile.find_extrema(highest)
        if not len(extrema):
            break
        points = _add(profile.points, evaluate, extrema)
        # An extremum may reveal further ones next to it.
        profile = replace(profile, points=_refine(points, evaluate, max_points))
        if len(profile.points.w) == len(points.w):
            break
    return profile


def find_minima(points: Evaluation) -> NDArray[np.intp]:
    """Return the numbers of the local minima, lowest first.

    Between two of them, a cost exceeds that of the higher one by more than the accuracies of both
    costs. Minima not separated by such a rise are represented by the lowest point.

    Parameters
    ----------
    points
        W points with costs, in their order on the line.

    Returns
    -------
    minima : (K,)
        Indices of points. Among equal costs, one with w close to 1 or -1 comes first.
    """
    cost = points.cost
    padded = np.pad(cost, 1, constant_values=np.inf)
    candidates = np.flatnonzero((cost <= padded[:-2]) & (cost <= padded[2:]))
    order = np.lexsort((1.0 - np.abs(points.w[candidates]), cost[candidates]))
    least = cost - points.accuracy
    minima = list[int]()
    for i in candidates[order].tolist():
        highest_equal = cost[i] + points.accuracy[i]
        if all(np.fmax.reduce(least[min(i, j) : max(i, j)]) > highest_equal for j in minima):
            minima.append(i)
    return np.array(minima, dtype=np.intp)


def _refine(points: E, evaluate: Callable[[Array], E], max_points: int | None) -> E:
    """Return the points, and more where the cubic through values and slopes has two extrema.

    A gap is halved at most ``ROUNDS`` times.
    """
    for _ in range(ROUNDS):
        if len(points.w) > (max_points or MAX_POINTS):
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
    return points.merge(added[np.isfinite(added.cost)])


def _find_doubtful_middles(points: Evaluation) -> Array:
    """Return the middles of gaps in which the cubic through values and slopes has two extrema.

    Let a gap of length h have the values y_0 and y_1 and the slopes a and b at its ends, and let
    m = (y_1 - y_0) / h. At the part t of the gap, from 0 to 1, the cubic has the value

        y_0 (1 + 2t) (1 - t)² + y_1 t² (3 - 2t) + h a t (1 - t)² + h b t² (t - 1)

    and, divided by h, its derivative with respect to t is the slope

        s(t) = a (1 - t) (1 - 3t) + b t (3t - 2) + 6 m t (1 - t).

    This is a parabola with s(0) = a and s(1) = b. If a and b have the same sign, it has two roots
    in the gap or none. It has two if it has the opposite sign somewhere. This is checked at three
    points of the gap; a missed pair of roots is closer than a quarter of the gap.
    """
    t = np.array([0.25, 0.5, 0.75])[:, None]
    a = points.slope[:-1]
    b = points.slope[1:]
    h = np.diff(points.w)
    mean = np.diff(points.cost) / h
    inner = a * (1.0 - t) * (1.0 - 3.0 * t) + b * t * (3.0 * t - 2.0) + 6.0 * mean * t * (1.0 - t)
    same_sign = np.sign(a) * np.sign(b) >= 0.0  # products of slopes may overflow
    turns_twice = same_sign & (np.sign(inner) * np.sign(a + b) < 0.0).any(axis=0)
    change = h * (np.abs(a) + np.abs(b) + np.abs(mean))
    is_doubtful = turns_twice & (change > points.accuracy[1:])
    middles: Array = (points.w[:-1] + 0.5 * h)[is_doubtful]
    return middles
