"""Profile intervals of all quantities, without a linear approximation.

With w_rec given, a quantity that is linear in the weights has an ordinary interval. Its profile
interval is the union of these over all w_rec of the interval of w_rec.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from service.engine.fit.criterion import Points
from service.engine.fit.linear import split_starts
from service.engine.fit.sequences import Sequences, split
from service.engine.fit.solution import SAMPLES, Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array

# A quantity is unknown if more of it lies in directions that the targets do not determine.
NULL_RTOL: Final = 1e-7
UNBOUNDED: Final = -np.inf, np.inf

Quantity: TypeAlias = Callable[[Points, Sequences], tuple[Array, Array | float]]
"""M quantities per sequence at W points: the factors (W, N, M, K + 1) of theta, and a scale
(W, N, M) of the sum, which may be infinite at an end of an interval."""


def estimate(solution: Solution, quantity: Quantity, sequences: Sequences) -> Array:
    """Return M quantities for each of N sequences, and their profile intervals.

    Parameters
    ----------
    solution
        The fit.
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
        parts = [_estimate(solution, quantity, sequences[block]) for block in blocks]
    return np.concatenate(parts, axis=1)


def _estimate(solution: Solution, quantity: Quantity, sequences: Sequences) -> Array:
    value = _bound(solution, quantity, solution.best, sequences)[0, 0]
    bounds = []
    for part in split(len(solution.sampled.w), sequences.sources.size):
        bounds.append(_bound(solution, quantity, solution.sampled[part], sequences))
        check_interruption()
    _, low, high = np.concatenate(bounds, axis=1)
    return np.stack([value, -_find_highest(-low), _find_highest(high)])


def _bound(solution: Solution, quantity: Quantity, at: Points, sequences: Sequences) -> Array:
    """Return the quantities and both ends of their intervals at W points, (3, W, N, M)."""
    factors, scale = quantity(at, sequences)
    own_error: Array | float = 0.0
    if solution.problem.has_own_starts:
        # Its start explains what the other columns leave of the targets of a sequence.
        share, norm = _project_on_starts(solution, at, sequences)
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
    slack = np.sqrt(solution.find_slack(at))[:, None, None]
    half_width = np.where(error > 0.0, error * slack, 0.0)
    ends = scale * np.stack([mean - half_width, mean + half_width])
    return np.stack([scale * mean, np.fmin(*ends), np.fmax(*ends)])


def _project_on_starts(solution: Solution, at: Points, sequences: Sequences) -> tuple[Array, Array]:
    """Return the multiples (W, N, 1, K) of whitened starts that are closest to the columns.

    The second result are the norms (W, N, 1) of the starts. Without targets they are 0 and 1.
    """
    rows = solution.problem.make_rows(at.w, sequences)
    start, columns = split_starts(sequences.whiten(rows, at.rho[:, None, None]))
    shares = np.zeros((len(at.w), len(sequences.targets), columns.shape[2]))
    squares = np.ones((len(at.w), len(sequences.targets), 1))
    used = sequences.has_target.any(axis=1)
    if used.any():
        shares[:, used], squares[:, used] = sequences.find_shares(start, columns)
    return shares[:, :, None], np.sqrt(squares)


def _find_highest(values: Array) -> Array:
    """Return the maxima of (W, N, M) over all w, by a parabola through the three highest."""
    values = np.where(np.isnan(values), -np.inf, values)
    by_interval = values.reshape(len(values) // SAMPLES, SAMPLES, *values.shape[1:])
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


def estimate_parameters(solution: Solution) -> Parameters:
    """Return all parameters of a fit."""
    problem, is_free = solution.problem, solution.problem.is_free
    # A known gain g is a w_in of (1 - w) g. The rest of the targets has the weight -1.
    weights = np.zeros((len(is_free), problem.n_columns + 1))
    weights[is_free] = np.eye(problem.n_free, problem.n_columns + 1)
    weights[:, -1] = -problem.known_gains
    offsets = np.eye(problem.n_columns + 1)[problem.n_free :][: problem.has_offset]
    factors = np.concatenate([weights, weights, offsets])
    # The offset beside an unknown start is beta / (1 - w), as a gain is w_in / (1 - w).
    powers = np.concatenate([~is_free, -1.0 * is_free, [-problem.has_unknown_start] * len(offsets)])

    def of_inputs(at: Points, _: Sequences) -> tuple[Array, Array]:
        return factors, (1.0 - at.w[:, None, None]) ** powers

    numbers = problem.unit * estimate(solution, of_inputs, problem.sequences[:1])[:, 0].T
    w_in, gains, offsets = np.split(numbers, [len(is_free), 2 * len(is_free)])
    if solution.intervals[0].low < -1.0 or solution.intervals[-1].high > 1.0:
        gains[:, 1:] = UNBOUNDED
    if abs(solution.w_rec) >= 1.0:
        gains[is_free, 0] = np.nan
    gains[~is_free, 1:] = np.nan
    offset = None
    if problem.has_offset:
        if problem.has_unknown_start and solution.surrounds(1.0):
            offsets[:, 1:] = UNBOUNDED
        offset = offsets[0] + problem.center
    elif problem.options.offset is not False:
        offset = np.array([problem.center, np.nan, np.nan])
    states = _estimate_states(solution) if problem.has_unknown_start else None
    units = problem.input_units[:, None]
    return Parameters(w_in / units, gains / units, offset, states)


def _estimate_states(solution: Solution) -> Array:
    """Return the states S_0 = a / w^(k + 1) - beta / (1 - w) (N, 3), for an impulse a at step k."""
    problem, has_offset = solution.problem, solution.problem.has_offset

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
    states = problem.unit * estimate(solution, initial_state, own)[:, :, 0].T
    if solution.surrounds(0.0) or (has_offset and solution.surrounds(1.0)):
        states[:, 1:] = UNBOUNDED
    if has_each:
        states[~own.has_target.any(axis=1)] = np.nan
    return states
