"""The levels and the gains of sequences that each have their own."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from service.engine.fit.solve import (
    Solution,
    find_determined,
    find_spreads,
    weigh_gains,
    weigh_offset,
)
from service.engine.types import Array


class GroupGains(NamedTuple):
    """The steady-state gains of an input in all sequences; nan where they are unknown."""

    median: float  # that of the sequence in the middle
    lowest: float
    highest: float
    sd: float  # their standard deviation, without that of their errors
    mean: tuple[float, float, float]  # of sequences of the kind, with its interval
    p: float  # of the same gains in all sequences


class Groups(NamedTuple):
    """The differences between sequences; nan where it is unknown."""

    level_sd: float  # the standard deviation of the offsets, without that of their errors
    level_p: float  # the p-value of a common one
    gains: dict[str, GroupGains]  # by input; empty unless each sequence has its own


def compare_groups(
    solution: Solution, own_gains: Array | None, level_p: float, gain_p: float
) -> Groups | None:
    """Return how much sequences differ.

    Parameters
    ----------
    solution
        The fit.
    own_gains : (q, N, 3)
        The gains of all sequences, with their intervals; None if they share them.
    level_p, gain_p
        The p-values of a common offset, and of common gains.

    Returns
    -------
    Groups or None
        None unless each sequence has its own offset.
    """
    problem = solution.problem
    if not problem.unknowns.has_own_offsets:
        return None
    if problem.has_unknown_start and solution.w_rec >= 1.0:  # without a steady state
        return Groups(math.nan, level_p, {})
    sequences = problem.sequences[problem.sequences.has_target.any(axis=1).nonzero()[0]]
    (sd,) = problem.unit * find_spreads(solution, partial(weigh_offset, problem), sequences)
    gains = {}
    if own_gains is not None:
        known = problem.sequences[find_determined(solution)]
        sizes = find_spreads(solution, partial(weigh_gains, problem), known).tolist()
        for name, rows, size in zip(problem.series.input_names, own_gains, sizes, strict=True):
            gains[name] = _describe_gains(rows[:, 0], size, problem.options.confidence, gain_p)
    return Groups(float(sd), level_p, gains)


def _describe_gains(values: Array, sd: float, confidence: float, p: float) -> GroupGains:
    """Return the gains (N,) of an input in a few numbers."""
    from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

    known = np.sort(values[np.isfinite(values)])
    n = len(known)
    if n < 2:
        unknown = (math.nan, math.nan, math.nan)
        return GroupGains(*unknown, math.nan, unknown, p)
    mean = float(known.mean())
    width = float(stdtrit(n - 1, 0.5 + 0.5 * confidence) * known.std(ddof=1) / math.sqrt(n))
    ends = (mean, mean - width, mean + width)
    lowest, highest = known[[0, -1]].tolist()
    return GroupGains(float(known[(n - 1) // 2]), lowest, highest, sd, ends, p)
