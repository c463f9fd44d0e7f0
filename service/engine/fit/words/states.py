"""The states of a fit, with their time constants in units of the step."""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from service.engine.data import Step
from service.engine.fit.model import FitProblem
from service.engine.fit.solve import Solution
from service.engine.fit.words.quantities import format_time, format_value, split_unit

# The ends of a piece of an interval of w_rec.
Piece: TypeAlias = tuple[float, float]


class State(NamedTuple):
    """One state of a fit."""

    inputs: list[str]  # the names of those that act on it
    w_rec: float
    pieces: list[Piece]  # of the interval of w_rec; none if it was given
    time: float  # the time constant; nan if it is undefined


def find_time(w_rec: float, unit: float) -> float:
    """Return the time -unit / log w_rec; nan if it is undefined."""
    return -unit / math.log(w_rec) if 0.0 < w_rec < 1.0 else math.nan


def sort_states(solution: Solution) -> list[int]:
    """Return the indices of the states of a fit, the slowest first."""
    return sorted(range(len(solution.poles)), key=lambda k: -solution.poles[k])


def list_inputs(problem: FitProblem, state: int) -> list[str]:
    """Return the names of the inputs that act on a state, with those of squares."""
    names = problem.series.input_names
    return [names[i] for i in range(len(names)) if problem.unknowns.acts[state, i]]


def list_states(solution: Solution, step: Step) -> list[State]:
    """Return the states of a fit, the slowest first."""
    states = []
    for k in sort_states(solution):
        w_rec = solution.poles[k]
        pieces: Sequence[Piece] = solution.intervals_of_states[k]
        if solution.problem.options.is_given:
            pieces = []
        inputs = list_inputs(solution.problem, k)
        states.append(State(inputs, w_rec, [*pieces], find_time(w_rec, step.length)))
    return states


def describe_times(solution: Solution, step: Step) -> str:
    """Return the time constants of a fit in words, the longest first, with their inputs."""
    problem = solution.problem
    names = problem.record.input_names
    is_common = bool((problem.unknowns.acts == problem.unknowns.acts[0]).all())
    texts = []
    for k in sort_states(solution):
        w_rec = solution.poles[k]
        time = find_time(w_rec, step.length)
        text = f"w_rec {format_value(w_rec)}"
        if math.isfinite(time):
            text = format_time(time, step.unit)
        inputs = [split_unit(names[i])[0] for i in range(len(names)) if problem.unknowns.acts[k, i]]
        texts.append(text if is_common else f"{text} for {' and '.join(inputs)}")
    return " and ".join(texts)
