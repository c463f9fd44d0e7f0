"""The structure of a fit: whether another one fits clearly better, and whether the inputs act.

Other structures are delays, a wider range of w_rec, and an offset. All are judged with the noise
free, on the same targets, by the gain in twice the logarithm of the restricted likelihood. A dead
time or a missing level looks like autocorrelated noise, so that a comparison with white noise, or
with the noise of the fit, would miss it. The delays that are tried depend on the data alone, and so
do the targets they are compared on: what is best from one delay is best from all.

The gain of all inputs is compared with that of targets simulated without inputs, for which the
delay, w_rec and rho are searched again. The noise of the simulation is ar1 even if that of the fit
is white: with white noise a drifting target would follow any slow input.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from service.engine.fit.criterion import COARSE_GAPS, Criterion
from service.engine.fit.linear import Linear, Rows
from service.engine.fit.problem import Problem
from service.engine.fit.residuals import Linearization, draw
from service.engine.fit.sequences import split
from service.engine.fit.solution import Solution
from service.engine.interruption import BlockResult, check_interruption, recall
from service.engine.profile import make_grid
from service.engine.types import Array

ENOUGH: Final = 2000  # targets that suffice for a first judgment

MIN_GAIN: Final = 10.0  # right models are exceeded by so much in about 2 of 8,000 cases
MAX_DELAY: Final = 10
STEPS_PER_DELAY: Final = 6  # of the longest sequence, for one more delay to try
# A missing season looks like a delay that turns the effect of an input round.
TURNED_GAIN: Final = 25.0  # what a delay needs that does so to an effect that is visible without
FEW_TARGETS: Final = 50  # With fewer of them, a delay needs more than the ordinary gain:
DELAY_ALPHA: Final = 0.01  # the level of an F test of one unknown, shared by all delays tried
MAX_ALTERNATIVES: Final = 3

ALPHA: Final = 0.04  # how often inputs without an effect may seem to have one
CLEAR: Final = ALPHA / 5  # what the first targets must show where there are many
SIMULATIONS: Final = 199  # the most simulated vectors
CONFOUNDED: Final = 1e-6  # a smaller gain is rounding
LEAST_R_SQUARED: Final = -1e-9  # that of a level is 0, but for rounding

# A reason, and the options that differ
Change: TypeAlias = tuple[str, dict[str, Any]]


class Alternative(NamedTuple):
    """What to change to get a clearly better fit, and that fit."""

    reason: str
    options: Mapping[str, Any]  # the fields of `FitOptions` that differ
    solution: Solution
    gain: float = math.nan  # of twice the logarithm of the likelihood


class Effect(NamedTuple):
    """Whether an effect is visible, and the p-value."""

    visible: bool
    p: float


def shorten(problem: Problem) -> Problem:
    """Return the problem with its first targets only, where there are very many."""
    if problem.n_targets <= ENOUGH:
        return problem
    series = problem.series
    end = int(np.flatnonzero(~np.isnan(series.targets))[ENOUGH - 1]) + 1
    lengths = np.diff(np.minimum(series.starts, end))
    inputs, targets = series.inputs[:end], series.targets[:end]
    short = replace(series, inputs=inputs, targets=targets, lengths=lengths[lengths > 0])
    return Problem(short, problem.options, problem.delay)


def find_alternatives(problem: Problem) -> list[Alternative]:
    """Return up to three structures that are clearly better than that of a fit, the best first."""
    longest_delay = find_longest_delay(problem)
    better = _compare(problem, _list_changes(problem, longest_delay), longest_delay)
    others = [
        Alternative(reason, options, Solution(problem.vary(**options)), gain)
        for gain, reason, options in better[:MAX_ALTERNATIVES]
    ]
    return [other for other in others if _is_useful(other, *problem.options.w_rec)]


def find_longest_delay(problem: Problem) -> int:
    """Return the longest delay to try, which does not depend on that of the problem.

    It is at most a sixth of the steps from the start of a sequence to its last target. Where starts
    are unknown, it leaves out at most a sixth of the targets. After it, each sequence has a state
    of its own, for which sequences with a shared start need enough targets.
    """
    series, has_target = problem.series, ~np.isnan(problem.series.targets)
    if not len(problem.is_free) or not has_target.any():
        return 0
    starts = np.repeat(series.starts[:-1], series.lengths)
    step = np.sort((np.arange(len(starts)) - starts)[has_target])
    longest = min(MAX_DELAY, (int(step[-1]) + 1) // STEPS_PER_DELAY)
    if problem.has_unknown_start:
        longest = min(longest, int(step[len(step) // STEPS_PER_DELAY]))
    most = int(np.max(np.bincount(starts[has_target])))
    has_few = problem.options.initial_state == "shared" and most < STEPS_PER_DELAY
    return 0 if has_few else longest


def _list_changes(problem: Problem, longest_delay: int) -> list[Change]:
    """Return the changes to compare with the options of a problem."""
    options, has_inputs, changes = problem.options, len(problem.is_free) > 0, list[Change]()
    low, high = options.w_rec
    if has_inputs:
        delays = [delay for delay in range(longest_delay + 1) if delay != problem.delay]
        changes += [("delay_advised", {"delay": (delay, delay)}) for delay in delays]
    has_pairs = bool(np.any(problem.sequences.has_target.sum(axis=1) > 1))
    if has_inputs and has_pairs and (low > -1.0 or high < 1.0):
        changes.append(("range_advised", {"w_rec": (min(low, -1.0), max(high, 1.0))}))
    if options.offset is not True:
        changes.append(("offset_advised", {"offset": True}))
    return changes


def _compare(
    problem: Problem, changes: list[Change], longest_delay: int
) -> list[tuple[float, *Change]]:
    """Return the changes that are clearly better, with their gains, the best first.

    Of very many targets, the first ones choose one change, and all confirm it.
    """
    short = shorten(problem)
    n_delays = sum(reason == "delay_advised" for reason, _ in changes)
    if short is not problem:
        better_at_first = _compare(short, changes, longest_delay)
        changes = [(reason, options) for _, reason, options in better_at_first[:1]]
    skip = max(problem.options.delay[1], longest_delay)
    same = {"noise": "ar1"}
    if problem.has_unknown_start and longest_delay > 0:
        same["initial_state"] = "each"  # After the steps that are left out, the states differ.
    base = problem.vary(**same, delay=(problem.delay, skip))
    n_contrasts = base.n_targets - base.n_unknowns
    if not changes or n_contrasts < 1:
        return []
    (_, highest), solve_once, better = Criterion(base).bound(), cache(Solution), []
    for reason, options in changes:
        first = options.get("delay", (problem.delay,))[0]
        other, gain = problem.vary(**(same | options | {"delay": (first, skip)})), -math.inf
        if reason == "offset_advised":
            # An offset changes the contrasts, so that only full likelihoods compare.
            without, fitted = solve_once(base), solve_once(other)
            gain = without.minus_two_log_likelihood - fitted.minus_two_log_likelihood
            gain *= n_contrasts / base.n_targets
        elif highest - Criterion(other).bound()[0] > MIN_GAIN:
            gain = solve_once(base).criterion - solve_once(other).criterion
        if reason == "delay_advised" and gain > MIN_GAIN:
            is_better = gain > _least_gain(solve_once(base), solve_once(other), n_delays)
        else:
            is_better = gain > MIN_GAIN
        if is_better:
            better.append((gain, reason, options))
    return sorted(better, key=lambda change: -change[0])


def _least_gain(present: Solution, other: Solution, n_delays: int) -> float:
    """Return the gain above which another delay is advised, of n that were tried."""
    from scipy.special import stdtrit  # noqa: PLC0415 - takes long to import

    n_targets, n_free, limit = present.n_targets, present.degrees_of_freedom, MIN_GAIN
    if n_targets < FEW_TARGETS:
        quantile = float(stdtrit(n_free, 1.0 - 0.5 * DELAY_ALPHA / n_delays))
        limit = max(limit, n_targets * math.log1p(quantile**2 / n_free))
    free = present.problem.free_columns
    turns = present.best.theta[0, free] * other.best.theta[0, free] < 0.0
    is_visible = Linearization(present, present.best).test_inputs() <= ALPHA
    return max(limit, TURNED_GAIN) if (turns & is_visible).any() else limit


def _is_useful(other: Alternative, low: float, high: float) -> bool:
    """Return whether an alternative can be advised, in place of a w_rec in a range."""
    if other.reason == "range_advised":
        return not low <= other.solution.w_rec <= high
    return other.solution.r_squared > LEAST_R_SQUARED and not other.solution.has_impossible_offset


def judge_effect(problem: Problem) -> Effect | None:
    """Return whether any input has a visible effect; None where a start explains the same.

    Of very many targets, the first ones suffice to see a clear effect.
    """
    short, options = shorten(problem), problem.options
    if short is not problem:
        effect = judge_effect(short)
        if effect is None or effect.p <= CLEAR:
            return effect
    null = problem.vary(gains=dict.fromkeys(problem.series.input_names, 0.0), noise="ar1")
    w = make_grid(problem.targets.shape[1], *options.w_rec, COARSE_GAPS)
    rho = problem.correlations[1:-2] ** (1.0 / problem.sequences.usual_gap)
    if short is not problem:
        w, rho = w[::3], rho[::2]
    criterion = Criterion(null)
    points = criterion.evaluate(w)
    fitted = Linearization(criterion, points[np.argsort(points.cost)[:1]])
    n_contrasts = max(problem.n_targets - problem.n_unknowns, 1)
    deviation = float(np.linalg.norm(fitted.observed)) / math.sqrt(n_contrasts)
    drawn = deviation * draw(problem.n_targets, SIMULATIONS) - fitted.observed
    # The first vector stands for the targets themselves.
    innovations = np.concatenate([0.0 * fitted.observed, drawn], axis=1)
    noise = problem.sequences.color(innovations, fitted.rho)

    def find_lowest(model: Problem) -> Array:
        blocks = split(len(w), model.sequences.sources.size)
        call = partial(_find_lowest, model, rho, noise, n_contrasts)
        lowest = [recall(partial(call, w[block]))[0] for block in blocks]
        return np.asarray(np.min(lowest, axis=0))

    low, high = options.delay
    tried = (Problem(problem.series, options, delay) for delay in range(low, high + 1))
    gains = find_lowest(null) - np.min([*map(find_lowest, tried)], axis=0)
    sizes = np.abs(gains)
    if sizes[0] < CONFOUNDED and np.median(sizes) < CONFOUNDED:
        return None
    p = float(np.mean(gains >= gains[0] - 1e-9))
    return Effect(p <= ALPHA, p)


def _find_lowest(problem: Problem, rho: Array, noise: Array, nu: int, w: Array) -> BlockResult:
    """Return the lowest criteria (B,) on a grid, for targets plus noise (n, B), nu contrasts."""
    sequences, lowest = problem.sequences, np.full(noise.shape[1], np.inf)
    rows = Rows(problem, w, has_order=True)
    white_determinant = Linear(rows, 0.0 * w).log_determinant
    for value, log_v in zip(rho.tolist(), sequences.log_determinant(rho), strict=True):
        own, white = Linear(rows, np.full(len(w), value)), sequences.whiten(noise, value)
        residuals, basis = (np.swapaxes(each, 1, 2) for each in (own.residuals, own.basis))
        total = own.squares[:, None] + np.sum(white**2, axis=0) - 2.0 * (residuals @ white)[:, 0]
        explained = np.sum((basis @ white) ** 2, axis=1)
        if problem.has_own_starts:
            for i, start in enumerate(own.starts):
                shares, squares = sequences.find_shares(start, white)
                explained[i] += np.sum(shares**2 * squares, axis=0)
        # The difference keeps no more digits.
        rest = np.maximum(total - explained, 1e-14 * total + 1e-300)
        constant = own.log_determinant - white_determinant + log_v
        criteria = nu * np.log(rest) + constant[:, None]
        lowest = np.minimum(lowest, criteria.min(axis=0))
        check_interruption()
    return (lowest,)
