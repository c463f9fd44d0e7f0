"""Cost and gradient for the identity activation, in O(T) and O(T²) for any number of sequences.

The cost is a quadratic in w_in whose coefficients depend on w_rec. Gradients are evaluated from
moments of the data (see ``cost_polynomials``): near an optimum they are as accurate as those of
backpropagation. Costs are evaluated from residuals (see ``Factor``): from moments, a cost far below
the squares of the targets would have no correct digits.
"""

from collections.abc import Iterator
from functools import cached_property
from math import exp, inf, isfinite, log, log10, nan
from typing import Final

import numpy as np

from service.engine.arithmetic import (
    UNDERFLOW,
    ExtendedArray,
    ExtendedPolynomials,
    Polynomials,
    differentiate,
    tolerances,
)
from service.engine.data import Dataset, Factor, Moments, Precomputed, cost_polynomials
from service.engine.interruption import check_interruption
from service.engine.objective.normal_equations import NormalEquations, linear_normal_equations
from service.engine.objective.scalar_gradient import Gradient, make_scalar_gradient
from service.engine.optimum import Optimum, find_optimum
from service.engine.types import BLOCK, Array, Weights

LARGEST_INPUT: Final = 1e100  # of a dataset
SMALL_W_IN: Final = 1e-100  # products with a smaller w_in may underflow
LOG_OVERFLOW: Final = 640.0  # below ln 1.8e308 = 709.8, with a margin for w_in


