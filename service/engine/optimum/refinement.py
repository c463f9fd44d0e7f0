"""Fits computed from the data, for cases in which moments are too inaccurate.

At a point of the projective line the outputs are scale p + g, where p_i are the values of the
inputs' polynomials in that chart and g is the term s0 w_rec^T.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import (
    EPSILON,
    DoubleDouble,
    ExtendedDoubleDouble,
    extended_powers,
    polynomial_values,
)
from service.engine.optimum.point import Point
from service.engine.optimum.tolerances import COST_RTOL
from service.engine.types import Array, Weights

# Costs relative to the mean square of their terms, where residuals are right to about 1e-16.
NEWTON_ATOL = 1e-32  # a smaller gain of a step is lost in rounding
ROUNDED_ATOL = 1e-31  # rounding may change a cost by so much
RIDGE_ATOL = 1e-30  # a minimum beside a ridge must be lower by more
PERFECT_ATOL = 1e-29  # smaller costs are rounding errors
SEEN_RTOL = 1e-3  # moments have the digits of larger costs, and so show the minima beside a ridge

NEWTON_RTOL = 1e-24  # a smaller gain of a step, relative to the cost, changes no digit of it
ROUNDED_RTOL = 1e-12  # the last steps of Newton's method may increase the cost by so much
SIMPLE_RTOL = 1e-20  # residuals of a smaller part of the targets let the scale be a round number
NEAR_RTOL = 1e-7  # scale and u this near to the minimum have a cost without their rounding


class Fit(NamedTuple):
    """The best w_in at one point, and the cost there.

    scale -- the factor of p_i in this chart: w_in times w_rec to the first or last power.
    cost, slope, curvature -- of the cost with w_in eliminated, and its derivatives by u.
    floor -- the cost without the rounding of the scale and of u.
    gauss_step -- the step in u to the minimum if residuals were linear in u.
    magnitude -- mean square of the terms that are added and subtracted to form a residual, from
        a selection of the sequences.
    """

    point: Point
    scale: float
    cost: float
    floor: float
    gauss_step: float
    slope: float
    curvature: float
    magnitude: float

    @property
    def newton_step(self) -> float:
        """The step in u to the minimum; 0 where the curvature is not positive."""
        return -self.slope / self.curvature if self.curvature > 0.0 else 0.0

    @property
    def newton_gain(self) -> float:
        """The reduction of the cost by the step."""
        return -0.5 * self.slope * self.newton_step


@dataclass(frozen=True)
class FitProblem:
    """The data, without all-zero columns at either end.

    inputs : (N, D)
    targets : (N,)
    first_power
        The power of w_rec that belongs to the last column.
    n_steps, initial_state
        The term s0 w_rec^T of every output.
    """

    inputs: Array
    targets: Array
    first_power: int
    n_steps: int
    initial_state: float

    @property
    def grid_density(self) -> int:
        """The number of grid points on each half of a chart; few sequences have more minima."""
        return 256 if len(self.targets) <= 3 else 128

    @property
    def last_power(self) -> int:
        """The power of w_rec that belongs to the first column."""
        return self.first_power + int(self.inputs.shape[1]) - 1

    def power_at_zero(self, chart: int) -> int:
        """Return the power of w_rec that p_i have at u = 0 of a chart."""
        return self.first_power if chart == 0 else self.last_power

    def values(self, point: Point, derivative: int = 0) -> Array:
        """Return the p_i at a point, (N,), or their first or second derivative in u."""
        found: Array = self.inputs @ _powers(point, self.inputs.shape[1])[derivative]
        return found

    def power_bound(self, point: Point) -> float:
        """Return the mean of p_i² with all terms positive, from a selection of the sequences."""
        sizes = self._some_sizes @ np.abs(_powers(point, self.inputs.shape[1])[0])
        return float(sizes @ sizes) / len(sizes)

    @cached_property
    def _some_sizes(self) -> Array:
        return np.abs(self.inputs[:: max(1, len(self.inputs) // 256)])

    def state(self, point: Point, derivative: int = 0) -> float:
        """Return s0 w_rec^T, or its first or second derivative by u."""
        factor, power = self.initial_state, self.n_steps if point.chart == 0 else -self.n_steps
        for _ in range(derivative):
            factor, power = factor * power, power - 1
        return factor * float(np.power(point.u, float(power))) if factor else 0.0

    def fit(self, point: Point) -> Fit:
        """Fit w_in at one point: three passes over the data, one where the fit is perfect."""
        p, d = self.values(point), self.targets - self.state(point)
        square = float(p @ p)
        scale = float(p @ d) / square if square > 0.0 else 0.0
        e, simple = d - scale * p, round_if_close(scale)
        if simple != scale and float(e @ e) < SIMPLE_RTOL * float(d @ d):
            other = d - simple * p
            if float(other @ other) <= float(e @ e):
                scale, e = simple, other
        return self._fit_of_residuals(point, scale, p, d, e)

    def _fit_of_residuals(self, point: Point, scale: float, p: Array, d: Array, e: Array) -> Fit:
        """Return the fit with residuals e = d - scale p, where d are the targets less the state."""
        n, square, cost = len(e), float(p @ p) or inf, float(e @ e) / len(e)
        magnitude = scale * scale * self.power_bound(point) + float(d @ d) / n
        magnitude += self.state(point) * self.state(point)
        if cost == 0.0:
            return Fit(point, scale, 0.0, 0.0, 0.0, 0.0, inf, magnitude)
        p_1, p_2 = self.values(point, 1), self.values(point, 2)
        along = scale * p_1 + self.state(point, 1)
        common, turn, excess = float(p @ along) / square, float(e @ p_1), float(e @ p) / square
        # Residuals have no part along p; what rounding leaves of it must not count.
        across = along - common * p
        steep = float(across @ across)
        step = float(e @ across) / steep if steep > 0.0 else 0.0
        curvature = 2.0 * steep + 4.0 * common * turn - 2.0 * turn * turn / square
        curvature -= 2.0 * float(e @ (scale * p_2 + self.state(point, 2)))
        floor, slope = cost, -2.0 * step * steep / n
        if abs(excess) <= NEAR_RTOL * abs(scale) and abs(step) <= NEAR_RTOL * abs(point.u):
            floor = max(0.0, cost - excess * excess * square / n + 0.5 * slope * step)
        return Fit(point, scale, cost, floor, step, slope, curvature / n, magnitude)

    def vanishes(self, point: Point) -> bool:
        """Return whether all p_i are 0 up to rounding."""
        p, p_1 = self.values(point), self.values(point, 1)
        rounding = sqrt(self.power_bound(point) * len(p)) + abs(point.u) * np.linalg.norm(p_1)
        return bool(np.linalg.norm(p) <= 64.0 * EPSILON * rounding)

    def newton_refine(self, point: Point) -> Fit:
        """Return the fit at the minimizer near a good guess, found by Newton's method."""
        fit = self.fit(point)
        for _ in range(12):
            point = fit.point.moved(fit.newton_step)
            enough = NEWTON_RTOL * fit.cost + NEWTON_ATOL * fit.magnitude
            if fit.newton_gain <= enough or point == fit.point:
                break
            new = self.fit(point)
            # The last steps change the slope when the cost has no digits left to show it.
            rounding = ROUNDED_RTOL * fit.cost + ROUNDED_ATOL * fit.magnitude
            if not (new.cost <= fit.cost + rounding and abs(new.slope) < abs(fit.slope)):
                break
            fit = new
        return fit

    def minima(self, point: Point) -> list[Fit]:
        """Return the fit at the minimizer near a good guess, or both if it is between two."""
        fit = self.newton_refine(point)
        # Moments see the bend of larger costs, and of smaller ones nothing is left but rounding.
        if not (fit.curvature < 0.0 and PERFECT_ATOL < fit.cost / fit.magnitude < SEEN_RTOL):
            return [fit]
        # A parabola of this bend would reach 0 there.
        reach = min(sqrt(2.0 * fit.cost / -fit.curvature), 0.5)
        enough = fit.cost - COST_RTOL * fit.cost - RIDGE_ATOL * fit.magnitude
        found = []
        for side in (reach, -reach):
            down = [self.fit(fit.point.moved(side * 0.6**k)) for k in range(20)]
            best = self.newton_refine(min(down, key=lambda each: each.cost).point)
            found += [best] if best.cost < enough else []
        return found or [fit]

    def nearest_root(self, point: Point) -> Point:
        """Return where the p_i are smallest near a good guess, by the Gauss-Newton method."""
        p = self.values(point)
        for _ in range(4):
            p_1 = self.values(point, 1)
            steep = float(p_1 @ p_1)
            new = point.moved(-float(p @ p_1) / steep if steep > 0.0 else 0.0)
            q = self.values(new)
            if not float(q @ q) < float(p @ p):
                break
            point, p = new, q
        return point

    def divided(self, root: Point) -> "FitProblem":
        """Divide every p_i by (u - root), a root that all of them have."""
        columns = self.inputs.T if root.chart == 0 else self.inputs.T[::-1]
        quotient = np.empty((len(columns) - 1, len(self.targets)))
        quotient[0] = columns[0]
        for j in range(1, len(quotient)):
            quotient[j] = columns[j] + root.u * quotient[j - 1]
        ordered = quotient if root.chart == 0 else quotient[::-1]
        return replace(self, inputs=np.ascontiguousarray(ordered.T))

    def refine(self, weights: Weights) -> tuple[Weights, Fit]:
        """Return the best float weights near the given ones, and their fit to many digits."""
        best = self._exact_fit(*weights)
        enough = PERFECT_ATOL * float(self.targets @ self.targets) / len(self.targets)
        for _ in range(4):
            (w_in, w_rec), fit = best
            gain = -0.5 * fit.slope * fit.gauss_step
            if fit.cost <= enough or gain <= COST_RTOL * fit.cost:
                break
            step = fit.gauss_step * (-w_rec * w_rec if fit.point.chart else 1.0)
            new = self._exact_fit(w_in, w_rec + step)
            if not new[1].cost < fit.cost:
                break
            best = new
        return best

    def _exact_fit(self, w_in: float, w_rec: float) -> tuple[Weights, Fit]:
        """Return the best float w_in near the given one, and its fit to many digits."""
        table = extended_powers(np.array([w_rec]), self.n_steps + 1).at((slice(None), 0))
        columns = table.at(slice(self.first_power, self.last_power + 1)).at(slice(None, None, -1))
        p, octaves = polynomial_values(self.inputs, columns)
        d = DoubleDouble(self.targets, np.zeros_like(self.targets))
        if self.initial_state != 0.0:
            state = ExtendedDoubleDouble.of(-self.initial_state).times(table.at(-1))
            d = d.plus(DoubleDouble(*np.ldexp(state[:2], state.exponent)))

        def residuals(w_in: float) -> Array:
            found: Array = d.plus(p.times(DoubleDouble(np.ldexp(-w_in, octaves), 0.0))).high
            return found

        e, square, scale = residuals(w_in), float(p.high @ p.high), np.ldexp(w_in, octaves)
        best, zero = float(e @ e), ROUNDED_ATOL * float(self.targets @ self.targets)
        step = float(e @ p.high) / square if square > 0.0 else 0.0
        better = w_in + float(np.ldexp(step, -octaves))
        simple = 0.0 if scale * scale * square <= zero else round_if_close(better)
        for trial, bound in ((better, best), (simple, zero)):
            other = residuals(trial) if trial != w_in else e
            if float(other @ other) < max(best, bound):
                w_in, e, best = trial, other, float(other @ other)
        point = Point.at(w_rec)
        power = table.at(self.power_at_zero(point.chart))
        scale = float(np.ldexp(w_in * power.high, power.exponent))
        unit = np.ldexp(1.0 / power.high, octaves - power.exponent) if power.high else 0.0
        fit = self._fit_of_residuals(point, scale, unit * p.high, d.high, e)
        return Weights(w_in, w_rec), fit


@lru_cache(maxsize=16)
def _powers(point: Point, count: int) -> Array:
    """Return the powers of u that belong to the columns and their two derivatives, (3, D)."""
    powers = np.zeros((3, count))
    powers[0, 0], powers[0, 1:] = 1.0, point.u
    np.cumprod(powers[0], out=powers[0])
    for order in (1, 2):
        powers[order, 1:] = np.arange(1, count) * powers[order - 1, :-1]
    powers = powers[:, ::-1].copy() if point.chart == 0 else powers
    powers.flags.writeable = False
    return powers


def round_if_close(number: float, tolerance: float = 1e-12) -> float:
    """Return the number of six digits that rounding may have meant, or the number itself."""
    simple = float(f"{number:.6g}")
    return simple if abs(number - simple) <= tolerance * abs(number) else number
