"""Changes over the record: of w_rec, of the gain or of the level, from some step on.

Each is the score of one more column. At p <= 1/400 it detects more simulated changes than the
statistic of J. Nyblom, "Testing for the constancy of parameters over time", Journal of the American
Statistical Association 84 (1989), 223-230.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.judge.residuals import Residuals
from service.engine.fit.model import FitProblem, delay, recur
from service.engine.fit.solve import Solution, find_baseline, find_fitted
from service.engine.types import Array


class Scan(NamedTuple):
    """The scores of a change at several places."""

    part: str  # what changes: "w_rec", "gain" or "level"
    steps: list[int]  # the steps of the record, from 1, from which on it is another one
    scores: Array  # (m, B + 1), the observed ones first


def scan_changes(solution: Solution, residuals: Residuals) -> list[Scan]:
    """Return the scores of changes, which are the same in all sequences.

    Parameters
    ----------
    solution
        The fit, with a single state.
    residuals
        Its residuals, and the simulated ones.

    Returns
    -------
    scans
        Empty with too few targets for two parts.
    """
    problem = solution.problem
    sequences = problem.sequences
    if problem.n_targets < constants.FEW_TARGETS:
        return []
    is_large = problem.n_targets > constants.MANY_TARGETS
    n_places = constants.CHANGE_PLACES // 2 if is_large else constants.CHANGE_PLACES
    shares = np.linspace(constants.FIRST_CHANGE, 1.0 - constants.FIRST_CHANGE, n_places)
    places = np.unique(np.quantile(sequences.step, shares).astype(np.intp))
    steps = (places + problem.skip + 1).tolist()
    return [
        Scan(part, steps, residuals.score(columns[sequences.has_target]))
        for part, columns in _list_columns(solution, places).items()
    ]


def _list_columns(solution: Solution, places: NDArray[np.intp]) -> dict[str, Array]:
    """Return the columns (N, T, m) of changes at m places, by what changes."""
    w_rec = solution.w_rec
    states = (find_fitted(solution) - find_baseline(solution))[..., None]
    before = delay(states)
    is_after = (np.arange(states.shape[1])[:, None] >= places).astype(np.float64)
    return {
        "w_rec": recur(w_rec, before * is_after),
        "gain": recur(w_rec, (states - w_rec * before) * is_after),
        "level": np.broadcast_to(is_after, (*states.shape[:2], len(places))),
    }


def judge_change(solution: Solution, part: str, step: int) -> float:
    """Return the gain in twice the log-likelihood of a change, with a new search.

    Parameters
    ----------
    solution
        The fit.
    part
        What changes.
    step
        The step of the record, from 1, from which on it is another one.

    Returns
    -------
    gain
        0 where the errors are proportional to the fitted values, or each sequence has its gains.
    """
    problem = solution.problem
    if problem.fitted is not None or problem.has_own_gains:
        return 0.0
    padded = problem.padded
    columns = _list_columns(solution, np.array([step - 1 - problem.skip]))
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
