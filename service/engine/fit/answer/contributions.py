"""The contributions of the start, the baseline and each input to the fitted values."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit.answer.predictions import list_steps
from service.engine.fit.solve import Solution, find_baseline, find_fitted, respond_to
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
        respond_to(solution, order.inputs.start + np.flatnonzero(names == name))[rows]
        for name in problem.record.input_names
    ]
    inputs_at_rows = np.reshape(inputs, (len(inputs), len(sequence)))
    baseline = find_baseline(solution)[rows]
    start = np.zeros_like(baseline)
    if problem.has_unknown_start or problem.unknowns.start != 0.0:
        start = find_fitted(solution)[rows] - baseline - inputs_at_rows.sum(axis=0)
    step = column + 1 + problem.skip
    return Contributions(sequence, step, start, baseline, inputs_at_rows)
