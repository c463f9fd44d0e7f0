"""Selection of the minimum among the candidates, and whether it is attained and unique."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, nan, sqrt
from typing import NamedTuple

from service.engine.arithmetic import EPSILON
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import Fit, FitProblem
from service.engine.optimum.result import Optimum, limit_optimum, optimum_of_fit
from service.engine.optimum.tolerances import COST_ATOL, COST_RTOL
from service.engine.types import Weights

EXCLUDED_RTOL = 1e-6  # a fit above the lowest cost by more cannot be the minimum
EXCLUDED_ATOL = 1e-20  # the same, of the terms of the cost
REFINED = 1e10  # if the terms of a cost exceed it by more, it was computed with more digits
SQUARE_RTOL = 1e-13  # rounding of a sum of squares
LEVEL_RTOL = 1e-18  # a cost that falls by less from an end is level
LEVEL_ATOL = 1e-31  # the same, of the terms of the cost
SAME_POINT = 1e-9  # points closer to each other are one
NEIGHBOR = 1e-2  # minimizers farther apart are two, whatever is between them
PLATEAU = 0.5  # how far the plateau around an end may reach


class _Minimizer(NamedTuple):
    """A fit, the optimum that it would be, and the cost without the rounding of its weights."""

    fit: Fit
    optimum: Optimum
    floor: float


def select_optimum(
    problem: FitProblem, attained: list[Fit], limits: list[Fit], *, is_flat: bool
) -> Optimum:
    """Return the lowest cost; of equal ones the weights that come first.

    Parameters
    ----------
    attained, limits
        Fits of weights, and of points where w_in or w_rec grows without bound; with finite costs.
    is_flat
        Whether all w_rec have the same cost.
    """
    if not attained and not limits:
        return Optimum.at(Weights(nan, nan), inf, w_in=(0, -inf))
    enough = min(
        fit.cost * (1.0 + EXCLUDED_RTOL) + EXCLUDED_ATOL * fit.magnitude
        for fit in attained + limits
    )
    chosen = [fit for fit in attained if fit.cost - EXCLUDED_ATOL * fit.magnitude <= enough]
    found = [_Minimizer(fit, *optimum_of_fit(problem, fit)) for fit in chosen]
    found.sort(key=lambda each: each.optimum.cost)
    limit = min(limits, key=lambda fit: fit.cost, default=None)
    lowest = _Lowest(problem, found[0].optimum.cost if found else inf)
    if limit is not None and (not found or lowest.exceeds(limit)):
        return limit_optimum(limit)
    ends = [fit for fit in chosen + limits if fit.point.u == 0.0 and lowest.is_reached_by(fit)]
    floor = _Lowest(problem, min(each.floor for each in found))
    distinct: list[_Minimizer] = []
    for each in found:
        magnitude = each.fit.magnitude
        # Of all that are one minimizer, as on a plateau, the lowest represents it.
        if (
            each.optimum.cost <= lowest.bound(magnitude) + lowest.rounding(magnitude)
            and each.floor <= floor.bound(min(magnitude, REFINED * floor.cost))
            and not any(lowest.extends(end, each) for end in ends)
            and not any(lowest.joins(each.fit, other.fit, NEIGHBOR) for other in distinct)
        ):
            distinct.append(each)
    # Weights whose rounding costs more than what a cost is accurate to stand back.
    equal = [each for each in distinct if lowest.is_about(each.optimum.cost)]
    if not equal:
        return found[0].optimum if limit is None else limit_optimum(limit)
    first = min(equal, key=lambda each: each.fit.point.preference()).optimum
    return replace(first, unique=first.unique and len(distinct) == 1 and not is_flat)


@dataclass(frozen=True)
class _Lowest:
    """The lowest cost, and which costs differ from it by rounding only."""

    problem: FitProblem
    cost: float

    @cached_property
    def target_square(self) -> float:
        """The mean of t_i²."""
        return float(self.problem.targets @ self.problem.targets) / len(self.problem.targets)

    def is_about(self, cost: float) -> bool:
        """Return whether a cost is the lowest, within the documented accuracy of costs."""
        return cost <= self.cost + COST_RTOL * self.cost + COST_ATOL * self.target_square

    def rounding(self, square: float) -> float:
        """Return the square that rounding leaves of residuals with terms of a mean square."""
        return square * (8.0 * EPSILON * self.problem.n_steps) ** 2

    def bound(self, magnitude: float) -> float:
        """Return the largest cost that equals the lowest up to rounding."""
        rounding = 32.0 * EPSILON * sqrt(self.cost * magnitude) + self.rounding(self.target_square)
        return self.cost + SQUARE_RTOL * self.cost + rounding

    def is_reached_by(self, fit: Fit) -> bool:
        """Return whether a fit has the lowest cost up to rounding."""
        return fit.cost <= self.bound(fit.magnitude)

    def exceeds(self, limit: Fit) -> bool:
        """Return whether a limit is lower by more than rounding."""
        return self.bound(limit.magnitude) - self.cost < self.cost - limit.cost

    def extends(self, end: Fit, each: _Minimizer) -> bool:
        """Return whether a minimizer is only part of a plateau around an end, 0 or infinity."""
        if each.fit.point == end.point:
            return False
        fall = abs(end.slope) * each.fit.point.distance(end.point)
        is_level = fall <= LEVEL_RTOL * end.cost + LEVEL_ATOL * end.magnitude
        return (end.cost <= each.optimum.cost or is_level) and self.joins(each.fit, end, PLATEAU)

    def joins(self, one: Fit, other: Fit, reach: float) -> bool:
        """Return whether two minimizers are one: the cost between them is no higher.

        Parameters
        ----------
        reach
            How far apart they may be.
        """
        distance = one.point.distance(other.point)
        if distance < SAME_POINT or distance > reach:
            return distance < SAME_POINT
        points = (_point_between(one.point, other.point, k / 8.0) for k in range(1, 8))
        high = max(one.cost, other.cost)
        return all(
            middle.cost <= max(high, self.bound(middle.magnitude))
            for middle in map(self.problem.fit, points)
        )


def _point_between(one: Point, other: Point, part: float) -> Point:
    if one.chart == other.chart:
        return one.moved(part * (other.u - one.u))
    return Point.at(one.w_rec + part * (other.w_rec - one.w_rec))
