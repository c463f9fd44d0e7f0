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

from service.engine.fit.problem import Problem, Sequences, split
from service.engine.fit.reduced_cost import (
    Evaluation,
    evaluate,
    make_rows,
    share_of_start,
    split_starts,
)
from service.engine.fit.search import Interval
from service.engine.types import Array

PLACES: Final = 65  # points sampled in each piece of the region
# A quantity is unknown if more of it lies in directions that the targets do not determine.
NULL_RTOL: Final = 1e-7
MIN_ROOM: Final = 1e-300  # replaces 0 in products with infinite errors
UNBOUNDED: Final = -np.inf, np.inf

Quantity: TypeAlias = Callable[[Array, Sequences], tuple[Array, Array | float]]
"""M quantities per sequence at w (W, 1, 1): the factors (W, N, M, K + 1) of the weights and of -1,
and a scale (W, N, M) of the sum, which may be infinite at an end of a piece."""


@dataclass(eq=False, kw_only=True)
class FittedModel:
    """The parts of a fit from which predictions are made, with its series and options."""

    delay: int
    rho: float | None  # the autocorrelation of the noise; None for white noise
    w_rec: float
    intervals: list[Interval]  # the pieces of its interval, in order
    level: float  # the cost up to which a w_rec belongs to its interval; infinite if all do


class Region:
    """All w_rec that fit almost as well as the best one."""

    def __init__(self, problem: Problem, model: FittedModel) -> None:
        self.problem, self.pieces, self.level = problem, model.intervals, model.level
        self.best = evaluate(problem, np.array([model.w_rec]))
        # Dense near the ends of a piece, where the ordinary interval behaves like a square root.
        share = 0.5 + 0.5 * np.sin(np.linspace(-0.5, 0.5, PLACES) * math.pi)
        places = [low * (1.0 - share) + high * share for low, high in self.pieces]
        self.sampled = evaluate(problem, np.concatenate(places))

    def surrounds(self, pole: float) -> bool:
        """Return whether the pole of a quantity is inside a piece."""
        return any(low < pole < high for low, high in self.pieces)

    def estimate(self, quantity: Quantity, sequences: Sequences) -> Array:
        """Return M quantities for each of N sequences, and their profile intervals.

        The initial states are those of the sequences. The rows of the result (3, N, M) are the
        quantities, the low ends and the high ends of their intervals.
        """
        with np.errstate(all="ignore"):  # of factors at the ends of pieces
            parts = [self._estimate(quantity, block) for block in sequences.blocks()]
        return np.concatenate(parts, axis=1)

    def _estimate(self, quantity: Quantity, sequences: Sequences) -> Array:
        value = self._bound(quantity, self.best, sequences)[0, 0]
        parts = split(len(self.sampled.w), sequences.sources.size)
        bounds = [self._bound(quantity, self.sampled[part], sequences) for part in parts]
        _, low, high = np.concatenate(bounds, axis=1)
        return np.stack([value, -self._find_highest(-low), self._find_highest(high)])

    def _bound(self, quantity: Quantity, at: Evaluation, sequences: Sequences) -> Array:
        """Return the quantities and both ends of their intervals for given w, (3, W, N, M)."""
        factors, scale = quantity(at.w[:, None, None], sequences)
        own_error: Array | float = 0.0
        if self.problem.has_own_starts:
            # Its start explains what the other columns leave of the targets of a sequence.
            column, columns = split_starts(make_rows(self.problem, at.w, sequences))
            start, factors = split_starts(factors)
            factors = factors - start * share_of_start(column, columns)
            norm = np.linalg.norm(column, axis=2)
            own_error = start[..., 0] / np.where(norm > 0.0, norm, 1.0)
        mean = (factors @ at.theta[:, None, :, None])[..., 0]
        factors = factors[..., :-1]
        error = np.hypot(np.linalg.norm(factors @ at.root[:, None], axis=-1), own_error)
        if at.null.any():
            size = np.linalg.norm(factors, axis=-1)
            unknown = np.linalg.norm(factors @ at.null[:, None], axis=-1) > NULL_RTOL * size
            error = np.where(unknown, np.inf, error)
        excess = (self.level - at.cost) / self.problem.cost_unit
        room = np.sqrt(np.maximum(excess, MIN_ROOM))[:, None, None]
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


class Parameters:
    """All unknowns except w_rec, in the units of the data: rows of a value and its interval.

    There is one initial state per sequence (nan without targets), or one for all sequences. A
    parameter that is not fitted is None.
    """

    def __init__(self, region: Region) -> None:
        problem, w = region.problem, float(region.best.w[0])
        n_inputs, has_offset = len(problem.input_units), problem.options.offset
        has_start = problem.has_unknown_start
        # The offset beside an unknown start is beta / (1 - w), as a gain is w_in / (1 - w).
        is_summed = np.repeat([False, True, has_start], [n_inputs, n_inputs, has_offset])
        weights = np.eye(n_inputs + has_offset, problem.n_columns + 1)
        factors = np.concatenate([weights[:n_inputs], weights])

        def quantity(w: Array, _: Sequences) -> tuple[Array, Array]:
            return factors, 1.0 / (1.0 - w * is_summed)

        numbers = problem.unit * region.estimate(quantity, problem.sequences[:1])[:, 0].T
        w_in, gains, offset = np.split(numbers, [n_inputs, 2 * n_inputs])
        self.w_in = w_in / problem.input_units[:, None]  # (q, 3)
        self.steady_state_gains = gains / problem.input_units[:, None]  # (q, 3)
        if region.pieces[0].low < -1.0 or region.pieces[-1].high > 1.0:
            self.steady_state_gains[:, 1:] = UNBOUNDED
        if abs(w) >= 1.0:
            self.steady_state_gains[:, 0] = np.nan
        if has_start and region.surrounds(1.0):
            offset[:, 1:] = UNBOUNDED
        self.offset = offset[0] + problem.center if has_offset else None  # (3,)
        self.initial_states = _estimate_states(region) if has_start else None  # (n, 3) or (1, 3)


def _estimate_states(region: Region) -> Array:
    """Return the states S_0 = a / w^(k + 1) - beta / (1 - w) (N, 3), for an impulse a at step k."""
    problem, has_offset = region.problem, region.problem.options.offset

    def quantity(w: Array, sequences: Sequences) -> tuple[Array, Array]:
        power = np.argmax(sequences.sources[..., -1], axis=1)[:, None] + 1.0
        gap = 1.0 - w * has_offset
        factors = np.zeros((len(w), len(power), 1, problem.n_columns + 1))
        factors[..., -2] = gap
        if has_offset:
            factors[..., -3] = -(w**power)
        return factors, w**-power / gap

    has_each = problem.options.initial_state == "each"
    own = problem.sequences[: None if has_each else 1]
    states = problem.unit * region.estimate(quantity, own)[:, :, 0].T
    if region.surrounds(0.0) or (has_offset and region.surrounds(1.0)):
        states[:, 1:] = UNBOUNDED
    if has_each:
        states[~own.has_target.any(axis=1)] = np.nan
    return states
