"""Checks of residuals: one mechanism for all.

Each statistic of the whitened residuals is compared with that of simulated ones: white vectors that
are projected as the residuals are, onto the complement of what was fitted. The seed is fixed, so a
fit always has the same verdict. A check is found if the smallest of all p-values is small among the
smallest of the simulated vectors, which accounts for the number of checks.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from service.engine.fit.linear import RANK_RTOL
from service.engine.fit.linearization import EXPLAINED_RTOL, Residuals
from service.engine.fit.solution import Solution
from service.engine.interruption import check_interruption
from service.engine.types import Array

ALPHA: Final = 0.03  # the level of all checks together
CAUTIONS: Final = ("feedback", "outliers", "alternate")
CAUTION_ALPHA: Final = 0.01  # the level of each check that is only a caution
NEIGHBORS_SHARE: Final = 3.0  # how much more often than others the check of neighbors may alarm
NUMBERS: Final = 1_000_000  # about the most that are simulated
SIMULATIONS: Final = 399  # the most simulated vectors
MAX_INPUT_LAG: Final = 10
MAX_SEASON: Final = 60


class Finding(NamedTuple):
    """A reason or a caution, and what is known about it."""

    slug: str
    input: str | None = None  # the name of the input that it concerns
    lag: int | None = None  # in steps
    value: float = np.nan  # the size of what was found
    p: float = np.nan


class Statistic(NamedTuple):
    """A check of the observed residuals, and of the simulated ones."""

    values: Array  # (B + 1,) the observed one first
    value: float  # the size of what was found
    input: str | None = None
    lag: int | None = None  # in steps


def run_checks(solution: Solution) -> list[Finding]:
    """Return the checks that found something, reasons before cautions."""
    residuals, delay = Residuals(solution, NUMBERS, SIMULATIONS), solution.problem.delay
    neighbors = _correlate_neighbors(residuals)
    statistics = {
        "follow_inputs": _follow_inputs(residuals, range(-min(delay, 2), MAX_INPUT_LAG + 1)),
        "same_shape": _compare_shapes(residuals),
        "season": _find_season(residuals),
        "noise_model_matters": _compare_noise_models(residuals),
        "spread": _relate_spread(residuals),
        "neighbors": neighbors,
        "feedback": _follow_inputs(residuals, range(-delay - 2, -delay)),
        "outliers": _find_outliers(residuals),
        "alternate": neighbors and neighbors._replace(values=-neighbors.values),
    }
    check_interruption()
    available = {slug: each for slug, each in statistics.items() if each is not None}
    ranks = {slug: _rank(each.values) for slug, each in available.items()}
    if neighbors is not None and not solution.is_colored:  # a fitted rho explains neighbors
        ranks["neighbors"] = ranks["neighbors"] / NEIGHBORS_SHARE
    least = np.min([p for slug, p in ranks.items() if slug not in CAUTIONS], axis=0, initial=1.0)
    critical = -1.0  # the p-value below which a check of one level for all has found something
    if float(np.mean(least <= least[0])) <= ALPHA:
        critical = float(np.quantile(least, ALPHA, method="lower"))
    return [
        Finding(slug, each.input, each.lag, each.value, float(ranks[slug][0]))
        for slug, each in available.items()
        if ranks[slug][0] <= (CAUTION_ALPHA if slug in CAUTIONS else critical)
    ]


def _rank(values: Array) -> Array:
    """Return for each value how many of all are as large."""
    ranks: Array = 1.0 - np.searchsorted(np.sort(values), values, side="left") / len(values)
    return ranks


def _find_outliers(residuals: Residuals) -> Statistic:
    largest = np.max(np.abs(residuals.values), axis=0)
    return Statistic(largest, float(largest[0]))


def _correlate_neighbors(residuals: Residuals) -> Statistic | None:
    """Correlate successive targets, whatever the gap between them."""
    inner = np.flatnonzero(~residuals.is_first)
    if not len(inner):
        return None
    u = residuals.values
    r = np.sum(u[inner] * u[inner - 1], axis=0) / len(u)
    if float(np.std(r[1:])) <= EXPLAINED_RTOL / math.sqrt(len(u)):  # the fit determines it
        return None
    return Statistic(r, float(r[0] - np.median(r[1:])))


def _find_season(residuals: Residuals) -> Statistic | None:
    """Correlate residuals that are 2 or more slots of the usual gap apart."""
    u, usual = residuals.values, residuals.solution.noise.usual_gap
    hops = np.where(residuals.is_first, 0.0, np.maximum(np.round(residuals.gaps / usual), 1.0))
    total = np.cumsum(hops).astype(np.intp)
    slots = total - total[residuals.edges][residuals.member]
    n_slots = int(slots.max()) + 1
    n_lags = min(MAX_SEASON, n_slots // 4)
    if n_lags < 2:
        return None
    # Sequences are so far apart that lags do not cross.
    places = residuals.member * (n_slots + n_lags) + slots
    padded = np.zeros((int(places[-1]) + 1, u.shape[1]))
    padded[places] = u
    lags = range(2, n_lags + 1)
    sums = np.stack([np.einsum("ij,ij->j", padded[lag:], padded[:-lag]) for lag in lags])
    deviations = sums[:, 1:].std(axis=1, keepdims=True)
    scores = sums - sums[:, 1:].mean(axis=1, keepdims=True)
    scores = np.divide(scores, deviations, out=np.zeros_like(sums), where=deviations > 0.0)
    lag = int(np.argmax(sums[:, 0]))  # where the residuals resemble each other most
    value = float(sums[lag, 0] / len(u))
    return Statistic(np.abs(scores).max(axis=0), value, lag=lags[lag] * round(usual))


def _follow_inputs(residuals: Residuals, lags: range) -> Statistic | None:
    """Relate residuals to inputs some steps earlier than those that act, or later."""
    problem, sequence, step = residuals.problem, residuals.sequence, residuals.step
    series, longest = problem.series, int(np.max(step, initial=0)) + 1
    starts, ends = series.starts[:-1][sequence], series.starts[1:][sequence]
    rows = starts + problem.options.delay[1] + step - problem.delay
    tested = list[Statistic]()
    for lag in lags:
        if lag > max(2, longest // 5):
            break
        at = rows - lag
        exists = (at >= starts) & (at < ends)
        inputs = series.inputs[np.clip(at, 0, len(series.inputs) - 1)] / problem.input_units
        columns = residuals.whiten(np.where(exists[:, None], inputs, 0.0))
        before = np.linalg.norm(columns, axis=0)
        columns = residuals.project(columns)
        norms = np.linalg.norm(columns, axis=0)
        for i in np.flatnonzero(norms > EXPLAINED_RTOL * before).tolist():
            scores = np.abs(columns[:, i] @ residuals.values) / norms[i]
            value, name = float(scores[0]) / math.sqrt(len(columns)), series.input_names[i]
            tested.append(Statistic(scores, value, name, abs(lag + problem.delay)))
    if not tested:
        return None
    best = max(tested, key=lambda each: float(each.values[0]))
    return best._replace(values=np.max([each.values for each in tested], axis=0))


def _compare_shapes(residuals: Residuals) -> Statistic | None:
    """Average the residuals of all sequences at the same steps since their starts."""
    u, step, edges = residuals.values, residuals.step, residuals.edges
    if len(edges) < 3 or residuals.problem.options.initial_state != "each":
        return None
    since = step - step[edges][residuals.member]
    counts = np.bincount(since)
    if np.count_nonzero(counts > 2) <= 3:
        return None
    sums = np.zeros((len(counts), u.shape[1]))
    np.add.at(sums, since, u)
    shape = sums / np.sqrt(np.maximum(counts, 1))[:, None]
    values = np.sum(shape**2, axis=0)
    lag = int(np.argmax(np.abs(shape[:, 0])))
    return Statistic(values, float(values[0] / len(u)), lag=lag)


def _relate_spread(residuals: Residuals) -> Statistic | None:
    """Correlate the sizes of residuals with the fit."""
    sequences = residuals.sequences
    level = sequences.targets[sequences.has_target] - residuals.color(residuals.observed)[:, 0]
    level -= level.mean()
    norm = float(np.linalg.norm(level))
    if norm <= RANK_RTOL * math.sqrt(len(level)):
        return None
    sizes = np.abs(residuals.values)
    sizes = sizes - sizes.mean(axis=0)
    r = level / norm @ sizes / np.maximum(np.linalg.norm(sizes, axis=0), 1e-300)
    return Statistic(np.abs(r - np.median(r[1:])), float(r[0]))


def _compare_noise_models(residuals: Residuals) -> Statistic | None:
    """Compare the w_rec of white and of ar1 noise, linearized.

    It is the test of J. A. Hausman, "Specification tests in econometrics", Econometrica 46 (1978),
    1251-1271.
    """
    if residuals.rho == 0.0:
        return None
    white, own = (
        linear.free[0, :, 0] / max(float(linear.sensitivity[0]) ** 2, 1e-300)
        for linear in (residuals.white, residuals.own)
    )
    noise = residuals.color(residuals.innovations)
    change = white @ noise - own @ residuals.innovations
    values = np.abs(change) / residuals.norms
    return Statistic(values, float(abs(change[0])) * residuals.scale)
