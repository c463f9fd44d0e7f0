"""The cost with w_in eliminated: a function of w_rec alone, on the projective line.

For each w_rec the best w_in is a quotient of two polynomials in w_rec, and what is left of the
cost is a rational function r (variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 10,
1973). It is looked at on two charts, u = w_rec and u = 1 / w_rec, both for u from -1 to 1, so
that powers never overflow and infinity is the point u = 0 of the second chart.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Moments
from service.engine.types import Array

BLOCK = 64  # powers computed one by one; higher ones by Horner's rule on whole blocks
EPSILON = float(np.finfo(float).eps)
SPREAD = [0, 6, 2, 8]  # the rows of coefficients that hold a, e, a', e'


class Evaluations(NamedTuple):
    """The reduced cost and its surroundings at points u (G,) of one chart, each (G,).

    Nan where cancellation leaves no digits.

    cost, slope -- r and its derivative by u.
    power, power_slope -- the mean of p_i² in this chart, and its derivative.
    magnitude -- the same mean with every coefficient taken positive.
    noise -- bound of the rounding error in ``cost``.
    """

    u: Array
    cost: Array
    slope: Array
    power: Array
    power_slope: Array
    magnitude: Array
    noise: Array

    def merged(self, other: "Evaluations") -> "Evaluations":
        """Join two sets of points, sorted by u, each point once."""
        joined = self.followed_by(other)
        _, first = np.unique(joined.u, return_index=True)
        return Evaluations(*(column[first] for column in joined))

    def followed_by(self, other: "Evaluations") -> "Evaluations":
        """Join two sets of points as they are."""
        return Evaluations(*map(np.concatenate, zip(self, other, strict=True)))


@dataclass(frozen=True)
class ReducedCost:
    """The polynomials of the reduced cost in both charts.

    coefficients : (2, R, K * BLOCK or less)
        By chart, polynomial and rising power of u. The polynomials are a, b, a', b', |a|(u),
        |a|(-u) and, with an initial state, e, m, e', m'. Here a is the mean of p_i², b the mean
        of p_i t_i, m the mean of p_i; with an initial state b and e are those of p_i and t_i
        less their means. |a| has the magnitudes of a's coefficients.
    degree : of p_i, zero columns at either end left out.
    n_steps, initial_state : the term s0 w_rec^T.
    target_square, target_mean : of t_i, the former less the mean if there is an initial state.
    scale : the mean of t_i².
    """

    coefficients: Array
    degree: int
    n_steps: int
    initial_state: float
    target_square: float
    target_mean: float
    scale: float

    @classmethod
    def of(
        cls, moments: Moments, initial_state: float, first_power: int, last_power: int
    ) -> "ReducedCost":
        """Take the polynomials from the moments, where p_i has the given range of powers."""
        a = moments.input_square[2 * first_power : 2 * last_power + 1]
        b = moments.input_target[first_power : last_power + 1]
        mean, square = 0.0, moments.target_square
        polynomials = [a, b]
        if initial_state != 0.0:
            m = moments.input_mean[first_power : last_power + 1]
            mean = moments.target_mean
            square = max(0.0, square - mean * mean)
            polynomials = [a, b - mean * m, a - np.convolve(m, m), m]
        charts = []
        for order in (1, -1):
            values = _stacked([row[::order] for row in polynomials])
            slopes = np.zeros_like(values)
            slopes[:, :-1] = values[:, 1:] * np.arange(1, values.shape[1])
            size = np.abs(values[:1])
            turned = size * np.where(np.arange(values.shape[1]) % 2, -1.0, 1.0)
            rows = [values[:2], slopes[:2], size, turned, values[2:], slopes[2:]]
            charts.append(np.concatenate(rows))
        return cls(
            np.stack(charts),
            last_power - first_power,
            moments.n_steps,
            initial_state,
            square,
            mean,
            moments.target_square,
        )

    def of_rows(self, moments: Moments, degree: int) -> "ReducedCost":
        """Return the reduced cost of other p_i with the same targets and initial state."""
        other = ReducedCost.of(moments, self.initial_state, 0, degree)
        return replace(other, n_steps=self.n_steps)

    def shared(self, u: Array, table: Array | None = None) -> tuple[Evaluations, Evaluations]:
        """Evaluate both charts at the same points u (G,)."""
        n_rows = self.coefficients.shape[1]
        stacked = self.coefficients.reshape(2 * n_rows, -1)
        values = _polynomials(stacked, u, table)
        return self._readings(0, u, values[:n_rows]), self._readings(1, u, values[n_rows:])

    def readings(self, chart: int, u: Array) -> Evaluations:
        """Evaluate one chart at points u (G,)."""
        return self._readings(chart, u, _polynomials(self.coefficients[chart], u, None))

    def spreads(self, half: int) -> list[tuple[int, Array, Array]]:
        """Return each chart, points u (G,) of it, and a, e, a', e' there, (4, G).

        Only with an initial state. See ``explore`` for ``half``.
        """
        u, table = _base_grid(self.degree, half)
        stacked = self.coefficients[:, SPREAD].reshape(2 * len(SPREAD), -1)
        values = _polynomials(stacked, u, table)
        return [(0, u, values[: len(SPREAD)]), (1, u, values[len(SPREAD) :])]

    def spread_slope(self, chart: int, u: float) -> float:
        """Return a number of the sign that the derivative of e / a by u has."""
        a, e, a_slope, e_slope = _at(self.coefficients[chart, SPREAD], u).tolist()
        return float(e_slope * a - e * a_slope)

    def slope(self, chart: int, u: float) -> float:
        """Return the derivative of the reduced cost by u at one point."""
        values = _at(self.coefficients[chart], u)
        if self.initial_state == 0.0:
            a, b, a_slope, b_slope = values[:4].tolist()
            if a <= 0.0:
                return 0.0
            w_in = b / a
            return float(w_in * (w_in * a_slope - 2.0 * b_slope))
        return float(self._readings(chart, np.array([u]), values[:, None]).slope[0])

    def power_slope(self, chart: int, u: float) -> float:
        """Return the derivative of a by u at one point."""
        return float(_at(self.coefficients[chart, 2], u))

    def _readings(self, chart: int, u: Array, values: Array) -> Evaluations:
        a, b, a_slope, b_slope = values[:4]
        size = np.maximum(values[4], values[5])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if self.initial_state == 0.0:
                w_in = b / a
                cost = self.target_square - b * w_in
                slope = w_in * (w_in * a_slope - 2.0 * b_slope)
                noise = 64.0 * EPSILON * self.scale * size / a
            else:
                cost, slope, scale = self._with_state(chart, u, values)
                noise = 64.0 * EPSILON * scale * size / a
            lost = ~((a > 0.0) & (noise < 0.1 * self.scale) & np.isfinite(cost + slope))
        cost = np.where(lost, np.nan, cost)
        slope = np.where(lost, np.nan, slope)
        return Evaluations(u, cost, slope, a, a_slope, size, noise)

    def _with_state(self, chart: int, u: Array, values: Array) -> tuple[Array, Array, Array]:
        a, b, a_slope, b_slope, _, _, e, m, _, m_slope = values
        sign = 1 if chart == 0 else -1
        g = self.initial_state * np.power(u, float(sign * self.n_steps))
        g_slope = (
            self.initial_state * sign * self.n_steps * np.power(u, float(sign * self.n_steps - 1))
        )
        d = self.target_mean - g
        w_in = (b + m * d) / a
        cost = self.target_square + (d * (d * e - 2.0 * b * m) - b * b) / a
        slope = w_in * (w_in * a_slope - 2.0 * (b_slope + m_slope * d))
        slope += 2.0 * g_slope * (w_in * m - d)
        return cost, slope, self.scale + d * d


def _stacked(rows: list[Array]) -> Array:
    """Stack coefficient rows of different lengths, zeros at the end, whole blocks if many."""
    width = max(map(len, rows))
    if width > BLOCK:
        width = -(-width // BLOCK) * BLOCK
    stacked = np.zeros((len(rows), width))
    for target, row in zip(stacked, rows, strict=True):
        target[: len(row)] = row
    return stacked


def _at(rows: Array, u: float) -> Array:
    """Return the values (R,) of polynomials (R, D) at one point, or that of one, (D,)."""
    powers = np.full(rows.shape[-1], u)
    powers[0] = 1.0
    found: Array = rows @ np.cumprod(powers)
    return found


def _powers(u: Array, count: int) -> Array:
    """Return u (G,) to the powers 0 ... count - 1, as (count, G)."""
    table = np.empty((count, len(u)))
    table[0] = 1.0
    table[1:] = u
    return np.cumprod(table, axis=0, out=table)


def _polynomials(rows: Array, u: Array, table: Array | None) -> Array:
    """Return the values (R, G) of polynomials (R, D) at points u (G,)."""
    n_rows, width = rows.shape
    block = min(width, BLOCK)
    if table is None:
        table = _powers(u, block)
    parts = (rows.reshape(-1, block) @ table).reshape(n_rows, width // block, len(u))
    total: Array = parts[:, -1]
    if parts.shape[1] > 1:
        step = table[-1] * u
        for k in range(parts.shape[1] - 2, -1, -1):
            total = total * step + parts[:, k]
    return total


@lru_cache(maxsize=32)
def _base_grid(degree: int, half: int) -> tuple[Array, Array]:
    """Return points u (2 half + 1,) on [-1, 1] and their powers.

    They crowd at both ends as the roots of random polynomials do: the distance to the end
    grows like sinh.
    """
    n = max(degree, 1)
    positive = 1.0 - np.sinh(np.arange(half + 1) * (np.arcsinh(n) / half)) / n
    positive[-1] = 0.0
    u = np.concatenate([-positive, positive[-2::-1]])
    table = _powers(u, min(2 * degree + 1, BLOCK))
    u.flags.writeable = table.flags.writeable = False
    return u, table


def explore(reduced: ReducedCost, half: int) -> tuple[Evaluations, Evaluations]:
    """Sample both charts so densely that cubic pieces between the points follow the cost.

    Parameters
    ----------
    half
        Points on each half of a chart to begin with; even.
    """
    charts = list(reduced.shared(*_base_grid(reduced.degree, half)))
    if reduced.initial_state != 0.0 and reduced.n_steps > 1:
        # Where s0 w^T is as large as the targets, wherever that is.
        ratio = 0.5 * np.log10(reduced.scale) - np.log10(abs(reduced.initial_state))
        exponents = (ratio + np.linspace(-6.0, 6.0, 49)) / reduced.n_steps
        for chart, chosen in ((0, exponents[exponents < 0]), (1, -exponents[exponents > 0])):
            u = 10.0 ** np.maximum(chosen, -300.0)
            if len(u):
                more = reduced.readings(chart, np.concatenate([-u, u]))
                charts[chart] = charts[chart].merged(more)
    best = min(float(np.nanmin(each.cost, initial=reduced.scale)) for each in charts)
    first, second = (_refined(reduced, i, each, best) for i, each in enumerate(charts))
    return first, second


def _refined(reduced: ReducedCost, chart: int, readings: Evaluations, best: float) -> Evaluations:
    """Halve the gaps in which the cost at a middle point differs from the cubic there."""
    if len(readings.u) % 2 == 0:
        between = 0.5 * (readings.u[:1] + readings.u[1:2])
        readings = readings.merged(reduced.readings(chart, between))
    ends, middles = slice(0, None, 2), slice(1, None, 2)
    left = Evaluations(*(each[ends][:-1] for each in readings))
    right = Evaluations(*(each[ends][1:] for each in readings))
    middle = Evaluations(*(each[middles] for each in readings))
    for _ in range(40):
        doubtful = _differs(left, middle, right, best, reduced.scale)
        if not doubtful.any() or len(readings.u) > 20000:
            break
        left, middle, right = (
            Evaluations(*(column[doubtful] for column in each)) for each in (left, middle, right)
        )
        left, right = left.followed_by(middle), middle.followed_by(right)
        middle = reduced.readings(chart, 0.5 * (left.u + right.u))
        readings = readings.merged(middle)
    return readings


def _differs(
    left: Evaluations, middle: Evaluations, right: Evaluations, best: float, scale: float
) -> NDArray[np.bool_]:
    """Tell where the cubic through both ends misses the middle by more than is harmless."""
    h = right.u - left.u
    t = (middle.u - left.u) / h
    with np.errstate(invalid="ignore", over="ignore"):
        cubic = (
            (1.0 + 2.0 * t) * (1.0 - t) ** 2 * left.cost
            + t * (1.0 - t) ** 2 * h * left.slope
            + t * t * (3.0 - 2.0 * t) * right.cost
            + t * t * (t - 1.0) * h * right.slope
        )
        low = np.fmin(np.fmin(left.cost, right.cost), middle.cost)
        # Above the mean square target no minimum is global: a rough idea is enough there.
        harmless = 0.02 * max(scale - best, 1e-6 * scale) + 0.3 * np.maximum(low - scale, 0.0)
        doubtful = np.abs(cubic - middle.cost) > harmless + middle.noise
    # Two neighbouring floats have no middle.
    found: NDArray[np.bool_] = doubtful & (middle.u > left.u) & (middle.u < right.u)
    return found
