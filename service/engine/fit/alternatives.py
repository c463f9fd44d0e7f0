"""Other structures that fit clearly better: delays, a wider range of w_rec, an offset.

All are judged with the noise free, on the same targets, by the gain in twice the logarithm of the
restricted likelihood. A dead time or a missing level looks like autocorrelated noise, so that a
comparison with white noise, or with the noise of the fit, would miss it.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from service.engine.fit.effects import scan, shorten
from service.engine.fit.noise import Noise
from service.engine.fit.problem import Problem
from service.engine.fit.solution import Solution
from service.engine.profile import make_grid

MIN_GAIN: Final = 10.0  # right models are exceeded by so much in about 2 of 8,000 cases
MAX_DELAY: Final = 10
STEPS_PER_DELAY: Final = 6  # of the longest sequence, for one more delay to try
GAPS: Final = 13  # of the grid of w_rec from 0 to 1
CORRELATIONS: Final = np.array([-0.3, 0.0, 0.3, 0.6, 0.85, 0.96, 0.995])
REFINEMENT: Final = 9  # points from one neighbor of the lowest point to the other
RESOLUTION: Final = 1.0  # of the criterion, at which the refinement ends
MAX_ROUNDS: Final = 12


class Structure(NamedTuple):
    """Options of a fit that is clearly better."""

    reason: str
    problem: Problem
    options: dict[str, Any]  # those that differ, by the names of a request
    gain: float


class Candidate(NamedTuple):
    """A structure to compare with that of the fit."""

    reason: str
    delay: int
    changes: dict[str, Any]  # other options
    gain: float = 0.0


class Alternative(NamedTuple):
    """What to change to get a clearly better fit, and that fit."""

    reason: str
    options: Mapping[str, Any]
    w_rec: float
    time_constant: float  # in steps; nan unless 0 < w_rec < 1
    r_squared: float


def find_structures(solution: Solution) -> list[Structure]:
    """Return all structures that are clearly better than that of a fit, the best first."""
    problem, w_rec = solution.problem, solution.w_rec
    candidates = _list_candidates(problem)
    if not candidates:
        return []
    short = shorten(problem)
    better = _compare(short, candidates, w_rec)
    if better and short is not problem and not _compare(problem, better[:1], w_rec):
        return []
    structures = [_to_structure(problem, candidate) for candidate in better]
    return [
        structure
        for structure in structures
        if structure.reason != "offset_advised" or not _has_impossible_offset(structure.problem)
    ]


def _to_structure(problem: Problem, candidate: Candidate) -> Structure:
    reason, delay, changes, gain = candidate
    better = problem.vary(**changes).move(delay, delay)
    options: dict[str, Any] = {"delay": delay} if reason == "delay_advised" else dict(changes)
    if "w_rec" in options:
        options["w_rec"] = dict(zip(("low", "high"), options["w_rec"], strict=True))
    return Structure(reason, better, options, gain)


def describe(reason: str, options: Mapping[str, Any], problem: Problem) -> Alternative:
    """Return the fit of a better problem as an alternative."""
    solution = Solution(problem)
    w = solution.w_rec
    time_constant = -1.0 / math.log(w) if 0.0 < w < 1.0 else math.nan
    return Alternative(reason, options, w, time_constant, solution.r_squared)


def _list_candidates(problem: Problem) -> list[Candidate]:
    options, has_inputs = problem.options, len(problem.is_free) > 0
    candidates: list[Candidate] = []
    longest = int(np.max(np.sum(~np.isnan(problem.targets), axis=1), initial=0))
    if has_inputs:
        n_delays = min(MAX_DELAY, longest // STEPS_PER_DELAY)
        delays = [delay for delay in range(n_delays + 1) if delay != problem.delay]
        candidates += [Candidate("delay_advised", delay, {}) for delay in delays]
    low, high = options.w_rec
    if has_inputs and longest > 1 and (low > -1.0 or high < 1.0):
        wider = {"w_rec": (min(low, -1.0), max(high, 1.0))}
        candidates.append(Candidate("range_advised", problem.delay, wider))
    if options.offset is False:
        candidates.append(Candidate("offset_advised", problem.delay, {"offset": True}))
    return candidates


def _compare(problem: Problem, candidates: list[Candidate], w_rec: float) -> list[Candidate]:
    """Return the candidates that are clearly better, with their gains, the best first."""
    skip = max(problem.options.delay[1], *(candidate.delay for candidate in candidates))
    if skip > problem.options.delay[1]:
        # The states after the first targets differ, and are unknown.
        problem = problem.vary(initial_state="each")
    base = problem.move(problem.delay, skip)
    lowest = dict[bool, float]()
    better = []
    n_contrasts = base.n_targets - base.n_unknowns - 1
    if n_contrasts < 1:
        return []
    for candidate in candidates:
        # An offset changes the contrasts, so that only full likelihoods compare.
        is_restricted = "offset" not in candidate.changes
        other = problem.vary(**candidate.changes).move(candidate.delay, skip)
        cost = _find_lowest(other, w_rec, n_contrasts, is_restricted=is_restricted)
        if is_restricted not in lowest:
            lowest[is_restricted] = _find_lowest(
                base, w_rec, n_contrasts, is_restricted=is_restricted
            )
        gain = lowest[is_restricted] - cost
        if gain > MIN_GAIN:
            better.append(candidate._replace(gain=gain))
    return sorted(better, key=lambda candidate: -candidate.gain)


def _find_lowest(problem: Problem, w_rec: float, n_contrasts: int, *, is_restricted: bool) -> float:
    """Return the lowest criterion on grids that suffice to compare structures.

    The grid of w_rec includes that of the fit, and is refined around its lowest point.
    """
    noise, lowest = Noise(problem), math.inf
    usable = CORRELATIONS[noise.correlations[0] <= CORRELATIONS]
    rho, sequences = noise.to_rho(usable), problem.sequences
    targets = sequences.targets[sequences.has_target][:, None]
    w = make_grid(problem.targets.shape[1], *problem.options.w_rec, GAPS)
    w = np.unique(np.append(w, w_rec))
    for _ in range(MAX_ROUNDS):
        values = scan(problem, w, rho, targets, n_contrasts, is_restricted=is_restricted)[..., 0]
        lowest = min(lowest, float(values.min()))
        j, i = divmod(int(np.argmin(values)), values.shape[1])
        low, high = max(i - 1, 0), min(i + 1, len(w) - 1)
        if float(values[j, [low, high]].max() - values[j, i]) < RESOLUTION:
            break
        w, rho = np.linspace(w[low], w[high], REFINEMENT), rho[max(j - 1, 0) : j + 2]
    # The unit depends on whether there is an offset.
    return lowest + 2.0 * n_contrasts * math.log(problem.unit)


def _has_impossible_offset(problem: Problem) -> bool:
    """Return whether the offset would be below 0 though all targets are positive."""
    targets, solution = problem.targets[~np.isnan(problem.targets)], Solution(problem)
    return bool((targets > 0.0).all()) and solution.offset < 0.0
