"""Which of the candidates is the minimum, whether it is attained, and whether alone."""

from dataclasses import replace
from math import inf, isnan, sqrt

from service.engine.optimum.candidates import Point
from service.engine.optimum.refinement import EPSILON, Fit, FitProblem
from service.engine.optimum.result import Optimum, answer, limit_answer


def compared(rows: FitProblem, attained: list[Fit], limits: list[Fit], *, flat: bool) -> Optimum:
    """Choose the lowest cost; of equal ones the weights that come first.

    Parameters
    ----------
    attained, limits
        Fits of weights, and of places where w_in or w_rec grows without bound.
    flat
        Whether all w_rec have the same cost.
    """
    bounds = [_known_cost(fit) * (1.0 + 1e-6) + _noise(fit) for fit in attained + limits]
    roughly = min(bounds)
    answers = [(fit, answer(rows, fit)) for fit in attained if fit.cost - _noise(fit) <= roughly]
    if not answers and not limits:  # no cost is a number
        return answer(rows, min(attained, key=_known_cost))
    ties = _Ties(rows, min((found.cost for _, found in answers), default=inf))
    limit = min(limits, key=lambda fit: fit.cost, default=None)
    if limit is not None and (not answers or ties.clearly_lower(limit)):
        return limit_answer(limit)
    ends = [fit for fit, _ in answers if fit.u == 0.0]
    ends = [fit for fit in ends + limits if fit.cost <= ties.bound(fit)]
    # Of all that are one minimiser, as on a plateau, the lowest stands for it.
    places: list[tuple[Fit, Optimum]] = []
    for fit, found in sorted(answers, key=lambda pair: pair[1].cost):
        if not ties.may_be_best(fit, found) or any(ties.leads_to(fit, found, e) for e in ends):
            continue
        if not any(ties.together(fit, other) for other, _ in places):
            places.append((fit, found))
    if not places or ties.only_rounded(places[0]):
        lowest = min((found for _, found in answers), key=lambda found: found.cost)
        return limit_answer(limit) if limit is not None else lowest
    tied = ties.tied(places)
    near = [place for place in tied if place[1].cost <= ties.bound(place[0])] or places[:1]
    _, first = min(near, key=lambda place: _point(place[0]).turns())
    return replace(first, unique=first.unique and len(tied) == 1 and not flat)


class _Ties:
    """What counts as equal costs and as one minimiser.

    Parameters
    ----------
    best
        The lowest cost that weights have.
    """

    def __init__(self, rows: FitProblem, best: float) -> None:
        self.rows, self.best = rows, best
        self.square = float(rows.targets @ rows.targets) / len(rows.targets)

    def bound(self, fit: Fit) -> float:
        """Return up to which cost nothing but rounding may tell a fit from the best."""
        return self._bound_from(self.best, fit.magnitude)

    def _bound_from(self, best: float, magnitude: float) -> float:
        rounding = 32.0 * EPSILON * sqrt(best * magnitude)
        return best + 1e-13 * best + rounding + self._floor(self.square)

    def _floor(self, square: float) -> float:
        return square * (8.0 * EPSILON * self.rows.n_steps) ** 2

    def clearly_lower(self, limit: Fit) -> bool:
        """Tell whether a limit is lower than the best by more than rounding."""
        return self.bound(limit) - self.best < self.best - limit.cost

    def leads_to(self, fit: Fit, found: Optimum, end: Fit) -> bool:
        """Tell whether a fit is only part of a plateau about an end, the true minimiser."""
        if fit.u == 0.0 and fit.chart == end.chart and end.u == 0.0:
            return False
        way = abs(end.slope) * _point(fit).distance(_point(end))
        settled = way <= 1e-18 * end.cost + 1e-31 * end.magnitude
        return (end.cost <= found.cost or settled) and self.together(fit, end, 0.5)

    def together(self, fit: Fit, other: Fit, reach: float = 1e-2) -> bool:
        """Tell whether two minimisers are one: the cost between them is no higher.

        Parameters
        ----------
        reach
            How far apart they may be.
        """
        distance = _point(fit).distance(_point(other))
        if distance < 1e-9 or distance > reach:
            return distance < 1e-9
        high = max(fit.cost, other.cost)
        parts = (0.5,) if distance < 1e-2 else (0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875)
        between = (self._between(fit, other, part) for part in parts)
        return all(middle.cost <= max(high, self.bound(middle)) for middle in between)

    def _between(self, fit: Fit, other: Fit, part: float) -> Fit:
        if fit.chart == other.chart:
            return self.rows.fit(fit.chart, fit.u + part * (other.u - fit.u))
        inside, outside = (fit, other) if fit.chart == 0 else (other, fit)
        beyond = 1.0 / outside.u if outside.u != 0.0 else inf
        return self.rows.fit(0, inside.u + part * (beyond - inside.u))

    def may_be_best(self, fit: Fit, found: Optimum) -> bool:
        """Tell whether weights would have the lowest cost if they were not floats."""
        return found.cost <= self.bound(fit) + self._floor(fit.magnitude)

    def only_rounded(self, place: tuple[Fit, Optimum]) -> bool:
        """Tell whether even the best of the places is above the lowest cost."""
        fit, found = place
        return found.cost > self.bound(fit)

    def tied(self, places: list[tuple[Fit, Optimum]]) -> list[tuple[Fit, Optimum]]:
        """Return the places whose cost is lowest once the rounding of weights is set aside."""
        if len(places) == 1:
            return places
        costs = [min(found.cost, self.rows.unrounded_cost(found.weights)) for _, found in places]
        least = min(costs)
        bounds = [self._bound_from(least, min(fit.magnitude, 1e10 * least)) for fit, _ in places]
        return [p for p, cost, bound in zip(places, costs, bounds, strict=True) if cost <= bound]


def _known_cost(fit: Fit) -> float:
    return inf if isnan(fit.cost) else fit.cost


def _noise(fit: Fit) -> float:
    """Return what may be rounding in the cost of a fit, or inf."""
    return inf if isnan(fit.magnitude) else 1e-20 * fit.magnitude


def _point(fit: Fit) -> Point:
    return Point(fit.chart, fit.u)
