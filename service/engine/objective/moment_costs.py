"""Costs from the second moments of the data, with all their digits and for weights of any size."""

from functools import cached_property
from math import exp, isfinite, log, log10, nan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import (
    CANCELLATION,
    ROUNDING,
    UNDERFLOW,
    ExtendedArray,
    ExtendedFloat,
    ExtendedPolynomials,
    Polynomials,
    stack_polynomials,
)
from service.engine.data import Dataset, ExactMoments, are_sums_exact, cost_polynomials
from service.engine.objective.exact_costs import ExactCosts
from service.engine.objective.precomputed import Precomputed
from service.engine.types import Array, Weights

Flags = NDArray[np.bool_]

LARGE_W_IN: Final = 1e14  # no cost with a smaller |w_in| and a safe |w_rec| overflows
FEW: Final = 300  # points times steps that are evaluated one by one
FACTORS: Final = np.array([[1.0], [-2.0], [1.0]])  # of a, b and c in the cost


class MomentCosts:
    """The cost (a w_in² - 2 b w_in + c) / N, with polynomials a, b and c in w_rec.

    Float64 evaluates most costs. Extended exponents evaluate those that overflow, and
    ``ExactCosts`` those that are far below their terms, where float64 has no digits left.
    See ``cost_polynomials`` for a, b and c.

    Parameters
    ----------
    dataset
        Read only if exact moments are needed and not known.
    precomputed
        What is known about the dataset.
    initial_state
        S_0.

    Attributes
    ----------
    moments
        The second moments of the data.
    safe_w_rec
        No polynomial or derivative of one overflows up to this |w_rec|.
    """

    def __init__(self, dataset: Dataset, precomputed: Precomputed, initial_state: float) -> None:
        self._dataset, self._precomputed = dataset, precomputed
        self.moments = precomputed.moments
        self._initial_state, self._n = initial_state, dataset.n_samples
        polynomials = cost_polynomials(self.moments, initial_state)
        self._coefficients = stack_polynomials(*polynomials)
        self._a, self._b, self._c = polynomials
        size = 2 * dataset.n_steps + 1
        self._magnitudes = np.abs(self._coefficients)
        total = float(self._magnitudes.sum())
        # Below the overflow threshold by a factor that leaves room for w_in.
        self.safe_w_rec = exp((640.0 - log(1.0 + size * total)) / size)

    # One cost

    def cost(self, w_in: float, w_rec: float) -> float:
        """Return one cost; nan where a weight is not finite."""
        total, size = self._float_sum(w_in, w_rec)
        if total > CANCELLATION * size:
            return total / self._n
        return max(self._accurate_sum(w_in, w_rec).value() / self._n, 0.0)  # nan stays nan

    def is_at_most(self, w_in: float, w_rec: float, target_cost: float) -> bool:
        """Return whether one cost is at most the target. Few comparisons need an exact cost."""
        target = self._n * target_cost
        total, size = self._float_sum(w_in, w_rec)
        if abs(total - target) > ROUNDING * size:
            return total < target
        return self._accurate_sum(w_in, w_rec).value() / self._n <= target_cost

    def excess_over(self, w_in: float, w_rec: float, reference: Weights, cost: float) -> float:
        """Return one cost less that of reference weights, at least 0; all weights are finite.

        The difference keeps its digits where the two costs have their leading digits in common.
        """
        excess = self.cost(w_in, w_rec) - cost
        if excess < 1e3 * cost:
            lowest = self._exact.sum_at(*reference).times_float(-1.0)
            excess = self._exact.sum_at(w_in, w_rec).plus(lowest).round().value() / self._n
        return max(excess, 0.0)

    def _float_sum(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return the sum of squared errors and of its terms' magnitudes; nan on overflow."""
        if not -self.safe_w_rec < w_rec < self.safe_w_rec:
            return nan, nan
        powers = np.full(self._coefficients.shape[1], w_rec)
        powers[0] = 1.0
        np.multiply.accumulate(powers, out=powers)
        a, b, c = (self._coefficients @ powers).tolist()
        total = (a * w_in - 2.0 * b) * w_in + c
        a, b, c = (self._magnitudes @ np.abs(powers)).tolist()
        return total, (a * abs(w_in) + 2.0 * b) * abs(w_in) + c

    def _accurate_sum(self, w_in: float, w_rec: float) -> ExtendedFloat:
        """Return the sum of squared errors, where float64 overflows or lacks the digits."""
        if not (isfinite(w_in) and isfinite(w_rec)):
            return ExtendedFloat(nan, 0)
        if not (abs(w_rec) < self.safe_w_rec and abs(w_in) < LARGE_W_IN):
            signed, unsigned = self._extended_polynomials
            total: ExtendedFloat
            total, size = (
                _extended_quadratic(ExtendedFloat.from_float(u), values)
                for u, values in ((w_in, signed.at(w_rec)), (abs(w_in), unsigned.at(abs(w_rec))))
            )
            if total.mantissa > 0.0 and total.log() > size.log() + log(CANCELLATION):
                return total
        return self._exact.sum_at(w_in, w_rec).round()

    # Many costs

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return many costs, correct to 1e-6 of each and never negative; see ``Objective``.

        For a surface, w_in (1, nx) and w_rec (ny, 1), polynomials are evaluated once per row.
        """
        rows, columns, shape = _as_table(w_in, w_rec)
        return self._means(columns, rows).reshape(shape)

    def log10_costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return the logarithms of many costs; see ``Objective``."""
        return self.costs_and_log10(w_in, w_rec)[1]

    def costs_and_log10(self, w_in: Array, w_rec: Array) -> tuple[Array, Array]:
        """Return many costs and their decimal logarithms; see ``Objective``."""
        rows, columns, shape = _as_table(w_in, w_rec)
        means = self._means(columns, rows)
        with np.errstate(divide="ignore"):
            logs: Array = np.log10(means)
        special = np.isinf(means) | (means < UNDERFLOW)
        if special.any():
            sums = self._accurate_sums(columns, rows, special)
            logs[special] = sums.log10() - log10(self._n)
        return means.reshape(shape), logs.reshape(shape)

    def _means(self, w_in: Array, w_rec: Array) -> Array:
        """Return costs (ny, nx) for w_in (1 or ny, nx) and w_rec (ny,)."""
        signed, unsigned = self._polynomials.evaluate_with_magnitudes(w_rec)
        with np.errstate(over="ignore", invalid="ignore"):
            means = _quadratics(signed, w_in)
            # One bound per row, at its largest |w_in|, clears nearly all rows.
            bounds = _bounds(unsigned, w_in)
        # This reduction along rows is by far the fastest, and it returns nan if there is one.
        lowest = means[np.arange(len(means)), means.argmin(axis=1)] if means.size else bounds
        doubtful = np.flatnonzero(~(lowest > bounds))
        if doubtful.size:
            u, w, found = _rows_of(w_in, doubtful), w_rec[doubtful], means[doubtful]
            with np.errstate(over="ignore", invalid="ignore"):
                size = _quadratics(unsigned[:, doubtful], np.abs(u))
                lost = ~(found > CANCELLATION * size)
            row, column = lost.nonzero()
            if len(row) * self._dataset.n_steps <= FEW:
                for i, j in zip(row.tolist(), column.tolist(), strict=True):
                    total = self._accurate_sum(float(u[i if len(u) > 1 else 0, j]), float(w[i]))
                    found[i, j] = max(total.value() / self._n, 0.0)
            else:
                found[lost] = np.maximum(self._accurate_sums(u, w, lost).value() / self._n, 0.0)
            means[doubtful] = found
        return means

    def _accurate_sums(self, w_in: Array, w_rec: Array, needed: Flags) -> ExtendedArray:
        """Return the needed (K,) of the sums of squared errors (ny, nx), of any size."""
        row, column = needed.nonzero()
        u, w = np.broadcast_to(w_in, needed.shape)[row, column], w_rec[row]
        ordinary = (np.abs(w) < self.safe_w_rec) & (np.abs(u) < LARGE_W_IN)
        sums = ExtendedArray(np.full(len(u), nan), np.zeros(len(u)))
        exact = ordinary.copy()
        extended = np.flatnonzero(~ordinary & np.isfinite(u) & np.isfinite(w))
        if extended.size:
            found, canceled = self._extended_sums(u[extended], w[extended])
            sums.mantissa[extended], sums.exponent[extended] = found
            exact[extended] = canceled
        if exact.any():
            table = np.zeros(needed.shape, np.bool_)
            table[row[exact], column[exact]] = True
            lines = np.flatnonzero(table.any(axis=1))
            rounded = self._exact.sums(_rows_of(w_in, lines), w_rec[lines]).round()
            for numbers, better in zip(sums, rounded, strict=True):
                numbers[exact] = better[table[lines]]
        return sums

    def _extended_sums(self, w_in: Array, w_rec: Array) -> tuple[ExtendedArray, Flags]:
        """Return sums of squared errors (M,) of any size, and which of them cancel."""
        signed, unsigned = self._extended_polynomials
        unique, inverse = np.unique(w_rec, return_inverse=True)
        sums, size = (
            _extended_quadratic(
                ExtendedArray.from_floats(u), [values.at((k, inverse)) for k in range(3)]
            )
            for u, values in ((w_in, signed(unique)), (np.abs(w_in), unsigned(np.abs(unique))))
        )
        return sums, (sums.mantissa <= 0.0) | (sums.log() < size.log() + log(CANCELLATION))

    # Computed on first use

    @cached_property
    def exact_moments(self) -> ExactMoments:
        """The exact moments: known, exact already, or from one pass over the data."""
        if self._precomputed.exact_moments is not None:
            return self._precomputed.exact_moments
        inputs, targets = self._dataset.inputs, self._dataset.targets
        if are_sums_exact(inputs, targets):
            return ExactMoments.from_moments(self.moments)
        return ExactMoments.from_arrays(inputs, targets)

    @cached_property
    def _exact(self) -> ExactCosts:
        return ExactCosts(self.exact_moments, self._initial_state)

    @cached_property
    def _polynomials(self) -> Polynomials:
        """The coefficients of w_in in the mean, by falling power."""
        return Polynomials(FACTORS / self._n * self._coefficients)

    @cached_property
    def _extended_polynomials(self) -> tuple[ExtendedPolynomials, ExtendedPolynomials]:
        each = self._a, -2.0 * self._b, self._c
        return ExtendedPolynomials(*each), ExtendedPolynomials(*map(np.abs, each))


def _rows_of(w_in: Array, lines: NDArray[np.intp]) -> Array:
    """Return the rows of w_in (1 or ny, nx) that belong to some lines of a table."""
    return w_in if len(w_in) == 1 else w_in[lines]


def _quadratics(coefficients: Array, w_in: Array) -> Array:
    """Return the values (ny, nx) at w_in (1 or ny, nx), coefficients (3, ny) by falling power."""
    if len(w_in) != 1 or w_in.size == 1:
        a, b, c = coefficients[:, :, None]
        return np.asarray((a * w_in + b) * w_in + c)
    # The product of two thin matrices is faster than four passes over a surface.
    powers = np.empty((3, w_in.shape[1]))
    powers[2] = 1.0
    powers[1] = w_in
    np.multiply(w_in, w_in, out=powers[:1])
    return coefficients.T @ powers


def _bounds(magnitudes: Array, w_in: Array) -> Array:
    """Return what clears a row (ny,) for all its |w_in|, from the terms' magnitudes (3, ny)."""
    if len(w_in) != 1 or not w_in.size:
        a, b, c = magnitudes
        widest = np.abs(w_in).max(axis=1, initial=0.0)
        return np.asarray(CANCELLATION * ((a * widest + b) * widest + c))
    largest = float(np.abs(w_in).max())
    return CANCELLATION * np.array([largest * largest, largest, 1.0]) @ magnitudes


def _extended_quadratic(w_in: Any, coefficients: Any) -> Any:
    """Return the value at w_in, of extended scalars or arrays; coefficients by falling power."""
    a, b, c = coefficients
    return w_in.times(w_in.times(a).plus(b)).plus(c)


def _as_table(w_in: Array, w_rec: Array) -> tuple[Array, Array, tuple[int, ...]]:
    """Return w_rec (ny,), w_in (ny, nx) or (1, nx), and the shape that both broadcast to."""
    if w_in.ndim == w_rec.ndim == 2 and len(w_in) == w_rec.shape[1] == 1:
        return w_rec[:, 0], w_in, (len(w_rec), w_in.shape[1])
    shape = np.broadcast_shapes(w_in.shape, w_rec.shape)
    if w_rec.shape == (*shape[:1], 1) and w_in.shape in (shape[1:], (1, *shape[1:])):
        return w_rec[:, 0], w_in.reshape(1, -1), shape
    w_in, w_rec = np.broadcast_arrays(w_in, w_rec)
    return w_rec.reshape(-1), w_in.reshape(-1, 1), shape
