"""The cost with w_in eliminated: a function of w_rec alone, on the projective line.

For each w_rec the best w_in solves a linear problem, and the remaining cost is a rational function
r(w_rec). This elimination is variable projection. The line of all w_rec has two sides, u = w_rec
and u = 1 / w_rec, both with u from -1 to 1. Powers therefore never overflow, and infinity is the
point u = 0 of the far side, where the columns are in reversed order.

Near a common root of all p_i, w_in can grow as the p_i vanish, and the outputs approach multiples
of the first Taylor coefficients that are not all 0. There, these replace the p_i.

References
----------
G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.engine import profile
from service.engine.arithmetic import fill_powers, tolerances
from service.engine.data import Factor
from service.engine.interruption import check_interruption
from service.engine.types import Array

GRID_GAPS: Final = 64  # of the grid between u = 0 and u = 1
# Decimal exponents of s0 w^T relative to the targets, at which there are more points.
STATE_EXPONENTS: Final = np.linspace(-6.0, 16.0, 67)
SMALLEST_POINT: Final = 1e-300  # of the points that are added to the grid

N = TypeVar("N", float, Array)


@dataclass(frozen=True, eq=False)
class ReducedPoints(profile.Evaluation):
    """The best w_in at K points of one side or of both, and the reduced cost there.

    ``w`` is u, the point on its side, and ``slope`` the derivative of the cost with respect to it.
    ``accuracy`` is the possible change of the cost by the rounding of residuals; the cost is nan if
    no digits remain. If the inputs have no effect at a point (``at_root``) and ``scale`` is not 0,
    weights only approach it, because w_in or w_rec grows without bound.
    """

    is_far: NDArray[np.bool_]  # the side
    scale: Array  # the factor of p_i on this side: w_in w_rec^lowest_power
    at_root: NDArray[np.bool_]  # True if the inputs have no effect
    power: Array  # the sum of p_i²
    power_slope: Array  # its derivative with respect to u


@dataclass(frozen=True, eq=False)
class ReducedCost:
    """The cost of a linear network as a function of w_rec alone, on one side of the line.

    On the near side, with u = w_rec, and on the far side, with u = 1 / w_rec, outputs are
    w_in w_rec^lowest_power p_i(u) + g, where p_i is the polynomial with the inputs of sequence i as
    coefficients and g = s0 w_rec^T.

    Parameters
    ----------
    factor
        Of N sequences. Neither inputs nor targets may be all 0.
    initial_state
        s0, the same for all sequences.
    is_far
        The side.
    """

    factor: Factor
    initial_state: float
    is_far: bool

    @cached_property
    def target_square(self) -> float:
        """The mean of t_i²."""
        return float(self.factor.targets @ self.factor.targets) / self.factor.n_samples

    @cached_property
    def _used(self) -> NDArray[np.intp]:
        """The powers of w_rec that have an input other than 0."""
        return np.flatnonzero(self.factor.inputs.any(axis=0))

    @property
    def lowest_power(self) -> int:
        """The power of w_rec that belongs to the constant terms of the p_i."""
        return int(self._used[-1]) if self.is_far else int(self._used[0])

    @property
    def state_power(self) -> int:
        """The power of u in the term of the initial state."""
        return -self.factor.n_steps if self.is_far else self.factor.n_steps

    @cached_property
    def coefficients(self) -> Array:
        """The coefficients of the p_i (D, m), by rising power of u, without zeros at both ends."""
        columns = self.factor.inputs[:, self._used[0] : self._used[-1] + 1]
        return np.ascontiguousarray(columns[:, ::-1].T if self.is_far else columns.T)

    @cached_property
    def _norms(self) -> Array:
        """The norms of the coefficients of each power, (D,)."""
        norms: Array = np.sqrt(np.vecdot(self.coefficients, self.coefficients))
        return norms

    def make_grid(self) -> Array:
        """Return the first points.

        There are more where s0 w^T is about as large as the targets.

        Returns
        -------
        u : (K,)
            From -1 to 1, sorted.
        """
        grid = profile.make_grid(max(len(self.coefficients) - 1, 1), -1.0, 1.0, GRID_GAPS)
        if self.initial_state == 0.0:
            return grid
        ratio = 0.5 * np.log10(self.target_square) - np.log10(abs(self.initial_state))
        exponents = (ratio + STATE_EXPONENTS) / self.state_power
        added = np.maximum(10.0 ** exponents[exponents <= 0.0], SMALLEST_POINT)
        return np.unique(np.concatenate([grid, -added, added]))

    def evaluate(self, u: Array) -> ReducedPoints:
        """Find the best w_in at some points, and the reduced cost with its slope.

        Let g be the term of the state, d = t - g, s the scale, e = d - s p the residuals,
        j = s p' + g' the derivative of the outputs with respect to u for constant s, and
        q = j - c p its part that is orthogonal to p. Then the mean r of e² has the slope r':

            s = p·d / p·p,  c = p·j / p·p,  N r' = -2 e·q

        In the code, p_1 and g_1 are p' and g', and pp is p·p.

        Parameters
        ----------
        u : (K,)
            The points, from -1 to 1.

        Returns
        -------
        ReducedPoints : (K,)
            Values are infinite or nan where they overflow.

        References
        ----------
        G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
        squares problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
        """
        check_interruption()
        n = self.factor.n_samples
        ones = self.factor.ones
        p, p_1, size, at_root = self._expand(u, 0)
        power = np.vecdot(p, p)
        power_slope = 2.0 * np.vecdot(p, p_1)
        self._replace_roots(u, p, p_1, size, np.flatnonzero(at_root))
        g, g_1 = self._state_terms(u)
        d = self.factor.targets - g * ones
        pp = np.vecdot(p, p)
        s = np.vecdot(p, d) / pp
        s[s * (s * pp) <= tolerances.OUTPUT_ATOL * n * self.target_square] = 0.0
        e = d - s[:, None] * p
        cost = np.vecdot(e, e) / n
        j = s[:, None] * p_1 + g_1 * ones
        c = np.vecdot(p, j) / pp
        # In exact arithmetic e·q = e·j, but e·j would have the rounding error of e·p.
        q = j - c[:, None] * p
        slope = -2.0 * np.vecdot(e, q) / n
        # A rounding error of a residual has this root mean square.
        terms = (s * size) ** 2 + np.vecdot(d, d)
        error = tolerances.RESIDUAL_RTOL * np.sqrt(terms / n + g[:, 0] ** 2)
        accuracy = error * (2.0 * np.sqrt(cost) + error)
        at_root |= (u == 0.0) & (self.lowest_power > 0)
        has_digits = accuracy < tolerances.MAX_NOISE * np.maximum(self.target_square, cost)
        cost = np.where(has_digits & np.isfinite(cost + slope), cost, np.nan)
        is_far = np.full(len(u), self.is_far)
        return ReducedPoints(u, cost, slope, accuracy, is_far, s, at_root, power, power_slope)

    def equal_within(self, cost: N, accuracy: N) -> N:
        """Return the differences by which other costs count as equal to some costs (K,)."""
        promised = tolerances.COST_ATOL * self.target_square
        return tolerances.EQUAL_COST_RTOL * cost + promised + accuracy

    def _expand(self, u: Array, order: int) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
        """Return p and p' (K, m) relative to a root of all p_i of some order.

        Return also bounds (K,) of the norm of the terms of p, and True where p is 0 up to rounding.
        """
        n_powers = len(self.coefficients)
        tables = np.zeros((order + 2, n_powers, len(u)))  # of terms of Taylor coefficients
        fill_powers(tables[0], u)
        for k in range(1, order + 2):
            np.multiply(tables[k - 1, :-1], np.arange(1.0, n_powers)[:, None] / k, tables[k, 1:])
        p, p_1 = tables[order:].swapaxes(1, 2) @ self.coefficients
        size = self._norms @ np.abs(tables[order])
        is_root = np.sqrt(np.vecdot(p, p)) <= tolerances.RESIDUAL_RTOL * size
        return p, p_1, size, is_root & (order < n_powers - 1)

    def _replace_roots(
        self, u: Array, p: Array, p_1: Array, size: Array, roots: NDArray[np.intp]
    ) -> None:
        """Write the first Taylor coefficients that are not all 0 to p, p' and size at some roots.

        The coefficients are those at the points ``u[roots]``.
        """
        order = 0
        while roots.size:
            order += 1
            p[roots], p_1[roots], size[roots], is_root = self._expand(u[roots], order)
            roots = roots[is_root]

    def _state_terms(self, u: Array) -> tuple[Array, Array]:
        """Return g = s0 w_rec^T and its derivative with respect to u, (K, 1) each."""
        if self.initial_state == 0.0:
            return np.zeros((1, 1)), np.zeros((1, 1))
        power = float(self.state_power)
        g = self.initial_state * u[:, None] ** power
        g_1 = self.initial_state * power * u[:, None] ** (power - 1.0)
        return g, g_1


def convert(numbers: Array, is_far: bool | NDArray[np.bool_]) -> Array:
    """Return the recurrent weights of points, or the points of recurrent weights.

    Parameters
    ----------
    numbers : (K,)
        u or w_rec.
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
