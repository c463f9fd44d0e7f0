"""The test for levels that differ between sequences, so that each needs its own offset.

With one offset, differences between levels appear as slow effects, or as autocorrelated noise. The
test is an F test of the full likelihoods, with the noise free in both fits.
"""

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.checks import Finding
from service.engine.fit.judge.structures import Alternative, find_null_noise, judge_gain
from service.engine.fit.model import FitProblem, shorten
from service.engine.fit.solve import Solution


def find_levels(problem: FitProblem) -> Alternative | None:
    """Return the fit with an offset per sequence, if it is clearly better.

    Parameters
    ----------
    problem
        A fit.

    Returns
    -------
    Alternative or None
        The reason has the gain and the p-value.
    """
    if not _can_differ(problem):
        return None
    short = shorten(problem, constants.ENOUGH_TARGETS).vary(noise=find_null_noise(problem))
    is_coarse = problem.n_states > 1
    smaller = Solution(short, is_coarse=is_coarse, has_profile=False)
    larger = Solution(short.vary(offset="each"), is_coarse=is_coarse, has_profile=False)
    gain, p = judge_gain(smaller, larger)
    if p >= _choose_level(problem):
        return None
    options = {"offset": "each"}
    return Alternative(
        Finding("levels_advised", value=gain, p=p), options, Solution(problem.vary(**options))
    )


def _can_differ(problem: FitProblem) -> bool:
    """Return True if sequences with unknown starts share an offset, and may have more unknowns."""
    has_shared = problem.has_offset and not problem.has_own_offsets
    if not has_shared or not problem.has_several or problem.options.initial_state != "each":
        return False
    n_unknowns = problem.vary(offset="each").n_unknowns
    return n_unknowns <= constants.LEVELS_SHARE * problem.n_targets


def _choose_level(problem: FitProblem) -> float:
    """Return the level of the test, which is lower for many short sequences."""
    n_sequences = int(np.count_nonzero(problem.padded.has_target.any(axis=1)))
    is_short = problem.n_targets <= constants.FEW_PER_SEQUENCE * n_sequences
    is_wide = is_short and n_sequences >= constants.MANY_SEQUENCES
    return constants.WIDE_ALPHA if is_wide else constants.COMPLEX_ALPHA
