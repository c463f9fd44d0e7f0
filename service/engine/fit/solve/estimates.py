"""Profile intervals of all quantities and predictions, without a linear approximation.

With w_rec given, a quantity that is linear in the weights has an ordinary interval. Its profile
interval is the union of these over all w_rec of the interval of w_rec.
"""

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.model import FitProblem, Responses, Sequences, respond, split
from service.engine.fit.solve.criterion import Points
from service.engine.fit.solve.solution import Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array

UNBOUNDED: Final = -np.inf, np.inf

# M quantities per sequence at W points: the factors (W, N, M, K + 1) of theta, and a scale
# (W, N, M) of the sum, which may be infinite at an end of an interval
Quantity: TypeAlias = Callable[[Points, Sequences], tuple[Array, Array | float]]


@np.errstate(all="ignore")  # of factors at the ends of intervals
def estimate(
    solution: Solution, quantity: Quantity, sequences: Sequences, *, of_mean: bool = False
) -> Array:
    """Return M quantities for each of N sequences, and their profile intervals.

    Parameters
    ----------
    solution
        The fit.
    quantity
        M quantities per sequence.
    sequences
        N sequences, with initial states of their own if the problem has these.
    of_mean
        True for quantities of the mean of the sequences of the fit.

    Returns
    -------
    rows : (3, N, M)
        The quantities, the low ends and the high ends of their intervals.
    """
    rows = []
    n_numbers = sequences.targets.shape[1] * len(solution.sampled.w)
    for block in split(len(sequences.targets), n_numbers):
        subset = sequences[block]
        value = _bound(solution, quantity, solution.best, subset, of_mean=of_mean)[0, 0]
        _, low, high = bound(solution, quantity, subset, of_mean=of_mean)
        is_region = solution.problem.unknowns.n_states > 1
        ends = np.stack([-_find_highest(-low, is_region), _find_highest(high, is_region)])
        if solution.has_free_variance:
            stretch = find_stretch(solution, quantity, subset, of_mean=of_mean)
            ends = value + (ends - value) * stretch
        rows.append(np.stack([value, *ends]))
    return np.concatenate(rows, axis=1)


@np.errstate(all="ignore")  # of factors at the ends of intervals
def bound(
    solution: Solution, quantity: Quantity, sequences: Sequences, *, of_mean: bool = False
) -> Array:
    """Return quantities and their intervals for each of the W sampled points of the fit.

    Parameters
    ----------
    solution
        The fit.
    quantity
        M quantities per sequence.
    sequences
        N sequences.
    of_mean
        True for quantities of the mean of the sequences of the fit.

    Returns
    -------
    rows : (3, W, N, M)
        The quantities, the low ends and the high ends of their intervals with the poles given.
    """
    bounds = []
    for part in split(len(solution.sampled.w), sequences.sources.size):
        at = solution.sampled[part]
        bounds.append(_bound(solution, quantity, at, sequences, of_mean=of_mean))
        check_interruption()
    return np.concatenate(bounds, axis=1)


@np.errstate(over="ignore", invalid="ignore")  # of the errors, which are not used
def evaluate(
    solution: Solution, quantity: Quantity, sequences: Sequences, *, of_mean: bool = False
) -> Array:
    """Return M quantities for each of N sequences, without their intervals.

    Parameters
    ----------
    solution
        The fit.
    quantity
        M quantities per sequence.
    sequences
        N sequences, with initial states of their own if the problem has these.
    of_mean
        True for quantities of the mean of the sequences of the fit.

    Returns
    -------
    values : (N, M)
        The quantities at the optimum.
    """
    bounds = _bound(solution, quantity, solution.best, sequences, of_mean=of_mean)
    return np.asarray(bounds[0, 0])


