"""Costs from the data's second moments, with all their digits, and beyond float64."""

from functools import cached_property
from math import exp, isfinite, log, log10, nan

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import ExtendedArray, ExtendedPolynomials, Polynomials, stacked
from service.engine.data import Dataset, cost_polynomials
from service.engine.objective.direct import direct_sums
from service.engine.objective.old_exact_costs import CENTRES, TRUSTED, Centre, refined
from service.engine.objective.precomputed import Precomputed, SumsAbout
from service.engine.objective.scaled_single import ScaledSum, scaled_sum
from service.engine.types import Array, Weights

Flags = NDArray[np.bool_]

UNDERFLOW = 1e-280  # smaller sums may have lost digits, or all of them
MOST_DIRECT = 50_000_000  # states: a second or two
FACTORS = np.array([[1.0], [-2.0], [1.0]])  # of a, b and c in the cost


class MomentCosts:
    """The cost as a quadratic in w_in with polynomials in w_rec; see ``cost_polynomials``.

    What its terms' magnitudes show to be cancellation is computed from the data instead, and
    what overflows with exponents of any size.
    """

    def __init__(self, dataset: Dataset, precomputed: Precomputed, initial_state: float) -> None:
        self._samples, self._s0, moments = dataset, initial_state, precomputed.moments
        self._precomputed = precomputed
        self._n = moments.n_samples
        self._a, self._b, self._c = cost_polynomials(moments, initial_state)
        # Up to this |w_rec| no polynomial overflows; their derivatives do not before that.
        size = 2 * moments.n_steps + 1
        total = sum(float(np.abs(each).sum()) for each in (self._a, self._b, self._c))
        self.far = exp((640.0 - log(1.0 + size * total)) / size)
        self._centres: dict[Weights, Centre] = {}

    def cost(self, w_in: float, w_rec: float) -> float:
        """Return one cost."""
        total, size = self._total(w_in, w_rec)
        if total > TRUSTED * size:
            return total / self._n
        if not (isfinite(w_in) and isfinite(w_rec)):
            return nan
        if not isfinite(size):
            total, part = self._scaled_sum(w_in, w_rec)
            if part > TRUSTED:
                return total / self._n
        # Of the centres the one that served last is the likeliest to serve again.
        for weights in reversed(self._centres):
            total, size = self._centres[weights].cost_at(w_in, w_rec)
            if total > TRUSTED * size:
                self._centres[weights] = self._centres.pop(weights)
                return total / self._n
        return float(self.costs(np.array([w_in]), np.array([w_rec]))[0])

    def reaches(self, w_in: float, w_rec: float, target_cost: float) -> bool:
        """Return whether one cost is at most the target; mostly that takes few of its digits."""
        total, size = self._total(w_in, w_rec)
        if total > self._n * target_cost + TRUSTED * size:
            return False
        return self.cost(w_in, w_rec) <= target_cost

    def _total(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return one cost times the number of samples, and its terms' magnitudes; nan if beyond."""
        if not -self.far < w_rec < self.far:
            return nan, nan
        powers = np.full(self._signed.shape[1], w_rec)
        powers[0] = 1.0
        np.multiply.accumulate(powers, out=powers)
        a, b, c = (self._signed @ powers).tolist()
        total = (a * w_in - 2.0 * b) * w_in + c
        a, b, c = (self._unsigned @ np.abs(powers)).tolist()
        return total, (a * abs(w_in) + 2.0 * b) * abs(w_in) + c

    def costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return many costs, right to 1e-6 of each and never negative; inf beyond float64.

        The weights are broadcast together. For a surface, w_in (1, nx) and w_rec (ny, 1), the
        polynomials are evaluated once a row.
        """
        rows, columns, shape = _as_table(w_in, w_rec)
        return self._means(columns, rows).reshape(shape)

    def log10_costs(self, w_in: Array, w_rec: Array) -> Array:
        """Return the logarithms of many costs; see ``Objective``."""
        rows, columns, shape = _as_table(w_in, w_rec)
        means = self._means(columns, rows)
        with np.errstate(divide="ignore"):
            logs: Array = np.log10(means)
        beyond = np.isinf(means) | self._underflowed(means, columns, rows)
        lines = beyond.any(axis=1)
        if lines.any():
            columns = columns[lines] if len(columns) > 1 else columns
            wide, cancelled = self._wide_sums(columns, rows[lines])
            known = beyond[lines] & (np.isinf(means[lines]) | ~cancelled)
            logs[lines] = np.where(known, wide.log10() - log10(self._n), logs[lines])
        return logs.reshape(shape)

    def rises(self, w_in: Array, w_rec: Array, lowest: Weights) -> Array:
        """Return how far costs are above that of the lowest, broadcast; never negative.

        Where the two costs have all leading digits in common, their difference is right all
        the same.
        """
        rows, columns, shape = _as_table(w_in, w_rec)
        bottom = float(self.sums_about(lowest).squares[0]) / self._n
        means = self._means(columns, rows)
        rises = means - bottom
        near = rises < 1e3 * bottom
        points = (np.broadcast_to(each, rises.shape)[near] for each in (columns, rows[:, None]))
        found, sizes = self._centre(lowest).rises(*points)
        with np.errstate(over="ignore", invalid="ignore"):
            # The difference of two costs has no digits below theirs; so even what cancels is
            # better if its terms are smaller than the costs. A comparison with nan is false.
            known = (np.abs(found) >= TRUSTED * sizes) | (sizes <= self._n * means[near])
            rises[near] = np.where(known, np.minimum(found / self._n, means[near]), rises[near])
        return np.maximum(rises, 0.0).reshape(shape)

    def sums_about(self, weights: Weights) -> SumsAbout:
        """Return what a pass over the samples leaves to know about some weights, and keep it."""
        sums = self._centre(weights).sums
        self._precomputed.sums_about[self._s0, weights] = sums
        return sums

    def _centre(self, weights: Weights) -> Centre:
        if weights not in self._centres:
            while len(self._centres) >= CENTRES:
                del self._centres[next(iter(self._centres))]
            self._centres[weights] = Centre(self._samples, self._precomputed, self._s0, weights)
        return self._centres[weights]

    def _directly(self, w_in: Array, w_rec: Array) -> Array:
        """Return the same sums (M,) from the samples; nan where that would take too long."""
        n_samples, n_steps = self._samples.n_samples, self._samples.n_steps
        if len(w_in) * n_samples * n_steps > MOST_DIRECT:
            return np.full(len(w_in), np.nan)
        return direct_sums(self._samples, self._s0, w_in, w_rec)

    @cached_property
    def _wide_polynomials(self) -> tuple[ExtendedPolynomials, ExtendedPolynomials]:
        each = self._a, -2.0 * self._b, self._c
        return ExtendedPolynomials(*each), ExtendedPolynomials(*map(np.abs, each))

    @cached_property
    def _scaled_sum(self) -> ScaledSum:
        return scaled_sum((self._a, -2.0 * self._b, self._c))

    @cached_property
    def _signed(self) -> Array:
        return stacked(self._a, self._b, self._c)

    @cached_property
    def _unsigned(self) -> Array:
        return np.abs(self._signed)

    @cached_property
    def _polynomials(self) -> Polynomials:
        """The coefficients of w_in in the mean, by falling power."""
        return Polynomials(FACTORS / self._n * self._signed)

    def _means(self, w_in: Array, w_rec: Array) -> Array:
        """Return costs (ny, nx) for w_in (1 or ny, nx) and w_rec (ny,)."""
        signed, unsigned = self._polynomials.with_magnitudes(w_rec)
        with np.errstate(over="ignore", invalid="ignore"):
            means = _quadratics(signed, w_in)
            # One bound for a row, at its largest |w_in|, clears nearly all rows.
            bounds = _bounds(unsigned, w_in)
        # Of all reductions along rows this one is the quickest by far, and it ends at nan.
        lowest = means[np.arange(len(means)), means.argmin(axis=1)] if means.size else bounds
        doubtful = np.flatnonzero(~(lowest > bounds))
        if doubtful.size:
            w_in = w_in if len(w_in) == 1 else w_in[doubtful]
            means[doubtful] = self._mended(
                means[doubtful], unsigned[:, doubtful], w_in, w_rec[doubtful]
            )
        return means

    def _underflowed(self, means: Array, w_in: Array, w_rec: Array) -> Flags:
        """Tell which costs (ny, nx) are so small because their terms are, not by cancellation."""
        found = means < UNDERFLOW
        lines = found.any(axis=1)
        if lines.any():
            _, unsigned = self._polynomials.with_magnitudes(w_rec[lines])
            size = np.abs(w_in[lines] if len(w_in) > 1 else w_in)
            with np.errstate(over="ignore", invalid="ignore"):
                found[lines] &= _quadratics(unsigned, size) < UNDERFLOW
        return found

    def _mended(self, means: Array, unsigned: Array, w_in: Array, w_rec: Array) -> Array:
        """Return costs (ny, nx) for w_in (1 or ny, nx) where some overflowed or cancelled.

        Part of the quadratics ``unsigned`` (3, ny) in |w_in| is the bound that clears a cost.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            small = ~(means > TRUSTED * _quadratics(unsigned, np.abs(w_in)))
        row, column = small.nonzero()
        doubted = means[row, column]
        # The sum of finite costs may overflow; what is asked then has the exact answer.
        if not (isfinite(doubted.sum()) and np.abs(w_rec).max() < self.far):
            far = ~((np.abs(w_rec) < self.far) & np.isfinite(means).all(axis=1))
            far &= small.any(axis=1)
            u = np.broadcast_to(w_in, means.shape)
            wide, small[far] = self._wide_sums(u[far], w_rec[far])
            means[far] = wide.value() / self._n
            lost = ~(np.isfinite(u) & np.isfinite(w_rec[:, None]))
            means[lost] = np.nan
            row, column = (small & ~lost).nonzero()
            doubted = means[row, column]
        if row.size:
            u = w_in[0, column] if len(w_in) == 1 else w_in[row, column]
            sums = refined(self._centre, self._directly, u, w_rec[row], self._n * doubted)
            means[row, column] = np.maximum(sums / self._n, 0.0)
        return means

    def _wide_sums(self, w_in: Array, w_rec: Array) -> tuple[ExtendedArray, Flags]:
        """Return the same sums with exponents of any size, and where they cancel."""
        u = np.where(np.isfinite(w_in), w_in, 0.0)
        w = np.where(np.isfinite(w_rec), w_rec, 0.0)
        values, magnitudes = self._wide_polynomials
        wide, size = (
            _form(ExtendedArray.of(u), values(w)),
            _form(ExtendedArray.of(np.abs(u)), magnitudes(np.abs(w))),
        )
        return wide, (wide.mantissa <= 0.0) | (wide.log() < size.log() + log(TRUSTED))


def _quadratics(coefficients: Array, w_in: Array) -> Array:
    """Return the values (ny, nx) at w_in (1 or ny, nx), coefficients (3, ny) by falling power."""
    if len(w_in) != 1 or w_in.size == 1:
        a, b, c = coefficients[:, :, None]
        return np.asarray((a * w_in + b) * w_in + c)
    # The product of two thin matrices is quicker than four passes over a surface.
    powers = np.empty((3, w_in.shape[1]))
    powers[2] = 1.0
    powers[1] = w_in
    np.multiply(w_in, w_in, out=powers[:1])
    return coefficients.T @ powers


def _bounds(magnitudes: Array, w_in: Array) -> Array:
    """Return what clears a row (ny,) for all its |w_in|, by the terms' magnitudes (3, ny)."""
    if len(w_in) != 1 or not w_in.size:
        a, b, c = magnitudes
        widest = np.abs(w_in).max(axis=1, initial=0.0)
        return np.asarray(TRUSTED * ((a * widest + b) * widest + c))
    largest = float(np.abs(w_in).max())
    return np.array([TRUSTED * largest * largest, TRUSTED * largest, TRUSTED]) @ magnitudes


def _form(u: ExtendedArray, coefficients: ExtendedArray) -> ExtendedArray:
    """Return the values (ny, nx) at w_in (ny, nx), coefficients (3, ny) by falling power."""
    a, b, c = (coefficients.at((i, slice(None), None)) for i in range(3))
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
