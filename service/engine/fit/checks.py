"""Checks of residuals: one mechanism for all.

Each statistic of the whitened residuals is compared with that of simulated ones: white vectors that
are projected as the residuals are, onto the complement of what was fitted. The seed is fixed, so a
fit always has the same verdict. A check is found if the smallest of all p-values is small among the
smallest of the simulated vectors, which accounts for the number of checks.
"""

import math
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from service.engine.fit.linear import RANK_RTOL
from service.engine.fit.linearization import EXPLAINED_RTOL, TINY, Residuals
from service.engine.fit.solution import Solution
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


Check: TypeAlias = tuple[Finding, Array]
"""What was found if it is significant, and the statistics (B + 1,): the observed one first."""


def run_checks(solution: Solution) -> list[Finding]:
    """Return the checks that found something, reasons before cautions."""
    residuals, delay = Residuals(solution, NUMBERS, SIMULATIONS), solution.problem.delay
    checks = [
        _follow_inputs(residuals, "follow_inputs", range(-min(delay, 2), MAX_INPUT_LAG + 1)),
        _compare_shapes(residuals),
        _find_season(residuals),
        _compare_noise_models(residuals),
        _relate_spread(residuals),
        _correlate_neighbors(residuals, "neighbors", 1.0),
        _follow_inputs(residuals, "feedback", range(-delay - 2, -delay)),
        _find_outliers(residuals),
        _correlate_neighbors(residuals, "alternate", -1.0),
    ]
    available = [check for check in checks if check is not None]
    ranks = {finding.slug: _rank(values) for finding, values in available}
    if "neighbors" in ranks and not solution.is_colored:  # a fitted rho explains neighbors
        ranks["neighbors"] = ranks["neighbors"] / NEIGHBORS_SHARE
    least = np.min([p for slug, p in ranks.items() if slug not in CAUTIONS], axis=0, initial=1.0)
    critical = -1.0  # the p-value below which a check of one level for all has found something
    if float(np.mean(least <= least[0])) <= ALPHA:
        critical = float(np.quantile(least, ALPHA, method="lower"))
    return [
        finding._replace(p=float(ranks[finding.slug][0]))
        for finding, _ in available
        if ranks[finding.slug][0] <= (CAUTION_ALPHA if finding.slug in CAUTIONS else critical)
    ]


def _rank(values: Array) -> Array:
    """Return for each value how many of all are as large."""
    ranks: Array = 1.0 - np.searchsorted(np.sort(values), values, side="left") / len(values)
    return ranks


def _find_outliers(residuals: Residuals) -> Check:
    largest = np.max(np.abs(residuals.values), axis=0)
    return Finding("outliers", value=float(largest[0])), largest


def _correlate_neighbors(residuals: Residuals, slug: str, sign: float) -> Check | None:
    """Correlate successive targets, whatever the gap between them."""
    u, inner = residuals.values, np.flatnonzero(~residuals.sequences.is_first)
    r = np.sum(u[inner] * u[inner - 1], axis=0) / len(u)
    if float(np.std(r[1:])) <= EXPLAINED_RTOL / math.sqrt(len(u)):  # the fit determines it
        return None
    return Finding(slug, value=float(r[0] - np.median(r[1:]))), sign * r


