"""Costs from the second moments of the data, with all their digits and for weights of any size."""

from functools import cached_property
from math import exp, isfinite, log, log10, nan

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
    ScalarPolynomials,
    stack_polynomials,
)
from service.engine.data import Dataset, ExactMoments, cost_polynomials
from service.engine.objective.exact_costs import ExactCosts
from service.engine.objective.precomputed import Precomputed
from service.engine.types import Array, Weights

Flags = NDArray[np.bool_]

FACTORS = np.array([[1.0], [-2.0], [1.0]])  # of a, b and c in the cost


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
    safe_w_rec
        No polynomial or derivative of one overflows up to this |w_rec|.
    """

    def __init__(self, dataset: Dataset, precomputed: Precomputed, initial_state: float) -> None:
        self._dataset, self._precomputed = dataset, precomputed
        self._initial_state, self._n = initial_state, dataset.n_samples
        polynomials = cost_polynomials(precomputed.moments, initial_state)
        self._coefficients = stack_polynomials(*polynomials)
        self._a, self._b, self._c = polynomials
        size = 2 * dataset.n_steps + 1
        total = float(np.abs(self._coefficients).sum())
        # Below the overflow threshold by a factor that leaves room for w_in.
        self.safe_w_rec = exp((640.0 - log(1.0 + size * total)) / size)

    # One cost

    def cost(self, w_in: float, w_rec: float) -> float:
        """Return one cost; nan where a weight is not finite."""
        total, size = self._float_sum(w_in, w_rec)
        if total > CANCELLATION * size:
            return total / self._n
        return float(self.costs(np.array([w_in]), np.array([w_rec]))[0])

    def is_at_most(self, w_in: float, w_rec: float, target_cost: float) -> bool:
        """Return whether one cost is at most the target. Few comparisons need an exact cost."""
        target = self._n * target_cost
        total, size = self._float_sum(w_in, w_rec)
        if total > target + ROUNDING * size:
            return False
        if total < target - ROUNDING * size:
            return True
        if not isfinite(size) and isfinite(w_in) and isfinite(w_rec):
            lowest = self._extended_sum(w_in, w_rec)
            if lowest > target:
                return False
        return self.cost(w_in, w_rec) <= target_cost

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

    def _extended_sum(self, w_in: float, w_rec: float) -> float:
        """Return a lower bound of the sum of squared errors; inf where it overflows."""
        total = _evaluate_quadratic(w_in, self._scalar_polynomials(w_rec))
        size = _evaluate_quadratic(abs(w_in), self._scalar_magnitudes(abs(w_rec)))
        return total.plus(size.times(ExtendedFloat.from_float(-ROUNDING))).value()

    # Many costs

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return many costs, right to 1e-6 of each and never negative; see ``Objective``.

        For a surface, w_in (1, nx) and w_rec (ny, 1), polynomials are evaluated once per row.
        """
        rows, columns, shape = _as_table(w_in, w_rec)
        return self._means(columns, rows).reshape(shape)

    def costs_and_log10(self, w_in: Array, w_rec: Array) -> tuple[Array, Array]:
        """Return many costs and their decimal logarithms; see ``Objective``."""
        rows, columns, shape = _as_table(w_in, w_rec)
        means = self._means(columns, rows)
        with np.errstate(divide="ignore"):
            logs: Array = np.log10(means)
        special = np.isinf(means) | (means < UNDERFLOW)
        lines = np.flatnonzero(special.any(axis=1))
        if lines.size:
            sums = self._extended_sums(_rows_of(columns, lines), rows[lines])
            logs[lines] = np.where(special[lines], sums.log10() - log10(self._n), logs[lines])
        return means.reshape(shape), logs.reshape(shape)

    def excess_over(self, w_in: Array, w_rec: Array, reference: Weights) -> Array:
        """Return costs less that of finite reference weights, at least 0.

        The difference keeps its digits where the two costs have their leading digits in common.
        """
        rows, columns, shape = _as_table(w_in, w_rec)
        means = self._means(columns, rows)
        lowest = self._exact.sums(np.array([[reference.w_in]]), np.array([reference.w_rec]))
        bottom = float(lowest.round().value()[0, 0]) / self._n
        excess = means - bottom
        lines = np.flatnonzero((excess < 1e3 * bottom).any(axis=1))
        if lines.size:
            sums = self._exact.sums(_rows_of(columns, lines), rows[lines])
            excess[lines] = sums.plus(lowest.negative()).round().value() / self._n
        return np.maximum(excess, 0.0).reshape(shape)

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
            means[doubtful] = self._accurate_means(
                means[doubtful], unsigned[:, doubtful], _rows_of(w_in, doubtful), w_rec[doubtful]
            )
        return means

    def _accurate_means(self, means: Array, unsigned: Array, w_in: Array, w_rec: Array) -> Array:
        """Return costs (ny, nx) where some of the given ones overflowed or cancelled.

        The quadratics ``unsigned`` (3, ny) in |w_in| are the terms' magnitudes.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            lost = ~(means > CANCELLATION * _quadratics(unsigned, np.abs(w_in)))
        overflowed = ~(np.abs(w_rec) < self.safe_w_rec) | ~np.isfinite(means).all(axis=1)
        for lines, evaluate in ((overflowed, self._extended_sums), (~overflowed, self._exact_sums)):
            chosen = np.flatnonzero(lines & lost.any(axis=1))
            if chosen.size:
                sums = evaluate(_rows_of(w_in, chosen), w_rec[chosen])
                found = np.maximum(sums.value() / self._n, 0.0)
                means[chosen] = np.where(lost[chosen], found, means[chosen])
        means[~(np.isfinite(w_in) & np.isfinite(w_rec)[:, None])] = nan
        return means

    def _exact_sums(self, w_in: Array, w_rec: Array) -> ExtendedArray:
        return self._exact.sums(w_in, w_rec).round()

    def _extended_sums(self, w_in: Array, w_rec: Array) -> ExtendedArray:
        """Return sums of squared errors (ny, nx) of any size."""
        u = np.where(np.isfinite(w_in), w_in, 0.0)
        w = np.where(np.isfinite(w_rec), w_rec, 0.0)
        values, magnitudes = self._extended_polynomials
        sums = _extended_quadratics(u, values(w))
        size = _extended_quadratics(np.abs(u), magnitudes(np.abs(w)))
        cancelled = (sums.mantissa <= 0.0) | (sums.log() < size.log() + log(CANCELLATION))
        lines = np.flatnonzero(cancelled.any(axis=1))
        if lines.size:
            exact = self._exact_sums(_rows_of(u, lines), w[lines])
            for numbers, better in zip(sums, exact, strict=True):
                numbers[lines] = np.where(cancelled[lines], better, numbers[lines])
        return sums

    # What is made when it is first needed

    @cached_property
    def exact_moments(self) -> ExactMoments:
        """The exact moments: known, or from one pass over the data."""
        return self._precomputed.exact_moments or ExactMoments.from_arrays(
            self._dataset.inputs, self._dataset.targets
        )

    @cached_property
    def _exact(self) -> ExactCosts:
        return ExactCosts(self.exact_moments, self._initial_state)

    @cached_property
    def _magnitudes(self) -> Array:
        return np.abs(self._coefficients)

    @cached_property
    def _polynomials(self) -> Polynomials:
        """The coefficients of w_in in the mean, by falling power."""
        return Polynomials(FACTORS / self._n * self._coefficients)

    @cached_property
    def _extended_polynomials(self) -> tuple[ExtendedPolynomials, ExtendedPolynomials]:
        each = self._a, -2.0 * self._b, self._c
        return ExtendedPolynomials(*each), ExtendedPolynomials(*map(np.abs, each))

    @cached_property
    def _scalar_polynomials(self) -> ScalarPolynomials:
        return ScalarPolynomials(self._a, -2.0 * self._b, self._c)

    @cached_property
    def _scalar_magnitudes(self) -> ScalarPolynomials:
        return ScalarPolynomials(*map(np.abs, (self._a, -2.0 * self._b, self._c)))


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


def _extended_quadratics(w_in: Array, coefficients: ExtendedArray) -> ExtendedArray:
    """Return the values (ny, nx) at w_in (1 or ny, nx), coefficients (3, ny) by falling power."""
    u = ExtendedArray.from_floats(w_in)
    a, b, c = (coefficients.at((i, slice(None), None)) for i in range(3))
    return u.times(u.times(a).plus(b)).plus(c)


def _evaluate_quadratic(w_in: float, coefficients: list[ExtendedFloat]) -> ExtendedFloat:
    """Return the value at w_in, coefficients by falling power."""
    u = ExtendedFloat.from_float(w_in)
    a, b, c = coefficients
    return u.times(u.times(a).plus(b)).plus(c)


def _as_table(w_in: Array, w_rec: Array) -> tuple[Array, Array, tuple[int, ...]]:
    """Return w_rec (ny,), w_in (ny, nx) or (1, nx), and the shape that both broadcast to."""
    if w_in.ndim == w_rec.ndim == 2 and len(w_in) == w_rec.shape[1] == 1:
        return w_rec[:, 0], w_in, (len(w_rec), w_in.shape[1])
    shape = np.broadcast_shapes(w_in.shape, w_rec.shape)
    if w_rec.shape == (*shape[:1], 1) and w_in.shape in (shape[1:], (1, *shape[1:])):
        return w_rec[:, 0], w_in.reshape(1, -1), shape
    w_in, w_rec = np.broadcast_arrays(w_in, w_rec)
    return w_rec.reshape(-1), w_in.reshape(-1, 1), shape
