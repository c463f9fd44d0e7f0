"""Fits at one point, and their refinement by Newton's method.

At a point of the projective line the outputs are scale p + g, where g is the term s0 w_rec^T and
p_i are the inputs' polynomials in that chart. Near a root that all p_i share, w_in can grow as
the p_i vanish, and the outputs approach multiples of the first Taylor coefficients that are not all
0. There, these coefficients take the place of the p_i.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import tolerances
from service.engine.data import Factor
from service.engine.optimum.point import Point
from service.engine.types import Array, Weights


class Fit(NamedTuple):
    """The best w_in at one point, and the cost there.

    Where the inputs have no effect at the point (``at_root``) and ``scale`` is not 0, weights only
    approach it, because w_in or w_rec grows without bound.
    """

    point: Point
    scale: float  # the factor of p_i in this chart: w_in times w_rec to the first or last power
    cost: float  # with w_in eliminated
    gauss_step: float  # the Gauss-Newton step of u
    slope: float  # derivatives of the cost with respect to u
    curvature: float
    term_scale: float  # mean square of the terms that form a residual
    at_root: bool  # whether the inputs have no effect

    @property
    def step(self) -> float:
        """The Newton step of u where the curvature is positive, otherwise the Gauss-Newton step."""
        return -self.slope / self.curvature if self.curvature > 0.0 else self.gauss_step

    @property
    def gain(self) -> float:
        """The decrease of the cost by the step."""
        return -0.5 * self.slope * self.step

    @property
    def is_limit(self) -> bool:
        """Whether weights only approach the point, and a step from it has no significant gain."""
        significant = (
            tolerances.EQUAL_COST_RTOL * self.cost + tolerances.OUTPUT_ATOL * self.term_scale
        )
        return self.at_root and self.gain <= significant


@dataclass(frozen=True)
class FitProblem:
    """A factor of the data (m rows for N sequences), and the powers of w_rec that they use.

    These belong to the last and the first column that is not all 0. Every output has the term
    s0 w_rec^T of the initial state.
    """

    factor: Factor
    initial_state: float
    first_power: int
    last_power: int

    @property
    def n_steps(self) -> int:
        """The number T of steps."""
        return self.factor.n_steps

    @cached_property
    def columns(self) -> Array:
        """The inputs from the first to the last power, (m, D)."""
        return self.factor.inputs[:, self.first_power : self.last_power + 1]

    @cached_property
    def target_square(self) -> float:
        """The mean of t_i²."""
        return self.mean_square(self.factor.targets)

    def mean_square(self, rows: Array) -> float:
        """Return the mean over the sequences of the squares of rows (m,)."""
        return float(rows @ rows) / self.factor.n_samples

    def mean(self, rows: Array) -> float:
        """Return the mean over the sequences of rows (m,)."""
        return float(self.factor.ones @ rows) / self.factor.n_samples

    def power_at_zero(self, chart: int) -> int:
        """Return the power of w_rec that p_i have at u = 0 of a chart."""
        return self.first_power if chart == 0 else self.last_power

    def values(self, point: Point, order: int = 0) -> Array:
        """Return the Taylor coefficients (m,) of all p_i at a point, of one order."""
        values: Array = self.columns @ _column_factors(point, self.columns.shape[1], order)
        return values

    def size_bound(self, point: Point, order: int = 0) -> float:
        """Return a bound of the root mean square of their terms."""
        factors = _column_factors(point, self.columns.shape[1], order)
        return float(self._column_sizes @ np.abs(factors))

    @cached_property
    def _column_sizes(self) -> Array:
        """The root mean square of each column, (D,)."""
        sizes: Array = np.sqrt(np.einsum("md,md->d", self.columns, self.columns))
        return sizes / sqrt(self.factor.n_samples)

    @cached_property
    def centered_inputs(self) -> Array:
        """The inputs (m, T) less their means over the sequences."""
        inputs, ones = self.factor.inputs, self.factor.ones
        centered: Array = inputs - np.outer(ones, ones @ inputs / self.factor.n_samples)
        return centered

    @property
    def has_equal_sequences(self) -> bool:
        """Whether all sequences have the same inputs, up to rounding."""
        sizes, spreads = (np.abs(x).max(axis=0) for x in (self.factor.inputs, self.centered_inputs))
        return bool((spreads <= tolerances.RESIDUAL_RTOL * sizes).all())

    def first_values(self, point: Point) -> tuple[int, Array]:
        """Return the lowest order with Taylor coefficients that are not all 0, and these (m,)."""
        for order in range(self.columns.shape[1]):
            p = self.values(point, order)
            if sqrt(self.mean_square(p)) > tolerances.RESIDUAL_RTOL * self.size_bound(point, order):
                break
        return order, p

    def state(self, point: Point, derivative: int = 0) -> float:
        """Return g = s0 w_rec^T, or its first or second derivative with respect to u."""
        factor, power = self.initial_state, self.n_steps * (1 - 2 * point.chart)
        for _ in range(derivative):
            factor, power = factor * power, power - 1
        return factor * float(np.power(point.u, float(power))) if factor else 0.0

    def fit(self, point: Point) -> Fit:
        """Fit w_in at one point: three passes over the data, one where the fit is perfect.

        Let g be the term of the state, d = t - g, s the scale, e = d - s p the residuals,
        j = s p' + g' the derivative of the outputs with respect to u for constant s, and
        q = j - c p its part that is orthogonal to p. Then the mean r of e² has the derivatives

            s = p·d / p·p,  c = p·j / p·p
            N r' = -2 e·q
            N r'' = 2 q·q + 4 c (e·p') - 2 (e·p')² / p·p - 2 e·(s p'' + g'')

        and the Gauss-Newton step is e·q / q·q. In the code, p_1 and p_2 are p' and p'', and pp, qq
        and ep_1 are dot products.

        Parameters
        ----------
        point
            Where p_i, or one of their Taylor coefficients, are not all 0.

        References
        ----------
        G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
        squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
        L. Kaufman, "A variable projection method for solving separable nonlinear least squares
        problems", BIT 15 (1975), 49-57, for the step.
        """
        order, p = self.first_values(point)
        g, n, ones = self.state(point), self.factor.n_samples, self.factor.ones
        d, pp = self.factor.targets - g * ones, float(p @ p)
        pp = pp if pp > tolerances.TINY_SQUARE else inf
        s, e = self._fit_scale(p, d, pp)
        size, cost = s * self.size_bound(point, order), float(e @ e) / n
        term_scale = size * size + float(d @ d) / n + g * g
        at_root = order > 0 or (point.u == 0.0 and self.power_at_zero(point.chart) > 0)
        if cost == 0.0:
            return Fit(point, s, 0.0, 0.0, 0.0, inf, term_scale, at_root)
        p_1, p_2 = self.values(point, order + 1), 2.0 * self.values(point, order + 2)
        j = s * p_1 + self.state(point, 1) * ones
        c, ep_1 = float(p @ j) / pp, float(e @ p_1)
        # In exact arithmetic e·q = e·j, but e·j would have the rounding error of e·p.
        q = j - c * p
        qq = float(q @ q)
        step = float(e @ q) / qq if qq > 0.0 else 0.0
        curvature = 2.0 * qq + 4.0 * c * ep_1 - 2.0 * ep_1 * (ep_1 / pp)
        curvature -= 2.0 * float(e @ (s * p_2 + self.state(point, 2) * ones))
        slope = -2.0 * step * qq / n
        return Fit(point, s, cost, step, slope, curvature / n, term_scale, at_root)

    def _fit_scale(self, p: Array, d: Array, pp: float) -> tuple[float, Array]:
        """Return the best scale, a round number if that is no worse, and the residuals."""
        s = float(p @ d) / pp
        total = self.factor.n_samples * self.target_square
        s = 0.0 if s * (s * pp) <= tolerances.OUTPUT_ATOL * total else s
        e, round_s = d - s * p, round_if_close(s)
        if round_s != s and float(e @ e) < tolerances.ROUND_SCALE_RTOL * float(d @ d):
            round_e = d - round_s * p
            if float(round_e @ round_e) <= float(e @ e):
                return round_s, round_e
        return s, e

    def newton_refine(self, point: Point) -> Fit:
        """Return the fit at the minimizer near an approximate one, by damped Newton steps."""
        fit, factor = self.fit(point), 1.0
        for _ in range(20):
            point = fit.point.moved(factor * fit.step)
            # The last steps decrease the slope, while the change of the cost is lost in rounding.
            rounding = (
                tolerances.ROUNDING_RTOL * fit.cost + tolerances.ROUNDING_ATOL * fit.term_scale
            )
            enough = tolerances.NEWTON_RTOL * fit.cost + tolerances.NEWTON_ATOL * fit.term_scale
            # A step that fails with a gain above rounding is too long.
            if factor * fit.gain <= (enough if factor == 1.0 else rounding) or point == fit.point:
                break
            new = self.fit(point)
            change = rounding if abs(new.slope) < abs(fit.slope) else -rounding
            fit, factor = (new, 1.0) if new.cost < fit.cost + change else (fit, 0.25 * factor)
        return fit

    def minima(self, point: Point) -> list[Fit]:
        """Return the fit at the minimizer near an approximate one, or both if it is between two."""
        fit = self.newton_refine(point)
        # Between two minimizers the curvature is negative. Larger costs have both among the
        # candidates, since the grid resolves them. Smaller costs are rounding errors.
        if not (
            fit.curvature < 0.0
            and tolerances.PERFECT_ATOL < fit.cost / fit.term_scale < tolerances.GRID_ATOL
        ):
            return [fit]
        # At this distance, a parabola with the same curvature reaches 0.
        distance = min(sqrt(2.0 * fit.cost / -fit.curvature), 0.5)
        enough = (
            fit.cost
            - tolerances.EQUAL_COST_RTOL * fit.cost
            - tolerances.PERFECT_ATOL * fit.term_scale
        )
        lower = []
        for step in (distance, -distance):
            fits = [self.fit(fit.point.moved(step * 0.6**k)) for k in range(20)]
            best = self.newton_refine(min(fits, key=lambda fit: fit.cost).point)
            lower += [best] if best.cost < enough else []
        return lower or [fit]

    def cost_near(self, weights: Weights) -> tuple[Weights, float]:
        """Round or refine the w_in of weights with nearly the best one.

        Return the weights with a number of six digits near w_in, or with the best w_in, and the
        cost at these floats; inf where it overflows.
        """
        w_rec = np.array([weights.w_rec])
        parabola = self.factor.extended_parabolas(w_rec, self.initial_state)
        w_in = np.array([[round_if_close(weights.w_in), float(parabola.vertex.value()[0])]])
        costs = (parabola(w_in) * (1.0 / self.factor.n_samples)).value()[0]
        (rounded, best), rounding = costs.tolist(), tolerances.ROUNDING_ATOL * self.target_square
        k = 1 if max(best, rounding) < rounded else 0
        return Weights(float(w_in[0, k]), weights.w_rec), float(costs[k])


@lru_cache(maxsize=32)
def _column_factors(point: Point, count: int, order: int) -> Array:
    """Return the factors (D,) of the columns in the Taylor coefficients of one order."""
    rising = np.full(count, point.u)
    rising[0] = 1.0
    np.cumprod(rising, out=rising)
    for k in range(1, order + 1):
        rising[1:] = rising[:-1] * np.arange(1, count) / k
        rising[0] = 0.0
    factors = rising if point.chart == 0 else rising[::-1].copy()
    factors.flags.writeable = False
    return factors


def round_if_close(number: float, tolerance: float = 1e-12) -> float:
    """Return the nearest number of six digits if the relative difference is small."""
    simple = float(f"{number:.6g}")
    return simple if abs(number - simple) <= tolerance * abs(number) else number
