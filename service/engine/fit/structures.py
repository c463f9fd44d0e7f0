"""The structure of a fit: whether another one fits clearly better.

Other structures are delays, a wider range of w_rec, and an offset. All are judged with the noise
free, on the same targets, by the gain in twice the logarithm of the restricted likelihood. A dead
time or a missing level looks like autocorrelated noise, so that a comparison with white noise, or
with the noise of the fit, would miss it. The delays that are tried depend on the data alone, and so
do the targets they are compared on: what is best from one delay is best from all.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.criterion import Criterion
from service.engine.fit.problem import FitProblem
from service.engine.fit.residuals import linearize
from service.engine.fit.solution import Solution


class Change(NamedTuple):
    """A reason to change the options of a fit, and the options that differ."""

    reason: str
    options: Mapping[str, Any]  # fields of `FitOptions`
    gain: float = math.nan  # of twice the logarithm of the likelihood


class Alternative(NamedTuple):
    """A recommended change, and the fit with it."""

    reason: str
    options: Mapping[str, Any]  # the fields of `FitOptions` that differ
    solution: Solution
    gain: float = math.nan  # of twice the logarithm of the likelihood


def shorten(problem: FitProblem) -> FitProblem:
    """Return the problem with its first targets only, where there are very many."""
    if problem.n_targets <= constants.ENOUGH_TARGETS:
        return problem
    series = problem.series
    end = int(np.flatnonzero(~np.isnan(series.targets))[constants.ENOUGH_TARGETS - 1]) + 1
    lengths = np.diff(np.minimum(series.starts, end))
    short = replace(
        series,
        inputs=series.inputs[:end],
        targets=series.targets[:end],
        lengths=lengths[lengths > 0],
    )
    return FitProblem(short, problem.options, problem.delay)


def find_alternatives(problem: FitProblem) -> list[Alternative]:
    """Return the structures that are clearly better than that of a fit.

    Parameters
    ----------
    problem
        The fit.

    Returns
    -------
    alternatives
        At most ``MAX_ALTERNATIVES``, the best first.
    """
    longest_delay = find_longest_delay(problem)
    better = _compare(problem, _list_changes(problem, longest_delay), longest_delay)
    alternatives = []
    for reason, options, gain in better[: constants.MAX_ALTERNATIVES]:
        other = Alternative(reason, options, Solution(problem.vary(**options)), gain)
        if _is_useful(other, *problem.options.w_rec):
            alternatives.append(other)
    return alternatives


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
    if options.offset is not True:
        changes.append(Change("offset_advised", {"offset": True}))
    return changes


def _compare(problem: FitProblem, changes: list[Change], longest_delay: int) -> list[Change]:
    """Return the changes that are clearly better, with their gains, the best first.

    Of very many targets, the first ones choose one change, and all confirm it.
    """
    n_delays = sum(change.reason == "delay_advised" for change in changes)
    short = shorten(problem)
    if short is not problem:
        changes = _compare(short, changes, longest_delay)[:1]
    same: dict[str, Any] = {"noise": "ar1"}
    if problem.has_unknown_start and longest_delay > 0:
        same["initial_state"] = "each"  # After the steps that are excluded, the states differ.
    skip = max(problem.options.delay[1], longest_delay)
    present = problem.vary(**same, delay=(problem.delay, skip))
    if not changes or present.n_targets <= present.n_unknowns:
        return []
    criterion = Criterion(present)
    upper_bound = criterion.bound()[1]
    solve_once = cache(Solution)
    better = []
    for change in changes:
        delay, _ = change.options.get("delay", (problem.delay, skip))
        other = problem.vary(**{**same, **change.options, "delay": (delay, skip)})
        changed = Criterion(other)
        needs_all = change.reason == "offset_advised"
        is_bounded = not needs_all and changed.n_contrasts == criterion.n_contrasts
        if is_bounded and upper_bound - changed.bound()[0] <= constants.MIN_GAIN:
            continue
        before = solve_once(present)
        after = solve_once(other)
        gain = _find_gain(before, after, has_other_contrasts=needs_all)
        least = constants.MIN_GAIN
        if change.reason == "delay_advised" and gain > constants.MIN_GAIN:
            least = _find_least_gain(before, after, n_delays)
        if gain > least:
            better.append(change._replace(gain=gain))
    return sorted(better, key=lambda change: -change.gain)


def _find_gain(before: Solution, after: Solution, *, has_other_contrasts: bool) -> float:
    """Return the gain in twice the logarithm of the restricted likelihood.

    An offset changes the contrasts, so that only full likelihoods compare.
    """
    if not has_other_contrasts:
        return before.comparable.exceeds(after.comparable)
    problem = before.problem
    gain = before.minus_two_log_likelihood - after.minus_two_log_likelihood
    return gain * (problem.n_targets - problem.n_unknowns) / problem.n_targets


def _find_least_gain(before: Solution, after: Solution, n_delays: int) -> float:
    """Return the gain above which another delay is recommended, of so many that were tried."""
    from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

    least = constants.MIN_GAIN
    n = before.n_targets
    nu = before.degrees_of_freedom
    if n < constants.FEW_TARGETS:
        quantile = float(stdtrit(nu, 1.0 - 0.5 * constants.DELAY_ALPHA / n_delays))
        least = max(least, n * math.log1p(quantile**2 / nu))
    inputs = before.problem.linear_columns.inputs
    turns = before.best.theta[0, inputs] * after.best.theta[0, inputs] < 0.0
    p_values = linearize(before.criterion, before.best).test_inputs()
    turns_detected = turns & (p_values <= constants.EFFECT_ALPHA)
    return max(least, constants.TURNED_GAIN) if turns_detected.any() else least


def _is_useful(other: Alternative, low: float, high: float) -> bool:
    """Return True if an alternative can be recommended, instead of a w_rec in a range."""
    if other.reason == "range_advised":
        return not low <= other.solution.w_rec <= high
    explains_more = other.solution.r_squared > constants.LEAST_R_SQUARED
    return explains_more and not other.solution.has_impossible_offset
