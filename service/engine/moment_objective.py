"""The cost of the network without an activation, from the data's second moments.

It is a quadratic in w_in whose coefficients are polynomials in w_rec, whatever the number of
samples; ``service.engine.moment_costs`` has the formula.
"""

from functools import cached_property
from math import isfinite, nan
from typing import Any

import numpy as np

from service.engine.honest import TRUSTED
from service.engine.moment_costs import Flags, MomentCosts, cost_polynomials
from service.engine.moments import Moments
from service.engine.optimum import Optimum, optimum
from service.engine.polynomials import Polynomials, derivative, stacked, wide_values
from service.engine.scaled import SignedLog
from service.engine.types import Array
from service.engine.wide import Wide

SHORT = 20  # up to this T Horner's rule on plain floats beats numpy
TINY, HUGE = 1e-280, 1e280  # while a is between these, no part of a gradient was lost
NEAR = 1e-100  # products with a smaller w_in may underflow
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
        self._scale, self._long = 2.0 / moments.n_samples, moments.n_steps > SHORT
        self._a, self._b, self._c = cost_polynomials(moments, self._s0)
        if not self._long:
            self._falling = _falling(self._a, self._b)
        self._costs = MomentCosts(inputs, targets, self._s0, moments)
        self._far = self._costs.far
        # From this |w_rec| on, no power in the polynomials underflows.
        self._near = TINY ** (1.0 / (2 * moments.n_steps + 1))
        self._mended = np.empty((2, 0)), np.empty((2, 0))

    # The gradient

    def gradient(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return both derivatives; nan where float64 may lack the range for them."""
        if not -self._far < w_rec < self._far:
            return nan, nan
        if self._long:
            a, half_slope_a, b, slope_b = self._by_powers(w_rec)
        else:
            # Horner's rule, two coefficients a step: value and derivative in seven operations.
            square = w_rec * w_rec
            a, b, alone, together = self._falling
            slope_a = slope_b = 0.0
            for upper, lower in alone:
                first = a * w_rec
                middle = first + upper
                a = middle * w_rec + lower
                slope_a = slope_a * square + first + middle
            for upper, lower, upper_b, lower_b in together:
                first = a * w_rec
                middle = first + upper
                a = middle * w_rec + lower
                slope_a = slope_a * square + first + middle
                first = b * w_rec
                middle = first + upper_b
                b = middle * w_rec + lower_b
                slope_b = slope_b * square + first + middle
            half_slope_a = 0.5 * slope_a
        if a < TINY:
            return nan, nan
        by_w_rec = w_in * (w_in * half_slope_a - slope_b)
        if self._s0:
            by_w_rec += self._half_slope_c(w_rec)
        scale = self._scale
        return scale * (w_in * a - b), scale * by_w_rec

    def _by_powers(self, w_rec: float) -> list[float]:
        """Return a, half its derivative, b and its derivative from all powers at once."""
        table = self._table
        powers = np.empty(table.shape[1])
        powers.fill(w_rec)  # this and dot are quicker than np.full and @
        powers[0] = 1.0
        values: list[float] = table.dot(np.multiply.accumulate(powers)).tolist()
        return values

    def _half_slope_c(self, w_rec: Any) -> Any:
        low = self._s0 * w_rec ** (self._steps - 1)
        return self._steps * low * (self._n * low * w_rec - self.moments.target_sum)

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
            if self._s0:
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
            tiny = ((np.abs(w_in) < NEAR) & (w_in != 0.0)) | (
                (np.abs(w_rec) < self._near) & (w_rec != 0.0)
            )
            lost = np.flatnonzero((gradient == 0.0).any(axis=0) & tiny)
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
        wide = self._wide_gradient(np.array([w_in]), np.array([w_rec]))
        by_w_in, by_w_rec = (SignedLog.from_wide(each.at(0)) for each in wide)
        return by_w_in, by_w_rec

    def scaled_gradients(self, w_in: Array, w_rec: Array) -> tuple[SignedLog, SignedLog]:
        """Return many gradients as signs and logarithms; see ``Objective``."""
        by_w_in, by_w_rec = self._wide_gradient(w_in, w_rec)
        return SignedLog.from_wide(by_w_in), SignedLog.from_wide(by_w_rec)

    def _wide_gradient(self, w_in: Array, w_rec: Array) -> tuple[Wide, Wide]:
        u, scale = Wide.of(w_in), Wide.of(self._scale)
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
        """Return one cost; see ``Objective``."""
        return self._costs.cost(w_in, w_rec)

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
        return optimum(*self._data, self._s0, self.moments)

    def gap(self, w_in: float, w_rec: float) -> float:
        """Return the cost less the optimum's; see ``Objective``."""
        best = self.optimum
        if not all(map(isfinite, best.weights)):
            return self.cost(w_in, w_rec) - best.cost
        return float(self._costs.rises(np.array(w_in), np.array(w_rec), best.weights))


Pairs = tuple[tuple[float, ...], ...]


def _falling(a: Array, b: Array) -> tuple[float, float, Pairs, Pairs]:
    """Return the coefficients of two polynomials by falling power, as Horner's rule takes them.

    First the leading one of each, or 0, then two at a time: those of a alone, as it is the
    longer one, then those of both together.
    """
    n_pairs = len(b) // 2, max(len(a), len(b)) // 2
    leading, pairs = [], []
    for coefficients, n in ((b, n_pairs[0]), (a, n_pairs[1])):
        falling = [0.0] * (2 * n + 1 - len(coefficients)) + coefficients[::-1].tolist()
        leading.append(falling[0])
        pairs.append(list(zip(falling[1::2], falling[2::2], strict=True)))
    of_b, of_a = pairs
    more = len(of_a) - len(of_b)
    together = tuple((*one, *other) for one, other in zip(of_a[more:], of_b, strict=True))
    return leading[1], leading[0], tuple(of_a[:more]), together
