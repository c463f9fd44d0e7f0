"""The tests for levels and for gains that differ between sequences, so that each needs its own.

With one offset, differences between levels appear as slow effects, or as autocorrelated noise. The
tests are F tests of the full likelihoods, with the noise free in both fits.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from service.engine.data import Series
from service.engine.fit import constants
from service.engine.fit.judge.findings import Alternative, Family, Finding
from service.engine.fit.judge.structures import find_null_noise, judge_gain
from service.engine.fit.model import FitProblem, shorten
from service.engine.fit.solve import Solution

# The options of a fit without and with more unknowns per sequence, by the reason for them.
_STEPS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "levels_advised": ({"offset": True}, {"offset": "each"}),
    "gains_differ": ({"own_gains": False}, {"own_gains": True}),
}
# The findings that they may imitate.
_IMITATED: Final = {"levels_advised": Family.LEVELS, "gains_differ": Family.GAINS}


def find_levels(problem: FitProblem, signs: Family) -> Alternative | None:
    """Return the fit with an offset, or then with gains, per sequence, if it is clearly better.

    Parameters
    ----------
    problem
        A fit.
    signs
        The families of the findings in the residuals. What may imitate these suffices unless it is
        equal within its errors.

    Returns
    -------
    Alternative or None
        The reason has the gain and the p-value.
    """
    reason = _choose_reason(problem)
    if reason is None:
        return None
    smaller, larger = _STEPS[reason]
    if _count_targets(problem) < constants.LEVELS_TARGETS:
        return None
    has_signs = bool(_IMITATED[reason] & signs)
    gain, p = _compare(problem, smaller, larger, has_signs=has_signs)
    if p >= (constants.EQUAL_LEVELS if has_signs else _choose_level(problem)):
        return None
    return Alternative(Finding(reason, value=gain, p=p), larger, Solution(problem.vary(**larger)))


def test_levels(problem: FitProblem) -> float:
    """Return the p-value of the F test of an offset per sequence against one for all.

    Parameters
    ----------
    problem
        A fit with either.
    """
    _, p = _compare(problem.vary(own_gains=False), *_STEPS["levels_advised"], has_signs=True)
    return p


def test_gains(problem: FitProblem) -> float:
    """Return the p-value of the F test of gains per sequence against the same for all.

    Parameters
    ----------
    problem
        A fit with either, and an offset per sequence.
    """
    _, p = _compare(problem, *_STEPS["gains_differ"])
    return p


def _compare(
    problem: FitProblem,
    smaller: Mapping[str, Any],
    larger: Mapping[str, Any],
    *,
    has_signs: bool = False,
) -> tuple[float, float]:
    """Return the gain in twice the log-likelihood of other options, and its p-value.

    Noise that lasts longer than a sequence is a level of it, and hides others. With signs of
    levels that it hides, the test is one with independent noise.
    """
    short = shorten(problem, constants.ENOUGH_TARGETS).vary(noise=find_null_noise(problem))
    is_coarse = problem.unknowns.n_states > 1
    before, after = (
        Solution(short.vary(**options), is_coarse=is_coarse, has_profile=False)
        for options in (smaller, larger)
    )
    gain, p = judge_gain(before, after)
    is_hidden = has_signs and "offset" in larger and p >= constants.EQUAL_LEVELS
    if not is_hidden or not before.is_colored:
        return gain, p
    correlation = max(before.rho, 0.0) ** short.sequences.usual_gap
    if correlation ** _count_targets(short) <= constants.LASTING_CORRELATION:
        return gain, p
    return judge_gain(before.vary(noise="independent"), after.vary(noise="independent"))


def _count_targets(problem: FitProblem) -> float:
    """Return the number of targets of the median sequence, of those with targets."""
    counts = problem.padded.has_target.sum(axis=1)
    return float(np.median(counts[counts > 0]))


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


def _choose_reason(problem: FitProblem) -> str | None:
    """Return the reason for which more unknowns per sequence may be needed, if there is one.

    Levels come first, then gains of a single state.
    """
    is_unknown = problem.has_several and problem.options.initial_state == "each"
    if not is_unknown or not problem.has_offset:
        return None
    if not problem.unknowns.has_own_offsets:
        return "levels_advised"
    has_gains = problem.unknowns.columns.n_inputs > 0 and not problem.options.gains
    is_possible = (
        has_gains and problem.unknowns.n_states == 1 and not problem.unknowns.has_own_gains
    )
    most = constants.GAINS_SHARE * problem.n_targets
    is_small = is_possible and problem.vary(own_gains=True).n_unknowns <= most
    return "gains_differ" if is_small else None


def _choose_level(problem: FitProblem) -> float:
    """Return the level of the test, which is lower for many short sequences."""
    n_sequences = int(np.count_nonzero(problem.padded.has_target.any(axis=1)))
    is_short = problem.n_targets <= constants.FEW_PER_SEQUENCE * n_sequences
    is_wide = is_short and n_sequences >= constants.MANY_SEQUENCES
    return constants.WIDE_ALPHA if is_wide else constants.COMPLEX_ALPHA
