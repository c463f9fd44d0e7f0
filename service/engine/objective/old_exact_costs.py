"""Costs too small for moments: what is left when nearly everything cancels.

The value of a polynomial carries a rounding error of 1e-16 of its terms, so a cost below that
has no digits. Here the cost is taken about a centre, weights (u, v) whose residuals r_i are
computed from the data to some thirty digits. With alpha = w_in - u, delta = w_rec - v, p_i as in
``service.engine.data.moments`` and D_i(w) = u p_i(w) + s0 w^T,

    residual_i(w_in, w_rec) = r_i + alpha p_i(w_rec) + delta (D_i(w_rec) - D_i(v)) / (w_rec - v),

and the mean square of that is a quadratic form in alpha and delta whose coefficients are
polynomials in w_rec. It keeps its digits wherever the three parts do not cancel, and they
cannot cancel by much where the centre's cost is not above the point's (triangle inequality).

Where u is so small, or v so large, that squares leave the range of float64, w_in is counted in
units of u and w_rec in units of v; then p_i and D_i are as large as outputs are.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import accumulate
from math import frexp, ldexp, log
from typing import Any

import numpy as np

from service.engine.arithmetic import ExtendedArray, Polynomials, extended_power, stacked, two_sum
from service.engine.data import Dataset, Moments
from service.engine.objective.precomputed import Precomputed, SumsAbout
from service.engine.types import Array, Weights

CHUNK = 1 << 17  # numbers of the data in work at once
TRUSTED = 1e-7  # a sum above this part of its terms' magnitude has nine digits and more
CENTRES = 16  # so many centres at most for one call
LOG_ORDINARY = 640.0  # squares of larger numbers, or of their inverses, leave float64
FINE_BITS = 200  # digits of the powers of w_rec


class Centre:
    """The cost about one pair of weights; costs here are sums over the samples.

    Parameters
    ----------
    samples
    weights
        The centre: finite, and so that w_in w_rec^T is too; raises OverflowError if not.
    """

    def __init__(
        self, samples: Dataset, precomputed: Precomputed, initial_state: float, weights: Weights
    ) -> None:
        self.weights = weights
        self._s0, self._moments = initial_state, precomputed.moments
        self._known = precomputed.sums_about.get((initial_state, weights))
        if self._known is None:
            self._residuals = _Residuals(samples, precomputed.moments, initial_state, weights)
        self._cost: float | None = None

    @property
    def cost(self) -> float:
        """The cost at the centre."""
        if self._known is not None:
            return float(self._known.squares[0])
        if self._cost is None:
            with np.errstate(over="ignore", invalid="ignore"):
                self._cost = sum(float(r @ r) for _, r, _ in self._residuals.chunks())
        return self._cost

    @property
    def sums(self) -> SumsAbout:
        """What one pass over the samples leaves to know."""
        if self._known is None:
            self._known = self._residuals.sums()
        return self._known

    @cached_property
    def _units(self) -> Weights:
        """What the weights are counted in: 1, or where squares overflow the centre itself."""
        u, v = self.weights
        far = 2 * self._moments.n_steps * log(max(abs(v), 1.0)) > LOG_ORDINARY
        if u and (far or abs(log(abs(u))) > LOG_ORDINARY / 2):
            return Weights(u, v if abs(v) > 1.0 else 1.0)
        return Weights(1.0, 1.0)

    @cached_property
    def _coefficients(self) -> tuple[Array, Array]:
        """The coefficients of the quadratic form, and the magnitude of what they are made of."""
        products, sums, squares = self.sums
        square, mean = self._moments.input_square_sum, self._moments.input_sum
        (u, v), (in_units, rec_units), s0 = self.weights, self._units, self._s0
        if (in_units, rec_units) != (1.0, 1.0):
            powers = extended_power(np.full(len(square) + 2, rec_units), np.arange(len(square) + 2))
            one, both = (
                ExtendedArray.of(in_units),
                ExtendedArray.of(in_units).times(ExtendedArray.of(in_units)),
            )
            first = one.times(powers.at(slice(len(mean)))).value()
            square = (
                both.times(powers.at(slice(len(square)))).times(ExtendedArray.of(square)).value()
            )
            mean, products = first * mean, first * products
            s0 = float(ExtendedArray.of(s0).times(powers.at(len(mean))).value())
            u, v = u / in_units, v / rec_units
        parts = square, mean, products, sums, np.append(squares[1], self._moments.n_samples)
        sizes = map(np.abs, parts)
        with np.errstate(over="ignore", invalid="ignore"):
            return (
                _quadratic((u, v, s0), *parts, minus=-1.0),
                _quadratic((abs(u), abs(v), abs(s0)), *sizes, minus=1.0),
            )

    @cached_property
    def _polynomials(self) -> tuple[Polynomials, Polynomials]:
        signed, unsigned = self._coefficients
        return Polynomials(signed), Polynomials(unsigned)

    def rises(self, w_in: Array, w_rec: Array) -> tuple[Array, Array]:
        """Return how far costs (M,) are above the centre's, and their terms' magnitudes (M,)."""
        (u, v), (in_units, rec_units) = self.weights, self._units
        signed, unsigned = self._polynomials
        with np.errstate(over="ignore", invalid="ignore"):
            alpha, delta, w = (w_in - u) / in_units, (w_rec - v) / rec_units, w_rec / rec_units
            return (
                _form(signed(w), alpha, delta),
                _form(unsigned(np.abs(w)), np.abs(alpha), np.abs(delta)),
            )

    def cost_at(self, w_in: float, w_rec: float) -> tuple[float, float]:
        """Return one cost and its terms' magnitudes, as ``costs`` does but quicker."""
        (u, v), (in_units, rec_units) = self.weights, self._units
        signed, unsigned = self._coefficients
        powers = np.full(signed.shape[1], w_rec / rec_units)
        powers[0] = 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply.accumulate(powers, out=powers)
            found, sizes = (signed @ powers).tolist(), (unsigned @ np.abs(powers)).tolist()
        alpha, delta = (w_in - u) / in_units, (w_rec - v) / rec_units
        size = _form(sizes, abs(alpha), abs(delta))
        return _form(found, alpha, delta) + self.cost, size + self.cost

    def costs(self, w_in: Array, w_rec: Array) -> tuple[Array, Array]:
        """Return costs (M,) and their terms' magnitudes (M,); nan or inf beyond float64."""
        rises, sizes = self.rises(w_in, w_rec)
        return rises + self.cost, sizes + self.cost