def find_fitted(solution: Solution) -> Array:
    """Return the fitted values at all steps in use.

    Parameters
    ----------
    solution
        The fit.

    Returns
    -------
    values : (N, T)
        In the units of the targets.
    """
    problem = solution.problem

    def mean(at: Points, sequences: Sequences) -> tuple[Array, float]:
        return respond(problem.unknowns, at.poles, sequences.sources), problem.unit

    return evaluate(solution, mean, problem.sequences) + problem.center


def find_stretch(
    solution: Solution, quantity: Quantity, sequences: Sequences, *, of_mean: bool = False
) -> Array:
    """Return by how much intervals are wider than those at the level of w_rec.

    A quantity deviates with the weights of the columns, and with the poles.

    Parameters
    ----------
    solution
        The fit.
    quantity
        M quantities per sequence.
    sequences
        N sequences.
    of_mean
        True for quantities of the mean of the sequences of the fit.

    Returns
    -------
    stretch : (N, M)
        1 unless the errors have any variance.
    """
    if not solution.has_free_variance:
        return np.ones((1, 1))
    deviations, _ = find_deviations(solution, quantity, sequences, of_mean=of_mean)
    ratios = solution.linearization.find_ratios(deviations)
    return np.asarray(np.sqrt(ratios / solution.variance_ratio))


@np.errstate(all="ignore")  # of infinite scales
def find_deviations(
    solution: Solution, quantity: Quantity, sequences: Sequences, *, of_mean: bool = False
) -> tuple[Array, Array]:
    """Return how quantities deviate with the errors, near the optimum.

    A quantity deviates with the weights of the columns, and with the poles.

    Parameters
    ----------
    solution
        The fit.
    quantity
        M quantities per sequence.
    sequences
        N sequences, with initial states of their own if the problem has these.
    of_mean
        True for quantities of the mean of the sequences of the fit.

    Returns
    -------
    common : (N, M, m + K)
        The deviations per unit of each direction of the columns that the sequences share, and of
        the poles.
    own : (N, M)
        Those due to the unknowns of the sequence alone.
    """
    best = solution.best
    linearization = solution.linearization
    factors, scale = quantity(best, sequences)
    own: Array | float = 0.0
    if solution.problem.unknowns.n_own_columns:
        factors, own = _regress_on_own(solution, factors, best, sequences, of_mean=of_mean)
    weights = factors[..., solution.problem.unknowns.linear_columns.unknowns]
    sizes = np.broadcast_to(scale, factors.shape[:-1])[0]
    directions = (weights @ best.inverse_factor[:, None])[0] * sizes[..., None]
    n_poles = len(linearization.pole_factors)
    deviations = np.pad(directions, ((0, 0), (0, 0), (0, n_poles)))
    for k, of_pole in enumerate(linearization.pole_factors):
        step = constants.SLOPE_RTOL * (1.0 - abs(float(best.poles[0, k]))) or constants.SLOPE_RTOL
        shift = step * np.eye(best.poles.shape[1])[[k]]
        at = solution.criterion.evaluate(np.concatenate([best.poles - shift, best.poles + shift]))
        before, after = _bound(solution, quantity, at, sequences, of_mean=of_mean)[0]
        deviations = deviations + ((after - before) / (2.0 * step))[..., None] * of_pole
    return deviations, np.broadcast_to(own, factors.shape[:-1])[0] * np.abs(sizes)


def _bound(
    solution: Solution, quantity: Quantity, at: Points, sequences: Sequences, *, of_mean: bool
) -> Array:
    """Return the quantities and both ends of their intervals at W points, (3, W, N, M)."""
    factors, scale = quantity(at, sequences)
    start_error: Array | float = 0.0
    if solution.problem.unknowns.n_own_columns:
        regressed = _regress_on_own(solution, factors, at, sequences, of_mean=of_mean)
        factors, start_error = regressed
    mean = (factors @ at.theta[:, None, :, None])[..., 0]
    weights = factors[..., solution.problem.unknowns.linear_columns.unknowns]
    error = np.hypot(np.linalg.norm(weights @ at.inverse_factor[:, None], axis=-1), start_error)
    if at.null_space.any():
        size = np.linalg.norm(weights, axis=-1)
        hidden = np.linalg.norm(weights @ at.null_space[:, None], axis=-1)
        error = np.where(hidden > constants.HIDDEN_RTOL * size, np.inf, error)
    slack = np.sqrt(solution.find_slack(at))[:, None, None]
    half_width = np.where(error > 0.0, error * slack, 0.0)
    low = scale * (mean - half_width)
    high = scale * (mean + half_width)
    return np.stack([scale * mean, np.fmin(low, high), np.fmax(low, high)])