class LinearObjective:
    """Cost and gradient after one pass over the data for each, for weights of any size.

    Overflow is not an error: a cost that overflows is inf, and has a logarithm.

    Parameters
    ----------
    dataset
        Magnitudes from 1e-100 to 1e100, or 0, so that squares neither overflow nor underflow.
    initial_state
        S_0, with the same bounds.
    precomputed
        Stored reductions of the dataset.
    """

    def __init__(
        self, dataset: Dataset, initial_state: float = 0.0, precomputed: Precomputed | None = None
    ) -> None:
        self._dataset = dataset
        self._precomputed = precomputed
        self._initial_state = float(initial_state)
        self._n = dataset.n_samples
        self._size = 2 * dataset.n_steps + 1  # coefficients of the longest polynomial
        self._scale = 2.0 / self._n  # the factor of the polynomials in the gradient

    @cached_property
    def factor(self) -> Factor:
        """The factor of the data, precomputed or computed on first use."""
        if self._precomputed is not None and self._precomputed.factor is not None:
            return self._precomputed.factor
        return Factor.from_arrays(*self._dataset.arrays)

    @cached_property
    def _coefficients(self) -> list[Array]:
        """The coefficients of a, b, da, db, dc and c, by rising power of w_rec.

        The cost is a w_in² - 2 b w_in + c, so half its derivative with respect to w_in is
        a w_in - b, and half that with respect to w_rec is (da / 2 w_in - db) w_in + dc / 2.
        """
        if self._precomputed is None:
            moments = Moments.from_arrays(*self._dataset.arrays)
        else:
            moments = self._precomputed.moments
        a, b, c = cost_polynomials(moments, self._n, self._initial_state)
        return [a, b, *map(differentiate, (a, b, c)), c]

    @cached_property
    def _polynomials(self) -> Polynomials:
        return Polynomials(*self._coefficients[:5])

    @cached_property
    def _extended(self) -> ExtendedPolynomials:
        return ExtendedPolynomials(*self._coefficients[:5])

    @cached_property
    def gradient(self) -> Gradient:
        """Return both derivatives at one pair of weights.

        Parameters
        ----------
        w_in, w_rec : float
            The weights.

        Returns
        -------
        by_w_in, by_w_rec : float
            inf, nan or 0 where float64 cannot represent them.
        """
        a, b, *slopes, c = self._coefficients
        # No polynomial or derivative of one overflows up to this |w_rec|.
        largest = 1.0 + float(np.abs(a).sum() + 2.0 * np.abs(b).sum() + np.abs(c).sum())
        safe_w_rec = exp((LOG_OVERFLOW - log(self._size * largest)) / self._size)
        return make_scalar_gradient([a, b, *slopes], self._scale, safe_w_rec)

    # Costs

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return the cost for each pair of weights, broadcast together.

        Parameters
        ----------
        w_in, w_rec
            Of shapes that broadcast together. For a surface, w_in (1, nx) and w_rec (ny, 1),
            residuals are computed once per row.

        Returns
        -------
        costs
            Of their common shape; never negative, inf on overflow, and nan where a weight is not
            finite. They are correct to ``tolerances.COST_RTOL``, or to ``tolerances.COST_ATOL`` of
            the mean squared target.
        """
        shape = np.broadcast_shapes(w_in.shape, w_rec.shape)
        table, rows = _as_table(w_in, w_rec)
        costs = np.empty(table.shape)
        for part in self._parts(*table.shape):
            costs[part] = self._costs(table[part], rows[part])
        return costs.reshape(shape)

    @np.errstate(over="ignore", invalid="ignore")
    def _costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return costs (ny, nx) for w_in (ny, nx) and w_rec (ny,)."""
        if w_in.shape[1] == 1:
            costs = self.factor.sums(w_in[:, 0], w_rec, self._initial_state)[:, None]
            # Powers that underflow may have changed a sum by the square of this.
            lost_terms = UNDERFLOW * LARGEST_INPUT * self._size * np.abs(w_in[:, 0])
            known = costs[:, 0] >= lost_terms * lost_terms
        else:
            parabolas = self.factor.parabolas(w_rec, self._initial_state)
            costs = parabolas(w_in)
            known = parabolas.square > UNDERFLOW
        costs /= self._n
        has_digits = ((costs > UNDERFLOW) & (costs < inf)) | (costs == 0.0)
        lost = np.flatnonzero(~(known & np.isfinite(w_rec) & has_digits.all(axis=1)))
        if lost.size:
            costs[lost] = self._extended_costs(w_in[lost], w_rec[lost]).value()
        return costs

    def log10_costs(self, w_in: Array, w_rec: Array, costs: Array | None = None) -> Array:
        """Return the decimal logarithm of the cost for each pair of weights, broadcast together.

        Parameters
        ----------
        w_in, w_rec
            Of shapes that broadcast together.
        costs
            The result of ``costs`` for the same weights, if known.

        Returns
        -------
        log10_costs
            Of their common shape; -inf for 0, and nan where a weight is not finite.
        """
        costs = self.costs(w_in, w_rec) if costs is None else costs
        table, rows = _as_table(w_in, w_rec)
        with np.errstate(divide="ignore"):
            logs = np.log10(costs).reshape(table.shape)
        special = np.flatnonzero((np.isinf(logs) | (logs < log10(UNDERFLOW))).any(axis=1))
        for part in self._parts(special.size, table.shape[1]):
            some = special[part]
            logs[some] = self._extended_costs(table[some], rows[some]).log10()
        return logs.reshape(costs.shape)

    def _extended_costs(self, w_in: Array, w_rec: Array) -> ExtendedArray:
        """Return the same as ``_costs`` with exponents of any size."""
        finite = np.isfinite(w_in) & np.isfinite(w_rec)[:, None]
        w_in = np.where(finite, w_in, 0.0)
        w_rec = np.where(np.isfinite(w_rec), w_rec, 0.0)
        sums = self.factor.extended_parabolas(w_rec, self._initial_state)(w_in)
        return ExtendedArray.from_floats(
            np.where(finite, sums.mantissa / self._n, nan), sums.exponent
        )

    def best_w_in(self, w_rec: Array) -> Array:
        """Return the w_in with the lowest cost for each w_rec.

        Parameters
        ----------
        w_rec : (M,)
            Finite.

        Returns
        -------
        w_in : (M,)
            inf where it overflows, and nan where w_in has no effect.
        """
        best = np.empty(w_rec.shape)
        for part in self._parts(w_rec.size, 1):
            parabolas = self.factor.extended_parabolas(w_rec[part], self._initial_state)
            has_effect = parabolas.square.mantissa != 0.0
            best[part] = np.where(has_effect, parabolas.vertex.value(), nan)
        return best

    def _parts(self, n_rows: int, n_columns: int) -> Iterator[slice]:
        """Yield slices of rows whose arrays have bounded sizes."""
        size = max(1, BLOCK // max(n_columns, len(self.factor.rows), self.factor.n_steps))
        for start in range(0, n_rows, size):
            check_interruption()
            yield slice(start, start + size)

    # The gradient

    def gradients(self, w_in: Array, w_rec: Array) -> Array:
        """Return the derivatives of the cost for each pair of weights.

        Parameters
        ----------
        w_in, w_rec : (M,)
            The pairs of weights.

        Returns
        -------
        gradients : (2, M)
            The derivatives by w_in, then by w_rec. Signs are right everywhere; magnitudes are inf
            on overflow.
        """
        a, b, da, db, dc = self._polynomials(w_rec)
        with np.errstate(over="ignore", invalid="ignore"):
            by_w_in = a * w_in - b
            by_w_rec = (0.5 * da * w_in - db) * w_in + 0.5 * dc
            gradient = self._scale * np.stack([by_w_in, by_w_rec])
        if not (a.min(initial=inf) > UNDERFLOW and gradient.all() and np.isfinite(gradient).all()):
            self._repair(w_in, w_rec, a, gradient)
        return gradient

    def _repair(self, w_in: Array, w_rec: Array, a: Array, gradient: Array) -> None:
        """Replace, in place, the gradients (2, M) that lost a part in float64."""
        out_of_range = ~((a > UNDERFLOW) & np.isfinite(gradient).all(axis=0))
        lost = np.flatnonzero(out_of_range | (gradient == 0.0).any(axis=0))
        u = np.abs(w_in[lost])
        w = np.abs(w_rec[lost])
        # No power in the polynomials underflows from this |w_rec| on.
        smallest = UNDERFLOW ** (1.0 / self._size)
        tiny = ((u < SMALL_W_IN) & (u > 0.0)) | ((w < smallest) & (w > 0.0))
        lost = lost[(tiny | out_of_range[lost]) & np.isfinite(u) & np.isfinite(w)]
        if lost.size:
            both = self.extended_gradients(w_in[lost], w_rec[lost])
            gradient[:, lost] = [derivative.value_keeping_sign() for derivative in both]

    def extended_gradients(self, w_in: Array, w_rec: Array) -> tuple[ExtendedArray, ExtendedArray]:
        """Return the derivatives of the cost with exponents of any size.

        Parameters
        ----------
        w_in, w_rec : (M,)
            Finite.

        Returns
        -------
        by_w_in, by_w_rec : (M,)
            The derivatives with respect to each weight.
        """
        values = self._extended(w_rec)
        a, b, da, db, dc = (values[k] for k in range(5))
        by_w_in = a * w_in - b
        by_w_rec = (da * 0.5 * w_in - db) * w_in + dc * 0.5
        return by_w_in * self._scale, by_w_rec * self._scale

    def normal_equations(self, w_in: Array, w_rec: Array) -> NormalEquations:
        """Return the linearized least-squares problem for each pair of weights.

        Parameters
        ----------
        w_in, w_rec : (M,)
            Finite.

        Returns
        -------
        NormalEquations
            Of M problems with two unknowns.
        """
        equations = NormalEquations(*np.empty((2, 2, w_in.size)))
        for part in self._parts(w_in.size, 1):
            equations.steps[:, part], equations.couplings[:, part] = linear_normal_equations(
                self.factor, self._initial_state, w_in[part], w_rec[part]
            )
        return equations

    # The optimum

    @cached_property
    def optimum(self) -> Optimum:
        """The exact global minimum, computed once."""
        return find_optimum(self.factor, self._initial_state)

    def gap_to_optimum(self, w_in: float, w_rec: float, cost: float) -> float:
        """Return the cost of these weights minus that of the optimum, without cancellation.

        Parameters
        ----------
        w_in, w_rec
            The weights.
        cost
            That of the weights.

        Returns
        -------
        gap
            Not negative; nan if a weight is not finite.
        """
        best = self.optimum
        excess = cost - best.cost
        # The difference of two nearly equal costs has no digits.
        if excess < tolerances.LARGE_GAP * best.cost and all(map(isfinite, best.weights)):
            weights = Weights(w_in, w_rec)
            excess = self.factor.excess(weights, best.weights, self._initial_state) / self._n
        return max(excess, 0.0)


def _as_table(w_in: Array, w_rec: Array) -> tuple[Array, Array]:
    """Return w_in (ny, nx) and w_rec (ny,): one row per w_rec of a surface, or per pair."""
    shape = np.broadcast_shapes(w_in.shape, w_rec.shape)
    w_in = np.broadcast_to(w_in, shape)
    if len(shape) == 2 and w_rec.shape == (shape[0], 1):
        return w_in, w_rec[:, 0]
    return w_in.reshape(-1, 1), np.broadcast_to(w_rec, shape).reshape(-1)
