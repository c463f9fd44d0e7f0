"""The cost with w_in eliminated: a function of w_rec alone, on the projective line.

For each w_rec the best w_in is a quotient of two polynomials in w_rec, and the remaining cost is a
rational function r(w_rec). This elimination is variable projection. See ``point`` for the charts.

References
----------
G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import hypot, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import EPSILON, stack_polynomials
from service.engine.data import Moments
from service.engine.optimum.point import Point
from service.engine.types import Array

NOISE = 64.0 * EPSILON  # bounds the rounding error of r, relative to its terms
LARGEST_NOISE = 0.1  # of the mean squared target, with which a cost still says something
BLOCK = 64  # powers computed one by one; higher ones by Horner's rule on whole blocks


class Evaluations(NamedTuple):
    """The reduced cost and related quantities at points of both charts, each (G,).

    Costs and slopes are nan where cancellation leaves no digits.

    chart, u -- the points.
    values -- of the polynomials of ``ReducedCost``, (R, G); first a and a'.
    cost, slope -- r and its derivative by u.
    noise -- bound of the rounding error in ``cost``.
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
        return Evaluations(*(np.concatenate(each, -1) for each in zip(self, *others, strict=True)))

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

    coefficients : (2, R, K * BLOCK or less)
        By chart, polynomial and rising power of u. The polynomials are a, a', |a|(u), |a|(-u), b,
        b', and with an initial state e, e', m, m'. Here a is the mean of p_i², b the mean of
        p_i t_i, m the mean of p_i; with an initial state b and e, the spread, are those of p_i
        and t_i less their means. |a| has the magnitudes of a's coefficients.
    degree
        Of p_i, zero columns at either end left out.
    n_steps, initial_state
        The term s0 w_rec^T.
    target_square, target_mean
        Of t_i, the former less the mean if there is an initial state.
    scale
        The mean of t_i².
    """

    coefficients: Array
    degree: int
    n_steps: int
    initial_state: float
    target_square: float
    target_mean: float
    scale: float

    @classmethod
    def from_moments(
        cls, moments: Moments, initial_state: float, first_power: int, last_power: int
    ) -> "ReducedCost":
        """Return the polynomials for p_i with the given range of powers of w_rec."""
        n = moments.n_samples
        a = moments.input_square_sum[2 * first_power : 2 * last_power + 1] / n
        b = moments.input_target_sum[first_power : last_power + 1] / n
        mean, square = 0.0, moments.target_square
        polynomials = [a, b]
        if initial_state != 0.0:
            m = moments.input_sum[first_power : last_power + 1] / n
            mean = moments.target_sum / n
            square = max(0.0, square - mean * mean)
            polynomials = [a, b - mean * m, a - np.convolve(m, m), m]
        return cls(
            np.stack([_table(polynomials), _table([each[::-1] for each in polynomials])]),
            last_power - first_power,
            moments.n_steps,
            initial_state,
            square,
            mean,
            moments.target_square,
        )

    def of_quotients(self, moments: Moments) -> "ReducedCost":
        """Return the reduced cost of other p_i with the same targets and initial state."""
        other = ReducedCost.from_moments(moments, self.initial_state, 0, moments.n_steps - 1)
        return replace(other, n_steps=self.n_steps)

    def evaluate_grid(self, half: int) -> Evaluations:
        """Evaluate both charts on the grid and wherever s0 w^T is as large as the targets.

        Parameters
        ----------
        half
            The number of grid points on each half of a chart.
        """
        u, powers = _grid(self.degree, half)
        n_rows = self.coefficients.shape[1]
        values = _values(self.coefficients.reshape(2 * n_rows, -1), u, powers)
        found = self._evaluations(
            np.repeat([0, 1], len(u)), np.tile(u, 2), np.hstack([values[:n_rows], values[n_rows:]])
        )
        if self.initial_state == 0.0 or self.n_steps == 1:
            return found
        ratio = 0.5 * np.log10(self.scale) - np.log10(abs(self.initial_state))
        exponents = (ratio + np.linspace(-6.0, 6.0, 49)) / self.n_steps
        u = 10.0 ** np.maximum(-np.abs(exponents), -300.0)
        chart = (exponents > 0.0).astype(np.intp)
        return found.merged(self.evaluate(np.tile(chart, 2), np.concatenate([u, -u])))

    def evaluate(self, chart: NDArray[np.intp], u: Array) -> Evaluations:
        """Evaluate the reduced cost at points (G,)."""
        values = np.empty((self.coefficients.shape[1], len(u)))
        for each in (0, 1):
            mine = chart == each
            values[:, mine] = _values(self.coefficients[each], u[mine])
        return self._evaluations(chart, u, values)

    def evaluate_points(self, points: list[Point]) -> Evaluations:
        """Evaluate the reduced cost at a list of points."""
        chart = np.array([point.chart for point in points], dtype=np.intp)
        return self.evaluate(chart, np.array([point.u for point in points]))

    def values_at(self, point: Point) -> Array:
        """Return the polynomials' values (R,) at one point."""
        coefficients = self.coefficients[point.chart]
        powers = np.full(coefficients.shape[-1], point.u)
        powers[0] = 1.0
        found: Array = coefficients @ np.cumprod(powers)
        return found

    def slope(self, point: Point) -> float:
        """Return the derivative of the reduced cost with respect to u at one point."""
        return float(self._eliminated(*point, self.values_at(point))[1])

    def power_slope(self, point: Point) -> float:
        """Return the derivative of the mean of p_i² with respect to u at one point."""
        return float(self.values_at(point)[1])

    def spread_slope(self, point: Point) -> float:
        """Return a number with the sign of the derivative of e / a with respect to u."""
        a, a_slope, _, _, _, _, e, e_slope, *_ = self.values_at(point).tolist()
        return float(e_slope * a - e * a_slope)

    def _evaluations(self, chart: NDArray[np.intp], u: Array, values: Array) -> Evaluations:
        cost, slope, scale = self._eliminated(chart, u, values)
        noise = NOISE * scale * np.maximum(values[2], values[3]) / values[0]
        known = (values[0] > 0.0) & (noise < LARGEST_NOISE * self.scale) & np.isfinite(cost + slope)
        if not known.all():
            cost, slope = np.where(known, cost, np.nan), np.where(known, slope, np.nan)
        return Evaluations(chart, u, values, cost, slope, noise)

    def _eliminated(self, chart: Any, u: Any, values: Array) -> tuple[Any, Any, Any]:
        """Return the cost, its slope, and an upper bound of the mean of (t_i - s0 w_rec^T)²."""
        if self.initial_state == 0.0:
            a, a_slope, _, _, b, b_slope = values
            w_in = b / a
            slope = w_in * (w_in * a_slope - 2.0 * b_slope)
            return self.target_square - b * w_in, slope, self.scale
        a, a_slope, _, _, b, b_slope, e, _, m, m_slope = values
        power = self.n_steps * (1.0 - 2.0 * chart)
        g = self.initial_state * np.power(u, power)
        g_slope = self.initial_state * power * np.power(u, power - 1.0)
        d = self.target_mean - g
        w_in = (b + m * d) / a
        cost = self.target_square + (d * (d * e - 2.0 * b * m) - b * b) / a
        slope = w_in * (w_in * a_slope - 2.0 * (b_slope + m_slope * d))
        return cost, slope + 2.0 * g_slope * (w_in * m - d), self.scale + d * d