def _regress_on_own(
    solution: Solution, factors: Array, at: Points, sequences: Sequences, *, of_mean: bool
) -> tuple[Array, Array]:
    """Return the factors of the other weights, and the errors (W, N, M) due to own unknowns.

    An unknown of a single sequence is what the other columns leave of its targets, and each of
    several is that which the later ones leave. All of it is linear in the factors, so that unit
    ones suffice for the mean of the sequences of the fit.
    """
    members = sequences
    unit = factors
    if of_mean:
        members = solution.problem.sequences
        members = members[find_determined(solution)]
        unit = np.broadcast_to(np.eye(factors.shape[-1]), (len(at.w), 1, *[factors.shape[-1]] * 2))
    rows = Responses(solution.problem.unknowns, at.poles, members).rows
    white = members.whiten(rows, at.rho[:, None, None])
    own = members.eliminate(white, solution.problem.unknowns.n_own_columns)
    errors = []
    for k, coefficients in enumerate(own.coefficients):
        of_own = unit[..., :1]
        unit = unit[..., 1:] - of_own * coefficients[:, :, None]
        errors.append(of_own[..., 0] / np.sqrt(own.squares[..., k : k + 1]))
    if not of_mean:
        return unit, np.linalg.norm(errors, axis=0)
    products = np.einsum("kwni,kwnj->wij", *[np.stack(errors)] * 2) / len(members.targets) ** 2
    variances = np.sum((factors @ products[:, None]) * factors, axis=-1)
    return factors @ unit.mean(axis=1, keepdims=True), np.sqrt(np.maximum(variances, 0.0))


def find_determined(solution: Solution) -> NDArray[np.intp]:
    """Return the sequences whose targets determine all unknowns of their own.

    Parameters
    ----------
    solution
        The fit.

    Returns
    -------
    sequences : (N,)
        Their numbers.
    """
    problem = solution.problem
    sequences = problem.sequences
    rows = Responses(problem.unknowns, solution.best.poles, sequences).rows
    white = sequences.whiten(rows, solution.best.rho[:, None, None])
    own = sequences.eliminate(white, problem.unknowns.n_own_columns)
    return np.flatnonzero((sequences.sum(own.columns**2)[0] > 0.0).all(axis=1))


def _find_highest(values: Array, is_region: bool) -> Array:
    """Return the maxima of (W, N, M) over all w, by a parabola through the three highest.

    Points of a region of several poles have no order.
    """
    values = np.where(np.isnan(values), -np.inf, values)
    if is_region:
        return np.asarray(values.max(axis=0))
    n_intervals = len(values) // constants.SAMPLES
    by_interval = values.reshape(n_intervals, constants.SAMPLES, *values.shape[1:])
    middle = np.clip(by_interval.argmax(axis=1, keepdims=True), 1, constants.SAMPLES - 2)
    f = np.take_along_axis(by_interval, middle - 1, axis=1)
    g = np.take_along_axis(by_interval, middle, axis=1)
    h = np.take_along_axis(by_interval, middle + 1, axis=1)
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
    offset: Array | None  # (3,); if each sequence has its own, their mean without an interval
    offsets: Array | None  # (N, 3), those of single sequences
    initial_states: Array | None  # (N, 3) or (1, 3)
    trend: Array | None  # (3,), the change from the first step in use to the last one
    weights: Array  # (K, q, 3), those of each input on each state; nan where it does not act
    own_gains: Array | None  # (q, N, 3), of single sequences; the others are then their means


