"""How well everything is known: profile intervals, without a linear approximation.

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
from service.engine.fit.search import Solution, rounding_error
from service.engine.fit.sequences import BLOCK, Sequences
from service.engine.types import Array

PLACES: Final = 65
"""Values of w in each piece of the region."""

NULL_RTOL: Final = 1e-7
"""A larger part of a quantity along a direction that the targets do not determine: unknown."""

MIN_ROOM: Final = 1e-300
"""Replaces 0 in products with errors that may be infinite."""

Linear: TypeAlias = Callable[[Evaluation], tuple[Array, Array | float]]
"""Returns the factors (W, N, M, K) of the weights and a constant (W, N, M), at W values of w."""


@dataclass(frozen=True, eq=False)
class Region:
    """All w_rec that fit nearly as well as the best. Costs are sums of squares.

    Attributes
    ----------
    reduced_cost
        In whose units everything is.
    best, sampled
        At the lowest point, and at `PLACES` values of w in each piece.
    pieces
        Pairs (low, high), in order.
    level
        The highest cost in the region.
    quantile
        Of Student's distribution; infinite without degrees of freedom.
    """

    reduced_cost: ReducedCost
    best: Evaluation
    sampled: Evaluation
    pieces: list[tuple[float, float]]
    level: float
    quantile: float
    degrees_of_freedom: int

    @classmethod
    def around(
        cls,
        reduced_cost: ReducedCost,
        w: float,
        degrees_of_freedom: int,
        confidence: float,
        find_pieces: Callable[[float], list[tuple[float, float]]],
    ) -> "Region":
        """Return the region around the lowest point w.

        Parameters
        ----------
        find_pieces
            Returns the pieces below a level.
        """
        from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

        best, quantile, level = reduced_cost.evaluate(np.array([w])), math.inf, math.inf
        if degrees_of_freedom > 0:
            cost = float(best.cost[0])
            quantile = float(stdtrit(degrees_of_freedom, 0.5 + 0.5 * confidence))
            level = cost * (1.0 + quantile**2 / degrees_of_freedom)
            level += float(rounding_error(cost, reduced_cost.scale))
        pieces = find_pieces(level)
        # Dense at the ends of a piece, where the ordinary interval changes as a square root does.
        share = 0.5 + 0.5 * np.sin(np.linspace(-0.5, 0.5, PLACES) * math.pi)
        places = np.concatenate([low * (1.0 - share) + high * share for low, high in pieces])
        sampled = reduced_cost.evaluate(np.unique(places))
        return cls(reduced_cost, best, sampled, pieces, level, quantile, degrees_of_freedom)

    @classmethod
    def of(cls, solution: Solution, confidence: float) -> "Region":
        """Return the region around a solution."""
        degrees, find_pieces = solution.degrees_of_freedom, solution.pieces_below
        return cls.around(solution.reduced_cost, solution.w, degrees, confidence, find_pieces)

    @property
    def standard_error(self) -> float:
        """The standard error of w_rec by the curvature at the lowest point."""
        speed = float(self.best.speed[0])
        if self.degrees_of_freedom <= 0 or speed == 0.0:
            return math.inf
        return math.sqrt(float(self.best.cost[0]) / self.degrees_of_freedom) / speed

    @property
    def new_error(self) -> float:
        """Half the width of the interval of a new observation whose mean is known."""
        if self.degrees_of_freedom <= 0:
            return math.inf
        rho = self.reduced_cost.problem.rho or 0.0
        variance = float(self.best.cost[0]) / self.degrees_of_freedom / (1.0 - rho * rho)
        return self.quantile * math.sqrt(variance)

    def contains(self, w: float) -> bool:
        """Return whether a w is in the region."""
        return any(low <= w <= high for low, high in self.pieces)

    def has_inside(self, w: float) -> bool:
        """Return whether a w is in the region, but not at an end of a piece."""
        return any(low < w < high for low, high in self.pieces)

    def estimate(
        self,
        linear: Linear,
        sequences: Sequences,
        factor: Callable[[Array], Array] = np.ones_like,
        *,
        has_pole: bool = False,
        n_numbers: int | None = None,
    ) -> Array:
        """Return quantities that are linear in the weights, and their profile intervals.

        Parameters
        ----------
        linear
            The quantities.
        sequences
            The N sequences with whose weights they are computed.
        factor
            Multiplies them, as a function of w (W, 1, 1); it may be infinite at ends of pieces.
        has_pole
            Whether the product has a pole in the region, so that no interval is bounded.
        n_numbers
            How many numbers it takes for each w, if more than the sequences have.

        Returns
        -------
        numbers : (3, N, M)
            The quantity, the low end and the high end of its interval.
        """
        with np.errstate(all="ignore"):  # of factors at the ends of pieces
            value = self._combine(linear, sequences, self.best)[0][0]
            value = factor(self.best.w[:, None, None])[0] * value
            if has_pole:
                return np.stack([value, np.full_like(value, -np.inf), np.full_like(value, np.inf)])
            size = max(1, BLOCK // (n_numbers or sequences.n_numbers))
            parts = (self.sampled[i : i + size] for i in range(0, len(self.sampled.w), size))
            combined = (self._combine(linear, sequences, part) for part in parts)
            mean, error = map(np.concatenate, zip(*combined, strict=True))
            room = np.sqrt(np.maximum(self.level - self.sampled.cost, MIN_ROOM))[:, None, None]
            reach = np.where(error > 0.0, error * room, 0.0)
            ends = factor(self.sampled.w[:, None, None]) * np.stack([mean - reach, mean + reach])
            low, high = np.fmin(*ends), np.fmax(*ends)
            return np.stack([value, -self._find_highest(-low), self._find_highest(high)])

    def _combine(self, linear: Linear, sequences: Sequences, at: Evaluation) -> tuple[Array, Array]:
        """Return quantities (W, N, M) and their errors with noise of variance 1."""
        theta, root, null = self.reduced_cost.weights_of(at, sequences)
        factors, constant = linear(at)
        mean = (factors @ theta[..., None])[..., 0] + constant
        error = np.linalg.norm(factors @ root, axis=-1)
        if null.any():
            size = np.linalg.norm(factors, axis=-1)
            is_unknown = np.linalg.norm(factors @ null, axis=-1) > NULL_RTOL * size
            error[is_unknown] = np.inf
        return mean, error

    def _find_highest(self, values: Array) -> Array:
        """Return the maxima of (W, N, M) over all w, by a parabola through the three highest."""
        values = np.where(np.isnan(values), -np.inf, values)
        top: Array = values.max(axis=0)
        for low, high in self.pieces:
            piece = values[(self.sampled.w >= low) & (self.sampled.w <= high)]
            if len(piece) < 3:
                continue
            middle = np.clip(piece.argmax(axis=0), 1, len(piece) - 2)[None]
            f, g, h = (np.take_along_axis(piece, middle + k, axis=0)[0] for k in (-1, 0, 1))
            bend = f - 2.0 * g + h
            is_top = (g >= f) & (g >= h) & (bend < 0.0) & np.isfinite(bend)
            top = np.where(is_top, np.maximum(top, g - (h - f) ** 2 / (8.0 * bend)), top)
        return top