def _find_season(residuals: Residuals) -> Check | None:
    """Correlate residuals that are 2 or more slots of the usual gap apart."""
    u, sequences = residuals.values, residuals.sequences
    hops = np.maximum(np.round(sequences.gaps / sequences.usual_gap), 1.0)
    total = np.cumsum(np.where(sequences.is_first, 0.0, hops)).astype(np.intp)
    slots = total - total[sequences.edges][sequences.member]
    n_slots = int(slots.max()) + 1
    lags = range(2, min(MAX_SEASON, n_slots // 4) + 1)
    if not lags:
        return None
    padded = np.zeros((len(sequences.edges), n_slots, u.shape[1]))
    padded[sequences.member, slots] = u
    sums = np.stack([np.einsum("ntb,ntb->b", padded[:, lag:], padded[:, :-lag]) for lag in lags])
    deviations = sums[:, 1:].std(axis=1, keepdims=True)
    scores = sums - sums[:, 1:].mean(axis=1, keepdims=True)
    scores = np.divide(scores, deviations, out=np.zeros_like(sums), where=deviations > 0.0)
    lag = int(np.argmax(sums[:, 0]))  # where the residuals resemble each other most
    value, n_steps = float(sums[lag, 0] / len(u)), lags[lag] * round(sequences.usual_gap)
    return Finding("season", lag=n_steps, value=value), np.abs(scores).max(axis=0)


def _follow_inputs(residuals: Residuals, slug: str, lags: range) -> Check | None:
    """Relate residuals to inputs some steps earlier than those that act, or later."""
    problem, sequences = residuals.problem, residuals.sequences
    sequence, step = np.nonzero(sequences.has_target)
    series, longest = problem.series, int(step.max()) + 1
    starts, ends = series.starts[:-1][sequence], series.starts[1:][sequence]
    rows = starts + problem.options.delay[1] + step - problem.delay
    tested = list[Check]()
    for lag in range(lags.start, min(lags.stop, max(2, longest // 5) + 1)):
        at = rows - lag
        exists = (at >= starts) & (at < ends)
        inputs = series.inputs[np.clip(at, 0, len(series.inputs) - 1)] / problem.input_units
        columns = sequences.whiten(np.where(exists[:, None], inputs, 0.0), residuals.rho)
        before = np.linalg.norm(columns, axis=0)
        columns = residuals.project(columns)
        norms = np.linalg.norm(columns, axis=0)
        for i in np.flatnonzero(norms > EXPLAINED_RTOL * before).tolist():
            scores = np.abs(columns[:, i] @ residuals.values) / norms[i]
            value, name = float(scores[0]) / math.sqrt(len(columns)), series.input_names[i]
            tested.append((Finding(slug, name, abs(lag + problem.delay), value), scores))
    if not tested:
        return None
    finding, _ = max(tested, key=lambda check: float(check[1][0]))
    return finding, np.max([scores for _, scores in tested], axis=0)


def _compare_shapes(residuals: Residuals) -> Check | None:
    """Average the residuals of all sequences at the same steps since their starts."""
    u, sequences = residuals.values, residuals.sequences
    _, step = np.nonzero(sequences.has_target)
    since = step - step[sequences.edges][sequences.member]
    counts = np.bincount(since)
    is_each = residuals.problem.options.initial_state == "each"
    if not is_each or len(sequences.edges) < 3 or np.count_nonzero(counts > 2) <= 3:
        return None
    sums = np.zeros((len(counts), u.shape[1]))
    np.add.at(sums, since, u)
    shape = sums / np.sqrt(np.maximum(counts, 1))[:, None]
    values = np.sum(shape**2, axis=0)
    lag = int(np.argmax(np.abs(shape[:, 0])))
    return Finding("same_shape", lag=lag, value=float(values[0] / len(u))), values


def _relate_spread(residuals: Residuals) -> Check | None:
    """Correlate the sizes of residuals with the fit."""
    sequences = residuals.sequences
    noise = sequences.color(residuals.observed, residuals.rho)[:, 0]
    level = sequences.targets[sequences.has_target] - noise
    level -= level.mean()
    norm = float(np.linalg.norm(level))
    if norm <= RANK_RTOL * math.sqrt(len(level)):
        return None
    sizes = np.abs(residuals.values)
    sizes = sizes - sizes.mean(axis=0)
    r = level / norm @ sizes / np.maximum(np.linalg.norm(sizes, axis=0), TINY)
    return Finding("spread", value=float(r[0])), np.abs(r - np.median(r[1:]))


def _compare_noise_models(residuals: Residuals) -> Check | None:
    """Compare the w_rec of white and of ar1 noise, linearized.

    It is the test of J. A. Hausman, "Specification tests in econometrics", Econometrica 46 (1978),
    1251-1271.
    """
    if residuals.rho == 0.0:
        return None
    white, own = (
        linear.free[0, :, 0] / max(float(linear.sensitivity[0]) ** 2, TINY)
        for linear in (residuals.solve(0.0), residuals.own)
    )
    noise = residuals.sequences.color(residuals.innovations, residuals.rho)
    change = np.abs(white @ noise - own @ residuals.innovations)
    return Finding("noise_model_matters", value=float(change[0]) * residuals.scale), change