@np.errstate(over="ignore", invalid="ignore")  # of numbers that are infinite, or unknown
def estimate_parameters(solution: Solution) -> Parameters:
    """Return all parameters of a fit."""
    problem = solution.problem
    w_in, gains = _estimate_inputs(solution)
    offset = None
    offsets = None
    if problem.unknowns.has_own_offsets:
        offsets = _estimate_offsets(solution)
        finite = offsets[np.isfinite(offsets[:, 0]), 0]
        mean = finite.mean() if len(finite) else np.nan
        offset = np.array([mean, np.nan, np.nan])
    elif problem.has_offset:
        offset = _estimate_offsets(solution)[0]
    elif problem.options.offset is not False:
        offset = np.array([problem.center, np.nan, np.nan])
    has_state = problem.has_unknown_start and problem.unknowns.n_states == 1
    states = _estimate_states(solution) if has_state else None
    trend = _estimate_trend(solution) if problem.options.trend else None
    weights = _estimate_weights(solution) if problem.unknowns.n_states > 1 else w_in[None]
    own_gains = _estimate_own_gains(solution) if problem.unknowns.has_own_gains else None
    return Parameters(w_in, gains, offset, offsets, states, trend, weights, own_gains)


def _estimate_inputs(solution: Solution) -> tuple[Array, Array]:
    """Return the weights and the steady-state gains of the inputs, (q, 3) each.

    A weight is the effect within one step, the sum over all states.
    """
    problem = solution.problem
    is_free = problem.is_free

    def of_inputs(at: Points, _: Sequences) -> tuple[Array, Array]:
        return weigh_inputs(problem, 1.0 - at.poles)

    rows = estimate(
        solution, of_inputs, problem.sequences[:1], of_mean=problem.unknowns.has_own_gains
    )
    numbers = problem.unit * rows[:, 0].T
    w_in, gains = np.split(numbers, 2)
    intervals = [solution.intervals_of_states[state] for state in range(problem.unknowns.n_states)]
    for i, states in enumerate(problem.unknowns.states_of_inputs):
        if any(intervals[k][0].low < -1.0 or intervals[k][-1].high > 1.0 for k in states):
            gains[i, 1:] = UNBOUNDED
        if is_free[i] and any(abs(solution.poles[k]) >= 1.0 for k in states):
            gains[i, 0] = np.nan
    gains[~is_free, 1:] = np.nan
    w_in[~is_free & problem.unknowns.is_direct, 1:] = np.nan
    units = problem.input_units[:, None]
    return w_in / units, gains / units


def weigh_gains(problem: FitProblem, at: Points, sequences: Sequences) -> tuple[Array, Array]:
    """Return the factors of the steady-state gains of each sequence, in their units, and scales.

    Parameters
    ----------
    problem
        The unknowns.
    at
        W points.
    sequences
        N sequences.

    Returns
    -------
    factors : (W, N, q, n + 1)
        Those of theta.
    scales : (W, 1, q)
        1 / (1 - w) for a single state.
    """
    n_inputs = len(problem.is_free)
    factors, scales = weigh_inputs(problem, 1.0 - at.poles)
    of_gains = factors[:, :, n_inputs:]
    shape = (len(at.w), len(sequences.targets), *of_gains.shape[2:])
    units = problem.unit / problem.input_units
    return np.broadcast_to(of_gains, shape), scales[..., n_inputs:] * units


def _estimate_own_gains(solution: Solution) -> Array:
    """Return the steady-state gains of the inputs (q, N, 3) of all sequences."""
    problem = solution.problem
    rows = estimate(solution, partial(weigh_gains, problem), problem.sequences)
    gains = np.moveaxis(rows, 0, 2).swapaxes(0, 1)
    is_known = np.isin(np.arange(gains.shape[1]), find_determined(solution))
    gains[:, ~is_known | (abs(solution.w_rec) >= 1.0)] = np.nan
    if solution.surrounds(1.0) or solution.surrounds(-1.0):
        gains[..., 1:] = UNBOUNDED
    gains[~problem.is_free, :, 1:] = np.nan
    return gains


