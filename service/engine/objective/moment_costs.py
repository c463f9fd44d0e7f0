"""Costs from the second moments of the data, with all their digits and for weights of any size.

Those of pairs of weights on a few sequences are computed from residuals, which lose fewer digits.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from math import exp, inf, isfinite, log, log10, nan
from sys import float_info
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import (
    UNDERFLOW,
    ExtendedArray,
    ExtendedPolynomials,
    Polynomials,
    stack_polynomials,
)
from service.engine.data import Dataset, compute_exact_moments, cost_polynomials
from service.engine.objective.exact_costs import ExactCosts
from service.engine.objective.precomputed import Precomputed
from service.engine.objective.residual_costs import ResidualCosts
from service.engine.types import Array

Flags = NDArray[np.bool_]

# A sum above this part of its terms' magnitude keeps seven digits in float64. The rounding error of
# polynomials with up to 20,000 terms was measured to stay below 1e-14 of the terms' magnitude.
CANCELLATION: Final = 1e-7
# Bounds the rounding error of a float64 sum, relative to its terms' magnitude: 20,000 terms, each
# with a power from 20,000 rounded products, err by at most 2e4 * 2.2e-16 twice.
ROUNDING: Final = 1e-10

# If no more rows of a surface may cancel, all of them are evaluated exactly. They are usually close
# to a perfect fit, where a closer bound would not help.
MAX_UNCHECKED_ROWS: Final = 5
# For more sequences, or arrays of more numbers, residuals take longer than moments do where no
# terms cancel.
MAX_SAMPLES: Final = 24
MAX_NUMBERS: Final = 100_000
CHUNK: Final = 1_000_000  # logarithms computed at once, so that temporary arrays stay small
FACTORS: Final = np.array([[1.0], [-2.0], [1.0]])  # of a, b and c in the cost


class MomentCosts:
    """The cost (a w_in² - 2 b w_in + c) / N, with polynomials a, b and c in w_rec.

    For most w_rec, float64 evaluates this parabola accurately at every w_in. Where its lowest point
    is far below its terms, ``ExactCosts`` expands it about that point. Costs that may overflow are
    computed with extended exponents. See ``cost_polynomials`` for a, b and c.

    Parameters
    ----------
    dataset
        Read only for pairs of weights on a few sequences, and if exact moments are needed and not
        in ``precomputed``.
    precomputed
        Values that were computed from the dataset before.
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
        self._a, self._b, self._c = polynomials
        self._coefficients = FACTORS * stack_polynomials(*polynomials)
        self._magnitudes = np.abs(self._coefficients)
        self._largest = 1.0 + float(self._magnitudes.sum())  # of the sums for weights up to 1
        size = 2 * dataset.n_steps + 1
        # Below the overflow threshold by a factor that leaves room for w_in.
        self.safe_w_rec = exp((640.0 - log(size * self._largest)) / size)

    # One cost

    def is_at_most(self, w_in: float, w_rec: float, target_cost: float) -> bool:
        """Return whether one cost is at most the target. Few comparisons need an exact cost."""
        if not (isfinite(w_in) and isfinite(w_rec)):
            return False
        # Divide the sums by the highest powers, which are even, of weights above 1: none overflows.
        u, u_order = (w_in, 1) if -1.0 <= w_in <= 1.0 else (1.0 / w_in, -1)
        w, w_order = (w_rec, 1) if -1.0 <= w_rec <= 1.0 else (1.0 / w_rec, -1)
        powers = np.full(self._coefficients.shape[1], w)
        powers[0] = 1.0
        powers = np.multiply.accumulate(powers)[::w_order]
        sizes = np.abs(powers)
        limit = self._n * target_cost
        target = limit * float(sizes[0]) * (1.0 if u_order > 0 else u * u)
        a, b, c = (self._coefficients @ powers).tolist()[::u_order]
        total = (a * u + b) * u + c
        a, b, c = (self._magnitudes @ sizes).tolist()[::u_order]
        rounding = ROUNDING * ((a * abs(u) + b) * abs(u) + c)
        underflow = UNDERFLOW * self._largest + float_info.min * limit
        if abs(total - target) > rounding + underflow:
            return bool(total < target)
        return self._exact.sum_at(w_in, w_rec) <= self._n * Decimal(target_cost)

    # Many costs

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return many costs, correct to 1e-6 of each and never negative; see ``Objective``.

        For a surface, w_in (1, nx) and w_rec (ny, 1), polynomials are evaluated once per row.
        """
        columns, rows, shape = _as_table(w_in, w_rec)
        return self._means(columns, rows).reshape(shape)

    def log10_costs(self, w_in: Array, w_rec: Array, costs: Array | None = None) -> Array:
        """Return the decimal logarithms of many costs; see ``Objective``."""
        columns, rows, shape = _as_table(w_in, w_rec)
        logs = np.empty((len(rows), columns.shape[1]))
        size = max(1, CHUNK // max(1, logs.shape[1]))
        for part in (slice(start, start + size) for start in range(0, len(rows), size)):
            u, w = _rows_of(columns, part), rows[part]
            means = self._means(u, w) if costs is None else costs.reshape(logs.shape)[part]
            with np.errstate(divide="ignore"):
                np.log10(means, out=logs[part])
            special = np.flatnonzero((np.isinf(means) | (means < UNDERFLOW)).any(axis=1))
            if special.size:
                sums = self._extended_sums(_rows_of(u, special), w[special])
                logs[part][special] = sums.log10() - log10(self._n)
        return logs.reshape(shape)

    @np.errstate(over="ignore", invalid="ignore")
    def _means(self, w_in: Array, w_rec: Array) -> Array:
        """Return costs (ny, nx) for w_in (1 or ny, nx) and w_rec (ny,)."""
        size = (self._n + self._dataset.n_steps) * len(w_rec)
        if w_in.shape[1] == 1 and self._n <= MAX_SAMPLES and size <= MAX_NUMBERS:
            costs, bounds = self._residual_costs(w_in[:, 0], w_rec)
            means, lost = costs[:, None], (~((costs > bounds) & (costs < inf))).nonzero()[0]
        else:
            values, magnitudes = self._polynomials.evaluate_with_magnitudes(w_rec)
            means = _surface(values, w_in)
            lost = _rows_that_cancel(means, magnitudes, np.abs(w_in))
        if lost.size:
            ordinary = np.isfinite(means[lost]).all(axis=1)
            ordinary &= np.abs(w_rec[lost]) < self.safe_w_rec
            exact = lost[ordinary]
            means[lost] = nan
            if exact.size:
                means[exact] = self._exact_means(_rows_of(w_in, exact), w_rec[exact])
            extended = lost[~np.isfinite(means[lost]).all(axis=1)]
            if extended.size:
                sums = self._extended_sums(_rows_of(w_in, extended), w_rec[extended])
                # A sum may overflow where the mean does not.
                means[extended] = ExtendedArray(sums.mantissa / self._n, sums.exponent).value()
        return means

    def _exact_means(self, w_in: Array, w_rec: Array) -> Array:
        """Return costs (ny, nx), for weights as in ``_means``; inf or nan where terms overflow.

        Rows whose parabola underflows are nan: a large w_in may make up for that.
        """
        vertices, a, *others = self._exact.parabolas(w_rec)[:, :, None]
        if self._a.any():  # otherwise 0 is exact
            a[a < UNDERFLOW] = nan
        sums = _parabola([a, *others], w_in - vertices)
        return np.maximum(sums, 0.0) / self._n

    def _extended_sums(self, w_in: Array, w_rec: Array) -> ExtendedArray:
        """Return sums of squared errors (ny, nx) of any size, for weights as in ``_means``."""
        extend = ExtendedArray.from_floats
        known_in, known_rec = np.isfinite(w_in), np.isfinite(w_rec)
        w_in, w = np.where(known_in, w_in, 0.0), np.where(known_rec, w_rec, 0.0)
        values, magnitudes = self._extended_polynomials.evaluate_with_magnitudes(w)
        sums = _extended_parabola(values, extend(w_in))
        sizes = _extended_parabola(magnitudes, extend(np.abs(w_in)))
        has_digits = (sums.mantissa > 0.0) & (sums.log() > sizes.log() + log(CANCELLATION))
        lost = np.flatnonzero(~has_digits.all(axis=1))
        if lost.size:
            vertices, parabolas = self._exact.extended_parabolas(w[lost])
            v = extend(_rows_of(w_in, lost)).plus(extend(-vertices[:, None]))
            sums.mantissa[lost], sums.exponent[lost] = _extended_parabola(parabolas, v)
        mantissa = np.where(known_in & known_rec[:, None], np.maximum(sums.mantissa, 0.0), nan)
        return extend(mantissa, sums.exponent)

    # Computed on first use

    @cached_property
    def exact_moments(self) -> Array:
        """The moments to about 28 digits, precomputed or computed from the data."""
        if self._precomputed.exact_moments is not None:
            return self._precomputed.exact_moments
        return compute_exact_moments(self._dataset.inputs, self._dataset.targets, self.moments)

    @cached_property
    def _exact(self) -> ExactCosts:
        return ExactCosts(self.exact_moments, self._n, self._initial_state)

    @cached_property
    def _residual_costs(self) -> ResidualCosts:
        return ResidualCosts(self._dataset, self._initial_state)

    @cached_property
    def _polynomials(self) -> Polynomials:
        """The coefficients of w_in in the mean, by falling power."""
        return Polynomials(*(self._coefficients / self._n))

    @cached_property
    def _extended_polynomials(self) -> ExtendedPolynomials:
        """The coefficients of w_in in the sum, by falling power."""
        return ExtendedPolynomials(*self._coefficients)


def _rows_that_cancel(means: Array, magnitudes: Array, sizes: Array) -> NDArray[np.intp]:
    """Return the rows of costs (ny, nx) that may lack digits, or overflow.

    Parameters
    ----------
    means : (ny, nx)
    magnitudes : (3, ny)
        The coefficients of the costs, with the magnitudes of their terms added up.
    sizes : (1 or ny, nx)
        |w_in|.
    """
    # One bound per row, at its largest |w_in|, clears nearly all rows.
    widest = sizes.max(axis=1, keepdims=True, initial=0.0)
    bounds = CANCELLATION * _surface(magnitudes, widest)[:, 0]
    # This reduction along rows is by far the fastest, and it returns nan if there is one.
    lowest = means[np.arange(len(means)), means.argmin(axis=1)] if means.size else bounds
    (lost,) = (~(lowest > bounds)).nonzero()
    if lost.size <= MAX_UNCHECKED_ROWS or means.shape[1] == 1:
        return lost
    bounds = CANCELLATION * _surface(magnitudes[:, lost], _rows_of(sizes, lost))
    return lost[~(means[lost] > bounds).all(axis=1)]


def _rows_of(w_in: Array, rows: slice | NDArray[np.intp] | Flags) -> Array:
    """Return w_in for some rows of a table: some of its rows, or its only one."""
    return w_in if len(w_in) == 1 else w_in[rows]


def _parabola(coefficients: Sequence[Array] | Array, w_in: Array) -> Array:
    """Return the values at w_in, coefficients by falling power."""
    a, b, c = coefficients
    values: Array = a * w_in
    values += b
    values *= w_in
    values += c
    return values


def _surface(coefficients: Array, w_in: Array) -> Array:
    """Return the values (ny, nx) at w_in (1 or ny, nx), coefficients (3, ny) by falling power."""
    if len(w_in) != 1:
        return _parabola(coefficients[:, :, None], w_in)
    # The product of two thin matrices is faster than four passes over a surface.
    powers = np.empty((3, w_in.size))
    powers[2] = 1.0
    powers[1] = w_in
    np.multiply(w_in, w_in, powers[:1])
    values: Array = coefficients.T @ powers
    return values


def _extended_parabola(coefficients: ExtendedArray, w_in: ExtendedArray) -> ExtendedArray:
    """Return the values (ny, nx) at w_in (1 or ny, nx), coefficients (3, ny) by falling power."""
    a, b, c = (coefficients.at((k, slice(None), None)) for k in range(3))
    return w_in.times(w_in.times(a).plus(b)).plus(c)


def _as_table(w_in: Array, w_rec: Array) -> tuple[Array, Array, tuple[int, ...]]:
    """Return w_in (1 or ny, nx), w_rec (ny,), and the shape that both broadcast to."""
    if w_in.ndim == w_rec.ndim == 2 and len(w_in) == w_rec.shape[1] == 1:
        return w_in, w_rec[:, 0], (len(w_rec), w_in.size)
    if w_in.shape != w_rec.shape:
        w_in, w_rec = np.broadcast_arrays(w_in, w_rec)
    return w_in.reshape(-1, 1), w_rec.reshape(-1), w_in.shape
