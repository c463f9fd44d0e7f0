"""The contributions of the start, the baseline and each input to the fitted values."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.criterion import Points
from service.engine.fit.design import respond
from service.engine.fit.estimates import evaluate, find_fitted
from service.engine.fit.predictions import list_steps
from service.engine.fit.sequences import Sequences
from service.engine.fit.solution import Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array


class Contributions(NamedTuple):
    """Parts of the fitted values (R,), which add up to them, in the rows of the table of a fit."""

    sequence: NDArray[np.intp]  # from 0
    step: NDArray[np.intp]  # from 1
    start: Array  # of the initial states, which decays
    baseline: Array  # the offset, the trend and the season
    inputs: Array  # (q, R), of each input with its square


def decompose(solution: Solution) -> Contributions:
    """Return the contributions to the fitted values.

    Parameters
    ----------
    solution
        The fit.

    Returns
    -------
    Contributions
        In the units of the targets.
    """
    problem = solution.problem
    rows = list_steps(problem)
    sequence, column = rows
    order = problem.sequences.columns
    names = np.array([*problem.record.input_names, *problem.options.curves])
    inputs = [
        _respond(solution, order.inputs.start + np.flatnonzero(names == name))[rows]
        for name in problem.record.input_names
    ]
    inputs_at_rows = np.reshape(inputs, (len(inputs), len(sequence)))
    baseline = find_baseline(solution)[rows]
    start = np.zeros_like(baseline)
    if problem.has_unknown_start or problem.start != 0.0:
        start = find_fitted(solution)[rows] - baseline - inputs_at_rows.sum(axis=0)
    step = column + 1 + problem.skip
    return Contributions(sequence, step, start, baseline, inputs_at_rows)


def _respond(solution: Solution, members: slice | NDArray[np.intp]) -> Array:
    """Return the effects (N, T) of some sources, without the others."""
    check_interruption()
    problem = solution.problem
    sources = np.zeros_like(problem.sequences.sources)
    sources[..., members] = problem.sequences.sources[..., members]
    columns = respond(problem, solution.best.poles, sources)[0, ..., problem.n_own_columns :]
    return np.asarray(columns @ solution.best.theta[0] * problem.unit)


def find_baseline(solution: Solution) -> Array:
    """Return the offset, the trend and the season.

    With an unknown start, the constant of the model is filtered, and its steady state is the
    offset. Of a w_rec close to 1, it is the filtered constant itself.

    Parameters
    ----------
    solution
        The fit.

    Returns
    -------
    baseline : (N, T)
        In the units of the targets.
    """
    problem = solution.problem
    order = problem.sequences.columns
    gap = float(np.prod(1.0 - np.array(solution.poles)))
    if gap < constants.LEAST_GAP:  # the level would lose the digits of the other parts
        gap = 0.0
    if problem.has_own_offsets:
        offsets = _find_own_offsets(solution, gap if problem.has_unknown_start else 1.0)
        return _respond(solution, order.baselines) + problem.center + problem.unit * offsets
    if not problem.has_offset or not problem.has_unknown_start or gap == 0.0:
        return _respond(solution, order.levels) + problem.center
    weight = float(solution.best.theta[0, problem.linear_columns.offset][0])
    others = _respond(solution, order.baselines)
    return others + problem.center + problem.unit * weight / gap


def _find_own_offsets(solution: Solution, gap: float) -> Array:
    """Return the offset of each sequence (N, T); the filtered constant without a steady state."""
    problem = solution.problem

    def level(at: Points, sequences: Sequences) -> tuple[Array, float]:
        columns = respond(problem, at.poles, sequences.sources)
        factors = np.zeros_like(columns)
        offset = problem.columns.offset
        factors[..., offset] = 1.0 / gap if gap != 0.0 else columns[..., offset]
        return factors, 1.0

    return evaluate(solution, level, problem.sequences)