def _table(polynomials: list[Array]) -> Array:
    """Return the coefficients of polynomials and their derivatives, and of both |a|.

    Rows end with zeros, so that they consist of whole blocks if there is more than one.
    """
    values = stack_polynomials(*polynomials)
    width = values.shape[1]
    if width > BLOCK:
        width += -width % BLOCK
        values = np.pad(values, ((0, 0), (0, width - values.shape[1])))
    slopes = np.zeros_like(values)
    slopes[:, :-1] = values[:, 1:] * np.arange(1, width)
    size = np.abs(values[:1])
    alternating = size.copy()
    alternating[:, 1::2] *= -1.0
    rows = np.stack([values, slopes], axis=1).reshape(-1, width)
    return np.concatenate([rows[:2], size, alternating, rows[2:]])


def _powers(u: Array, count: int) -> Array:
    """Return u (G,) to the powers 0 ... count - 1, as (count, G)."""
    table = np.empty((count, len(u)))
    table[0] = 1.0
    table[1:] = u
    return np.cumprod(table, axis=0, out=table)


def _values(rows: Array, u: Array, powers: Array | None = None) -> Array:
    """Return the values (R, G) of polynomials (R, D) at points u (G,)."""
    block = min(rows.shape[1], BLOCK)
    if powers is None:
        powers = _powers(u, block)
    parts = (rows.reshape(-1, block) @ powers).reshape(len(rows), rows.shape[1] // block, len(u))
    total: Array = parts[:, -1]
    step = powers[-1] * u
    for k in range(parts.shape[1] - 2, -1, -1):
        total = total * step + parts[:, k]
    return total


@lru_cache(maxsize=32)
def _grid(degree: int, half: int) -> tuple[Array, Array]:
    """Return points u (2 half + 1,) on [-1, 1] and their powers.

    Points crowd at both ends as the roots of random polynomials do: the distance to the end
    grows like sinh.
    """
    n = max(degree, 1)
    positive = 1.0 - np.sinh(np.arange(half + 1) * (np.arcsinh(n) / half)) / n
    positive[-1] = 0.0
    u = np.concatenate([-positive, positive[-2::-1]])
    powers = _powers(u, min(2 * degree + 1, BLOCK))
    u.flags.writeable = powers.flags.writeable = False
    return u, powers


def find_root(slope: Callable[[Point], float], chart: int, low: float, high: float) -> Point:
    """Return where a slope turns from negative to positive, by Ridders' method.

    Parameters
    ----------
    low, high
        Values of u in the chart. If the slope has the same sign at both, one of them is returned.

    References
    ----------
    C. J. F. Ridders, "A new algorithm for computing a single root of a real continuous function",
    IEEE Trans. Circuits Syst. 26 (1979), 979-980.
    """
    at_low, at_high = slope(Point(chart, low)), slope(Point(chart, high))
    if at_low >= 0.0 or at_high <= 0.0:
        return Point(chart, low if at_low >= 0.0 else high)
    tolerance = 1e-3 * EPSILON * (high - low)  # below the rounding of a root that is not 0
    last = low
    for _ in range(100):
        middle = 0.5 * (low + high)
        at_middle = slope(Point(chart, middle))
        root = hypot(at_middle, sqrt(-at_low) * sqrt(at_high))
        x = middle - (middle - low) * at_middle / root if root > 0.0 else middle
        at_x = slope(Point(chart, x))
        for u, value in ((middle, at_middle), (x, at_x)):
            if value < 0.0 and u > low:
                low, at_low = u, value
            elif value >= 0.0 and u < high:
                high, at_high = u, value
        if at_x == 0.0 or abs(x - last) <= tolerance + 2.0 * EPSILON * abs(x):
            break
        last = x
    return Point(chart, x)
