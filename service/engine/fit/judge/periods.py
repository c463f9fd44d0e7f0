"""The usual periods of a season that the data of a fit contain, and special steps of them."""

import math

import numpy as np

from service.engine.data import find_unit
from service.engine.fit import constants
from service.engine.fit.judge.findings import Finding, find_rare
from service.engine.fit.judge.residuals import Residuals
from service.engine.fit.model import FitProblem
from service.engine.types import Array


def list_periods(problem: FitProblem) -> list[int]:
    """Return the periods to try.

    Parameters
    ----------
    problem
        The fit.

    Returns
    -------
    periods
        In steps, in order.
    """
    if _begins_with_event(problem):
        return []
    step = problem.record.step
    usual = constants.PERIODS.get(find_unit(step.unit), constants.PERIODS["step"])
    periods = [period / step.length for period in usual]
    longest = problem.padded.n_steps // constants.LEAST_PERIODS
    tried = [round(each) for each in periods if each.is_integer() and 2 <= each <= longest]
    return [period for period in tried if repeats(problem, period, constants.MAX_HARMONICS)]


def find_special_steps(residuals: Residuals) -> list[Finding]:
    """Compare the residuals at each step of the longest usual period, such as those of holidays.

    Most of them must have the same sign, so that few outliers do not matter. Of three, all must.

    Parameters
    ----------
    residuals
        Those of a fit.

    Returns
    -------
    findings
        `season`, with the period.
    """
    problem = residuals.linearization.problem
    sequences = residuals.linearization.sequences
    periods = list_periods(problem)
    if not periods or problem.n_targets > constants.MANY_TARGETS:
        return []
    period = max(periods)
    phases = sequences.step % period
    order = np.argsort(phases, kind="stable")
    counts = np.bincount(phases, minlength=period)
    columns = np.arange(len(phases)) - np.repeat(np.cumsum(counts) - counts, counts)

    def add(u: Array) -> Array:
        table = np.full((period, int(counts.max()), u.shape[1]), np.inf)
        table[phases[order], columns] = u[order]
        table.sort(axis=1)
        rows = np.arange(period)
        quarter = np.maximum(counts - 1, 0) // 4
        low = table[rows, quarter]
        high = table[rows, np.maximum(counts - 1, 0) - quarter]
        least = np.maximum(np.maximum(low, -high), 0.0)
        return np.sqrt(counts)[:, None] * np.where(counts[:, None] > 2, least, 0.0)

    sizes = residuals.compare(add)
    value = float(sizes[:, 0].max()) / math.sqrt(len(phases))
    found = find_rare(Finding("season", lag=period, value=value), sizes.max(axis=0))
    return [] if found is None else [found]


def _begins_with_event(problem: FitProblem) -> bool:
    """Return True if several sequences begin with a dose or a start instead of at a date.

    A dose is an input that is 0 in most steps, but not in the first ones. At a start, the initial
    state is known, or nothing else changes.
    """
    series = problem.record
    first = series.inputs[series.starts[:-1]]
    is_dose = first.all(axis=0) & (np.median(series.inputs, axis=0) == 0.0)
    is_steady = (np.repeat(first, series.lengths, axis=0) == series.inputs).all()
    is_start = is_steady or not problem.starts_late
    return len(series.lengths) > 1 and bool(is_start or is_dose.any())


def repeats(problem: FitProblem, period: int, n_harmonics: int) -> bool:
    """Return True if every sequence records a season at least twice, and each of its unknowns.

    Parameters
    ----------
    problem
        The fit.
    period
        In steps.
    n_harmonics
        The most harmonics of the season.

    Returns
    -------
    bool
        True if there are two periods, and two targets per unknown of the season.
    """
    padded = problem.padded
    n_columns = min(period - 1, 2 * n_harmonics)
    n_periods = padded.lengths / period
    n_targets = padded.has_target.sum(axis=1)
    least = np.minimum(n_periods, n_targets / n_columns)[n_targets > 0]
    return bool((least >= constants.LEAST_PERIODS_OF_EACH).all())
