"""Plans: inputs of future steps, the difference of two of them, and the input that reaches a goal.

Predictions are linear in the inputs. The difference of two predictions is the response to the
difference of the inputs, without a start and a level. An input that reaches an output is a quotient
of two linear quantities. Its set is that of E. C. Fieller, "Some problems in interval estimation",
Journal of the Royal Statistical Society B 16 (1954), 175-185, for each w_rec of the interval.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.engine.fit.answer.predictions import Past, find_past, weigh_means
from service.engine.fit.model import FitProblem, Sequences, respond
from service.engine.fit.solve import (
    Points,
    Quantity,
    Solution,
    bound,
    estimate,
    evaluate,
    find_stretch,
    weigh_inputs,
    weigh_offset,
)
from service.engine.profile import Bounds
from service.engine.types import Array

EVERYTHING = Bounds(-math.inf, math.inf)


class Difference(NamedTuple):
    """The prediction with one plan minus that with another one."""

    outputs: Array  # (T,)
    low: Array  # the confidence band
    high: Array
    total: Array  # (3,), the sum over all steps and its interval


class Goal(NamedTuple):
    """An output to reach."""

    output: float
    input: int  # the index of the input to choose
    step: int | None  # from 1; None for the steady state
    is_lasting: bool  # False to choose the input of the first step only


class Reached(NamedTuple):
    """The input that reaches a goal."""

    value: float  # nan if the input has no effect on the output
    pieces: list[Bounds]  # its confidence set, whose ends may be infinite


def subtract_plans(
    solution: Solution,
    plans: Sequence[Array],
    *,
    sequence: int | None = None,
    initial_state: float | None = None,
) -> list[Difference]:
    """Return the differences of all plans from the first one.

    Parameters
    ----------
    solution
        The fit.
    plans
        (T, q) each: the inputs of the same T steps.
    sequence
        The index of the fitted sequence that is continued; None for a new one.
    initial_state
        The state before a new sequence; None for that of the fit.

    Returns
    -------
    differences
        One per plan after the first.

    Raises
    ------
    ValueError
        The initial state is unknown.
    """
    problem = solution.problem
    past = find_past(problem, sequence, initial_state)
    first, *others = map(problem.add_squares, plans)
    sequences = past.lay_out(problem, first)
    n_past = len(past.targets)
    differences = []
    for other in others:
        sources = _isolate(problem, past, other - first)

        def subtract(at: Points, _: Sequences, sources: Array = sources) -> tuple[Array, float]:
            steps = respond(problem.unknowns, at.poles, sources)[:, :, n_past:]
            total = steps.sum(axis=2, keepdims=True)
            return np.concatenate([steps, total], axis=2), problem.unit

        rows = estimate(solution, subtract, sequences)[:, 0]
        before = np.zeros((3, len(first) + 1 - rows.shape[1]))
        outputs, low, high = np.concatenate([before, rows[:, :-1]], axis=1)
        differences.append(Difference(outputs, low, high, rows[:, -1]))
    return differences


def _isolate(problem: FitProblem, past: Past, change: Array) -> Array:
    """Return the sources of a change (T, q) of the inputs alone."""
    quiet = past._replace(inputs=np.zeros_like(past.inputs))
    sources = quiet.lay_out(problem, change).sources
    isolated = np.zeros_like(sources)
    inputs = problem.sequences.columns.inputs
    isolated[..., inputs] = sources[..., inputs]
    return isolated


@np.errstate(all="ignore")  # of gains at a w_rec of 1, and of infinite errors
def find_input(
    solution: Solution,
    plan: Array,
    goal: Goal,
    *,
    sequence: int | None = None,
    initial_state: float | None = None,
) -> Reached:
    """Return the input with which the mean reaches an output.

    Parameters
    ----------
    solution
        The fit.
    plan
        (T, q): the other inputs of all steps. In the steady state they are those of the last one.
    goal
        The output, and the input to choose instead of that of the plan.
    sequence
        The index of the fitted sequence that is continued; None for a new one.
    initial_state
        The state before a new sequence; None for that of the fit.

    Returns
    -------
    Reached
        The input, with a set that is unbounded if it may have no effect.

    Raises
    ------
    ValueError
        The initial state is unknown, or the goal does not apply to the fit.
    """
    problem = solution.problem
    _check_goal(problem, goal)
    past = find_past(problem, sequence, initial_state)
    rest = problem.add_squares(plan)
    rest[: None if goal.is_lasting else 1, goal.input] = 0.0
    sequences = past.lay_out(problem, rest)
    if goal.step is None:
        misses = _miss_steady_state(problem, rest[-1], goal)
    else:
        misses = _miss_at_step(solution, past, rest, goal, goal.step)
    value = _find_root(evaluate(solution, misses, sequences)[0])
    unit = float(problem.input_units[goal.input])
    if goal.step is None and not _is_stable(solution):
        return Reached(
            value * unit if max(map(abs, solution.poles)) < 1.0 else math.nan, [EVERYTHING]
        )

    def miss(at: Points, sequences: Sequences) -> tuple[Array, Array | float]:
        factors, scale = misses(at, sequences)
        return factors[:, :, :1] + value * factors[:, :, 1:2], scale

    stretch = float(find_stretch(solution, miss, sequences)[0, 0]) if math.isfinite(value) else 1.0
    rows = bound(solution, misses, sequences)[:, :, 0]
    pieces = _solve_all(rows, stretch, value)
    return Reached(value * unit, [Bounds(low * unit, high * unit) for low, high in pieces])


def _check_goal(problem: FitProblem, goal: Goal) -> None:
    """Raise ValueError for a goal that is not linear in the input, or has no steady state."""
    if problem.record.input_names[goal.input] in problem.options.curves:
        raise ValueError("the effect of this input is curved: compare plans instead")
    if goal.step is None and not goal.is_lasting:
        raise ValueError("a single input has no effect in the long run: name a step")
    if goal.step is None and problem.unknowns.n_baselines:
        raise ValueError("with a trend or a season there is no long run: name a step")


def _is_stable(solution: Solution) -> bool:
    """Return True if all poles of the interval have a steady state."""
    intervals = solution.intervals_of_states
    return all(each[0].low >= -1.0 and each[-1].high <= 1.0 for each in intervals)


def _find_root(row: Array) -> float:
    """Return the input of a miss without it, and the effect of one unit."""
    return -float(row[0]) / float(row[1]) if row[1] != 0.0 else math.nan


def _miss_at_step(solution: Solution, past: Past, rest: Array, goal: Goal, step: int) -> Quantity:
    """Return by how much an output is missed at a step: without the input, per unit, and both."""
    problem = solution.problem
    place = len(past.targets) + step - 1 - past.n_missing
    if step <= past.n_missing:
        raise ValueError("the first steps, up to the delay, are not predicted")
    change = np.zeros_like(rest)
    change[: None if goal.is_lasting else 1, goal.input] = problem.input_units[goal.input]
    sources = _isolate(problem, past, change)
    sequences = past.lay_out(problem, rest)
    mean, _, _ = weigh_means(solution, sequences, past.initial_state, len(past.targets))

    def misses(at: Points, sequences: Sequences) -> tuple[Array, float]:
        without = mean(at, sequences)[0][:, :, [place]]
        without[..., problem.unknowns.columns.rest] += (goal.output - problem.center) / problem.unit
        effect = respond(problem.unknowns, at.poles, sources)[:, :, [place]]
        return np.concatenate([without, effect, without + effect], axis=2), 1.0

    return misses


def _miss_steady_state(problem: FitProblem, rest: Array, goal: Goal) -> Quantity:
    """Return the same for the steady state, times the product of 1 - w, which may be 0."""
    units = rest / problem.input_units
    # A given gain is not a weight divided by 1 - w.
    pairs = zip(problem.unknowns.states_of_inputs, problem.is_free.tolist(), strict=True)
    own_states = [states if is_free else () for states, is_free in pairs]

    def misses(at: Points, sequences: Sequences) -> tuple[Array, float]:
        gaps = 1.0 - at.poles
        others = [np.delete(gaps, states, axis=1) for states in own_states]
        scales = np.stack([np.prod(each, axis=1) for each in others], axis=1)
        gains = weigh_inputs(problem, gaps)[0][:, :, len(units) :]
        gains = gains * scales[:, None, :, None]
        gap = np.prod(gaps, axis=1)[:, None, None, None]
        without = np.sum(gains * units[:, None], axis=2, keepdims=True)
        if problem.has_offset:
            level = weigh_offset(problem, at, sequences[:1])[0]
            without = without + (level if problem.has_unknown_start else level * gap)
        aim = (goal.output - problem.center) / problem.unit
        without[..., problem.unknowns.columns.rest] += aim * gap
        effect = gains[:, :, [goal.input]]
        return np.concatenate([without, effect, without + effect], axis=2), 1.0

    return misses


def _solve_all(rows: Array, stretch: float, value: float) -> list[Bounds]:
    """Return the union of all sets of inputs u for which a miss b + u r may be 0.

    Parameters
    ----------
    rows : (3, W, 3)
        The miss b, the effect r, and b + r, each with the ends of its interval.
    stretch
        By how much the intervals are wider.
    value
        The best input.

    Returns
    -------
    pieces
        In rising order.
    """
    miss, effect, _ = rows[0].T
    squares = (stretch * 0.5 * (rows[2] - rows[1])).T ** 2
    product = 0.5 * (squares[2] - squares[1] - squares[0])
    a = effect**2 - squares[1]
    b = miss * effect - product
    root = np.sqrt(b**2 - a * (miss**2 - squares[0]))
    first = (-b - root) / a
    last = (-b + root) / a
    if not np.isfinite(a).all() or bool((np.isnan(root) & (a <= 0.0)).any()):
        return [EVERYTHING]
    low = float(np.nanmin(np.where(a > 0.0, first, math.inf)))
    high = float(np.nanmax(np.where(a > 0.0, last, -math.inf)))
    is_open = a <= 0.0
    if not is_open.any():
        return [Bounds(low, high)]
    start = float(last[is_open].max())  # of the gap between the two pieces of each set
    end = float(first[is_open].min())
    if low <= high and value >= end:
        end = min(end, low)
    elif low <= high:
        start = max(start, high)
    if not start < end:
        return [EVERYTHING]
    return [Bounds(-math.inf, start), Bounds(end, math.inf)]
