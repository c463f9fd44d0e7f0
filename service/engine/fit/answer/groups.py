"""The levels of sequences that each have their own."""

import math
from functools import partial
from typing import NamedTuple

from service.engine.fit.solve import Solution, find_spread, weigh_offset


class Groups(NamedTuple):
    """How much sequences differ; nan where it is unknown."""

    level_sd: float  # the standard deviation of the offsets, without that of their errors
    level_p: float  # the p-value of a common one


def compare_groups(solution: Solution, level_p: float) -> Groups | None:
    """Return how much sequences differ.

    Parameters
    ----------
    solution
        The fit.
    level_p
        The p-value of a common offset.

    Returns
    -------
    Groups or None
        None unless each sequence has its own offset.
    """
    problem = solution.problem
    if not problem.has_own_offsets:
        return None
    if problem.has_unknown_start and solution.w_rec >= 1.0:  # without a steady state
        return Groups(math.nan, level_p)
    sequences = problem.sequences[problem.sequences.has_target.any(axis=1).nonzero()[0]]
    sd = find_spread(solution, partial(weigh_offset, problem), sequences)
    return Groups(problem.unit * sd, level_p)
