"""The cost with w_in eliminated: a function of w_rec alone, on the projective line.

For each w_rec the best w_in solves a linear problem, and the remaining cost is a rational function
r(w_rec). This elimination is variable projection. The line of all w_rec has two sides, u = w_rec
and u = 1 / w_rec, both with u from -1 to 1. So powers never overflow, and infinity is the point
u = 0 of the far side, where the columns are in reversed order.

Near a root that all p_i share, w_in can grow as the p_i vanish, and the outputs approach multiples
of the first Taylor coefficients that are not all 0. There, these take the place of the p_i.

References
----------
G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine import profile
from service.engine.arithmetic import fill_powers, tolerances
from service.engine.data import Factor
from service.engine.interruption import check_interruption
from service.engine.types import Array

GRID_GAPS: Final = 64  # of the grid between u = 0 and u = 1
END: Final = 1.0 + 1e-6  # of both sides: they overlap, so that no minimum where they meet is lost
# Decimal exponents of s0 w^T relative to the targets, at which there are more points.
STATE_EXPONENTS: Final = np.linspace(-6.0, 16.0, 67)
SIDES: Final = np.array([False, True])  # whether a side is the far one
MAX_STEPS: Final = 20  # of Newton's method


@dataclass(frozen=True, eq=False)
class Points(profile.Evaluation):
    """The best w_in at K points of one side or of both, and the reduced cost there.

    ``w`` is u, the point on its side, and ``slope`` the derivative of the cost with respect to it.
    ``accuracy`` is by how much the rounding of residuals may change the cost. Where the inputs have
    no effect at a point (``at_root``) and ``scale`` is not 0, weights only approach it, because
    w_in or w_rec grows without bound.
    """

    is_far: NDArray[np.bool_]  # the side
    scale: Array  # the factor of p_i on this side: w_in w_rec^power
    # The Newton step of u, or where the curvature is negative the Gauss-Newton step. 0 at a root
    # without a significant gain.
    step: Array
    at_root: NDArray[np.bool_]  # whether the inputs have no effect
    power: Array  # the sum of p_i²
    power_slope: Array  # its derivative with respect to u


class ReducedCost:
    """The cost of a linear network as a function of w_rec alone.

    On the near side, with u = w_rec, and on the far side, with u = 1 / w_rec, outputs are
    w_in w_rec^power p_i(u) + g, where p_i is the polynomial with the inputs of sequence i as
    coefficients and g = s0 w_rec^T.

    Parameters
    ----------
    factor
        Of N sequences. Neither inputs nor targets may be all 0.
    initial_state
        s0, the same for all sequences.

    Attributes
    ----------
    powers
        The powers of w_rec that belong to the first column on the near and on the far side.
    target_square
        The mean of t_i².
    """

    def __init__(self, factor: Factor, initial_state: float) -> None:
        self.factor, self.initial_state = factor, initial_state
        self.target_square = float(factor.targets @ factor.targets) / factor.n_samples
        used = np.flatnonzero(factor.inputs.any(axis=0))
        self.powers = int(used[0]), int(used[-1])
        # The inputs (D, m) by rising power of w_rec, without zeros at both ends.
        self._rows = np.ascontiguousarray(factor.inputs[:, used[0] : used[-1] + 1].T)

    def make_grid(self) -> tuple[Array, NDArray[np.bool_]]:
        """Return the first points, sorted, on the near and then on the far side.

        There are more where s0 w^T is about as large as the targets.

        Returns
        -------
        u : (K,)
        is_far : (K,)
        """
        grids = [profile.make_grid(max(len(self._rows) - 1, 1), -END, END, GRID_GAPS)] * 2
        if self.initial_state != 0.0:
            ratio = 0.5 * np.log10(self.target_square) - np.log10(abs(self.initial_state))
            for side, state_power in enumerate((self.factor.n_steps, -self.factor.n_steps)):
                exponents = (ratio + STATE_EXPONENTS) / state_power
                added = 10.0 ** np.maximum(exponents[exponents <= 0.0], -300.0)
                grids[side] = np.unique(np.concatenate([grids[side], -added, added]))
        return np.concatenate(grids), np.repeat(SIDES, list(map(len, grids)))

    def evaluate(self, u: Array, is_far: NDArray[np.bool_]) -> Points:
        """Find the best w_in at some points, and the derivatives of the reduced cost.

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
        u : (K,)
            The points; |u| is at most a little more than 1.
        is_far : (K,)
            Their sides, the near one first.

        Returns
        -------
        Points : (K,)
            Values are infinite or nan where they overflow.

        References
        ----------
        G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
        squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
        L. Kaufman, "A variable projection method for solving separable nonlinear least squares
        problems", BIT 15 (1975), 49-57, for the step.
        """
        check_interruption()
        n, t, ones = self.factor.n_samples, self.factor.targets, self.factor.ones
        coefficients, size, at_root = self._expand(u, is_far, 0)
        p, p_1, p_2 = coefficients
        power, power_slope = np.vecdot(p, p), 2.0 * np.vecdot(p, p_1)
        order, roots = 0, np.flatnonzero(at_root)
        while roots.size:
            order += 1
            at = u[roots], is_far[roots], order
            coefficients[:, roots], size[roots], is_root = self._expand(*at)
            roots = roots[is_root]
        g, g_1, g_2 = self._state_terms(u, is_far)
        d, pp = t - g * ones, np.vecdot(p, p)
        s, dd = np.vecdot(p, d) / pp, np.vecdot(d, d)
        s[s * (s * pp) <= tolerances.OUTPUT_ATOL * n * self.target_square] = 0.0
        e = d - s[:, None] * p
        cost = np.vecdot(e, e) / n
        j = s[:, None] * p_1 + g_1 * ones
        c, ep_1 = np.vecdot(p, j) / pp, np.vecdot(e, p_1)
        # In exact arithmetic e·q = e·j, but e·j would have the rounding error of e·p.
        q = j - c[:, None] * p
        qq, eq = np.vecdot(q, q), np.vecdot(e, q)
        curvature = 2.0 * (qq + 2.0 * c * ep_1 - ep_1 * (ep_1 / pp))
        curvature -= 2.0 * (s * np.vecdot(e, p_2) + g_2[:, 0] * (e @ ones))
        divisor = np.where(curvature > 0.0, curvature, 2.0 * qq)
        step = np.divide(2.0 * eq, divisor, out=np.zeros_like(eq), where=divisor > 0.0)
        slope = -2.0 * eq / n
        # A rounding error of a residual has this root mean square.
        error = tolerances.RESIDUAL_RTOL * np.sqrt(((s * size) ** 2 + dd) / n + g[:, 0] ** 2)
        accuracy = error * (2.0 * np.sqrt(cost) + error)
        at_root |= (u == 0.0) & (np.where(is_far, self.powers[1], self.powers[0]) > 0)
        step[at_root & ~(-0.5 * slope * step > self.equal_within(cost, accuracy))] = 0.0
        return Points(u, cost, slope, accuracy, is_far, s, step, at_root, power, power_slope)

    def equal_within(self, cost: Any, accuracy: Any) -> Any:
        """Return by how much other costs may differ from some costs (K,) that they equal."""
        promised = tolerances.COST_ATOL * self.target_square
        return tolerances.EQUAL_COST_RTOL * cost + promised + accuracy

    def _expand(
        self, u: Array, is_far: NDArray[np.bool_], order: int
    ) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Return p, p' and p'' (3, K, m) relative to a root of all p_i of some order.

        Return also bounds (K,) of the norm of the terms of p, and whether p is 0 up to rounding.
        """
        n_powers = len(self._rows)
        tables = np.zeros((order + 3, n_powers, len(u)))  # of terms of Taylor coefficients
        fill_powers(tables[0], u)
        for k in range(1, order + 3):
            np.multiply(tables[k - 1, :-1], np.arange(1.0, n_powers)[:, None] / k, tables[k, 1:])
        terms, n_near = tables[order:].swapaxes(1, 2), np.count_nonzero(~is_far)
        near, far = terms[:, :n_near] @ self._rows, terms[:, n_near:] @ self._rows[::-1]
        coefficients = np.concatenate([near, far], axis=1)
        coefficients[2] *= 2.0
        sizes, norms = np.abs(tables[order]), np.sqrt(np.vecdot(self._rows, self._rows))
        size = np.where(is_far, norms[::-1] @ sizes, norms @ sizes)
        norm = np.sqrt(np.vecdot(coefficients[0], coefficients[0]))
        is_root = norm <= tolerances.RESIDUAL_RTOL * size
        return coefficients, size, is_root & (order < n_powers - 1)

    def _state_terms(self, u: Array, is_far: NDArray[np.bool_]) -> Array:
        """Return g = s0 w_rec^T and its first two derivatives with respect to u, (3, K, 1)."""
        if self.initial_state == 0.0:
            return np.zeros((3, 1, 1))
        power = np.where(is_far, -1.0, 1.0) * self.factor.n_steps
        factors = self.initial_state * np.stack([np.ones(len(u)), power, power * (power - 1.0)])
        terms = factors * u ** (power - np.arange(3.0)[:, None])
        return np.where(factors == 0.0, 0.0, terms)[..., None]

    def refine(self, u: Array, is_far: NDArray[np.bool_]) -> Points:
        """Return the minimizers near approximate ones, by damped Newton steps.

        A w_rec that is a number of six digits up to rounding probably is that number.

        Parameters
        ----------
        u : (K,)
        is_far : (K,)
            Their sides, the near one first.

        Returns
        -------
        Points : (K,)
            Limits stay where they are.
        """
        best, factor, k = self.evaluate(u, is_far), np.ones(len(u)), np.arange(len(u))
        for _ in range(MAX_STEPS):
            u = np.clip(best.w + factor * best.step, -END, END)
            # The last steps decrease the slope, while the change of the cost is lost in rounding.
            # A step that fails with a gain above rounding is too long.
            enough = np.where(factor < 1.0, 1.0, tolerances.NEWTON_RTOL) * best.accuracy
            moves = (-0.5 * factor * best.slope * best.step > enough) & (u != best.w)
            if not moves.any():
                break
            new = self.evaluate(u, is_far)
            is_flatter = np.abs(new.slope) < np.abs(best.slope)
            change = np.where(is_flatter, best.accuracy, -best.accuracy)
            is_better = moves & (new.cost < best.cost + change)
            factor = np.where(is_better, 1.0, 0.25 * factor)
            best = best.concatenate(new)[k + len(k) * is_better]
        snap = partial(snap_to_six_digits, tolerance=tolerances.ROUND_ROOT_RTOL)
        u = convert(np.array([*map(snap, convert(best.w, is_far).tolist())]), is_far)
        u[np.abs(u) < tolerances.ROUND_ROOT_RTOL] = 0.0
        differs = (u != best.w) & ~best.at_root
        if not differs.any():
            return best
        new = self.evaluate(u, is_far)
        is_simple = differs & (new.cost <= best.cost + best.accuracy)
        return best.concatenate(new)[k + len(k) * is_simple]


def convert(numbers: Array, is_far: bool | NDArray[np.bool_]) -> Array:
    """Return the recurrent weights of points, or the points of recurrent weights.

    Parameters
    ----------
    numbers : (K,)
    is_far
        The side of the points, or of each (K,).

    Returns
    -------
    numbers : (K,)
        inf for 0 on the far side.
    """
    inverse = np.where(numbers == 0.0, np.inf, 1.0 / numbers)
    return np.where(is_far, inverse, numbers) + 0.0


def snap_to_six_digits(number: float, tolerance: float = 1e-12) -> float:
    """Return the nearest number of six digits if the relative difference is small."""
    simple = float(f"{number:.6g}")
    return simple if abs(number - simple) <= tolerance * abs(number) else number
