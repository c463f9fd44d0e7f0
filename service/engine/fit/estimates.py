"""Profile intervals of all quantities, without a linear approximation.

With w_rec given, a quantity that is linear in the weights has an ordinary interval. Its profile
interval is the union of these over all w_rec of the region.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from service.engine.fit.criterion import Points
from service.engine.fit.noise import whiten
from service.engine.fit.problem import Sequences, make_rows, split
from service.engine.fit.rows import find_shares, split_starts
from service.engine.fit.solution import Solution
from service.engine.interruption import check_interruption
from service.engine.profile import Interval
from service.engine.types import Array

SAMPLES: Final = 65  # points in each interval of the region
# A quantity is unknown if more of it lies in directions that the targets do not determine.
NULL_RTOL: Final = 1e-7
UNBOUNDED: Final = -np.inf, np.inf
UNKNOWN: Final = np.nan, np.nan

Quantity: TypeAlias = Callable[[Points, Sequences], tuple[Array, Array | float]]
"""M quantities per sequence at W points: the factors (W, N, M, K + 1) of theta, and a scale
(W, N, M) of the sum, which may be infinite at an end of an interval."""


class Region:
    """All w_rec that fit almost as well as the best one."""

    def __init__(self, solution: Solution, best: Points, intervals: list[Interval]) -> None:
        self.solution, self.problem = solution, solution.problem
        self.best, self.intervals, self.level = best, intervals, solution.find_level(best)
        # Dense near both ends, where the ordinary interval behaves like a square root.
        fraction = 0.5 + 0.5 * np.sin(np.linspace(-0.5, 0.5, SAMPLES) * math.pi)
        samples = [low * (1.0 - fraction) + high * fraction for low, high in intervals]
        self.sampled = solution.evaluate(np.concatenate(samples))

    def surrounds(self, pole: float) -> bool:
        """Return whether the pole of a quantity is inside an interval."""
        return any(low < pole < high for low, high in self.intervals)

    def estimate(self, quantity: Quantity, sequences: Sequences) -> Array:
        """Return M quantities for each of N sequences, and their profile intervals.

        Parameters
        ----------
        quantity
            M quantities per sequence.
        sequences
            N sequences, with initial states of their own if the problem has these.

        Returns
        -------
        rows : (3, N, M)
            The quantities, the low ends and the high ends of their intervals.
        """
        blocks = split(len(sequences.targets), sequences.sources[0].size)
        with np.errstate(all="ignore"):  # of factors at the ends of intervals
            parts = [self._estimate(quantity, sequences[block]) for block in blocks]
        return np.concatenate(parts, axis=1)

    def _estimate(self, quantity: Quantity, sequences: Sequences) -> Array:
        value = self._bound(quantity, self.best, sequences)[0, 0]
        bounds = []
        for part in split(len(self.sampled.w), sequences.sources.size):
            bounds.append(self._bound(quantity, self.sampled[part], sequences))
            check_interruption()
        _, low, high = np.concatenate(bounds, axis=1)
        return np.stack([value, -self._find_highest(-low), self._find_highest(high)])

    def _bound(self, quantity: Quantity, at: Points, sequences: Sequences) -> Array:
        """Return the quantities and both ends of their intervals at W points, (3, W, N, M)."""
        factors, scale = quantity(at, sequences)
        own_error: Array | float = 0.0
        if self.problem.has_own_starts:
            # Its start explains what the other columns leave of the targets of a sequence.
            share, norm = self._project_on_starts(at, sequences)
            start, factors = split_starts(factors)
            factors = factors - start * share
            own_error = start[..., 0] / norm
        mean = (factors @ at.theta[:, None, :, None])[..., 0]
        factors = factors[..., :-1]
        error = np.hypot(np.linalg.norm(factors @ at.inverse_factor[:, None], axis=-1), own_error)
        if at.null_space.any():
            size = np.linalg.norm(factors, axis=-1)
            hidden = np.linalg.norm(factors @ at.null_space[:, None], axis=-1)
            error = np.where(hidden > NULL_RTOL * size, np.inf, error)
        slack = np.sqrt(self.solution.find_slack(at, self.level))[:, None, None]
        half_width = np.where(error > 0.0, error * slack, 0.0)
        ends = scale * np.stack([mean - half_width, mean + half_width])
        return np.stack([scale * mean, np.fmin(*ends), np.fmax(*ends)])

    def _project_on_starts(self, at: Points, sequences: Sequences) -> tuple[Array, Array]:
        """Return the multiples (W, N, 1, K) of whitened starts that are closest to the columns.

        The second result are the norms (W, N, 1) of the starts. Without targets they are 0 and 1.
        """
        gaps, used = sequences.gaps, np.any(sequences.has_target, axis=1)
        rows = make_rows(self.problem, at.w, sequences)
        start, columns = split_starts(whiten(rows, gaps, at.rho[:, None, None]))
        shares = np.zeros((len(at.w), len(sequences.targets), columns.shape[2]))
        squares = np.ones((len(at.w), len(sequences.targets), 1))
        if used.any():
            shares[:, used], squares[:, used] = find_shares(start, columns, gaps)
        return shares[:, :, None], np.sqrt(squares)

    def _find_highest(self, values: Array) -> Array:
        """Return the maxima of (W, N, M) over all w, by a parabola through the three highest."""
        values = np.where(np.isnan(values), -np.inf, values)
        by_interval = values.reshape(len(self.intervals), SAMPLES, *values.shape[1:])
        middle = np.clip(by_interval.argmax(axis=1, keepdims=True), 1, SAMPLES - 2)
        f, g, h = (np.take_along_axis(by_interval, middle + k, axis=1) for k in (-1, 0, 1))
        bend = f - 2.0 * g + h
        is_top = (g >= f) & (g >= h) & (bend < 0.0) & np.isfinite(bend)
        tops = np.where(is_top, g - (h - f) ** 2 / (8.0 * bend), -np.inf)
        highest: Array = np.maximum(values.max(axis=0), tops.max(axis=(0, 1)))
        return highest


class Parameters(NamedTuple):
    """All unknowns except w_rec, in the units of the data: rows of a value and its interval.

    There is one initial state per sequence (nan without targets), or one for all sequences. A
    parameter that is not fitted is None; the interval of one that was given is nan.
    """

    w_in: Array  # (q, 3)
    steady_state_gains: Array  # (q, 3)
    offset: Array | None  # (3,)
    initial_states: Array | None  # (N, 3) or (1, 3)


def estimate_parameters(region: Region) -> Parameters:
    """Return all parameters of a fit."""
    problem, w = region.problem, float(region.best.w[0])
    n, has_start = problem.n_free, problem.has_unknown_start
    is_free, known = problem.is_free, problem.known_gains[~problem.is_free]
    # The offset beside an unknown start is beta / (1 - w), as a gain is w_in / (1 - w).
    is_summed = np.repeat([False, True, has_start], [n, n, problem.has_offset])
    weights = np.eye(n + problem.has_offset, problem.n_columns + 1)
    factors = np.concatenate([weights[:n], weights])

    def of_free_inputs(at: Points, _: Sequences) -> tuple[Array, Array]:
        return factors, 1.0 / (1.0 - at.w[:, None, None] * is_summed)

    numbers = problem.unit * region.estimate(of_free_inputs, problem.sequences[:1])[:, 0].T
    rows, units = np.split(numbers, [n, 2 * n]), problem.input_units[:, None]
    w_in, gains = np.zeros((len(is_free), 3)), np.zeros((len(is_free), 3))
    w_in[is_free], gains[is_free] = rows[0], rows[1]
    if region.intervals[0].low < -1.0 or region.intervals[-1].high > 1.0:
        gains[:, 1:] = UNBOUNDED
    if abs(w) >= 1.0:
        gains[:, 0] = np.nan
    ends = 1.0 - np.array([w, region.intervals[-1].high, region.intervals[0].low])
    known = problem.unit * known[:, None]
    w_in[~is_free] = np.stack([known[:, 0] * ends[0], *np.sort(known * ends[1:], axis=1).T], 1)
    gains[~is_free, :1], gains[~is_free, 1:] = known, UNKNOWN
    offset = None
    if problem.has_offset:
        offset = rows[2][0]
        if has_start and region.surrounds(1.0):
            offset[1:] = UNBOUNDED
        offset = offset + problem.center
    elif problem.options.offset is not False:
        offset = np.array([problem.center, *UNKNOWN])
    states = _estimate_states(region) if has_start else None
    return Parameters(w_in / units, gains / units, offset, states)


def _estimate_states(region: Region) -> Array:
    """Return the states S_0 = a / w^(k + 1) - beta / (1 - w) (N, 3), for an impulse a at step k."""
    problem, has_offset = region.problem, region.problem.has_offset

    def initial_state(at: Points, sequences: Sequences) -> tuple[Array, Array]:
        w = at.w[:, None, None]
        power = np.argmax(sequences.sources[..., -1], axis=1)[:, None] + 1.0
        gap = 1.0 - w * has_offset
        factors = np.zeros((len(w), len(power), 1, problem.n_columns + 1))
        factors[..., -2] = gap
        if has_offset:
            factors[..., -3] = -(w**power)
        return factors, w**-power / gap

    has_each = problem.options.initial_state == "each"
    own = problem.sequences[: None if has_each else 1]
    states = problem.unit * region.estimate(initial_state, own)[:, :, 0].T
    if region.surrounds(0.0) or (has_offset and region.surrounds(1.0)):
        states[:, 1:] = UNBOUNDED
    if has_each:
        states[~own.has_target.any(axis=1)] = np.nan
    return states
