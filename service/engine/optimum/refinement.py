"""The best fit for a given w_rec from the data themselves, where moments have lost their digits.

Charts as in ``reduced_cost``: u is w_rec in chart 0 and 1 / w_rec in chart 1.
"""

from dataclasses import dataclass, replace
from math import frexp, ldexp, sqrt
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import (
    DoubleDouble,
    polynomial_values,
    powers,
    reciprocal,
    scaled_power,
)
from service.engine.types import Array, Weights

EPSILON = float(np.finfo(float).eps)


class Fit(NamedTuple):
    """The best w_in for one u, and what the cost does there.

    scale -- the factor of p_i in this chart: w_in times w_rec to the first or last power.
    cost, slope, curvature -- of the cost with w_in eliminated, and its derivatives by u.
    magnitude -- mean square of all that is added and subtracted to make a residual, from a
        selection of the samples.
    """

    chart: int
    u: float
    scale: float
    cost: float
    slope: float
    curvature: float
    magnitude: float


@dataclass(frozen=True)
class FitProblem:
    """The data, without all-zero columns at either end.

    inputs : (N, D)
    targets : (N,)
    first_power : the power of w_rec that belongs to the last column.
    n_steps, initial_state : the term s0 w_rec^T of every output.
    """

    inputs: Array
    targets: Array
    first_power: int
    n_steps: int
    initial_state: float

    @property
    def last_power(self) -> int:
        """The power of w_rec that belongs to the first column."""
        return self.first_power + int(self.inputs.shape[1]) - 1

    def power_at_zero(self, chart: int) -> int:
        """Return the power of w_rec that p_i have at u = 0 of a chart."""
        return self.first_power if chart == 0 else self.last_power

    def values(self, chart: int, u: float, derivative: int = 0) -> Array:
        """Return the p_i of a chart, (N,), or their first or second derivative by u."""
        count = self.inputs.shape[1]
        powers = np.full(count, u)
        powers[0] = 1.0
        np.cumprod(powers, out=powers)
        if derivative:
            k = np.arange(derivative, count)
            factor = k if derivative == 1 else k * (k - 1)
            powers[derivative:] = factor * powers[: count - derivative]
            powers[:derivative] = 0.0
        found: Array = self.inputs @ (powers[::-1].copy() if chart == 0 else powers)
        return found

    def size(self, chart: int, u: float) -> float:
        """Return the mean square of the p_i with all terms positive, from some of the samples."""
        some = np.abs(self.inputs[:: max(1, len(self.inputs) // 256)])
        powers = np.abs(u) ** np.arange(some.shape[1])
        return float(np.mean((some @ (powers[::-1] if chart == 0 else powers)) ** 2))

    def state(self, chart: int, u: float) -> tuple[float, float, float]:
        """Return s0 w_rec^T and its first two derivatives by u."""
        if self.initial_state == 0.0:
            return 0.0, 0.0, 0.0
        k = float(self.n_steps if chart == 0 else -self.n_steps)
        with np.errstate(all="ignore"):
            terms = [
                self.initial_state * factor * np.power(np.float64(u), k - shift) if factor else 0.0
                for shift, factor in enumerate((1.0, k, k * (k - 1.0)))
            ]
        return float(terms[0]), float(terms[1]), float(terms[2])

    def fit(self, chart: int, u: float) -> Fit:
        """Fit w_in at one u; three passes over the data, one where the fit is perfect."""
        p = self.values(chart, u)
        g, g_1, g_2 = self.state(chart, u)
        n = len(self.targets)
        d = self.targets - g
        with np.errstate(all="ignore"):
            square = float(p @ p)
            scale = float(p @ d) / square if square > 0.0 else 0.0
            scale, e = _best(scale, p, d)
            magnitude = scale * scale * self.size(chart, u) + float(d @ d) / n + g * g
            cost = float(e @ e) / n
            if cost == 0.0:
                return Fit(chart, u, scale, cost, 0.0, np.inf, magnitude)
            p_1, p_2 = self.values(chart, u, 1), self.values(chart, u, 2)
            along = scale * p_1 + g_1
            common, turn = float(p @ along) / square if square > 0.0 else 0.0, float(e @ p_1)
            # Residuals have no part along p; what rounding leaves of it must not count.
            across = along - common * p
            slope = -2.0 * float(e @ across) / n
            curvature = 2.0 * float(across @ across) - 2.0 * float(e @ (scale * p_2 + g_2))
            curvature += 4.0 * common * turn - (2.0 * turn * turn / square if square else 0.0)
            curvature /= n
        return Fit(chart, u, scale, cost, slope, curvature, magnitude)

    def polish(self, chart: int, u: float) -> Fit:
        """Walk from a good guess to the minimiser by Newton's method."""
        fit = self.fit(chart, u)
        for _ in range(12):
            if not fit.curvature > 0.0:
                break
            step = -fit.slope / fit.curvature
            gain = -0.5 * fit.slope * step
            if gain <= 1e-24 * fit.cost + 1e-32 * fit.magnitude or fit.u + step == fit.u:
                break
            new = self.fit(chart, fit.u + step)
            # The last steps change the slope when the cost has no digits left to show it.
            rounding = 1e-12 * fit.cost + 1e-31 * fit.magnitude
            if not (new.cost <= fit.cost + rounding and abs(new.slope) < abs(fit.slope)):
                break
            fit = new
        return fit

    def minima(self, chart: int, u: float) -> list[Fit]:
        """Walk from a good guess to the minimiser, or to two if the guess is between them."""
        fit = self.polish(chart, u)
        # Moments see the bend of larger costs, and of smaller ones nothing is left but rounding.
        if not (fit.curvature < 0.0 and 1e-29 < fit.cost / fit.magnitude < 1e-3):
            return [fit]
        # A parabola of this bend would reach 0 there.
        reach = min(sqrt(2.0 * fit.cost / -fit.curvature), 0.5)
        enough = fit.cost - 1e-9 * fit.cost - 1e-30 * fit.magnitude
        sides = [self._downhill(fit, reach), self._downhill(fit, -reach)]
        return [side for side in sides if side.cost < enough] or [fit]

    def _downhill(self, start: Fit, reach: float) -> Fit:
        """Walk to the minimiser beside a point that is highest in its surroundings."""
        best = start
        for k in range(28):
            fit = self.fit(start.chart, start.u + reach * 0.7**k)
            if fit.cost < best.cost:
                best = fit
            elif best is not start:
                break
        return best if best is start else self.polish(best.chart, best.u)

    def divided(self, chart: int, root: float) -> "FitProblem":
        """Divide every p_i by (u - root), a root that all of them have; |root| at most 1."""
        columns = self.inputs.T if chart == 0 else self.inputs.T[::-1]
        quotient = np.empty((len(columns) - 1, len(self.targets)))
        quotient[0] = columns[0]
        for j in range(1, len(quotient)):
            quotient[j] = columns[j] + root * quotient[j - 1]
        ordered = quotient if chart == 0 else quotient[::-1]
        return replace(self, inputs=np.ascontiguousarray(ordered.T))

    def refined(self, w_in: float, w_rec: float) -> tuple[Weights, float]:
        """Return the best float weights near the given ones, and the cost there, to many digits."""
        w_in, cost, step = self._refined_w_in(w_in, w_rec)
        enough = 1e-29 * float(self.targets @ self.targets) / len(self.targets)
        for _ in range(4):
            # Gauss's and Newton's step: it forgets the curvature of the outputs, which matters
            # little where residuals are as small as here.
            if cost <= enough or w_rec + step == w_rec:
                break
            other, lower, further = self._refined_w_in(w_in, w_rec + step)
            if not lower < cost:
                break
            w_in, w_rec, cost, step = other, w_rec + step, lower, further
        return Weights(w_in, w_rec), cost

    def _refined_w_in(self, w_in: float, w_rec: float) -> tuple[float, float, float]:
        """Return the best float w_in near the given one, the cost, and a step to a better w_rec."""
        chart = 0 if abs(w_rec) <= 1.0 else 1
        u = reciprocal(w_rec) if chart else DoubleDouble(w_rec, 0.0)
        power, exponent = scaled_power(w_rec, self.power_at_zero(chart))
        p, d = self._precise(chart, u, w_rec)
        square = float(p.high @ p.high)

        def residuals(w_in: float) -> Array:
            scale = _times_float(power, -w_in, exponent)
            e: Array = d.plus(p.times(scale)).high
            return e

        e = residuals(w_in)
        best, size = float(e @ e), float(self.targets @ self.targets)
        scale = _times_float(power, w_in, exponent).high
        relative = float(e @ p.high) / square / scale if square * scale != 0.0 else 0.0
        better = w_in * (1.0 + relative)
        for trial, bound in ((better, best), (simple(better), 1e-31 * size), (0.0, 1e-31 * size)):
            other = residuals(trial)
            if float(other @ other) < max(best, bound):
                w_in, e, best = trial, other, float(other @ other)
        across = self._across(chart, u.high, p.high, _times_float(power, w_in, exponent).high)
        steep = float(across @ across)
        step = float(e @ across) / steep if steep > 0.0 else 0.0
        return w_in, best / len(e), -step * w_rec * w_rec if chart else step

    def _across(self, chart: int, u: float, p: Array, scale: float) -> Array:
        """Return by how much outputs scale * p change with u, less their part along p, (N,)."""
        along = scale * self.values(chart, u, 1) + self.state(chart, u)[1]
        square = float(p @ p)
        across: Array = along - (float(p @ along) / square if square else 0.0) * p
        return across

    def unrounded_cost(self, weights: Weights) -> float:
        """Return the cost of the minimiser that these weights are but for rounding, or inf."""
        w_in, w_rec = weights
        if not (np.isfinite(w_in) and np.isfinite(w_rec)):
            return np.inf
        chart = 0 if abs(w_rec) <= 1.0 else 1
        u = reciprocal(w_rec) if chart else DoubleDouble(w_rec, 0.0)
        power, exponent = scaled_power(w_rec, self.power_at_zero(chart))
        scale = _times_float(power, w_in, exponent)
        p, d = self._precise(chart, u, w_rec)
        e = d.plus(p.times(DoubleDouble(-scale.high, -scale.low))).high
        across = self._across(chart, u.high, p.high, scale.high)
        for direction, size in ((scale.high * p.high, 1.0), (across, abs(u.high))):
            square = float(direction @ direction)
            step = float(e @ direction) / square if square else 0.0
            if abs(step) > 1e-7 * size:  # more than rounding
                return np.inf
            e = e - step * direction
        return float(e @ e) / len(e)

    def refined_cost(self, fit: Fit) -> float:
        """Return the cost of a fit to many digits, without weights that float64 lacks."""
        w_rec = 1.0 / fit.u if fit.chart else fit.u
        p, d = self._precise(fit.chart, DoubleDouble(fit.u, 0.0), w_rec)
        e = d.plus(p.times(DoubleDouble(-fit.scale, 0.0))).high
        return float(e @ e) / len(e)

    def _precise(
        self, chart: int, u: DoubleDouble, w_rec: float
    ) -> tuple[DoubleDouble, DoubleDouble]:
        """Return the p_i of a chart and the targets less s0 w_rec^T, both (N,)."""
        table = powers(u, self.inputs.shape[1])
        if chart == 0:
            table = DoubleDouble(table.high[::-1], table.low[::-1])
        state, exponent = scaled_power(w_rec, self.n_steps)
        state = _times_float(state, -self.initial_state, exponent)
        targets = DoubleDouble(self.targets, np.zeros_like(self.targets))
        return polynomial_values(self.inputs, table), targets.plus(state)


def _best(scale: float, p: Array, d: Array) -> tuple[float, Array]:
    """Return the factor and its residuals d - scale p; a simple number where it fits better."""
    e = d - scale * p
    plain = simple(scale)
    if plain != scale and float(e @ e) < 1e-20 * float(d @ d):
        other = d - plain * p
        if float(other @ other) <= float(e @ e):
            return plain, other
    return scale, e


def _times_float(number: DoubleDouble, factor: float, exponent: int) -> DoubleDouble:
    """Return number * factor * 2 ** exponent."""
    mantissa, shift = frexp(factor)
    product = number.times(DoubleDouble(mantissa, 0.0))
    try:
        return DoubleDouble(
            ldexp(product.high, exponent + shift),
            ldexp(product.low, exponent + shift),
        )
    except OverflowError:
        return DoubleDouble(np.inf if product.high > 0 else -np.inf, 0.0)


def simple(number: float) -> float:
    """Return the number of six digits that rounding may have meant, or the number itself."""
    if not np.isfinite(number):
        return number
    plain = float(f"{number:.6g}")
    return plain if abs(number - plain) <= 1e-12 * abs(number) else number
