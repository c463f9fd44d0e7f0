"""The cost with w_in eliminated: a function of w_rec alone, on the projective line.

For each w_rec the best w_in solves a linear problem, and the remaining cost is a rational function
r(w_rec). This elimination is variable projection. The line of all w_rec has two sides, u = w_rec
and u = 1 / w_rec, both with u from -1 to 1. So powers never overflow, and infinity is the point
u = 0 of the far side, where the columns are in reversed order.

References
----------
G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), 413-432.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf
from typing import Final

import numpy as np

from service.engine import profile
from service.engine.arithmetic import fill_powers, tolerances
from service.engine.data import Factor
from service.engine.interruption import check_interruption
from service.engine.types import Array

GRID_GAPS: Final = 64  # of the grid between u = 0 and u = 1
END: Final = 1.0 + 1e-6  # of both sides: they overlap, so that no minimum where they meet is lost
# Decimal exponents of s0 w^T relative to the targets, at which there are more points.
STATE_EXPONENTS: Final = np.linspace(-6.0, 16.0, 67)


@dataclass(frozen=True, eq=False)
class Evaluation(profile.Evaluation):
    """The reduced cost at G points u of one side; nan where cancellation leaves no digits."""

    power: Array  # (G,) the sum of p_i²
    power_slope: Array  # (G,) its derivative with respect to u
    size: Array  # (G,) a bound of the sum of the squared terms of p_i


@dataclass(frozen=True, eq=False)
class Side:
    """The linear network on one side of the line of all w_rec.

    With u = w_rec, or 1 / w_rec on the far side, outputs are w_in w_rec^power p_i(u) + g, where p_i
    is the polynomial with the inputs of sequence i as coefficients and g = s0 w_rec^T.

    Attributes
    ----------
    columns : (m, D)
        The inputs by rising power of u, without columns of zeros at both ends.
    factor
        Of N sequences, whose m rows these are.
    initial_state
        s0, the same for all sequences.
    power
        The power of w_rec that belongs to the first column.
    is_far
        Whether u = 1 / w_rec.
    """

    columns: Array
    factor: Factor
    initial_state: float
    power: int
    is_far: bool

    @property
    def state_power(self) -> int:
        """The power of u that the state is multiplied by."""
        return -self.factor.n_steps if self.is_far else self.factor.n_steps

    def to_w_rec(self, u: float) -> float:
        """Return the w_rec of a point; inf at infinity."""
        if not self.is_far:
            return u + 0.0
        return 1.0 / u if u != 0.0 else inf

    def to_u(self, w_rec: float) -> float:
        """Return the point of a w_rec; inf for 0 on the far side."""
        if not self.is_far:
            return w_rec
        return 1.0 / w_rec if w_rec != 0.0 else inf

    @cached_property
    def target_square(self) -> float:
        """The mean of t_i²."""
        return float(self.factor.targets @ self.factor.targets) / self.factor.n_samples

    @cached_property
    def column_norms(self) -> Array:
        """The norm of each column, (D,)."""
        norms: Array = np.sqrt(np.einsum("md,md->d", self.columns, self.columns))
        return norms

    def make_grid(self) -> Array:
        """Return the points of the first evaluation, also where s0 w^T is as large as targets."""
        grid = _make_grid(self.columns.shape[1])
        if self.initial_state == 0.0:
            return grid
        ratio = 0.5 * np.log10(self.target_square) - np.log10(abs(self.initial_state))
        exponents = (ratio + STATE_EXPONENTS) / self.state_power
        added = 10.0 ** np.maximum(exponents[exponents <= 0.0], -300.0)
        return np.unique(np.concatenate([grid, -added, added]))

    def evaluate(self, u: Array) -> Evaluation:
        """Evaluate the reduced cost at points (G,); the symbols are those of ``fit``."""
        check_interruption()
        columns, n, ones = self.columns, self.factor.n_samples, self.factor.ones
        powers = np.empty((columns.shape[1], len(u)))
        fill_powers(powers, u)
        p = columns @ powers
        p_1 = columns[:, 1:] @ (np.arange(1.0, len(powers))[:, None] * powers[:-1])
        size = self.column_norms @ np.abs(powers)
        d, g_1 = self.factor.targets[:, None], None
        if self.initial_state != 0.0:
            power = float(self.state_power)
            d = d - np.outer(ones, self.initial_state * np.power(u, power))
            g_1 = np.outer(ones, self.initial_state * power * np.power(u, power - 1.0))
        dd, pp = _dot(d, d), _dot(p, p)
        s = _dot(p, d) / pp
        e = d - s * p
        j = s * p_1 if g_1 is None else s * p_1 + g_1
        q = j - _dot(p, j) / pp * p
        cost, slope = _dot(e, e) / n, -2.0 * _dot(e, q) / n
        # A rounding error of a residual has this root mean square.
        error = tolerances.RESIDUAL_RTOL * (np.sqrt(dd) + np.abs(s) * size) / np.sqrt(n)
        noise = error * (2.0 * np.sqrt(cost) + error)
        known = noise < tolerances.MAX_NOISE * np.maximum(self.target_square, cost)
        known &= (pp > tolerances.UNDERFLOW) & np.isfinite(cost + slope)
        return Evaluation(
            u,
            np.where(known, cost, np.nan),
            np.where(known, slope, np.nan),
            noise,
            pp,
            2.0 * _dot(p, p_1),
            size * size,
        )


def make_sides(factor: Factor, initial_state: float) -> tuple[Side, Side]:
    """Return both sides of the line; not all inputs may be 0."""
    used = np.flatnonzero(factor.inputs.any(axis=0))
    first, last = int(used[0]), int(used[-1])
    columns = factor.inputs[:, first : last + 1]
    near = Side(columns, factor, initial_state, first, is_far=False)
    far = np.ascontiguousarray(columns[:, ::-1])
    return near, Side(far, factor, initial_state, last, is_far=True)


def center_inputs(factor: Factor) -> Array:
    """Return the inputs (m, T) less their means over the sequences."""
    inputs, ones = factor.inputs, factor.ones
    centered: Array = inputs - np.outer(ones, ones @ inputs / factor.n_samples)
    return centered


def has_equal_sequences(factor: Factor) -> bool:
    """Return whether all sequences have the same inputs, up to rounding."""
    sizes, spreads = (np.abs(x).max(axis=0) for x in (factor.inputs, center_inputs(factor)))
    return bool((spreads <= tolerances.RESIDUAL_RTOL * sizes).all())


@lru_cache(maxsize=8)
def _make_grid(n_columns: int) -> Array:
    grid = profile.make_grid(max(n_columns - 1, 1), -END, END, GRID_GAPS)
    grid.flags.writeable = False
    return grid


def _dot(one: Array, other: Array) -> Array:
    """Return the products of columns, (G,); one column stands for all."""
    products: Array = np.einsum("mg,mg->g", one, other)
    return products
