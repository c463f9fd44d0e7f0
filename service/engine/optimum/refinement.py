"""Fits at one point, and their refinement by Newton's method.

Near a root that all p_i share, w_in can grow as the p_i vanish, and the outputs approach multiples
of the first Taylor coefficients that are not all 0. There, these take the place of the p_i.
"""

from functools import lru_cache
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from service.engine.arithmetic import tolerances
from service.engine.interruption import check_interruption
from service.engine.optimum.side import END, Side
from service.engine.types import Array

MAX_STEPS = 20


class Fit(NamedTuple):
    """The best w_in at one point, and the cost there.

    Where the inputs have no effect at the point (``at_root``) and ``scale`` is not 0, weights only
    approach it, because w_in or w_rec grows without bound.
    """

    side: Side
    u: float
    scale: float  # the factor of p_i on this side: w_in w_rec^power
    cost: float  # with w_in eliminated
    step: float  # the Newton step of u, or where the curvature is negative the Gauss-Newton step
    slope: float  # derivative of the cost with respect to u
    term_scale: float  # mean square of the terms that form a residual
    at_root: bool  # whether the inputs have no effect

    @property
    def w_rec(self) -> float:
        """The recurrent weight; inf at infinity."""
        return self.side.to_w_rec(self.u)

    @property
    def gain(self) -> float:
        """The decrease of the cost by the step."""
        return -0.5 * self.slope * self.step

    @property
    def accuracy(self) -> float:
        """Costs that differ by less count as equal."""
        promised = tolerances.COST_ATOL * self.side.target_square
        return tolerances.EQUAL_COST_RTOL * self.cost + promised + self.rounding(self.cost)

    def rounding(self, cost: float) -> float:
        """Return by how much rounding of the residuals may change a cost at this point."""
        error = tolerances.RESIDUAL_RTOL * sqrt(self.term_scale)
        return error * (2.0 * sqrt(cost) + error)

    @property
    def is_limit(self) -> bool:
        """Whether weights only approach the point, and a step from it has no significant gain."""
        return self.at_root and self.gain <= self.accuracy


def fit(side: Side, u: float) -> Fit:
    """Find the best w_in at one point, and the derivatives of the reduced cost.

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
    side
        Not all of its inputs are 0.
    u
        The point; |u| is at most a little more than 1.

    References
    ----------
    G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
    L. Kaufman, "A variable projection method for solving separable nonlinear least squares
    problems", BIT 15 (1975), 49-57, for the step.
    """
    check_interruption()
    order, p, size = _first_values(side, u)
    g, n, ones = _state(side, u, 0), side.factor.n_samples, side.factor.ones
    d, pp = side.factor.targets - g * ones, float(p @ p)
    pp = pp if pp > tolerances.UNDERFLOW else inf
    s = float(p @ d) / pp
    if s * (s * pp) <= tolerances.OUTPUT_ATOL * n * side.target_square:
        s = 0.0
    e = d - s * p
    cost = float(e @ e) / n
    term_scale = s * size * (s * size) + float(d @ d) / n + g * g
    at_root = order > 0 or (u == 0.0 and side.power > 0)
    if cost == 0.0:
        return Fit(side, u, s, 0.0, 0.0, 0.0, term_scale, at_root)
    p_1, p_2 = _taylor(side, u, order + 1), 2.0 * _taylor(side, u, order + 2)
    j = s * p_1 + _state(side, u, 1) * ones
    c, ep_1 = float(p @ j) / pp, float(e @ p_1)
    # In exact arithmetic e·q = e·j, but e·j would have the rounding error of e·p.
    q = j - c * p
    qq, eq = float(q @ q), float(e @ q)
    curvature = 2.0 * qq + 4.0 * c * ep_1 - 2.0 * ep_1 * (ep_1 / pp)
    curvature -= 2.0 * float(e @ (s * p_2 + _state(side, u, 2) * ones))
    step = 2.0 * eq / curvature if curvature > 0.0 else eq / qq if qq > 0.0 else 0.0
    return Fit(side, u, s, cost, step, -2.0 * eq / n, term_scale, at_root)


def refine(side: Side, u: float) -> Fit:
    """Return the fit at the minimizer near an approximate one, by damped Newton steps.

    A w_rec that is a number of six digits up to rounding probably is that number.
    """
    best, factor = fit(side, u), 1.0
    for _ in range(MAX_STEPS):
        u = min(max(best.u + factor * best.step, -END), END)
        # The last steps decrease the slope, while the change of the cost is lost in rounding.
        rounding = best.rounding(best.cost)
        enough = rounding if factor < 1.0 else tolerances.NEWTON_RTOL * rounding
        # A step that fails with a gain above rounding is too long.
        if factor * best.gain <= enough or u == best.u:
            break
        new = fit(side, u)
        change = rounding if abs(new.slope) < abs(best.slope) else -rounding
        best, factor = (new, 1.0) if new.cost < best.cost + change else (best, 0.25 * factor)
    simple = fit(side, side.to_u(snap_to_six_digits(best.w_rec, tolerances.ROUND_ROOT_RTOL)))
    return simple if simple.cost <= best.cost + best.rounding(best.cost) else best


def _first_values(side: Side, u: float) -> tuple[int, Array, float]:
    """Return the lowest order with Taylor coefficients that are not all 0, and these (m,).

    The third result is a bound of the root mean square of their terms.
    """
    n_columns, n = side.columns.shape[1], side.factor.n_samples
    for order in range(n_columns):
        p = _taylor(side, u, order)
        size = float(side.column_norms @ np.abs(_column_factors(u, n_columns, order))) / sqrt(n)
        if not sqrt(float(p @ p) / n) <= tolerances.RESIDUAL_RTOL * size:
            break
    return order, p, size


def _taylor(side: Side, u: float, order: int) -> Array:
    """Return the Taylor coefficients (m,) of all p_i at a point, of one order."""
    coefficients: Array = side.columns @ _column_factors(u, side.columns.shape[1], order)
    return coefficients


@lru_cache(maxsize=32)
def _column_factors(u: float, n_columns: int, order: int) -> Array:
    """Return the factors (D,) of the columns in the Taylor coefficients of one order."""
    factors = np.full(n_columns, u)
    factors[0] = 1.0
    np.cumprod(factors, out=factors)
    for k in range(1, order + 1):
        factors[1:] = factors[:-1] * np.arange(1, n_columns) / k
        factors[0] = 0.0
    factors.flags.writeable = False
    return factors


def _state(side: Side, u: float, derivative: int) -> float:
    """Return g = s0 w_rec^T, or its first or second derivative with respect to u."""
    factor, power = side.initial_state, side.state_power
    for _ in range(derivative):
        factor, power = factor * power, power - 1
    return factor * float(np.power(u, float(power))) if factor else 0.0


def snap_to_six_digits(number: float, tolerance: float = 1e-12) -> float:
    """Return the nearest number of six digits if the relative difference is small."""
    simple = float(f"{number:.6g}")
    return simple if abs(number - simple) <= tolerance * abs(number) else number