class _Residuals:
    """The residuals of all samples at one pair of weights, to some thirty digits."""

    def __init__(
        self, samples: Dataset, moments: Moments, initial_state: float, weights: Weights
    ) -> None:
        self._samples = samples
        self._bits = (52 - moments.n_steps.bit_length()) // 2
        # Powers that only zero columns have must not coarsen the grid of the others.
        used = np.flatnonzero(moments.input_square_sum) // 2
        needed = range(used[0], used[-1] + 1) if used.size else range(0)
        self._slices = _sliced_powers(weights, initial_state, moments.n_steps, needed, self._bits)

    def chunks(self) -> Iterator[tuple[Array, Array, Array]]:
        """Yield inputs, residuals and outputs of some samples after the other."""
        inputs, targets = self._samples.inputs, self._samples.targets
        size = max(1, CHUNK // inputs.shape[1])
        for start in range(0, len(inputs), size):
            rows, t = inputs[start : start + size], targets[start : start + size]
            r = _residuals(rows, t, self._slices, self._bits)
            yield rows, r, r + t

    def sums(self) -> SumsAbout:
        """Pass over the samples once."""
        n_steps = self._samples.n_steps
        products, sums, squares = np.zeros((2, n_steps)), np.zeros(2), np.zeros(2)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows, *both in self.chunks():
                pair = np.stack(both)
                products += (pair @ rows)[:, ::-1]
                sums += pair.sum(axis=1)
                squares += [each @ each for each in both]
        return SumsAbout(products, sums, squares)


def refined(
    centre_at: Callable[[Weights], Centre],
    directly: Callable[[Array, Array], Array],
    w_in: Array,
    w_rec: Array,
    costs: Array,
) -> Array:
    """Return costs (M,) with all their digits, where the given ones have lost theirs.

    The lowest cost serves as centre for all; those that still cancel are taken about the
    lowest among them, and so on. What is left after a number of centres lies along a valley
    whose every point fits perfectly, and is computed directly. The costs are sums over the
    samples.
    """
    costs = np.where(np.isfinite(costs), costs, np.inf)
    left = np.arange(len(costs))
    for _ in range(CENTRES):
        if not left.size:
            return costs
        lowest = left[int(costs[left].argmin())]
        left = left[left != lowest]
        try:
            centre = centre_at(Weights(float(w_in[lowest]), float(w_rec[lowest])))
        except OverflowError:  # the residuals themselves are beyond float64
            continue
        if left.size:  # first, since it takes the centre's own cost from the same pass
            found, sizes = centre.costs(w_in[left], w_rec[left])
            known = np.isfinite(sizes)
            costs[left[known]] = found[known]
            left = left[~(found > TRUSTED * sizes) | ~known]
        costs[lowest] = centre.cost
    if left.size:
        found = directly(w_in[left], w_rec[left])
        costs[left] = np.where(np.isfinite(found), found, costs[left])
    return costs


def _form(polynomials: Any, alpha: Any, delta: Any) -> Any:
    """Return the quadratic form, of plain numbers or elementwise."""
    p_p, r_p, r_e, p_e, e_e = polynomials
    by_alpha = alpha * (alpha * p_p + 2.0 * (delta * p_e + r_p))
    return by_alpha + delta * (delta * e_e + 2.0 * r_e)


def _quadratic(
    numbers: tuple[float, float, float],
    square: Array,
    mean: Array,
    products: Array,
    sums: Array,
    others: Array,
    *,
    minus: float,
) -> Array:
    """Return the coefficients of p², r p, r e, p e and e², summed over the samples.

    Here e = (D(w) - D(v)) / (w - v), and D(w) = u p(w) + s0 w^T; r and D(v) come in by their
    products with p, their sums, and the sum of D(v)² and the number of samples in ``others``.
    With magnitudes for all of these and 1 for ``minus``, the magnitude of the terms results.
    """
    u, v, s0 = numbers
    n_steps = len(mean)
    to_r, to_d = (np.append(u * products[i], s0 * sums[i]) for i in (0, 1))
    # Sums of p(w) (D(w) - D(v)) and of (D(w) - D(v))².
    p_d, d_d = np.zeros((2, 2 * n_steps + 1))
    p_d[:-2] = u * square
    p_d[n_steps:-1] += s0 * mean
    p_d[:n_steps] += minus * products[1]
    d_d[:-2] = u * u * square
    d_d[n_steps:-1] += 2.0 * u * s0 * mean
    d_d[-1] += s0 * s0 * others[1]
    d_d[: n_steps + 1] += 2.0 * minus * to_d
    d_d[0] += others[0]
    return stacked(
        square,
        products[0],
        _quotient(to_r, v),
        _quotient(p_d, v),
        _quotient(_quotient(d_d, v), v),
    )


def _quotient(coefficients: Array, v: float) -> Array:
    """Divide a polynomial by w - v; the remainder, zero but for rounding, is dropped."""
    falling = coefficients[:0:-1].tolist()
    return np.array([*accumulate(falling, lambda q, c: q * v + c)][::-1])


def _sliced_powers(
    weights: Weights, initial_state: float, n_steps: int, needed: range, bits: int
) -> Array:
    """Return what multiplies the inputs, last first, and then 1, as sums of three numbers.

    That is w_in w_rec^k for the needed k < T, and s0 w_rec^T. Of the three numbers in a row of
    (T + 1, 3) the first two have no more bits than given, on one grid for all rows but the last,
    so that sums of products with equally coarse inputs are exact.
    """
    factor, scale = _whole(weights.w_rec)
    exact: list[tuple[int, int]] = []
    power, exponent = 1, 0
    for _ in range(n_steps + 1):
        exact.append((power, exponent))
        power, exponent = power * factor, exponent + scale
        excess = max(power.bit_length() - FINE_BITS, 0)
        power, exponent = power >> excess, exponent + excess
    u, u_scale = _whole(weights.w_in)
    s, s_scale = _whole(initial_state)
    last, last_scale = exact.pop()
    exact = [(p * u if k in needed else 0, e + u_scale) for k, (p, e) in enumerate(exact)]
    return np.array([*_sliced(exact, bits), *_sliced([(last * s, last_scale + s_scale)], bits)])


def _sliced(exact: list[tuple[int, int]], bits: int) -> Iterator[tuple[float, float, float]]:
    """Yield whole numbers times powers of two as sums of three numbers on one grid."""
    top = max((p.bit_length() + e for p, e in exact if p), default=0)
    grid = top - 2 * bits - 52
    for p, e in exact:
        fixed = p << (e - grid) if e >= grid else p >> (grid - e)
        high, rest = fixed >> (52 + bits), fixed & ((1 << (52 + bits)) - 1)
        yield (
            ldexp(high, grid + 52 + bits),
            ldexp(rest >> 52, grid + 52),
            ldexp(rest & ((1 << 52) - 1), grid),
        )


def _whole(number: float) -> tuple[int, int]:
    """Return a whole number and a binary exponent that make up the given one."""
    numerator, denominator = number.as_integer_ratio()
    return numerator, 1 - denominator.bit_length()


def _residuals(rows: Array, targets: Array, slices: Array, bits: int) -> Array:
    """Return outputs less targets, (N,), whose rounding is far below float64's."""
    forward = slices[-2::-1]
    largest = float(max(rows.max(), -rows.min()))
    rounder = ldexp(1.5, frexp(largest)[1] + 52 - bits)
    coarse = (rows + rounder) - rounder
    fine = rows - coarse
    parts = coarse @ forward
    last = parts[:, 2] + slices[-1, 2]
    if fine.any():
        last += fine @ forward.sum(axis=1)
    total, error = two_sum(parts[:, 0], -targets)
    for term in (parts[:, 1], *slices[-1, :2]):
        if isinstance(term, np.ndarray) or term != 0.0:
            total, rounding = two_sum(total, term)
            error += rounding
    residuals: Array = total + (error + last)
    return residuals
