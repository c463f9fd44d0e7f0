"""The cost of the network without an activation, from the data's second moments.

It is a quadratic in w_in whose coefficients are polynomials in w_rec, whatever the number of
samples; ``service.engine.objective.moment_costs`` has the formula.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np

from service.engine.arithmetic import (
    ExtendedArray,
    ExtendedPolynomials,
    Polynomials,
    SignedLog,
    derivative,
    stacked,
)
from service.engine.data import Dataset, Moments, cost_polynomials
from service.engine.objective.old_exact_costs import TRUSTED
from service.engine.objective.moment_costs import Flags, MomentCosts
from service.engine.objective.precomputed import Precomputed, SumsAbout
from service.engine.objective.scalar_gradient import TINY, Gradient, single_gradient
from service.engine.objective.scaled_single import ScaledGradient, scaled_gradient
from service.engine.optimum import Optimum, find_optimum
from service.engine.types import Array

HUGE = 1e280  # while a is between TINY and this, no part of a gradient was lost
NEAR = 1e-100  # products with a smaller w_in may underflow
SMALLEST = 5e-324  # stands for a gradient that has a sign but no number in float64


class MomentObjective:
    """Cost and gradient in O(T) after one pass over the data; see ``Objective``.

    Only costs that are almost all cancellation go back to the data, a pass for many of them.

    Parameters
    ----------
    dataset
        Magnitudes from 1e-100 to 1e100, or 0, so that their squares are numbers.
    initial_state
        The same bounds.

    Attributes
    ----------
    gradient
        From w_in and w_rec both derivatives; see ``Objective``.
    """

    gradient: Gradient

    def __init__(
        self,
        dataset: Dataset,
        initial_state: float = 0.0,
        precomputed: Precomputed | None = None,
    ) -> None:
        self._dataset, self._s0 = dataset, float(initial_state)
        self._precomputed = precomputed or Precomputed(
            Moments.from_arrays(dataset.inputs, dataset.targets)
        )
        self.moments = moments = self._precomputed.moments
        self._n = moments.n_samples
        self._scale = 2.0 / moments.n_samples
        self._a, self._b, self._c = cost_polynomials(moments, self._s0)
        self._costs = MomentCosts(dataset, self._precomputed, self._s0)
        self._far = self._costs.far
        self._half_slope_c = _half_slope_c(moments, self._s0) if self._s0 else None
        self.gradient = single_gradient(
            self._a, self._b, self._scale, self._far, self._half_slope_c
        )
        # From this |w_rec| on, no power in the polynomials underflows.
        self._near = TINY ** (1.0 / (2 * moments.n_steps + 1))
        self._mended = np.empty((2, 0)), np.empty((2, 0))

    # The gradient

    def gradients(self, w_in: Array, w_rec: Array) -> Array:
        """Return many gradients; see ``Objective``."""
        return self._gradients(w_in, w_rec, self._slopes(w_rec))

    def reached_and_gradients(
        self, w_in: Array, w_rec: Array, target_cost: float
    ) -> tuple[Flags, Array]:
        """Compare many costs and return many gradients; see ``Objective``."""
        slopes = self._slopes(w_rec)
        if self._s0:
            reached = self.costs(w_in, w_rec) <= target_cost
        else:
            a, _, b, _ = slopes
            target, c = self._n * target_cost, float(self._c[0])
            with np.errstate(over="ignore", invalid="ignore"):
                rough = a * w_in
                rough -= b
                rough -= b
                rough *= w_in
                rough += c
            reached = rough <= target
            rough -= target
            # Only near the target may the cost need all its digits; nan counts as near.
            near = ~(np.abs(rough, out=rough) > TRUSTED * (target + c))
            if near.any():
                reached[near] = self.costs(w_in[near], w_rec[near]) <= target_cost
        return reached, self._gradients(w_in, w_rec, slopes)

    def _gradients(self, w_in: Array, w_rec: Array, slopes: Array) -> Array:
        a, half_slope_a, b, slope_b = slopes
        low, high = a.min(initial=HUGE), a.max(initial=TINY)
        by_w_in, by_w_rec = gradient = np.empty((2, len(a)))
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(a, w_in, out=by_w_in)
            by_w_in -= b
            np.multiply(half_slope_a, w_in, out=by_w_rec)
            by_w_rec -= slope_b
            by_w_rec *= w_in
            if self._half_slope_c is not None:
                by_w_rec += self._half_slope_c(w_rec)
            gradient *= self._scale
        ordinary = low > TINY and high < HUGE
        if not (ordinary and gradient.all()):
            self._mend(w_in, w_rec, gradient, None if ordinary else a)
        return gradient

    @cached_property
    def _table(self) -> Array:
        return stacked(self._a, 0.5 * derivative(self._a), self._b, derivative(self._b))

    @cached_property
    def _slopes(self) -> Polynomials:
        return Polynomials(self._table)

    def _mend(self, w_in: Array, w_rec: Array, gradient: Array, a: Array | None) -> None:
        """Replace, in place, those gradients (2, M) of which float64 lost a part.

        Without an ``a`` out of bounds only zeros are doubtful, and those only where a product
        can have underflowed.
        """
        if a is None:
            lost = np.flatnonzero((gradient == 0.0).any(axis=0))
            u, w = np.abs(w_in[lost]), np.abs(w_rec[lost])
            lost = lost[((u < NEAR) & (u != 0.0)) | ((w < self._near) & (w != 0.0))]
        else:
            sizes = np.abs(np.vstack([a, gradient]))
            doubtful = ~((sizes > TINY) & (sizes < HUGE)).all(axis=0)
            lost = np.flatnonzero(doubtful & np.isfinite(w_in) & np.isfinite(w_rec))
        if not lost.size:
            return
        at = np.stack([w_in[lost], w_rec[lost]])
        known_at, known = self._mended
        if not np.array_equal(at, known_at):
            wide = self._wide_gradient(*at)
            values = [(each.value(), SMALLEST * each.sign()) for each in wide]
            known = np.stack([np.where(value == 0.0, sign, value) for value, sign in values])
            # Where a gradient is zero the weights rest, and are asked about again and again.
            self._mended = at, known
        gradient[:, lost] = known

    def scaled_gradient(self, w_in: float, w_rec: float) -> tuple[SignedLog, SignedLog]:
        """Return both derivatives as signs and logarithms."""
        return self._scaled_gradient(w_in, w_rec)

    @cached_property
    def _scaled_gradient(self) -> ScaledGradient:
        return scaled_gradient(self._slope_polynomials, self._scale)

    @cached_property
    def _wide_slopes(self) -> ExtendedPolynomials:
        return ExtendedPolynomials(*self._slope_polynomials)

    @cached_property
    def _slope_polynomials(self) -> tuple[Array, ...]:
        """What a gradient is made of: a, -b and half the derivatives of a, -2 b and c."""
        return (
            self._a,
            -self._b,
            0.5 * derivative(self._a),
            -derivative(self._b),
            0.5 * derivative(self._c),
        )

    def scaled_gradients(self, w_in: Array, w_rec: Array) -> tuple[SignedLog, SignedLog]:
        """Return many gradients as signs and logarithms; see ``Objective``."""
        by_w_in, by_w_rec = self._wide_gradient(w_in, w_rec)
        return SignedLog.from_wide(by_w_in), SignedLog.from_wide(by_w_rec)

    def _wide_gradient(self, w_in: Array, w_rec: Array) -> tuple[ExtendedArray, ExtendedArray]:
        u, scale = ExtendedArray.of(w_in), ExtendedArray.of(self._scale)
        values = self._wide_slopes(w_rec)
        a, minus_b, half_slope_a, minus_slope_b, half_slope_c = map(values.at, range(5))
        by_w_in = u.times(a).plus(minus_b)
        by_w_rec = u.times(u.times(half_slope_a).plus(minus_slope_b)).plus(half_slope_c)
        return by_w_in.times(scale), by_w_rec.times(scale)

    # The cost

    def cost(self, w_in: float, w_rec: float) -> float:
        """Return one cost; see ``Objective``."""
        return self._costs.cost(w_in, w_rec)

    def reaches(self, w_in: float, w_rec: float, target_cost: float) -> bool:
        """Return whether one cost is at most the target; see ``Objective``."""
        return self._costs.reaches(w_in, w_rec, target_cost)

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return many costs, right to 1e-6 of each; see ``Objective``.

        For a surface, w_in (1, nx) and w_rec (ny, 1), polynomials are evaluated once a row.
        """
        return self._costs.costs(w_in, w_rec)

    def log10_costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return the logarithms of many costs; see ``Objective``."""
        return self._costs.log10_costs(w_in, w_rec)

    @cached_property
    def optimum(self) -> Optimum:
        """The exact global minimum, found once; see ``Objective``."""
        if self._s0 == 0.0 and self._precomputed.optimum is not None:
            return self._precomputed.optimum
        return find_optimum(self._dataset.inputs, self._dataset.targets, self._s0, self.moments)

    def sums_about_optimum(self) -> SumsAbout | None:
        """Return what ``gap`` needs to know of the samples; None where it needs nothing."""
        best = self.optimum.weights
        if not all(map(isfinite, best)):
            return None
        try:
            return self._costs.sums_about(best)
        except OverflowError:
            return None

    def gap(self, w_in: float, w_rec: float) -> float:
        """Return the cost less the optimum's; see ``Objective``."""
        best = self.optimum
        if all(map(isfinite, best.weights)):
            with suppress(OverflowError):  # residuals at the optimum beyond float64
                return float(self._costs.rises(np.array(w_in), np.array(w_rec), best.weights))
        return float(np.maximum(self.cost(w_in, w_rec) - best.cost, 0.0))


def _half_slope_c(moments: Moments, s0: float) -> Callable[[Any], Any]:
    """Return half the derivative of c, the sum of (t_i - s0 w_rec^T)², as a function of w_rec."""
    n, n_steps, total = moments.n_samples, moments.n_steps, moments.target_sum

    def half_slope(w_rec: Any) -> Any:
        low = s0 * w_rec ** (n_steps - 1)
        return n_steps * low * (n * low * w_rec - total)

    return half_slope
