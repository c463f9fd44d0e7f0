"""The parts of fitted values: the effects of some sources, and the baseline."""

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.model import Sequences, respond
from service.engine.fit.solve.criterion import Points
from service.engine.fit.solve.estimates import evaluate
from service.engine.fit.solve.solution import Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array


def respond_to(solution: Solution, members: slice | NDArray[np.intp]) -> Array:
    """Return the effects of some sources, without the others.

    Parameters
    ----------
    solution
        The fit.
    members
        The places of the sources in the last axis of `Sequences.sources`.

    Returns
    -------
    effects : (N, T)
        In the units of the targets.
    """
    check_interruption()
    problem = solution.problem
    sources = np.zeros_like(problem.sequences.sources)
    sources[..., members] = problem.sequences.sources[..., members]

    def effect(at: Points, _: Sequences) -> tuple[Array, float]:
        return respond(problem.unknowns, at.poles, sources), problem.unit

    return evaluate(solution, effect, problem.sequences)


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
    # The level would lose the digits of the other parts.
    if gap * problem.targets.shape[1] < constants.LEAST_DECAY:
        gap = 0.0
    if problem.unknowns.has_own_offsets:
        offsets = _find_own_offsets(solution, gap if problem.has_unknown_start else 1.0)
        return respond_to(solution, order.baselines) + problem.center + problem.unit * offsets
    if not problem.has_offset or not problem.has_unknown_start or gap == 0.0:
        return respond_to(solution, order.levels) + problem.center
    weight = float(solution.best.theta[0, problem.unknowns.linear_columns.offset][0])
    others = respond_to(solution, order.baselines)
    return others + problem.center + problem.unit * weight / gap


def _find_own_offsets(solution: Solution, gap: float) -> Array:
    """Return the offset of each sequence (N, T); the filtered constant without a steady state."""
    problem = solution.problem

    def level(at: Points, sequences: Sequences) -> tuple[Array, float]:
        columns = respond(problem.unknowns, at.poles, sequences.sources)
        factors = np.zeros_like(columns)
        offset = problem.unknowns.columns.offset
        factors[..., offset] = 1.0 / gap if gap != 0.0 else columns[..., offset]
        return factors, 1.0

    return evaluate(solution, level, problem.sequences)
