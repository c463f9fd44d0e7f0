"""The test for levels that differ between sequences, so that each needs its own offset.

With one offset, differences between levels appear as slow effects, or as autocorrelated noise. The
test is an F test of the full likelihoods, with the noise free in both fits.
"""

import numpy as np

from service.engine.data import Series
from service.engine.fit import constants
from service.engine.fit.judge.checks import Finding
from service.engine.fit.judge.structures import Alternative, find_null_noise, judge_gain
from service.engine.fit.model import FitProblem, shorten
from service.engine.fit.solve import Solution


def find_levels(problem: FitProblem, *, has_signs: bool) -> Alternative | None:
    """Return the fit with an offset per sequence, if it is clearly better.

    Parameters
    ----------
    problem
        A fit.
    has_signs
        True if the residuals show what levels that differ may imitate. They then suffice unless
        they are equal within their errors.

    Returns
    -------
    Alternative or None
        The reason has the gain and the p-value.
    """
    if not _can_differ(problem):
        return None
    gain, p = test_levels(problem)
    if p >= (constants.EQUAL_LEVELS if has_signs else _choose_level(problem)):
        return None
    options = {"offset": "each"}
    return Alternative(
        Finding("levels_advised", value=gain, p=p), options, Solution(problem.vary(**options))
    )


def test_levels(problem: FitProblem) -> tuple[float, float]:
    """Compare an offset per sequence with one for all, by the full likelihoods.

    Parameters
    ----------
    problem
        A fit with either.

    Returns
    -------
    gain
        In twice the logarithm of the likelihood.
    p
        The p-value of an F test.
    """
    short = shorten(problem, constants.ENOUGH_TARGETS).vary(noise=find_null_noise(problem))
    is_coarse = problem.n_states > 1
    smaller, larger = (
        Solution(short.vary(offset=offset), is_coarse=is_coarse, has_profile=False)
        for offset in (True, "each")
    )
    return judge_gain(smaller, larger)


def find_equal_levels(problem: FitProblem, p: float) -> Alternative | None:
    """Return the fit with one offset, if those of the sequences hardly differ.

    Parameters
    ----------
    problem
        A fit with an offset per sequence.
    p
        The p-value of their differences.

    Returns
    -------
    Alternative or None
        It has a narrower interval.
    """
    if not p > constants.EQUAL_LEVELS:
        return None
    options = {"offset": True}
    finding = Finding("levels_alike", p=p)
    return Alternative(finding, options, Solution(problem.vary(**options)))


def prefers_own_levels(series: Series) -> bool:
    """Return True if sequences are long enough for offsets of their own without a test.

    These cost little width then, and a shared one that is wrong costs most of the coverage.

    Parameters
    ----------
    series
        Sequences, of which those without targets do not count.

    Returns
    -------
    bool
        For several sequences of which the median one has enough targets.
    """
    sequence = np.repeat(np.arange(len(series.lengths)), series.lengths)
    counts = np.bincount(sequence[~np.isnan(series.targets)])
    counts = counts[counts > 0]
    is_panel = len(counts) >= constants.PANEL_SEQUENCES
    return is_panel and float(np.median(counts)) >= constants.PANEL_TARGETS


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
