"""Changes over the record: of w_rec, of the gain or of the level, from some step on.

Each is the score of one more column. At p <= 1/400 it detects more simulated changes than the
statistic of J. Nyblom, "Testing for the constancy of parameters over time", Journal of the American
Statistical Association 84 (1989), 223-230.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.judge.findings import Finding, find_rare
from service.engine.fit.judge.residuals import Residuals, simulate_residuals
from service.engine.fit.model import FitProblem, delay, recur
from service.engine.fit.solve import (
    Solution,
    estimate_parameters,
    find_baseline,
    find_fitted,
    reweight,
)
from service.engine.types import Array


def find_change(residuals: Residuals) -> list[Finding]:
    """Return the finding of a change over the record, if there is one.

    A change looks like errors that persist. So those of an ar1 fit are also compared without their
    autocorrelation, and a change that is then found must fit better with it.

    Parameters
    ----------
    residuals
        Those of a fit.

    Returns
    -------
    findings
        `changes`, with what changes and from which step of the record on.
    """
    solution = residuals.solution
    if solution.problem.unknowns.n_states > 1:
        return []
    found = _scan(residuals)
    if not found and solution.is_colored:
        has_signs = residuals.has_random_signs
        found = _scan(simulate_residuals(solution, 0.0, has_random_signs=has_signs))
        found = found if _fits_better(solution, found[:1]) else []
    largest = found[:1]
    for other in found[1:]:
        is_similar = other.value > constants.SIMILAR_CHANGE * found[0].value
        if is_similar and "level" not in {found[0].part, other.part}:
            largest = [found[0]._replace(part="w_rec or the gain")]
    return largest


def divide(solution: Solution, step: int) -> tuple[Solution, Solution]:
    """Return the fits to the targets before a step and from it on.

    Parameters
    ----------
    solution
        A fit.
    step
        The first step of the second part in each sequence, from 1.

    Returns
    -------
    before, after
        With the options and the delay of the fit, and all inputs.
    """
    problem = solution.problem
    series = problem.record
    starts = np.repeat(series.starts[:-1], series.lengths)
    is_after = np.arange(len(starts)) - starts >= step - 1
    parts = []
    for is_other in (is_after, ~is_after):
        part = replace(series, targets=np.where(is_other, np.nan, series.targets))
        fitted = Solution(FitProblem(part, problem.options, problem.delay))
        parts.append(reweight(fitted) or fitted)
    before, after = parts
    return before, after


def is_changed(solution: Solution, parts: tuple[Solution, Solution]) -> bool:
    """Return True if an estimate of a fit is outside the interval of a part of the record.

    A part of the record contains a share f of the information, so that with equal parameters the
    distance of the estimates has a standard deviation of sqrt(1 - f) errors of the part (J. A.
    Hausman, "Specification tests in econometrics", Econometrica 46 (1978), 1251-1271).

    Parameters
    ----------
    solution
        The fit to all targets, with a single state.
    parts
        Those of `divide`. Without degrees of freedom in both, nothing can be compared.

    Returns
    -------
    bool
        For w_rec, and for the steady-state gain of any input.
    """
    if min(part.degrees_of_freedom for part in parts) <= 0:
        return False
    gains = estimate_parameters(solution).steady_state_gains[:, 0]
    for part in parts:
        if not any(low <= solution.w_rec <= high for low, high in part.intervals):
            return True
        _, low, high = estimate_parameters(part).steady_state_gains.T
        if ((gains < low) | (gains > high)).any():
            return True
    return False


def _fits_better(solution: Solution, changes: list[Finding]) -> bool:
    """Return True if a fit with changes is clearly better, whatever its autocorrelation."""
    gains = [_judge_change(solution, each.part or "", each.lag or 0) for each in changes]
    return sum(gains) > constants.HIDDEN_GAIN


def _scan(residuals: Residuals) -> list[Finding]:
    """Return the changes that are significant by themselves, the largest first."""
    found = []
    for part, steps, scores in _list_scores(residuals):
        statistics = scores.max(axis=0)
        value = float(statistics[0]) / math.sqrt(len(residuals.values))
        lag = steps[int(np.argmax(scores[:, 0]))]
        finding = Finding("changes", lag=lag, value=value, part=part)
        found.append(find_rare(finding, statistics))
    return sorted(filter(None, found), key=lambda finding: -finding.value)


def _list_scores(residuals: Residuals) -> Iterator[tuple[str, list[int], Array]]:
    """Yield what may change, from which steps of the record on, from 1, and the scores (m, B + 1).

    There are none with too few targets for two parts.
    """
    problem = residuals.solution.problem
    sequences = problem.sequences
    if problem.n_targets < constants.FEW_TARGETS:
        return
    is_large = problem.n_targets > constants.MANY_TARGETS
    n_places = constants.CHANGE_PLACES // 2 if is_large else constants.CHANGE_PLACES
    shares = np.linspace(constants.FIRST_CHANGE, 1.0 - constants.FIRST_CHANGE, n_places)
    places = np.unique(np.quantile(sequences.step, shares).astype(np.intp))
    places = places[places > sequences.step.min()]  # with targets before each
    if not len(places):
        return
    steps = (places + problem.skip + 1).tolist()
    for part, columns in _list_columns(residuals.solution, places):
        yield part, steps, residuals.score(columns[sequences.has_target])


def _list_columns(solution: Solution, places: NDArray[np.intp]) -> Iterator[tuple[str, Array]]:
    """Yield what changes, and its columns (N, T, m) at m places."""
    w_rec = solution.w_rec
    states = (find_fitted(solution) - find_baseline(solution))[..., None]
    before = delay(states)
    is_after = (np.arange(states.shape[1])[:, None] >= places).astype(np.float64)
    yield "w_rec", recur(w_rec, before * is_after)
    yield "gain", recur(w_rec, (states - w_rec * before) * is_after)
    yield "level", np.broadcast_to(is_after, (*states.shape[:2], len(places)))


def _judge_change(solution: Solution, part: str, step: int) -> float:
    """Return the gain in twice the log-likelihood of a change, with a new search.

    It is 0 where the errors are proportional to the fitted values, or each sequence has its gains.
    """
    problem = solution.problem
    if problem.fitted is not None or problem.unknowns.has_own_gains:
        return 0.0
    padded = problem.padded
    columns = dict(_list_columns(solution, np.array([step - 1 - problem.skip])))
    series = problem.record
    steps = np.arange(padded.n_steps) + problem.skip - problem.delay
    is_recorded = padded.is_step & (steps >= 0)
    added = np.zeros(len(series.inputs))
    rows = series.starts[:-1, None] + steps
    added[rows[is_recorded]] = columns[part][is_recorded, 0]
    name = "+".join((*series.input_names, part))  # unlike that of any input
    changed = replace(
        series,
        inputs=np.column_stack([series.inputs, added]),
        input_names=(*series.input_names, name),
    )
    options = replace(problem.options, direct=(*problem.options.direct, name))
    other = Solution(FitProblem(changed, options, problem.delay), has_profile=False)
    return solution.minus_two_log_likelihood - other.minus_two_log_likelihood
