"""Other structures that fit clearly better: delays, a wider range of w_rec, an offset.

All are judged with the noise free, on the same targets, by the gain in twice the logarithm of the
restricted likelihood. A dead time or a missing level looks like autocorrelated noise, so that a
comparison with white noise, or with the noise of the fit, would miss it.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from service.engine.fit.effects import shorten
from service.engine.fit.problem import Problem
from service.engine.fit.solution import Solution

MIN_GAIN: Final = 10.0  # right models are exceeded by so much in about 2 of 8,000 cases
MAX_DELAY: Final = 10
STEPS_PER_DELAY: Final = 6  # of the longest sequence, for one more delay to try
MAX_ALTERNATIVES: Final = 3


class Alternative(NamedTuple):
    """What to change to get a clearly better fit, and that fit."""

    reason: str
    options: Mapping[str, Any]  # those that differ, by the names of a request
    gain: float  # of twice the logarithm of the likelihood
    solution: Solution
    w_rec: float
    time_constant: float  # in steps; nan unless 0 < w_rec < 1
    r_squared: float


class Change(NamedTuple):
    """Options to compare with those of the fit."""

    reason: str
    options: dict[str, Any]


def find_alternatives(solution: Solution) -> list[Alternative]:
    """Return up to three structures that are clearly better than that of a fit, the best first."""
    problem, changes = solution.problem, _list_changes(solution.problem)
    if not changes:
        return []
    short = shorten(problem)
    better = _compare(short, changes)
    if better and short is not problem and not _compare(problem, [better[0][1]]):
        return []
    others = [describe(problem, *each) for each in better[:MAX_ALTERNATIVES]]
    return [other for other in others if _is_useful(other, *problem.options.w_rec)]


def describe(problem: Problem, gain: float, change: Change) -> Alternative:
    """Return the fit of a problem with other options as an alternative."""
    reason, options = change
    solution = Solution(problem.vary(**options))
    w = solution.w_rec
    time_constant = -1.0 / math.log(w) if 0.0 < w < 1.0 else math.nan
    shown = dict(options)
    if "delay" in shown:
        shown["delay"] = shown["delay"][0]
    if "w_rec" in shown:
        shown["w_rec"] = dict(zip(("low", "high"), shown["w_rec"], strict=True))
    return Alternative(reason, shown, gain, solution, w, time_constant, solution.r_squared)


def _list_changes(problem: Problem) -> list[Change]:
    options, has_inputs, changes = problem.options, len(problem.is_free) > 0, list[Change]()
    longest = int(np.max(np.sum(~np.isnan(problem.targets), axis=1), initial=0))
    (low, high), n_delays = options.w_rec, min(MAX_DELAY, longest // STEPS_PER_DELAY)
    if has_inputs:
        delays = [delay for delay in range(n_delays + 1) if delay != problem.delay]
        changes += [Change("delay_advised", {"delay": (delay, delay)}) for delay in delays]
    if has_inputs and longest > 1 and (low > -1.0 or high < 1.0):
        changes.append(Change("range_advised", {"w_rec": (min(low, -1.0), max(high, 1.0))}))
    if options.offset is not True:
        changes.append(Change("offset_advised", {"offset": True}))
    return changes


def _compare(problem: Problem, changes: list[Change]) -> list[tuple[float, Change]]:
    """Return the changes that are clearly better, with their gains, the best first."""
    last = problem.options.delay[1]
    skip = max(last, *(change.options.get("delay", (0, 0))[1] for change in changes))
    # The states after the first targets differ, and are unknown.
    same = {"initial_state": "each"} if skip > last else {}
    base = _solve(problem, delay=(problem.delay, skip), **same)
    n_contrasts = base.problem.n_targets - base.problem.n_unknowns
    if n_contrasts < 1:
        return []
    better = []
    for change in changes:
        first = change.options.get("delay", (problem.delay,))[0]
        other = _solve(problem, **(same | change.options | {"delay": (first, skip)}))
        if change.reason == "offset_advised":
            # An offset changes the contrasts, so that only full likelihoods compare.
            gain = base.minus_two_log_likelihood - other.minus_two_log_likelihood
            gain *= n_contrasts / base.problem.n_targets
        elif base.bounds[1] - other.bounds[0] > MIN_GAIN:
            gain = base.criterion - other.criterion
        else:
            continue
        if gain > MIN_GAIN:
            better.append((gain, change))
    return sorted(better, key=lambda pair: -pair[0])


def _solve(problem: Problem, **options: Any) -> Solution:
    return Solution(problem.vary(noise="ar1", **options))


def _is_useful(other: Alternative, low: float, high: float) -> bool:
    """Return whether an alternative can be advised, in place of a w_rec in a range."""
    if other.reason == "range_advised":
        return not low <= other.w_rec <= high
    return other.r_squared > 0.0 and not other.solution.has_impossible_offset
