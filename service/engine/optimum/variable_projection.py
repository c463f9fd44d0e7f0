"""The cost with w_in eliminated: a function of w_rec alone, on the projective line.

For each w_rec the best w_in is a quotient of two polynomials in w_rec, and the remaining cost is a
rational function r(w_rec). This elimination is variable projection. See ``point`` for the charts.

With an initial state, and d the mean target less s0 w_rec^T, r is the variance of t_i plus
(d² e - 2 d b m - b²) / a. A large d is canceled where p_i are nearly equal, so e and b are computed
from inputs and targets less their means, and a as m² + e.

References
----------
G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import Polynomials, tolerances
from service.engine.data import Moments
from service.engine.optimum.point import Point
from service.engine.optimum.refinement import FitProblem
from service.engine.types import Array

HALF = 128  # intervals of the grid on each half of a chart


class Evaluations(NamedTuple):
    """The reduced cost and related quantities at points of both charts, each (G,).

    Costs and slopes are nan where cancellation leaves no digits.

    Attributes
    ----------
    chart, u
        The points.
    values : (R, G)
        Values of the polynomials of ``ReducedCost``, the first two of which are a and a'.
    cost, slope
        r and its derivative with respect to u.
    noise
        Bound of the rounding error in ``cost``.
    """

    chart: NDArray[Any]
    u: NDArray[Any]
    values: NDArray[Any]
    cost: NDArray[Any]
    slope: NDArray[Any]
    noise: NDArray[Any]

    def at(self, key: Any) -> "Evaluations":
        """Return the points at an index or in a slice."""
        return Evaluations(*(column[..., key] for column in self))

    def joined(self, *others: "Evaluations") -> "Evaluations":
        """Join sets of points as they are."""
        return Evaluations(
            *(np.concatenate(columns, -1) for columns in zip(self, *others, strict=True))
        )

    def merged(self, *others: "Evaluations") -> "Evaluations":
        """Join sets of points, sorted by chart and u, each point once."""
        joined = self.joined(*others)
        joined = joined.at(np.lexsort((joined.u, joined.chart)))
        new = (np.diff(joined.u) != 0.0) | (np.diff(joined.chart) != 0)
        return joined.at(np.append(True, new))

    def points(self, key: Any) -> list[Point]:
        """Return the points at an index."""
        return list(map(Point, self.chart[key].tolist(), self.u[key].tolist()))

    def gap(self, index: int) -> tuple[int, float, float]:
        """Return the chart of one gap and its two ends."""
        return int(self.chart[index]), float(self.u[index]), float(self.u[index + 1])


@dataclass(frozen=True)
class ReducedCost:
    """The polynomials of the reduced cost in both charts.

    Attributes
    ----------
    coefficients : (2, R, 2 D - 1)
        By chart, polynomial and rising power of u. The polynomials are a, a', |a|(u), |a|(-u), b
        and b', and with an initial state m, m', e, e', |e|(u) and |e|(-u). Here a is the mean of
        p_i², b the mean of p_i t_i, with an initial state their covariance, m the mean of p_i and
        e their variance; |a| has the magnitudes of a's coefficients.
    n_steps, initial_state
        T and s0 of the term s0 w_rec^T.
    target_square, target_mean, target_variance
        The mean of t_i², and with an initial state mean and variance of t_i.
    """

    coefficients: Array
    n_steps: int
    initial_state: float
    target_square: float
    target_mean: float
    target_variance: float

    @classmethod
    def from_moments(cls, problem: FitProblem, moments: Moments) -> "ReducedCost":
        """Return the reduced cost of a problem with these moments."""
        n, used = moments.n_samples, slice(problem.first_power, problem.last_power + 1)
        square = slice(2 * used.start, 2 * used.stop - 1)
        a, b = moments.input_square_sum[square] / n, moments.input_target_sum[used] / n
        polynomials, mean, variance = [a, b], 0.0, moments.target_square
        if problem.initial_state != 0.0:
            # The difference a - m² has no digits if the sequences are nearly equal.
            means, mean = moments.input_sum / n, moments.target_sum / n
            factor, centered_inputs = problem.factor, problem.centered_inputs
            centered_targets = factor.targets - mean * factor.ones
            centered = Moments.from_arrays(centered_inputs[:, ::-1], centered_targets)
            e, b = centered.input_square_sum[square] / n, centered.input_target_sum[used] / n
            polynomials, variance = [a, b, means[used], e], centered.target_square_sum / n
        tables, s0 = _tables(polynomials), problem.initial_state
        return cls(tables, problem.n_steps, s0, moments.target_square, mean, variance)

    def evaluate_grid(self) -> Evaluations:
        """Evaluate the reduced cost on the grid, and where s0 w^T is as large as the targets."""
        u = _grid(self.coefficients.shape[-1])
        evaluations = self.evaluate(np.repeat([0, 1], len(u)), np.tile(u, 2))
        if self.initial_state == 0.0:
            return evaluations
        ratio = 0.5 * np.log10(self.target_square) - np.log10(abs(self.initial_state))
        exponents = (ratio + np.linspace(-6.0, 16.0, 67)) / self.n_steps
        u = 10.0 ** np.maximum(-np.abs(exponents), -300.0)
        chart = (exponents > 0.0).astype(np.intp)
        return evaluations.merged(self.evaluate(np.tile(chart, 2), np.concatenate([u, -u])))

    def evaluate(self, chart: NDArray[np.intp], u: Array) -> Evaluations:
        """Evaluate the reduced cost at points (G,)."""
        values = np.empty((self.coefficients.shape[1], len(u)))
        for side in (0, 1):
            inside = np.flatnonzero(chart == side)
            if inside.size:
                values[:, inside] = self._polynomials[side](u[inside])
        return self._evaluations(chart, u, self._recompute_a(values))

    @cached_property
    def _polynomials(self) -> list[Polynomials]:
        return [Polynomials(*coefficients) for coefficients in self.coefficients]

    def evaluate_points(self, points: list[Point]) -> Evaluations:
        """Evaluate the reduced cost at a list of points."""
        chart = np.array([point.chart for point in points], dtype=np.intp)
        return self.evaluate(chart, np.array([point.u for point in points]))

    def vanishes(self, point: Point) -> bool:
        """Return whether the mean of p_i² may be 0 up to rounding."""
        a, _, size, other_size, *_ = self.values_at(point).tolist()
        return bool(a <= tolerances.VANISHING_RTOL * max(size, other_size))

    def values_at(self, point: Point) -> Array:
        """Return the polynomials' values (R,) at one point."""
        coefficients = self.coefficients[point.chart]
        powers = np.full(coefficients.shape[-1], point.u)
        powers[0] = 1.0
        return self._recompute_a(coefficients @ np.cumprod(powers))

    def _recompute_a(self, values: Array) -> Array:
        """Return values (R, ...) with a = m² + e, which is accurate near roots of similar p_i."""
        if self.initial_state != 0.0:
            m, m_slope, e, e_slope = values[6:10]
            values[0], values[1] = m * m + e, 2.0 * m * m_slope + e_slope
        return values

    def slope(self, point: Point) -> float:
        """Return the derivative of the reduced cost with respect to u at one point."""
        return float(self._eliminated(*point, self.values_at(point))[1])

    def power_slope(self, point: Point) -> float:
        """Return the derivative of the mean of p_i² with respect to u at one point."""
        return float(self.values_at(point)[1])

    def _evaluations(self, chart: NDArray[np.intp], u: Array, values: Array) -> Evaluations:
        cost, slope, size = self._eliminated(chart, u, values)
        noise = tolerances.REDUCED_COST_RTOL * size
        known = noise < tolerances.MAX_NOISE * np.maximum(self.target_square, cost)
        known &= (values[0] > 0.0) & np.isfinite(cost + slope)
        if not known.all():
            cost, slope = np.where(known, cost, np.nan), np.where(known, slope, np.nan)
        return Evaluations(chart, u, values, cost, slope, noise)

    def _eliminated(self, chart: Any, u: Any, values: Array) -> tuple[Any, Any, Any]:
        """Return the cost, its slope, and a bound of the terms that round."""
        a, a_slope, size, other_size, b, b_slope, *of_state = values
        if not of_state:
            w_in, size = b / a, np.maximum(size, other_size)
            slope = w_in * (w_in * a_slope - 2.0 * b_slope)
            return self.target_variance - b * w_in, slope, self.target_square * size / a
        m, m_slope, e, e_slope, e_size, e_other = of_state
        power = self.n_steps * (1.0 - 2.0 * chart)
        d = self.target_mean - self.initial_state * np.power(u, power)
        d_slope = -self.initial_state * power * np.power(u, power - 1.0)
        excess = (d * (d * e - 2.0 * b * m) - b * b) / a
        slope = d * (d * e_slope - 2.0 * (b_slope * m + b * m_slope)) - 2.0 * b * b_slope
        slope = (slope + 2.0 * d_slope * (d * e - b * m) - excess * a_slope) / a
        by_spread = (self.target_square + d * d) * np.maximum(e_size, e_other) / a
        by_mean = self.target_square + np.sqrt(self.target_square) * np.abs(d) + np.abs(excess)
        by_mean *= np.sqrt(np.maximum(size, other_size) / a)
        return self.target_variance + excess, slope, by_spread + by_mean