@np.errstate(over="ignore", invalid="ignore")  # errors may be infinite, and are not used
def find_gains(solution: Solution) -> Array:
    """Return the steady-state gains at the optimum, of poles just below 1 instead of 1.

    Parameters
    ----------
    solution
        The fit.

    Returns
    -------
    gains : (q,)
        In the units of the data.
    """
    problem = solution.problem

    def of_inputs(at: Points, _: Sequences) -> tuple[Array, Array]:
        return weigh_inputs(problem, np.maximum(1.0 - at.poles, constants.INSIDE))

    first = problem.sequences[:1]
    numbers = evaluate(solution, of_inputs, first, of_mean=problem.unknowns.has_own_gains)[0]
    return np.asarray(problem.unit * numbers[len(problem.is_free) :] / problem.input_units)


def weigh_inputs(problem: FitProblem, gaps: Array) -> tuple[Array, Array]:
    """Return the factors of w_in, then of the gains, and their scales.

    The response c_k of a cascade has the gain of the product of 1 / (1 - w_l) up to k.

    Parameters
    ----------
    problem
        The unknowns.
    gaps : (W, K)
        1 - w of each pole.

    Returns
    -------
    factors : (W, 1, 2 q, n + 1)
        Those of theta.
    scales : (W, 1, 2 q)
        Of the sums; 1 for w_in.
    """
    order = problem.unknowns.columns
    n_inputs = len(problem.is_free)
    w_in = np.zeros((len(gaps), 1, n_inputs, order.n_unknowns + 1))
    gains = np.zeros_like(w_in)
    products = np.ones((len(gaps), 1, 2 * n_inputs))
    for i, states in enumerate(problem.unknowns.states_of_inputs):
        columns = [order.inputs.start + place for place in problem.unknowns.columns_of_inputs[i]]
        if problem.is_free[i]:
            w_in[:, 0, i, columns[0]] = 1.0
            for k, column in enumerate(columns):
                gains[:, 0, i, column] = np.prod(gaps[:, states[k + 1 :]], axis=1)
            products[:, 0, n_inputs + i] = np.prod(gaps[:, states], axis=1)
        else:
            gains[:, 0, i, order.rest] = -problem.given_gains[i]  # the weight of the rest is -1
            w_in[:, 0, i, order.rest] = (
                gains[:, 0, i, order.rest] * np.prod(gaps[:, states[:1]], axis=1)[:, None]
            )
            w_in[:, 0, i, columns] = -1.0
    return np.concatenate([w_in, gains], axis=2), products ** np.repeat([0.0, -1.0], n_inputs)


def weigh_offset(problem: FitProblem, at: Points, sequences: Sequences) -> tuple[Array, Array]:
    """Return the factors of the offset of each sequence, in the units of the problem, and scales.

    Parameters
    ----------
    problem
        The unknowns, with a fitted offset.
    at
        W points.
    sequences
        N sequences.

    Returns
    -------
    factors : (W, N, 1, n + 1)
        Those of theta.
    scales : (W, 1, 1)
        With an unknown start, the offset is beta / (1 - w), as a gain is w_in / (1 - w).
    """
    gap = np.prod(1.0 - at.poles, axis=1) if problem.has_unknown_start else np.ones_like(at.w)
    factors = np.zeros(
        (len(gap), len(sequences.targets), 1, problem.unknowns.columns.n_unknowns + 1)
    )
    factors[..., problem.unknowns.columns.offset] = 1.0
    return factors, 1.0 / gap[:, None, None]


