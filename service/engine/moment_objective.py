"""The cost of the network without an activation, from the data's second moments.

With sums over the samples instead of means, the cost is

    a(w_rec) w_in² - 2 b(w_rec) w_in + c(w_rec),

where a sums p_i² (see ``service.engine.moments``), b sums p_i (t_i - s0 w_rec^T) and c sums
(t_i - s0 w_rec^T)²: three polynomials, whatever the number of samples.
"""

from functools import cached_property
from math import exp, log, log10, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.honest import CENTRES, TRUSTED, Centre, refined
from service.engine.moments import Moments
from service.engine.polynomials import Polynomials, derivative, stacked, wide_values
from service.engine.scaled import SignedLog
from service.engine.types import Array, Weights
from service.engine.wide import Wide

Flags = NDArray[np.bool_]

SHORT = 20  # up to this T Horner's rule on plain floats beats numpy
TINY, HUGE = 1e-280, 1e280  # while a is between these, no part of a gradient was lost
SMALLEST = 5e-324  # stands for a gradient that has a sign but no number in float64


class MomentObjective:
    """Cost and gradient in O(T) after one pass over the data; see ``Objective``.

    Only costs that are almost all cancellation go back to the data, a pass for many of them.

    Parameters
    ----------
    inputs : (N, T)
    targets : (N,)
        Magnitudes from 1e-100 to 1e100, or 0, so that their squares are numbers.
    initial_state
        The same bounds.
    moments
        What ``Moments.of(inputs, targets)`` returned, if that is known already.
    """

    def __init__(
        self,
        inputs: Array,
        targets: Array,
        initial_state: float = 0.0,
        moments: Moments | None = None,
    ) -> None:
        self._data, self._s0 = (inputs, targets), float(initial_state)
        self.moments = moments = moments or Moments.of(inputs, targets)
        self._n, self._steps = moments.n_samples, moments.n_steps
        self._a, self._b, self._c = _coefficients(moments, self._s0)
        self._table = stacked(self._a, derivative(self._a), self._b, derivative(self._b))
        self._pairs_a, self._pairs_b = _pairs(self._a), _pairs(self._b)
        # Up to this |w_rec| no polynomial overflows; their derivatives do not before that.
        size = 2 * self._steps + 1
        total = sum(float(np.abs(each).sum()) for each in (self._a, self._b, self._c))
        self._far = exp((640.0 - log(1.0 + size * total)) / size)
        self._centres: dict[Weights, Centre] = {}

    # The gradient

    def gradient(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return both derivatives; nan where float64 may lack the range for them."""
        if not -self._far < w_rec < self._far:
            return nan, nan
        if self._steps > SHORT:
            a, slope_a, b, slope_b = self._by_powers(w_rec)
        else:
            # Horner's rule, two coefficients a step: value and derivative in seven operations.
            square = w_rec * w_rec
            a = slope_a = b = slope_b = 0.0
            for upper, lower in self._pairs_a:
                first = a * w_rec
                middle = first + upper
                a = middle * w_rec + lower
                slope_a = slope_a * square + first + middle
            for upper, lower in self._pairs_b:
                first = b * w_rec
                middle = first + upper
                b = middle * w_rec + lower
                slope_b = slope_b * square + first + middle
        if a < TINY:
            return nan, nan
        by_w_rec = w_in * (0.5 * w_in * slope_a - slope_b)
        if self._s0:
            by_w_rec += self._half_slope_c(w_rec)
        scale = 2.0 / self._n
        return scale * (w_in * a - b), scale * by_w_rec

    def _by_powers(self, w_rec: float) -> list[float]:
        """Return a, its derivative, b and its derivative from all powers at once."""
        powers = np.full(self._table.shape[1], w_rec)
        powers[0] = 1.0
        values: list[float] = (self._table @ np.multiply.accumulate(powers)).tolist()
        return values

    def _half_slope_c(self, w_rec: Any) -> Any:
        low = self._s0 * w_rec ** (self._steps - 1)
        return self._steps * low * (self._n * low * w_rec - self.moments.target_sum)

    def gradients(self, w_in: Array, w_rec: Array) -> tuple[Array, Array]:
        """Return many gradients, two arrays (M,); their signs are right everywhere."""
        return self._gradients(w_in, w_rec, self._slopes(w_rec))

    def reached_and_gradients(
        self, w_in: Array, w_rec: Array, target_cost: float
    ) -> tuple[Flags, Array, Array]:
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
        return reached, *self._gradients(w_in, w_rec, slopes)

    def _gradients(self, w_in: Array, w_rec: Array, slopes: Array) -> tuple[Array, Array]:
        a, slope_a, b, slope_b = slopes
        low, high = a.min(initial=HUGE), a.max(initial=TINY)
        scale = 2.0 / self._n
        with np.errstate(over="ignore", invalid="ignore"):
            by_w_in = a * w_in
            by_w_in -= b
            by_w_in *= scale
            by_w_rec = slope_a
            by_w_rec *= 0.5 * w_in
            by_w_rec -= slope_b
            by_w_rec *= w_in
            if self._s0:
                by_w_rec += self._half_slope_c(w_rec)
            by_w_rec *= scale
        if not (low > TINY and high < HUGE and by_w_in.all() and by_w_rec.all()):
            self._mend(w_in, w_rec, (a, by_w_in, by_w_rec))
        return by_w_in, by_w_rec

    @cached_property
    def _slopes(self) -> Polynomials:
        return Polynomials(self._table)

    def _mend(self, w_in: Array, w_rec: Array, found: tuple[Array, Array, Array]) -> None:
        """Replace, in place, those gradients of which float64 lost a part."""
        magnitudes = np.abs(np.stack(found))
        lost = ~((magnitudes > TINY) & (magnitudes < HUGE)).all(axis=0)
        lost &= np.isfinite(w_in) & np.isfinite(w_rec)
        wide = self._wide_gradient(w_in[lost], w_rec[lost])
        for gradient, exact in zip(found[1:], wide, strict=True):
            value = exact.value()
            gradient[lost] = np.where(value == 0.0, SMALLEST * exact.sign(), value)

    def scaled_gradient(self, w_in: float, w_rec: float) -> tuple[SignedLog, SignedLog]:
        """Return both derivatives as signs and logarithms."""
        wide = self._wide_gradient(np.array([w_in]), np.array([w_rec]))
        by_w_in, by_w_rec = (SignedLog.from_wide(each.at(0)) for each in wide)
        return by_w_in, by_w_rec

    def scaled_gradients(self, w_in: Array, w_rec: Array) -> tuple[SignedLog, SignedLog]:
        """Return many gradients as signs and logarithms; see ``Objective``."""
        by_w_in, by_w_rec = self._wide_gradient(w_in, w_rec)
        return SignedLog.from_wide(by_w_in), SignedLog.from_wide(by_w_rec)

    def _wide_gradient(self, w_in: Array, w_rec: Array) -> tuple[Wide, Wide]:
        u, scale = Wide.of(w_in), Wide.of(2.0 / self._n)
        a, minus_b, half_slope_a, minus_slope_b, half_slope_c = (
            wide_values(polynomial, w_rec)
            for polynomial in (
                self._a,
                -self._b,
                0.5 * derivative(self._a),
                -derivative(self._b),
                0.5 * derivative(self._c),
            )
        )
        by_w_in = u.times(a).plus(minus_b)
        by_w_rec = u.times(u.times(half_slope_a).plus(minus_slope_b)).plus(half_slope_c)
        return by_w_in.times(scale), by_w_rec.times(scale)

    # The cost

    def cost(self, w_in: float, w_rec: float) -> float:
        """Return one cost."""
        if -self._far < w_rec < self._far:
            powers = np.full(self._signed.shape[1], w_rec)
            powers[0] = 1.0
            np.multiply.accumulate(powers, out=powers)
            a, b, c = (self._signed @ powers).tolist()
            value: float = (a * w_in - 2.0 * b) * w_in + c
            a, b, c = (self._unsigned @ np.abs(powers)).tolist()
            if value > TRUSTED * ((a * abs(w_in) + 2.0 * b) * abs(w_in) + c):
                return value / self._n
        w = np.array([w_in]), np.array([w_rec])
        for centre in self._centres.values():
            (value,), (size,) = centre.costs(*w)
            if value > TRUSTED * size:
                return float(value) / self._n
        return float(self.costs(*w)[0])

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
        over = np.isinf(means)
        lines = over.any(axis=1)
        if lines.any():
            columns = columns[lines] if len(columns) > 1 else columns
            wide, _ = self._wide_sums(columns, rows[lines])
            logs[lines] = np.where(over[lines], wide.log10() - log10(self._n), logs[lines])
        return logs.reshape(shape)

    def gap(self, w_in: Array, w_rec: Array, optimum: Weights) -> Array:
        """Return how far costs are above that of the optimum, broadcast; never negative.

        Where the two costs have all leading digits in common, their difference is right all
        the same.
        """
        rows, columns, shape = _as_table(w_in, w_rec)
        centre = self._centre(Weights(*map(float, optimum)))
        lowest = centre.cost / self._n
        gaps = self._means(columns, rows) - lowest
        near = gaps < 1e3 * lowest
        points = (np.broadcast_to(each, gaps.shape)[near] for each in (columns, rows[:, None]))
        gaps[near] = centre.rises(*points)[0] / self._n
        return np.maximum(gaps, 0.0).reshape(shape)

    def _centre(self, weights: Weights) -> Centre:
        if weights not in self._centres:
            while len(self._centres) >= CENTRES:
                del self._centres[next(iter(self._centres))]
            self._centres[weights] = Centre(*self._data, self._s0, self.moments, weights)
        return self._centres[weights]

    @cached_property
    def _signed(self) -> Array:
        return stacked(self._a, self._b, self._c)

    @cached_property
    def _unsigned(self) -> Array:
        return np.abs(self._signed)

    @cached_property
    def _polynomials(self) -> Polynomials:
        return Polynomials(self._signed)

    def _means(self, w_in: Array, w_rec: Array) -> Array:
        """Return costs (ny, nx) for w_in (1 or ny, nx) and w_rec (ny,)."""
        signed, unsigned = self._polynomials.with_magnitudes(w_rec)
        means = _forms(signed / self._n, w_in, -2.0)
        sizes = _forms(unsigned / self._n, np.abs(w_in), 2.0)
        sizes *= TRUSTED
        small = ~(means > sizes)  # nan is small, too
        if small.any():
            w_in, w_rec = np.broadcast_arrays(w_in, w_rec[:, None])
            small &= np.isfinite(w_in) & np.isfinite(w_rec)
            far = (small & ~np.isfinite(sizes)).any(axis=1)
            if far.any():
                wide, small[far] = self._wide_sums(w_in[far], w_rec[far, 0])
                means[far] = wide.value() / self._n
            sums = refined(self._centre, w_in[small], w_rec[small], self._n * means[small])
            means[small] = np.maximum(sums / self._n, 0.0)
        return means

    def _wide_sums(self, w_in: Array, w_rec: Array) -> tuple[Wide, Flags]:
        """Return the same sums with exponents of any size, and where they cancel."""
        u = np.where(np.isfinite(w_in), w_in, 0.0)
        w = np.where(np.isfinite(w_rec), w_rec, 0.0)
        wide = _wide_form(Wide.of(u), w, (self._a, -2.0 * self._b, self._c))
        magnitudes = (np.abs(self._a), np.abs(2.0 * self._b), np.abs(self._c))
        size = _wide_form(Wide.of(np.abs(u)), np.abs(w), magnitudes)
        return wide, (wide.mantissa <= 0.0) | (wide.log() < size.log() + log(TRUSTED))


def _forms(polynomials: Array, w_in: Array, twice: float) -> Array:
    """Return a w_in² + twice b w_in + c (ny, nx), for a, b and c (3, ny), w_in (1 or ny, nx)."""
    a, b, c = polynomials
    with np.errstate(over="ignore", invalid="ignore"):
        if len(w_in) > 1:
            forms: Array = (a[:, None] * w_in + twice * b[:, None]) * w_in + c[:, None]
        else:
            # The product of two thin matrices is quicker than five passes over a surface.
            x = w_in[0]
            powers = np.stack([x * x, x, np.ones(len(x))])
            forms = np.stack([a, twice * b, c], axis=1) @ powers
    return forms


def _wide_form(u: Wide, w: Array, polynomials: tuple[Array, Array, Array]) -> Wide:
    a, b, c = (wide_values(each, w) for each in polynomials)
    column = (slice(None), None)
    return u.times(u.times(a.at(column)).plus(b.at(column))).plus(c.at(column))


def _coefficients(moments: Moments, s0: float) -> tuple[Array, Array, Array]:
    """Return the coefficients of a, b and c by rising power of w_rec."""
    if s0 == 0.0:
        c = np.array([moments.target_square_sum])
        return moments.input_square_sum, moments.input_target_sum, c
    b = np.concatenate([moments.input_target_sum, -s0 * moments.input_sum])
    c = np.zeros(2 * moments.n_steps + 1)
    c[0] = moments.target_square_sum
    c[moments.n_steps] = -2.0 * s0 * moments.target_sum
    c[-1] = s0 * s0 * moments.n_samples
    return moments.input_square_sum, b, c


def _pairs(coefficients: Array) -> tuple[tuple[float, float], ...]:
    """Return the coefficients by falling power, two at a time."""
    falling = [0.0] * (len(coefficients) % 2) + coefficients[::-1].tolist()
    return tuple(zip(falling[::2], falling[1::2], strict=True))


def _as_table(w_in: Array, w_rec: Array) -> tuple[Array, Array, tuple[int, ...]]:
    """Return w_rec (ny,), w_in (ny, nx) or (1, nx), and the shape that both broadcast to."""
    w_in, w_rec = np.asarray(w_in), np.asarray(w_rec)
    shape = np.broadcast_shapes(w_in.shape, w_rec.shape)
    if w_rec.shape == (*shape[:1], 1) and w_in.shape in (shape[1:], (1, *shape[1:])):
        return w_rec[:, 0], w_in.reshape(1, -1), shape
    w_in, w_rec = np.broadcast_arrays(w_in, w_rec)
    return w_rec.reshape(-1), w_in.reshape(-1, 1), shape