def _tables(polynomials: list[Array]) -> Array:
    """Return the coefficients (2, R, D) of ``ReducedCost``; the first polynomial is the longest."""
    rows: list[Array] = []
    power = np.arange(len(polynomials[0]))
    for k, polynomial in enumerate(polynomials):
        both, slope = np.zeros((2, 2, len(power)))
        both[:, : len(polynomial)] = polynomial, polynomial[::-1]
        slope[:, :-1] = both[:, 1:] * power[1:]
        rows += [both, slope]
        if k in (0, 3):
            size = np.abs(both)
            rows += [size, size * (-1.0) ** power]
    return np.stack(rows, axis=1)


def _grid(count: int) -> Array:
    """Return the points of a chart (2 HALF + 3,) at which ``count`` coefficients are evaluated.

    Points are denser near -1 and 1, as the real roots of random polynomials are. Their distances
    from these ends grow like sinh.

    References
    ----------
    M. Kac, "On the average number of real roots of a random algebraic equation", Bull. Amer. Math.
    Soc. 49 (1943), 314-320, for the density of the roots.
    """
    n = max((count - 1) // 2, 1)
    positive = 1.0 - np.sinh(np.arange(HALF + 1) * (np.arcsinh(n) / HALF)) / n
    positive[-1] = 0.0
    positive = np.append(1.0 + tolerances.GRID_OVERLAP, positive)
    return np.concatenate([-positive, positive[-2::-1]])
