"""The structure of a fit: whether another one fits clearly better.

Other structures are delays, a wider range of w_rec, and unknowns instead of a given offset or gain.
All are judged with the noise free, on the same targets, by the gain in twice the logarithm of the
likelihood. A dead time or a missing level looks like autocorrelated noise, so that a comparison
with white noise, or with the noise of the fit, would miss it. The delays that are tried depend on
the data alone, and so do the targets they are compared on: what is best from one delay is best from
all.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.findings import Alternative, Finding
from service.engine.fit.model import FitProblem
from service.engine.fit.solve import Solution, linearize


class Change(NamedTuple):
    """A reason to change the options of a fit, and the options that differ."""

    reason: str
    options: Mapping[str, Any]  # fields of `FitOptions`
    input: str | None = None  # the name of the input that it concerns
    is_known: bool = False  # True if a number of the request is compared with the best one
    gain: float = math.nan  # of twice the logarithm of the likelihood
    excess: float = math.nan  # of the gain above the least one of a recommendation


def find_null_noise(problem: FitProblem) -> str:
    """Return the noise with which structures and effects are judged: ar1 unless excluded."""
    return "independent" if problem.options.noise == "independent" else "ar1"


def find_alternatives(problem: FitProblem, delays: Mapping[int, Solution]) -> list[Alternative]:
    """Return the structures that are clearly better than that of a fit.

    Of very many targets, the first ones choose one change, and all confirm it.

    Parameters
    ----------
    problem
        The fit.
    delays
        Those of `try_delays` for its first targets.

    Returns
    -------
    alternatives
        At most ``MAX_ALTERNATIVES``, the best first.
    """
    longest_delay = find_longest_delay(problem)
    tried = _list_changes(problem, longest_delay)
    tried += list_growth(problem, delays[problem.delay])
    better = _compare(problem.delay, tried, tried, delays)
    if problem.n_targets > constants.ENOUGH_TARGETS:
        better = _compare(problem.delay, better[:1], tried, try_delays(problem, longest_delay))
    alternatives = []
    for change in better[: constants.MAX_ALTERNATIVES]:
        delay, _ = change.options.get("delay", (None,) * 2)
        finding = Finding(change.reason, change.input, delay, change.gain)
        changed = problem.vary(**change.options)
        solution = Solution(changed, is_coarse=problem.unknowns.n_states > 1)
        other = Alternative(finding, change.options, solution)
        if _is_useful(other, *problem.options.w_rec):
            alternatives.append(other)
    return alternatives


def try_delays(problem: FitProblem, longest_delay: int) -> dict[int, Solution]:
    """Return the fits with every delay, to the same targets and with the noise free.

    Parameters
    ----------
    problem
        The fit.
    longest_delay
        The longest delay to try.

    Returns
    -------
    delays
        Fits that are not computed yet, by their delays.
    """
    skip = max(problem.options.delay[1], longest_delay)
    same: dict[str, Any] = {"noise": find_null_noise(problem)}
    if problem.has_unknown_start and longest_delay > 0:
        same["initial_state"] = "each"  # After the steps that are excluded, the states differ.
    is_coarse = problem.unknowns.n_states > 1
    return {
        delay: Solution(
            problem.vary(**same, delay=(delay, skip)), is_coarse=is_coarse, has_profile=False
        )
        for delay in range(skip + 1)
    }


def find_longest_delay(problem: FitProblem) -> int:
    """Return the longest delay to try, which does not depend on that of the problem.

    It is at most a sixth of the steps from the start of a sequence to its last target. Where starts
    are unknown, it excludes at most a sixth of the targets. After it, each sequence has a state of
    its own, for which sequences with a shared start need enough targets.

    Parameters
    ----------
    problem
        The fit.

    Returns
    -------
    int
        In steps.
    """
    series = problem.series
    has_target = ~np.isnan(series.targets)
    if not len(problem.is_free) or not has_target.any():
        return 0
    starts = np.repeat(series.starts[:-1], series.lengths)
    step = np.sort((np.arange(len(starts)) - starts)[has_target])
    longest = min(constants.MAX_DELAY, (int(step[-1]) + 1) // constants.STEPS_PER_DELAY)
    if problem.has_unknown_start:
        longest = min(longest, int(step[len(step) // constants.STEPS_PER_DELAY]))
    most = int(np.max(np.bincount(starts[has_target])))
    has_few = problem.options.initial_state == "shared" and most < constants.STEPS_PER_DELAY
    return 0 if has_few else longest


def _list_changes(problem: FitProblem, longest_delay: int) -> list[Change]:
    """Return the changes to compare with the options of a problem."""
    options = problem.options
    has_inputs = len(problem.is_free) > 0
    changes = list[Change]()
    if has_inputs:
        delays = [delay for delay in range(longest_delay + 1) if delay != problem.delay]
        changes += [Change("delay_advised", {"delay": (delay, delay)}) for delay in delays]
    low, high = options.w_rec
    has_pairs = bool(np.any(problem.sequences.has_target.sum(axis=1) > 1))
    if has_inputs and has_pairs and (low > -1.0 or high < 1.0):
        changes.append(Change("range_advised", {"w_rec": (min(low, -1.0), max(high, 1.0))}))
    if not problem.has_offset and _shows_level(problem):
        changes.append(Change("offset_advised", {"offset": True}, is_known=True))
    for name in options.gains:
        others = {other: gain for other, gain in options.gains.items() if other != name}
        changes.append(Change("gain_advised", {"gains": others}, name, is_known=True))
    return changes


def _shows_level(problem: FitProblem) -> bool:
    """Return True if the targets may contradict a known offset.

    What began empty, with neither a state nor an offset, has one only if that is seen before the
    first input, whenever that takes effect.
    """
    if problem.options.initial_state != 0.0 or problem.options.offset != 0.0:
        return True
    padded = replace(problem.padded, delay=0)
    acts = np.logical_or.accumulate((padded.inputs != 0.0).any(axis=2), axis=1)
    return bool((padded.has_target & ~acts).any())


def list_growth(problem: FitProblem, present: Solution) -> list[Change]:
    """Return the range of w_rec to try above 1, if 1 is the best one and the end of the range.

    Parameters
    ----------
    problem
        The fit.
    present
        The same fit to the first targets.

    Returns
    -------
    changes
        One or none.
    """
    low, high = problem.options.w_rec
    has_one = problem.unknowns.n_states == 1 and low < high == 1.0
    if not has_one or present.degrees_of_freedom <= 0:
        return []
    if present.criterion.find_coarsely().w[0] < high:
        return []
    most = round(1.0 + constants.MAX_GROWTH / problem.targets.shape[1], 3)
    return [Change("range_advised", {"w_rec": (low, min(most, constants.MAX_W_REC))})]


def _compare(
    present: int, changes: list[Change], tried: list[Change], delays: Mapping[int, Solution]
) -> list[Change]:
    """Return those of some changes that are clearly better, with their gains, the best first."""
    n_known = sum(change.is_known for change in tried)
    n_delays = sum(change.reason == "delay_advised" for change in tried)
    before = delays[present]
    if not changes or before.n_targets <= before.problem.n_unknowns:
        return []
    better = []
    for change in changes:
        delay, _ = change.options.get("delay", (None, None))
        after = before.vary(**change.options) if delay is None else delays[delay]
        if not change.is_known and _is_bounded(before, after):
            continue
        judged = _judge_change(change, before, after, n_known if change.is_known else n_delays)
        if judged.excess > 0.0:
            better.append(judged)
    return sorted(better, key=lambda change: -change.excess)


def _is_bounded(before: Solution, after: Solution) -> bool:
    """Return True if bounds exclude that a change of a single state is clearly better."""
    has_bounds = before.problem.unknowns.n_states == 1
    if not has_bounds or after.criterion.n_contrasts != before.criterion.n_contrasts:
        return False
    gain = before.criterion.bound()[1] - after.criterion.bound()[0]
    return gain <= constants.MIN_GAIN


def _judge_change(change: Change, before: Solution, after: Solution, n_tried: int) -> Change:
    """Return a change, of so many that were tried, with its gain and what exceeds the least one."""
    if change.is_known:
        gain = before.minus_two_log_likelihood - after.minus_two_log_likelihood
        least = _find_least_gain(after, constants.KNOWN_ALPHA / n_tried)
    else:
        gain = before.comparable.exceeds(after.comparable)
        least = constants.MIN_GAIN
    if change.reason == "delay_advised" and gain > least:
        least = _find_least_gain_of_delay(before, after, n_tried)
    return change._replace(gain=gain, excess=gain - least)


def judge_gain(smaller: Solution, larger: Solution) -> tuple[float, float]:
    """Return the gain of a larger fit, and the p-value of an F test as if the poles were known.

    Parameters
    ----------
    smaller, larger
        Fits to the same targets, with the same kind of noise.

    Returns
    -------
    gain
        In twice the logarithm of the full likelihood.
    p
        1 without degrees of freedom.
    """
    from scipy.special import fdtrc  # noqa: PLC0415 - takes long to import

    nu = larger.degrees_of_freedom
    n_more = max(larger.criterion.n_parameters - smaller.criterion.n_parameters, 1)
    gain = smaller.minus_two_log_likelihood - larger.minus_two_log_likelihood
    if nu <= 0:
        return gain, 1.0
    log_ratio = min(max(gain, 0.0) / larger.n_targets, constants.MAX_LOG_RATIO)
    return gain, float(fdtrc(n_more, nu, math.expm1(log_ratio) * nu / n_more))


def _find_least_gain(larger: Solution, alpha: float) -> float:
    """Return the gain in twice the log-likelihood that an F test of one more unknown requires."""
    from scipy.special import fdtri  # noqa: PLC0415 - takes long to import

    nu = larger.degrees_of_freedom
    if nu <= 0:
        return math.inf
    quantile = float(fdtri(1, nu, 1.0 - alpha))
    return larger.n_targets * math.log1p(quantile / nu)


def _find_least_gain_of_delay(before: Solution, after: Solution, n_delays: int) -> float:
    """Return the gain above which another delay is recommended, of so many that were tried."""
    least = constants.MIN_GAIN
    if before.n_targets < constants.FEW_TARGETS:
        least = max(least, _find_least_gain(before, constants.DELAY_ALPHA / n_delays))
    is_turned = turns_effect(before, after, constants.EFFECT_ALPHA)
    return max(least, constants.TURNED_GAIN) if is_turned else least


def turns_effect(before: Solution, after: Solution, level: float) -> bool:
    """Return True if another delay changes the sign of an effect that is detected without it.

    Parameters
    ----------
    before, after
        Fits with different delays.
    level
        The p-value below which effects are detected.

    Returns
    -------
    bool
        Of any input on a single state, with a weight for all sequences.
    """
    if before.problem.unknowns.n_states > 1 or before.problem.unknowns.has_own_gains:
        return False
    inputs = before.problem.unknowns.linear_columns.inputs
    turns = before.best.theta[0, inputs] * after.best.theta[0, inputs] < 0.0
    p_values = linearize(before.criterion, before.best).test_inputs()
    return bool((turns & (p_values <= level)).any())


def _is_useful(other: Alternative, low: float, high: float) -> bool:
    """Return True if an alternative can be recommended, instead of a w_rec in a range."""
    if other.reason == "range_advised":
        return not low <= min(other.solution.poles) <= max(other.solution.poles) <= high
    explains_more = other.solution.r_squared > constants.LEAST_R_SQUARED
    return explains_more and not other.solution.has_impossible_offset
