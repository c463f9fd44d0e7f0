"""Cost and gradient from the second moments of the data, for the identity activation.

The cost is a quadratic in w_in whose coefficients are polynomials in w_rec, however many sequences
there are. See ``cost_polynomials`` for the formula.
"""

from collections.abc import Callable
from functools import cached_property
from math import inf, isfinite

import numpy as np

from service.engine.arithmetic import (
    UNDERFLOW,
    ExtendedArray,
    ExtendedPolynomials,
    Polynomials,
    differentiate,
)
from service.engine.data import Dataset, Moments
from service.engine.objective.moment_costs import CANCELLATION, Flags, MomentCosts
from service.engine.objective.normal_equations import NormalEquations, make_normal_equations
from service.engine.objective.precomputed import Precomputed
from service.engine.objective.scalar_gradient import Gradient, make_scalar_gradient
from service.engine.optimum import Optimum, find_optimum
from service.engine.types import Array, Weights

SMALL_W_IN = 1e-100  # products with a smaller w_in may underflow
LARGE = 1e308  # a sum that overflows is above this


class MomentObjective(MomentCosts):
    """Cost and gradient in O(T) after one pass over the data; see ``Objective``.

    Only costs that cancel need a second pass, unless the exact moments are given. A few sequences
    are also read for costs from residuals.

    Parameters
    ----------
    dataset
        Magnitudes from 1e-100 to 1e100, or 0, so that squares neither overflow nor underflow.
    initial_state
        S_0, with the same bounds.
    precomputed
        Values that were computed from the dataset before.

    Attributes
    ----------
    gradient
        From w_in and w_rec both derivatives; see ``Objective``.
    """

    gradient: Gradient

    def __init__(
        self, dataset: Dataset, initial_state: float = 0.0, precomputed: Precomputed | None = None
    ) -> None:
        super().__init__(
            dataset,
            precomputed or Precomputed(Moments.from_arrays(dataset.inputs, dataset.targets)),
            float(initial_state),
        )
        self._scale = 2.0 / self._n
        self._slopes = (
            self._a,
            -self._b,
            0.5 * differentiate(self._a),
            -differentiate(self._b),
            0.5 * differentiate(self._c),
        )
        # The last one is 0 without an initial state.
        self._used_slopes = self._slopes if self._initial_state else self._slopes[:4]
        self.gradient = make_scalar_gradient(self._used_slopes, self._scale, self.safe_w_rec)
        # No power in the polynomials underflows from this |w_rec| on.
        self._smallest_w_rec = UNDERFLOW ** (1.0 / (2 * dataset.n_steps + 1))

    # The gradient

    def gradients(self, w_in: Array, w_rec: Array) -> Array:
        """Return many gradients; see ``Objective``."""
        return self._gradients(w_in, w_rec, self._evaluate_slopes(w_rec))

    def is_at_most_and_gradients(
        self, w_in: Array, w_rec: Array, target_cost: float
    ) -> tuple[Flags, Array]:
        """Compare many costs and return many gradients; see ``Objective``."""
        slopes = self._evaluate_slopes(w_rec)
        if self._initial_state:
            return self.costs(w_in, w_rec) <= target_cost, self._gradients(w_in, w_rec, slopes)
        (a, minus_b), c, target = slopes[:2], float(self._c[0]), self._n * target_cost
        with np.errstate(over="ignore", invalid="ignore"):
            rough = (a * w_in + 2.0 * minus_b) * w_in + c
            # A cost needs all its digits only near the target; nan counts as near.
            near = ~(np.abs(rough - target) > CANCELLATION * (target + c))
            # w_in may make up for an a that underflows or overflows.
            smallest = UNDERFLOW * self._largest
            if not (a.min(initial=inf) > smallest and rough.max(initial=0.0) < inf):
                overflow = np.isinf(rough) & (LARGE * w_in * w_in <= 4.0 * (target + c))
                near |= (a <= smallest) | overflow
        reached = rough <= target
        if near.any():
            reached[near] = self.costs(w_in[near], w_rec[near]) <= target_cost
        return reached, self._gradients(w_in, w_rec, slopes)

    def _gradients(self, w_in: Array, w_rec: Array, slopes: Array) -> Array:
        a, minus_b, half_slope_a, minus_slope_b = slopes[:4]
        by_w_in, by_w_rec = gradient = np.empty((2, len(a)))
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(a, w_in, out=by_w_in)
            by_w_in += minus_b
            np.multiply(half_slope_a, w_in, out=by_w_rec)
            by_w_rec += minus_slope_b
            by_w_rec *= w_in
            if self._initial_state:
                by_w_rec += slopes[4]
            gradient *= self._scale
        if not (a.min(initial=inf) > UNDERFLOW and gradient.all() and np.isfinite(gradient).all()):
            self._repair(w_in, w_rec, a, gradient)
        return gradient

    @cached_property
    def _evaluate_slopes(self) -> Polynomials:
        return Polynomials(*self._used_slopes)

    def _repair(self, w_in: Array, w_rec: Array, a: Array, gradient: Array) -> None:
        """Replace, in place, the gradients (2, M) that lost a part in float64."""
        out_of_range = ~((a > UNDERFLOW) & np.isfinite(gradient).all(axis=0))
        lost = np.flatnonzero(out_of_range | (gradient == 0.0).any(axis=0))
        u, w = np.abs(w_in[lost]), np.abs(w_rec[lost])
        tiny = ((u < SMALL_W_IN) & (u > 0.0)) | ((w < self._smallest_w_rec) & (w > 0.0))
        lost = lost[(tiny | out_of_range[lost]) & np.isfinite(u) & np.isfinite(w)]
        if lost.size:
            exact = self.extended_gradients(w_in[lost], w_rec[lost])
            gradient[:, lost] = [each.signed_value() for each in exact]

    def extended_gradients(self, w_in: Array, w_rec: Array) -> tuple[ExtendedArray, ExtendedArray]:
        """Return many gradients with exponents of any size; see ``Objective``."""
        u, scale = ExtendedArray.from_floats(w_in), ExtendedArray.from_floats(self._scale)
        values = self._extended_slopes(w_rec)
        a, minus_b, half_slope_a, minus_slope_b, half_slope_c = map(values.at, range(5))
        by_w_in = u.times(a).plus(minus_b)
        by_w_rec = u.times(u.times(half_slope_a).plus(minus_slope_b)).plus(half_slope_c)
        return by_w_in.times(scale), by_w_rec.times(scale)

    @cached_property
    def _extended_slopes(self) -> ExtendedPolynomials:
        return ExtendedPolynomials(*self._slopes)

    @cached_property
    def normal_equations(self) -> Callable[[Array, Array], NormalEquations]:
        """From w_in and w_rec the linearized least-squares problem; see ``Objective``."""
        return make_normal_equations(
            self._slopes, self._dataset.inputs, self.moments, self._initial_state
        )

    # The optimum

    @cached_property
    def optimum(self) -> Optimum:
        """The exact global minimum, computed once; see ``Objective``."""
        if self._initial_state == 0.0 and self._precomputed.optimum is not None:
            return self._precomputed.optimum
        return find_optimum(
            self._dataset.inputs, self._dataset.targets, self._initial_state, self.moments
        )

    def gap_to_optimum(self, w_in: float, w_rec: float, cost: float) -> float:
        """Return the cost minus that of the optimum; see ``Objective``."""
        best = self.optimum
        excess = cost - best.cost
        # The difference of two nearly equal costs needs more digits than float64 has.
        if excess < 1e3 * best.cost and all(map(isfinite, best.weights)):
            excess = self._exact.excess(Weights(w_in, w_rec), best.weights) / self._n
        return max(excess, 0.0)