def _estimate_offsets(solution: Solution) -> Array:
    """Return the fitted offset (1, 3), or those of all sequences (N, 3)."""
    problem = solution.problem
    sequences = problem.sequences if problem.unknowns.has_own_offsets else problem.sequences[:1]
    quantity = partial(weigh_offset, problem)
    rows = problem.unit * estimate(solution, quantity, sequences)[:, :, 0].T + problem.center
    if problem.has_unknown_start and solution.surrounds(1.0):
        rows[:, 1:] = UNBOUNDED
    if problem.unknowns.has_own_offsets:
        rows[~sequences.has_target.any(axis=1)] = np.nan
    return np.asarray(rows)


def _estimate_weights(solution: Solution) -> Array:
    """Return the weights (K, q, 3) of each input on each of several states.

    The response c_k of a cascade contains the states j up to k with 1 / prod (w_j - w_l), over the
    other states l up to k. Where the intervals of two poles overlap, the weights are unbounded.
    """
    problem = solution.problem
    first = problem.unknowns.columns.inputs.start
    weights = np.full((problem.unknowns.n_states, len(problem.is_free), 3), np.nan)
    for i, states in enumerate(problem.unknowns.states_of_inputs):
        if not problem.is_free[i]:
            continue
        for j in states:
            column = first + problem.unknowns.columns_of_inputs[i].start
            quantity = partial(_weigh_state, problem, states, j, column)
            row = estimate(solution, quantity, problem.sequences[:1])[:, 0, 0]
            others = [solution.intervals_of_states[k] for k in states if k != j]
            own = solution.intervals_of_states[j]
            if any(
                low <= end and start <= high for start, end in own for low, high in chain(*others)
            ):
                row[1:] = UNBOUNDED
            weights[j, i] = problem.unit / problem.input_units[i] * row
    return weights


def _weigh_state(
    problem: FitProblem, states: tuple[int, ...], state: int, first: int, at: Points, _: Sequences
) -> tuple[Array, Array]:
    """Return the factors of the weight of an input on a state, and its scale."""
    own = at.poles[:, state]
    factors = np.zeros((len(own), 1, 1, problem.unknowns.columns.n_unknowns + 1))
    scale = np.ones((len(own), 1, 1))
    for k in reversed(range(len(states))):
        if k >= states.index(state):
            factors[:, 0, 0, first + k] = scale[:, 0, 0]
        if states[k] != state:
            scale = scale * (own - at.poles[:, states[k]])[:, None, None]
    return factors, 1.0 / scale


def _estimate_trend(solution: Solution) -> Array:
    """Return the weight (3,) of the trend."""
    problem = solution.problem
    factors = np.eye(problem.unknowns.columns.n_unknowns + 1)[
        problem.unknowns.columns.baselines.start, None
    ]
    rows = estimate(solution, lambda *_: (factors, problem.unit), problem.sequences[:1])
    return rows[:, 0, 0]


def _estimate_states(solution: Solution) -> Array:
    """Return the states S_0 = a / w^(k + 1) - beta / (1 - w) (N, 3), for an impulse a at step k."""
    problem = solution.problem
    order = problem.unknowns.columns
    has_each = problem.options.initial_state == "each"

    def initial_state(at: Points, sequences: Sequences) -> tuple[Array, Array]:
        w = at.w[:, None, None]
        impulses = sequences.sources[..., sequences.columns.starts][..., 0]
        power = np.argmax(impulses, axis=1)[:, None] + 1.0
        gap = 1.0 - w if problem.has_offset else np.ones_like(w)
        factors = np.zeros((len(w), len(power), 1, order.n_unknowns + 1))
        factors[..., order.starts] = gap[..., None]
        factors[..., order.offset] = -(w**power)[..., None]
        return factors, w**-power / gap

    sequences = problem.sequences if has_each else problem.sequences[:1]
    states = problem.unit * estimate(solution, initial_state, sequences)[:, :, 0].T
    if solution.surrounds(0.0) or (problem.has_offset and solution.surrounds(1.0)):
        states[:, 1:] = UNBOUNDED
    if has_each:
        states[~sequences.has_target.any(axis=1)] = np.nan
    return states
