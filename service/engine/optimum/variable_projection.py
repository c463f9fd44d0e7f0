"""The cost with w_in eliminated: a function of w_rec alone, on the projective line.

For each w_rec the best w_in solves a linear problem, and the remaining cost is a rational function
r(w_rec). This elimination is variable projection. See ``point`` for the charts.

References
----------
G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import fill_powers, tolerances
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import FitProblem
from service.engine.types import Array

HALF = 128  # intervals of the grid on each half of a chart
CHUNK = 1 << 18  # numbers of one array that are computed together


class Evaluations(NamedTuple):
    """The reduced cost and related quantities at points of both charts, each (G,).

    Costs and slopes are nan where cancellation leaves no digits.
    """

    chart: NDArray[Any]
    u: NDArray[Any]
    power: NDArray[Any]  # the sum of p_i²
    power_slope: NDArray[Any]  # its derivative with respect to u
    size: NDArray[Any]  # a bound of the sum of the squared terms of p_i
    cost: NDArray[Any]  # r
    slope: NDArray[Any]  # its derivative with respect to u
    noise: NDArray[Any]  # a bound of the rounding error in the cost

    def at(self, key: Any) -> "Evaluations":
        """Return the points at an index or in a slice."""
        return Evaluations(*(column[key] for column in self))

    def joined(self, *others: "Evaluations") -> "Evaluations":
        """Join sets of points as they are."""
        return Evaluations(*map(np.concatenate, zip(self, *others, strict=True)))

    def merged(self, *others: "Evaluations") -> "Evaluations":
        """Join sets of points, sorted by chart and u, each point once."""
        joined = self.joined(*others)
        joined = joined.at(np.lexsort((joined.u, joined.chart)))
        new = (np.diff(joined.u) != 0.0) | (np.diff(joined.chart) != 0)
        return joined.at(np.append(True, new))

    def points(self, key: Any) -> list[Point]:
        """Return the points at an index."""
        return list(map(Point, self.chart[key].tolist(), self.u[key].tolist()))


def evaluate(problem: FitProblem, chart: NDArray[np.intp], u: Array) -> Evaluations:
    """Evaluate the reduced cost at points (G,).

    The symbols are those of ``FitProblem.fit``.
    """
    columns, n = problem.columns, problem.factor.n_samples
    n_parts = -(-len(u) * len(columns) // CHUNK)
    if n_parts > 1:
        parts = zip(np.array_split(chart, n_parts), np.array_split(u, n_parts), strict=True)
        first, *others = (evaluate(problem, *part) for part in parts)
        return first.joined(*others)
    p, p_1 = np.empty((2, len(columns), len(u)))
    size = np.empty(len(u))
    for side, by_power in enumerate((columns, columns[:, ::-1])):
        inside = np.flatnonzero(chart == side)
        powers = np.empty((columns.shape[1], inside.size))
        fill_powers(powers, u[inside])
        p[:, inside] = by_power @ powers
        slopes = np.arange(1.0, len(powers))[:, None] * powers[:-1]
        p_1[:, inside] = by_power[:, 1:] @ slopes
        size[inside] = np.linalg.norm(by_power, axis=0) @ np.abs(powers)
    d, g_1 = problem.factor.targets[:, None], np.zeros(1)
    if problem.initial_state != 0.0:
        power = problem.n_steps * (1.0 - 2.0 * chart)
        d = d - np.outer(problem.factor.ones, problem.initial_state * np.power(u, power))
        g_1 = np.outer(
            problem.factor.ones, problem.initial_state * power * np.power(u, power - 1.0)
        )
    pp = _dot(p, p)
    s = _dot(p, d) / pp
    e = d - s * p
    j = s * p_1 + g_1
    q = j - _dot(p, j) / pp * p
    cost, slope = _dot(e, e) / n, -2.0 * _dot(e, q) / n
    # A rounding error of a residual has this root mean square.
    error = tolerances.RESIDUAL_RTOL * (np.sqrt(_dot(d, d)) + np.abs(s) * size) / np.sqrt(n)
    noise = error * (2.0 * np.sqrt(cost) + error)
    known = noise < tolerances.MAX_NOISE * np.maximum(problem.target_square, cost)
    known &= (pp > tolerances.TINY_SQUARE) & np.isfinite(cost + slope)
    cost, slope = np.where(known, cost, np.nan), np.where(known, slope, np.nan)
    return Evaluations(chart, u, pp, 2.0 * _dot(p, p_1), size * size, cost, slope, noise)


def evaluate_points(problem: FitProblem, points: list[Point]) -> Evaluations:
    """Evaluate the reduced cost at a list of points."""
    chart = np.array([point.chart for point in points], dtype=np.intp)
    return evaluate(problem, chart, np.array([point.u for point in points]))


def evaluate_grid(problem: FitProblem) -> Evaluations:
    """Evaluate the reduced cost on the grid, and where s0 w^T is as large as the targets."""
    u = _grid(problem.columns.shape[1])
    evaluations = evaluate(problem, np.repeat([0, 1], len(u)), np.tile(u, 2))
    if problem.initial_state == 0.0:
        return evaluations
    ratio = 0.5 * np.log10(problem.target_square) - np.log10(abs(problem.initial_state))
    exponents = (ratio + np.linspace(-6.0, 16.0, 67)) / problem.n_steps
    u = 10.0 ** np.maximum(-np.abs(exponents), -300.0)
    chart = np.tile((exponents > 0.0).astype(np.intp), 2)
    return evaluations.merged(evaluate(problem, chart, np.concatenate([u, -u])))


def _dot(one: Array, other: Array) -> Array:
    """Return the products of columns, (G,); one column stands for all."""
    products: Array = np.einsum("mg,mg->g", one, other)
    return products


def _grid(count: int) -> Array:
    """Return the points of a chart (2 HALF + 3,) at which polynomials (count,) are evaluated.

    Points are denser near -1 and 1, as the real roots of random polynomials are. Their distances
    from these ends grow like sinh.

    References
    ----------
    M. Kac, "On the average number of real roots of a random algebraic equation", Bull. Amer. Math.
    Soc. 49 (1943), 314-320, for the density of the roots.
    """
    n = max(count - 1, 1)
    positive = 1.0 - np.sinh(np.arange(HALF + 1) * (np.arcsinh(n) / HALF)) / n
    positive[-1] = 0.0
    positive = np.append(1.0 + tolerances.GRID_OVERLAP, positive)
    return np.concatenate([-positive, positive[-2::-1]])
