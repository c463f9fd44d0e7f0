"""Selection of the minimum among the candidates, and whether it is attained and unique."""

from dataclasses import dataclass, replace
from math import inf, nan, sqrt

from service.engine.arithmetic import EPSILON, tolerances
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import Fit, FitProblem
from service.engine.optimum.result import Optimum, optimum_of_fit
from service.engine.types import Weights


def select_optimum(problem: FitProblem, fits: list[Fit], is_flat: bool) -> Optimum:
    """Return the lowest of some minima with finite costs.

    ``Point.preference`` decides between minima of equal cost, as all are if ``is_flat``.
    """
    if not fits:
        return Optimum.at(Weights(nan, nan), inf, w_in=(0, -inf))
    enough = min(
        fit.cost * (1.0 + tolerances.EXCLUDED_RTOL) + tolerances.EXCLUDED_ATOL * fit.term_scale
        for fit in fits
    )
    chosen = [fit for fit in fits if fit.cost - tolerances.EXCLUDED_ATOL * fit.term_scale <= enough]
    optima = [optimum_of_fit(problem, fit) for fit in chosen]
    candidates = [
        (fit._replace(cost=optimum.cost), optimum)
        for fit, optimum in zip(chosen, optima, strict=True)
    ]
    lowest = _Lowest(problem, min(optimum.cost for optimum in optima))
    distinct: list[tuple[Fit, Optimum]] = []
    for fit, optimum in sorted(candidates, key=lambda candidate: _rank(candidate[0])):
        # The points of a plateau are one minimum, and the first represents it.
        is_new = lowest.equals(fit) and not any(lowest.joins(fit, other) for other, _ in distinct)
        if is_flat or is_new:
            distinct.append((fit, optimum))
    # Exclude weights whose rounding increases the cost by more than the accuracy of costs.
    equal = [candidate for candidate in distinct if lowest.is_about(candidate[0])]
    attained = [candidate for candidate in equal if candidate[1].attained]
    first = min(attained or equal, key=lambda candidate: candidate[0].point.preference())[1]
    is_single = sum(optimum.attained for _, optimum in distinct) == 1
    return replace(first, unique=first.unique and is_single and not is_flat)


def _rank(fit: Fit) -> float:
    """Return a key that sorts by cost, with 0 and infinity before other points of equal cost."""
    is_end = fit.point.u == 0.0
    return fit.cost - is_end * (
        tolerances.LEVEL_RTOL * fit.cost + tolerances.LEVEL_ATOL * fit.term_scale
    )


@dataclass(frozen=True)
class _Lowest:
    """The lowest cost, and which costs differ from it by rounding only."""

    problem: FitProblem
    cost: float

    def is_about(self, fit: Fit) -> bool:
        """Return whether a cost is the lowest, within the documented accuracy of costs."""
        accuracy = (
            tolerances.EQUAL_COST_RTOL * self.cost
            + tolerances.COST_ATOL * self.problem.target_square
        )
        return fit.cost <= self.cost + accuracy

    def equals(self, fit: Fit) -> bool:
        """Return whether a cost is the lowest, up to the rounding of terms of its magnitude."""
        rounding = tolerances.SQUARE_RTOL * self.cost + 32.0 * EPSILON * sqrt(self.cost) * sqrt(
            fit.term_scale
        )
        rounding += fit.term_scale * (8.0 * EPSILON * self.problem.n_steps) ** 2
        return fit.cost <= self.cost + rounding

    def joins(self, one: Fit, other: Fit) -> bool:
        """Return whether two minimizers belong to one minimum: the cost between is not higher."""
        if one.point.distance(other.point) > tolerances.PLATEAU:
            return False
        points = (_point_between(one.point, other.point, k / 8.0) for k in range(1, 8))
        high = max(one.cost, other.cost)
        return all(
            middle.cost <= high or self.equals(middle) for middle in map(self.problem.fit, points)
        )


def _point_between(one: Point, other: Point, part: float) -> Point:
    if one.chart == other.chart:
        return one.moved(part * (other.u - one.u))
    return Point.at(one.w_rec + part * (other.w_rec - one.w_rec))
