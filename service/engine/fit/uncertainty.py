"""Profile intervals of all quantities, without a linear approximation.

A w_rec belongs to its interval if r(w) <= r_min (1 + t²/nu), with the quantile t of Student's
distribution and nu degrees of freedom. With w given, a quantity that is linear in the weights has
an ordinary interval; its profile interval is the union of these over all w of the region.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from service.engine.fit.reduced_cost import Evaluation, ReducedCost
from service.engine.fit.search import Interval, rounding_error
from service.engine.fit.sequences import BLOCK, Sequences
from service.engine.types import Array

PLACES: Final = 65  # points sampled in each piece of the region
# A quantity is unknown if more of it lies in directions that the targets do not determine.
NULL_RTOL: Final = 1e-7
MIN_ROOM: Final = 1e-300  # replaces 0 in products with infinite errors

Quantity: TypeAlias = Callable[[Evaluation, Sequences], tuple[Array, Array | float, Array | float]]
"""M quantities per sequence: the factors (W, N, M, K) of the weights, a constant (W, N, M) added to
their products, and a scale (W, N, M) of the sum, which may be infinite at an end of a piece."""


@dataclass(frozen=True, eq=False)
class Region:
    """All w_rec that fit almost as well as the best one. Costs are sums of squares.

    Without degrees of freedom, the level, the quantile and the variance are infinite.
    """

    reduced_cost: ReducedCost
    best: Evaluation  # at the lowest point
    sampled: Evaluation  # at `PLACES` values of w in each piece
    pieces: list[Interval]  # in order
    level: float  # the highest cost in the region
    quantile: float  # of Student's distribution
    variance: float  # of the noise

    @classmethod
    def around(
        cls,
        reduced_cost: ReducedCost,
        w: float,
        degrees_of_freedom: int,
        find_pieces: Callable[[float], list[Interval]],
    ) -> "Region":
        """Return the region around the minimum w; ``find_pieces`` returns those below a level."""
        from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

        best, quantile, level, variance = reduced_cost.evaluate(np.array([w])), *[math.inf] * 3
        if degrees_of_freedom > 0:
            cost, confidence = float(best.cost[0]), reduced_cost.problem.options.confidence
            quantile = float(stdtrit(degrees_of_freedom, 0.5 + 0.5 * confidence))
            variance = cost / degrees_of_freedom
            level = cost * (1.0 + quantile**2 / degrees_of_freedom)
            level += float(rounding_error(cost, reduced_cost.scale))
        pieces = find_pieces(level)
        # Dense near the ends of a piece, where the ordinary interval behaves like a square root.
        share = 0.5 + 0.5 * np.sin(np.linspace(-0.5, 0.5, PLACES) * math.pi)
        places = np.concatenate([low * (1.0 - share) + high * share for low, high in pieces])
        sampled = reduced_cost.evaluate(places)
        return cls(reduced_cost, best, sampled, pieces, level, quantile, variance)

    @property
    def standard_error(self) -> float:
        """The standard error of w_rec, from the curvature at the minimum."""
        speed = float(self.best.speed[0])
        return math.sqrt(self.variance) / speed if speed > 0.0 else math.inf

    @property
    def new_error(self) -> float:
        """Half the width of the interval of a new observation with a known mean."""
        rho = self.reduced_cost.problem.rho or 0.0
        return self.quantile * math.sqrt(self.variance / (1.0 - rho * rho))

    def estimate(
        self, quantity: Quantity, sequences: Sequences, poles: tuple[float, ...] = ()
    ) -> Array:
        """Return M quantities for each of N sequences, and their profile intervals.

        Parameters
        ----------
        quantity
            The quantities, linear in the weights.
        sequences
            The sequences whose initial states are used.
        poles
            The poles of the scale; if one is inside a piece, the intervals are unbounded.

        Returns
        -------
        numbers : (3, N, M)
            The quantities, the low ends and the high ends of their intervals.
        """
        has_pole = any(low < pole < high for pole in poles for low, high in self.pieces)
        with np.errstate(all="ignore"):  # of factors at the ends of pieces
            parts = (self._estimate(quantity, block) for block in sequences.blocks())
            numbers = np.concatenate(list(parts), axis=1)
        if has_pole:
            numbers[1], numbers[2] = -np.inf, np.inf
        return numbers

    def _estimate(self, quantity: Quantity, sequences: Sequences) -> Array:
        value = self._bound(quantity, self.best, sequences)[0, 0]
        size = max(1, BLOCK // sequences.n_numbers)
        parts = (self.sampled[i : i + size] for i in range(0, len(self.sampled.w), size))
        bounds = [self._bound(quantity, part, sequences) for part in parts]
        _, low, high = np.concatenate(bounds, axis=1)
        return np.stack([value, -self._find_highest(-low), self._find_highest(high)])

    def _bound(self, quantity: Quantity, at: Evaluation, sequences: Sequences) -> Array:
        """Return the quantities and both ends of their intervals for given w, (3, W, N, M)."""
        factors, constant, scale = quantity(at, sequences)
        own_error: Array | float = 0.0
        if self.reduced_cost.problem.has_own_starts:
            # Its start explains what the other columns leave of the targets of a sequence.
            share, norm = self.reduced_cost.share_of_starts(at.w, sequences)
            start, factors = factors[..., -1:], factors[..., :-1]
            factors = factors - start * share[..., :-1]
            constant = constant + start[..., 0] * share[..., -1]
            own_error = start[..., 0] / np.where(norm > 0.0, norm, 1.0)
        mean = (factors @ at.theta[:, None, :, None])[..., 0] + constant
        error = np.hypot(np.linalg.norm(factors @ at.root[:, None], axis=-1), own_error)
        if at.null.any():
            size = np.linalg.norm(factors, axis=-1)
            unknown = np.linalg.norm(factors @ at.null[:, None], axis=-1) > NULL_RTOL * size
            error = np.where(unknown, np.inf, error)
        room = np.sqrt(np.maximum(self.level - at.cost, MIN_ROOM))[:, None, None]
        reach = np.where(error > 0.0, error * room, 0.0)
        ends = scale * np.stack([mean - reach, mean + reach])
        return np.stack([scale * mean, np.fmin(*ends), np.fmax(*ends)])

    def _find_highest(self, values: Array) -> Array:
        """Return the maxima of (W, N, M) over all w, by a parabola through the three highest."""
        values = np.where(np.isnan(values), -np.inf, values)
        pieces = values.reshape(len(self.pieces), PLACES, *values.shape[1:])
        middle = np.clip(pieces.argmax(axis=1, keepdims=True), 1, PLACES - 2)
        f, g, h = (np.take_along_axis(pieces, middle + k, axis=1) for k in (-1, 0, 1))
        bend = f - 2.0 * g + h
        is_top = (g >= f) & (g >= h) & (bend < 0.0) & np.isfinite(bend)
        tops = np.where(is_top, g - (h - f) ** 2 / (8.0 * bend), -np.inf)
        highest: Array = np.maximum(values.max(axis=0), tops.max(axis=(0, 1)))
        return highest
