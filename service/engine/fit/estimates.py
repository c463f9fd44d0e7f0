"""Profile intervals of all quantities and predictions, without a linear approximation.

With w_rec given, a quantity that is linear in the weights has an ordinary interval. Its profile
interval is the union of these over all w_rec of the interval of w_rec.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from service.engine.fit.criterion import Points
from service.engine.fit.sequences import Sequences, split, spread
from service.engine.fit.solution import SAMPLES, Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array

# A quantity is unknown if more of it lies in directions that the targets do not determine.
NULL_RTOL: Final = 1e-7
UNBOUNDED: Final = -np.inf, np.inf

# M quantities per sequence at W points: the factors (W, N, M, K + 1) of theta, and a scale
# (W, N, M) of the sum, which may be infinite at an end of an interval
Quantity: TypeAlias = Callable[[Points, Sequences], tuple[Array, Array | float]]


@np.errstate(all="ignore")  # of factors at the ends of intervals
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
    rows = []
    for block in split(len(sequences.targets), sequences.sources[0].size):
        some, bounds = sequences[block], []
        value = _bound(solution, quantity, solution.best, some)[0, 0]
        for part in split(len(solution.sampled.w), some.sources.size):
            bounds.append(_bound(solution, quantity, solution.sampled[part], some))
            check_interruption()
        _, low, high = np.concatenate(bounds, axis=1)
        rows.append(np.stack([value, -_find_highest(-low), _find_highest(high)]))
    return np.concatenate(rows, axis=1)


def _bound(solution: Solution, quantity: Quantity, at: Points, sequences: Sequences) -> Array:
    """Return the quantities and both ends of their intervals at W points, (3, W, N, M)."""
    factors, scale = quantity(at, sequences)
    own_error: Array | float = 0.0
    if solution.problem.has_own_starts:
        # Its start explains what the other columns leave of the targets of a sequence.
        rows = sequences.whiten(solution.problem.make_rows(at.w, sequences), at.rho[:, None, None])
        shares, squares = sequences.find_shares(rows[..., :1], rows[..., 1:])
        start, factors = factors[..., :1], factors[..., 1:]
        factors = factors - start * shares[:, :, None]
        own_error = start[..., 0] / np.sqrt(squares)
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
    columns = np.eye(problem.n_columns + 1)
    weights[is_free] = columns[problem.free_columns]
    weights[:, -1] = -problem.known_gains
    offsets = columns[-1 - problem.has_offset : -1]
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
        power = np.argmax(sequences.sources[..., 0], axis=1)[:, None] + 1.0
        gap = 1.0 - w * has_offset
        factors = np.zeros((len(w), len(power), 1, problem.n_columns + 1))
        factors[..., 0] = gap
        if has_offset:
            factors[..., -2] = -(w**power)
        return factors, w**-power / gap

    has_each = problem.options.initial_state == "each"
    own = problem.sequences[: None if has_each else 1]
    states = problem.unit * estimate(solution, initial_state, own)[:, :, 0].T
    if solution.surrounds(0.0) or (has_offset and solution.surrounds(1.0)):
        states[:, 1:] = UNBOUNDED
    if has_each:
        states[~own.has_target.any(axis=1)] = np.nan
    return states


class Prediction(NamedTuple):
    """A predicted sequence (T,).

    If the fit has an unknown start, the first steps of a new sequence are nan, up to the delay.
    """

    outputs: Array  # the mean
    low: Array  # the confidence band of the mean
    high: Array
    new_low: Array  # the band of a new observation, with its noise
    new_high: Array


def predict(
    solution: Solution,
    inputs: Sequence[Array],
    *,
    sequence: int | None = None,
    initial_state: float | None = None,
) -> list[Prediction]:
    """Predict new sequences, or the continuation of a fitted one.

    A continuation with ar1 noise starts from the last residual e: h steps later, e rho^h is added
    to the mean.

    Parameters
    ----------
    solution
        The fit.
    inputs
        (T, q) per prediction: the inputs at the predicted steps.
    sequence
        The index of the fitted sequence; None for new ones.
    initial_state
        The state before new sequences; None for that of the fit.

    Returns
    -------
    predictions
        One per sequence of inputs, each with T means and bands.

    Raises
    ------
    ValueError
        The initial state is unknown.
    """
    problem, series = solution.problem, solution.problem.series
    has_each, skip = problem.options.initial_state == "each", problem.skip
    # Before a known start, the inputs are 0.
    n_missing = problem.delay if problem.has_unknown_start else 0
    past, targets = np.zeros((problem.delay - n_missing, len(problem.is_free))), np.zeros(0)
    if sequence is not None:
        rows = series.rows(sequence)
        recorded = np.concatenate([past, series.inputs[rows]])
        past, targets = recorded[max(skip - problem.delay, 0) :], series.targets[rows][skip:]
        n_missing, initial_state = 0, None
        if series.lengths[sequence] < skip or (has_each and np.isnan(targets).all()):
            raise ValueError("the state of the sequence is unknown")
    elif has_each and initial_state is None:
        detail = "each sequence of the fit has its own initial state"
        raise ValueError(f"{detail}: give one (initial_state), or continue one (continue)")
    predictions = []
    for steps in inputs:
        n_steps = max(len(steps) - n_missing, 0)
        path = np.concatenate([past, steps])[: len(targets) + n_steps]
        known = np.concatenate([targets, np.full(n_steps, np.nan)])
        used = problem.normalize(path[None], known[None])
        bands = predict_bands(solution, used, initial_state, len(targets))
        missing = np.full((len(bands), len(steps) - n_steps), np.nan)
        fields = np.concatenate([missing, bands[:, 0, len(targets) : len(path)]], axis=1)
        predictions.append(Prediction(*fields))
    return predictions


def predict_bands(
    solution: Solution, sequences: Sequences, initial_state: float | None, first_new: int | None
) -> Array:
    """Return the fields of a `Prediction` for sequences.

    Parameters
    ----------
    solution
        The fit.
    sequences
        N sequences. If each has its own initial state, its targets determine it.
    initial_state
        The state before all sequences; None for that of the fit.
    first_new
        The step of a single sequence from which on the noise continues that of the last target;
        None for predictions without noise.

    Returns
    -------
    bands : (5, N, T)
    """
    problem, steps = solution.problem, np.arange(sequences.targets.shape[1], dtype=np.float64)
    lead = np.full(len(steps), np.inf)  # the steps since the last target, which noise may follow
    last = sequences.step[-1:]
    if first_new is not None and len(last):
        lead[first_new:] = steps[first_new:] - last

    def mean(at: Points, sequences: Sequences) -> tuple[Array, float]:
        w = at.w[:, None, None]
        factors = problem.respond(at.w, sequences.sources)
        if problem.has_unknown_start and not problem.has_own_starts:
            # A new sequence may start before the impulse.
            factors[..., 0] = w ** (steps - problem.first_step)
        if initial_state is not None:
            factors[..., -1] -= (initial_state / problem.unit - problem.start) * w ** (steps + 1.0)
            if problem.has_unknown_start:
                factors[..., 0] = 0.0
                if problem.has_offset:
                    factors[..., -2] = 1.0 / (1.0 - w)
        if np.isfinite(lead).any():
            ahead = at.rho[:, None, None, None] ** lead[:, None]
            residual = factors[:, :, last]
            residual[..., -1] += sequences.targets[:, last]
            factors = factors - ahead * residual
        return factors, problem.unit

    outputs, low, high = estimate(solution, mean, sequences) + problem.center
    slack = solution.find_slack(solution.best)
    noise = problem.unit * np.sqrt(slack) * spread(solution.rho, lead)
    with np.errstate(invalid="ignore"):  # where the mean is infinite
        down, up = np.hypot(outputs - low, noise), np.hypot(high - outputs, noise)
        return np.stack([outputs, low, high, outputs - down, outputs + up])
