"""Fits computed from the data, for cases in which moments are too inaccurate.

At a point of the projective line the outputs are scale p + g, where g is the term s0 w_rec^T and
p_i are the inputs' polynomials in that chart. Where all p_i share a root, the outputs nearby are
those of the quotients by powers of the distance from the root. So p_i are their first Taylor
coefficients that are not all 0. Weights only approach such outputs, because w_in grows.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import (
    EPSILON,
    DoubleDouble,
    decimal_powers,
    polynomial_values,
    to_double_double,
)
from service.engine.optimum.point import Point
from service.engine.optimum.tolerances import COST_RTOL
from service.engine.types import Array, Weights

# Costs relative to the mean square of their terms, where residuals are right to about 1e-16.
NEWTON_ATOL = 1e-32  # a smaller gain of a step is lost in rounding
ROUNDED_ATOL = 1e-31  # rounding may change a cost by so much
PERFECT_ATOL = 1e-29  # smaller costs are rounding errors
UNUSED_ATOL = 1e-26  # a smaller mean square of scale p, relative to that of the targets, is 0
SEEN_RTOL = 1e-3  # moments have the digits of larger costs, and so show the minima beside a ridge

NEWTON_RTOL = 1e-24  # a smaller gain of a step, relative to the cost, changes no digit of it
ROUNDED_RTOL = 1e-12  # the last steps of Newton's method may increase the cost by so much
SIMPLE_RTOL = 1e-20  # residuals of a smaller part of the targets let the scale be a round number
TINY_SQUARE = 1e-305  # a smaller sum of squares has lost digits to underflow
ROOT_RTOL = 64.0 * EPSILON  # values of all p_i below this part of their terms are 0


class Fit(NamedTuple):
    """The best w_in at one point, and the cost there.

    scale -- the factor of p_i in this chart: w_in times w_rec to the first or last power.
    cost, slope, curvature -- of the cost with w_in eliminated, and its derivatives by u.
    gauss_step -- the step in u to the minimum if residuals were linear in u.
    magnitude -- mean square of the terms that are added and subtracted to form a residual, from
        a selection of the sequences.
    at_root -- whether all inputs of the network have no effect at the point. If ``scale`` is not 0,
        weights only approach it, because w_in or w_rec grows without bound.
    """

    point: Point
    scale: float
    cost: float
    gauss_step: float
    slope: float
    curvature: float
    magnitude: float
    at_root: bool

    @property
    def step(self) -> float:
        """The step in u to the minimum, by the curvature if it is positive."""
        return -self.slope / self.curvature if self.curvature > 0.0 else self.gauss_step

    @property
    def gain(self) -> float:
        """The reduction of the cost by the step."""
        return -0.5 * self.slope * self.step

    @property
    def is_limit(self) -> bool:
        """Whether weights approach the point, and a step from it gains nothing significant."""
        significant = COST_RTOL * self.cost + UNUSED_ATOL * self.magnitude
        return self.at_root and self.gain <= significant


@dataclass(frozen=True)
class FitProblem:
    """The data and the powers of w_rec that they use.

    inputs : (N, T)
    targets : (N,)
    initial_state
        The term s0 w_rec^T of every output has this factor.
    first_power, last_power
        The powers of w_rec that belong to the last and the first column that is not all 0.
    """

    inputs: Array
    targets: Array
    initial_state: float
    first_power: int
    last_power: int

    @property
    def n_steps(self) -> int:
        """The number T of steps."""
        return int(self.inputs.shape[1])

    @cached_property
    def columns(self) -> Array:
        """The columns from the first to the last that is not all 0, (N, D)."""
        end = self.n_steps
        return self.inputs[:, end - 1 - self.last_power : end - self.first_power]

    @cached_property
    def target_square(self) -> float:
        """The mean of t_i²."""
        return float(self.targets @ self.targets) / len(self.targets)

    def power_at_zero(self, chart: int) -> int:
        """Return the power of w_rec that p_i have at u = 0 of a chart."""
        return self.first_power if chart == 0 else self.last_power

    def values(self, point: Point, order: int = 0) -> Array:
        """Return the Taylor coefficients of an order of all p_i at a point, (N,)."""
        found: Array = self.columns @ _column_factors(point, self.columns.shape[1], order)
        return found

    def size_bound(self, point: Point, order: int = 0) -> float:
        """Return their root mean square with positive terms, from a selection of them."""
        sizes = self._some_sizes @ np.abs(_column_factors(point, self.columns.shape[1], order))
        return sqrt(float(sizes @ sizes) / len(sizes))

    @cached_property
    def _some_sizes(self) -> Array:
        return np.abs(self.columns[:: max(1, len(self.columns) // 256)])

    def first_values(self, point: Point) -> tuple[int, Array]:
        """Return the first Taylor coefficients that are not all 0, after their order."""
        for order in range(self.columns.shape[1]):
            p = self.values(point, order)
            rounding = ROOT_RTOL * self.size_bound(point, order) * sqrt(len(p))
            if np.linalg.norm(p) > rounding:
                break
        return order, p

    def state(self, point: Point, derivative: int = 0) -> float:
        """Return s0 w_rec^T, or its first or second derivative by u."""
        factor, power = self.initial_state, self.n_steps * (1 - 2 * point.chart)
        for _ in range(derivative):
            factor, power = factor * power, power - 1
        return factor * float(np.power(point.u, float(power))) if factor else 0.0

    def fit(self, point: Point) -> Fit:
        """Fit w_in at one point: three passes over the data, one where the fit is perfect."""
        order, p = self.first_values(point)
        state = self.state(point)
        d, square = self.targets - state, float(p @ p)
        square = square if square > TINY_SQUARE else inf
        scale = float(p @ d) / square
        if scale * (scale * square) <= UNUSED_ATOL * len(d) * self.target_square:
            scale = 0.0
        e, simple = d - scale * p, round_if_close(scale)
        if simple != scale and float(e @ e) < SIMPLE_RTOL * float(d @ d):
            other = d - simple * p
            if float(other @ other) <= float(e @ e):
                scale, e = simple, other
        n, cost = len(e), float(e @ e) / len(e)
        size = scale * self.size_bound(point, order)
        magnitude = size * size + float(d @ d) / n + state * state
        at_root = order > 0 or (point.u == 0.0 and self.power_at_zero(point.chart) > 0)
        if cost == 0.0:
            return Fit(point, scale, 0.0, 0.0, 0.0, inf, magnitude, at_root)
        p_1, p_2 = self.values(point, order + 1), 2.0 * self.values(point, order + 2)
        along = scale * p_1 + self.state(point, 1)
        common, turn = float(p @ along) / square, float(e @ p_1)
        # Residuals have no part along p; what rounding leaves of it must not count.
        across = along - common * p
        steep = float(across @ across)
        step = float(e @ across) / steep if steep > 0.0 else 0.0
        curvature = 2.0 * steep + 4.0 * common * turn - 2.0 * turn * (turn / square)
        curvature -= 2.0 * float(e @ (scale * p_2 + self.state(point, 2)))
        slope = -2.0 * step * steep / n
        return Fit(point, scale, cost, step, slope, curvature / n, magnitude, at_root)

    def newton_refine(self, point: Point) -> Fit:
        """Return the fit at the minimizer near a good guess, found by Newton's method."""
        fit = self.fit(point)
        for _ in range(12):
            point = fit.point.moved(fit.step)
            enough = NEWTON_RTOL * fit.cost + NEWTON_ATOL * fit.magnitude
            if fit.gain <= enough or point == fit.point:
                break
            new = self.fit(point)
            # The last steps change the slope when the cost has no digits left to show it.
            rounding = ROUNDED_RTOL * fit.cost + ROUNDED_ATOL * fit.magnitude
            flatter = abs(new.slope) < abs(fit.slope)
            if not new.cost < (fit.cost + rounding if flatter else fit.cost - rounding):
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
        enough = fit.cost - COST_RTOL * fit.cost - PERFECT_ATOL * fit.magnitude
        found = []
        for side in (reach, -reach):
            down = [self.fit(fit.point.moved(side * 0.6**k)) for k in range(20)]
            best = self.newton_refine(min(down, key=lambda each: each.cost).point)
            found += [best] if best.cost < enough else []
        return found or [fit]

    def exact_cost(self, weights: Weights) -> tuple[Weights, float]:
        """Return finite weights with a round or the best w_in near theirs, and their exact cost."""
        powers = decimal_powers(weights.w_rec, self.n_steps + 1)
        columns = powers[self.first_power : self.last_power + 1][::-1]
        p, octaves = polynomial_values(self.columns, columns)
        d = DoubleDouble(self.targets, np.zeros_like(self.targets))
        if self.initial_state != 0.0:
            d = d.plus(to_double_double(powers[-1:], Decimal(-self.initial_state)))

        def residuals(w_in: float) -> Array:
            found: Array = d.plus(p.times(DoubleDouble(np.ldexp(-w_in, octaves), 0.0))).high
            return found

        w_in, n = round_if_close(weights.w_in), len(self.targets)
        e, square = residuals(w_in), float(p.high @ p.high)
        step = float(e @ p.high) / square if square > 0.0 else 0.0
        better = w_in + float(np.ldexp(step, -octaves))
        other = residuals(better)
        if max(float(other @ other) / n, ROUNDED_ATOL * self.target_square) < float(e @ e) / n:
            w_in, e = better, other
        return Weights(w_in, weights.w_rec), float(e @ e) / n


@lru_cache(maxsize=32)
def _column_factors(point: Point, count: int, order: int) -> Array:
    """Return the factors (D,) of the columns in the Taylor coefficients of an order."""
    rising = np.full(count, point.u)
    rising[0] = 1.0
    np.cumprod(rising, out=rising)
    for k in range(1, order + 1):
        rising[1:] = rising[:-1] * np.arange(1, count) / k
        rising[0] = 0.0
    factors = rising[::-1].copy() if point.chart == 0 else rising
    factors.flags.writeable = False
    return factors


def round_if_close(number: float, tolerance: float = 1e-12) -> float:
    """Return the number of six digits that rounding may have meant, or the number itself."""
    simple = float(f"{number:.6g}")
    return simple if abs(number - simple) <= tolerance * abs(number) else number
